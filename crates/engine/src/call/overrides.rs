//! A state and a block that are changed for one call: Geth's overrides.

use alloy_primitives::{Address, U256, keccak256};
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use revm::database_interface::{Database, DatabaseCommit};
use revm::state::{Account, Bytecode, EvmStorageSlot, TransactionId};

use super::CallError;
use crate::execute::{BlockState, Environment};

/// What is changed for one call alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Accounts.
    pub state: StateOverride,
    /// The block in which the call runs.
    pub block: Option<Box<BlockOverrides>>,
}

impl Overrides {
    /// The balance that an account is given, if it is.
    pub(crate) fn balance(&self, address: &Address) -> Option<U256> {
        self.state.get(address)?.balance
    }

    /// Whether an account is given code.
    pub(super) fn gives_code(&self, address: &Address) -> bool {
        self.state.get(address).is_some_and(|account| account.code.is_some())
    }

    /// Changes the block.
    pub(super) fn surround(&self, environment: &mut Environment) {
        let Some(block) = &self.block else { return };
        if let Some(number) = block.number {
            environment.number = number.saturating_to();
        }
        if let Some(time) = block.time {
            environment.timestamp = time;
        }
        if let Some(gas_limit) = block.gas_limit {
            environment.gas_limit = gas_limit;
        }
        if let Some(coinbase) = block.coinbase {
            environment.beneficiary = coinbase;
        }
        if let Some(random) = block.random {
            environment.prev_randao = random;
        }
        if let Some(base_fee) = block.base_fee {
            environment.base_fee = base_fee.saturating_to();
        }
    }

    /// Changes the state.
    ///
    /// # Errors
    /// [`CallError::Refused`] for what contradicts itself or is not supported; [`CallError::State`].
    pub(super) fn change(&self, state: &mut BlockState) -> Result<(), CallError> {
        self.state.iter().try_for_each(|(address, account)| change(state, *address, account))
    }
}

fn change(state: &mut BlockState, address: Address, by: &AccountOverride) -> Result<(), CallError> {
    if by.move_precompile_to.is_some() {
        return Err(CallError::Refused(format!("account {address}: moving precompiles is not supported")));
    }
    let mut info = state.basic(address)?.unwrap_or_default();
    if let Some(nonce) = by.nonce {
        info.nonce = nonce;
    }
    if let Some(balance) = by.balance {
        info.balance = balance;
    }
    if let Some(code) = &by.code {
        let malformed = |error| CallError::Refused(format!("account {address}: {error}"));
        info.code_hash = keccak256(code);
        info.code = Some(Bytecode::new_raw_checked(code.clone()).map_err(malformed)?);
    }
    let mut account = Account::from(info);
    account.mark_touch();
    let slots = match (&by.state, &by.state_diff) {
        (Some(_), Some(_)) => {
            return Err(CallError::Refused(format!("account {address} has both 'state' and 'stateDiff'")));
        }
        (Some(all), None) => {
            // A new account has no slots from before.
            account.mark_created();
            Some(all)
        }
        (None, some) => some.as_ref(),
    };
    for (slot, value) in slots.into_iter().flatten() {
        let value: U256 = (*value).into();
        // A value that it surely did not have, so that this is a change.
        let slot_change = EvmStorageSlot {
            original_value: !value,
            present_value: value,
            is_cold: false,
            transaction_id: TransactionId::ZERO,
        };
        account.storage.insert((*slot).into(), slot_change);
    }
    state.commit([(address, account)].into_iter().collect());
    Ok(())
}
