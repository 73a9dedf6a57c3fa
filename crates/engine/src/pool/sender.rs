//! What the pool must know of an account.

use alloy_primitives::{Address, KECCAK256_EMPTY, U256};
use revm::bytecode::eip7702::{EIP7702_BYTECODE_LEN, EIP7702_MAGIC_BYTES};

use crate::error::StateError;
use crate::state::StateView;

/// An account as a sender of transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SenderAccount {
    /// The nonce of its next transaction.
    pub nonce: u64,
    /// What it has, in wei.
    pub balance: U256,
    /// Whether it may send at all.
    pub code: SenderCode,
}

/// What code an account has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SenderCode {
    /// None: an account of a key.
    #[default]
    None,
    /// A delegation (EIP-7702): an account of a key that others may act for.
    Delegated,
    /// A contract, which sends no transactions (EIP-3607).
    Contract,
}

/// Where the pool reads accounts: the state after the head.
pub trait AccountSource {
    /// The account; all zero where there is none.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    fn sender(&self, address: Address) -> Result<SenderAccount, StateError>;
}

impl AccountSource for StateView {
    fn sender(&self, address: Address) -> Result<SenderAccount, StateError> {
        let Some(account) = self.account(address)? else {
            return Ok(SenderAccount::default());
        };
        let code = if account.code_hash == KECCAK256_EMPTY {
            SenderCode::None
        } else {
            let code = self.code_by_hash(&account.code_hash)?;
            let delegated = code.len() == EIP7702_BYTECODE_LEN && code.starts_with(EIP7702_MAGIC_BYTES);
            if delegated { SenderCode::Delegated } else { SenderCode::Contract }
        };
        Ok(SenderAccount { nonce: account.nonce, balance: account.balance, code })
    }
}
