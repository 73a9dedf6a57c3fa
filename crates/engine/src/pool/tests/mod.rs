//! The pool against a simple model, and rule by rule.

mod model;
mod properties;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;

use super::{
    AccountSource, HeadInfo, NewHead, Pool, PoolConfig, PooledTransaction, SenderAccount, SenderCode, Touched,
};
use crate::error::StateError;
use crate::execute::{RecoveredTransaction, Transaction};

/// Accounts as a map.
#[derive(Debug, Clone, Default, PartialEq)]
struct Accounts(Arc<BTreeMap<Address, SenderAccount>>);

impl AccountSource for Accounts {
    fn sender(&self, address: Address) -> Result<SenderAccount, StateError> {
        Ok(self.0.get(&address).copied().unwrap_or_default())
    }
}

impl Accounts {
    fn edit(&mut self, address: Address) -> &mut SenderAccount {
        Arc::make_mut(&mut self.0).entry(address).or_default()
    }
}

fn key(index: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256([index])).unwrap()
}

fn address(index: u8) -> Address {
    key(index).address()
}

/// A transaction to be. It costs `value` wei and nothing for its gas limit of 0, unless said otherwise:
/// the pool itself asks for no gas.
#[derive(Debug, Clone, PartialEq)]
struct Tx {
    from: Address,
    nonce: u64,
    tip: u128,
    cap: u128,
    value: u64,
    bytes: usize,
}

impl Tx {
    fn new(from: u8, nonce: u64, tip: u128) -> Self {
        Self { from: address(from), nonce, tip, cap: 1_000, value: 0, bytes: 0 }
    }

    fn recovered(&self) -> RecoveredTransaction {
        let tx = TxEip1559 {
            nonce: self.nonce,
            max_fee_per_gas: self.cap,
            max_priority_fee_per_gas: self.tip,
            to: TxKind::Call(Address::ZERO),
            value: U256::from(self.value),
            input: Bytes::from(vec![1; self.bytes]),
            ..Default::default()
        };
        // No signature of anybody's: only the hash must be the sender's own.
        let signature = Signature::new(U256::from_be_slice(self.from.as_slice()), U256::from(1), false);
        RecoveredTransaction::new_unchecked(Transaction::from(tx.into_signed(signature)), self.from)
    }

    fn pooled(&self) -> PooledTransaction {
        PooledTransaction::trusted(self.recovered())
    }
}

/// A transaction of `from` that carries the authorization of `authority`.
fn authorizing(from: u8, nonce: u64, authority: u8) -> PooledTransaction {
    let authorization = Authorization { chain_id: U256::ZERO, address: Address::ZERO, nonce: 0 };
    let signature = key(authority).sign_hash_sync(&authorization.signature_hash()).unwrap();
    let tx = TxEip7702 {
        nonce,
        max_fee_per_gas: 1_000,
        max_priority_fee_per_gas: 1,
        authorization_list: vec![authorization.into_signed(signature)],
        ..Default::default()
    };
    let signature = Signature::new(U256::from(from), U256::from(1), false);
    let tx = Transaction::from(tx.into_signed(signature));
    PooledTransaction::trusted(RecoveredTransaction::new_unchecked(tx, address(from)))
}

/// A pool in which every account from 0 to 9 has 1,000 wei, at base fee 10.
fn pool(config: PoolConfig) -> Pool<Accounts> {
    let mut accounts = Accounts::default();
    for index in 0..10 {
        accounts.edit(address(index)).balance = U256::from(1_000);
    }
    Pool::new(config, HeadInfo { timestamp: 0, next_base_fee: 10 }, accounts)
}

/// The next head, with accounts as `edit` leaves them.
fn next_head(pool: &Pool<Accounts>, edit: impl FnOnce(&mut Accounts)) -> NewHead<Accounts> {
    let mut state = pool.source.clone();
    edit(&mut state);
    let touched = Touched::All;
    NewHead { info: pool.head(), state, touched, mined: Default::default(), reverted: Vec::new() }
}

fn order(pool: &Pool<Accounts>) -> Vec<(Address, u64)> {
    pool.best(pool.head().next_base_fee).map(|tx| (tx.sender(), tx.nonce())).collect()
}

fn contents(pool: &Pool<Accounts>) -> Vec<(Address, u64)> {
    pool.iter().map(|tx| (tx.sender(), tx.nonce())).collect()
}

fn delegated(account: &mut SenderAccount) {
    account.code = SenderCode::Delegated;
}
