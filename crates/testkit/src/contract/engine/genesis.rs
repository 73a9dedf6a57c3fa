//! The chain on which engines are examined.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, U256, address};
use alys_primitives::{
    ChainSpec,
    spec::{DevelopmentChain, GenesisAccount},
};

use crate::wallet::{Unsigned, payer};

/// Returns the data of the call.
pub const ECHO: Address = address!("ec40000000000000000000000000000000000ec4");
const ECHO_CODE: &[u8] = &[0x36, 0x60, 0x00, 0x60, 0x00, 0x37, 0x36, 0x60, 0x00, 0xf3];

/// Reverts with the data of the call.
pub const REVERTER: Address = address!("5e5e000000000000000000000000000000005e5e");
const REVERTER_CODE: &[u8] = &[0x36, 0x60, 0x00, 0x60, 0x00, 0x37, 0x36, 0x60, 0x00, 0xfd];

/// Logs the first word of the call's data as a topic, without data.
pub const LOGGER: Address = address!("1066000000000000000000000000000000001066");
const LOGGER_CODE: &[u8] = &[0x60, 0x00, 0x35, 0x60, 0x00, 0x60, 0x00, 0xa1, 0x00];

const CHAIN_ID: u64 = 4242;

/// The spec whose execution genesis (`execution_genesis_file`) every engine under the suite starts at.
#[must_use]
pub fn spec() -> ChainSpec {
    let mut spec = DevelopmentChain {
        name: "contract".to_owned(),
        chain_id: CHAIN_ID,
        genesis_ms: 1_000_000,
        slot_seconds: 2,
        gas_limit: 30_000_000,
        members: Vec::new(),
        commitment: Vec::new(),
        funded: BTreeMap::from([(payer(), U256::from(10).pow(U256::from(21)))]),
    }
    .spec();
    let contract = |code: &[u8]| GenesisAccount {
        nonce: 1,
        code: Bytes::copy_from_slice(code),
        ..GenesisAccount::default()
    };
    let contracts = [(ECHO, ECHO_CODE), (REVERTER, REVERTER_CODE), (LOGGER, LOGGER_CODE)];
    let accounts = &mut spec.execution_genesis.accounts;
    accounts.extend(contracts.map(|(address, code)| (address, contract(code))));
    spec
}

/// A transfer of [`payer`] on this chain.
pub(super) fn transfer(nonce: u64, to: Address, wei: u64) -> Unsigned {
    Unsigned::transfer(CHAIN_ID, nonce, to, wei)
}

/// A call of [`payer`] on this chain.
pub(super) fn call(nonce: u64, to: Address, input: impl Into<Bytes>) -> Unsigned {
    Unsigned { input: input.into(), ..transfer(nonce, to, 0) }
}
