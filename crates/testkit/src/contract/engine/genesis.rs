//! The chain on which engines are examined.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope, crypto::secp256k1::sign_message};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address};
use alys_primitives::{
    ChainSpec,
    spec::{DevelopmentChain, GenesisAccount},
};

/// Returns the data of the call.
pub const ECHO: Address = address!("ec40000000000000000000000000000000000ec4");
const ECHO_CODE: &[u8] = &[0x36, 0x60, 0x00, 0x60, 0x00, 0x37, 0x36, 0x60, 0x00, 0xf3];

/// Reverts with the data of the call.
pub const REVERTER: Address = address!("5e5e000000000000000000000000000000005e5e");
const REVERTER_CODE: &[u8] = &[0x36, 0x60, 0x00, 0x60, 0x00, 0x37, 0x36, 0x60, 0x00, 0xfd];

/// Logs the first word of the call's data as a topic, without data.
pub const LOGGER: Address = address!("1066000000000000000000000000000000001066");
const LOGGER_CODE: &[u8] = &[0x60, 0x00, 0x35, 0x60, 0x00, 0x60, 0x00, 0xa1, 0x00];

/// The key with coins: everybody knows it.
const KEY: B256 = B256::repeat_byte(0x42);

/// The spec whose execution genesis (`execution_genesis_file`) every engine under the suite starts at.
#[must_use]
pub fn spec() -> ChainSpec {
    let mut spec = DevelopmentChain {
        name: "contract".to_owned(),
        chain_id: 4242,
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

/// The address with coins.
pub(super) fn payer() -> Address {
    let hash = B256::repeat_byte(1);
    let signature = sign_message(KEY, hash).expect("the key is a key");
    signature.recover_address_from_prehash(&hash).expect("the signature was just made")
}

/// A transaction of [`payer`], to be signed.
#[derive(Debug, Clone)]
pub(super) struct Send {
    pub(super) chain_id: u64,
    pub(super) nonce: u64,
    pub(super) to: Address,
    pub(super) value: U256,
    pub(super) input: Bytes,
}

impl Send {
    pub(super) fn transfer(nonce: u64, to: Address, wei: u64) -> Self {
        Self { chain_id: 4242, nonce, to, value: U256::from(wei), input: Bytes::new() }
    }

    pub(super) fn call(nonce: u64, to: Address, input: impl Into<Bytes>) -> Self {
        Self { input: input.into(), ..Self::transfer(nonce, to, 0) }
    }

    /// EIP-2718 bytes.
    pub(super) fn sign(&self) -> Bytes {
        let tx = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 10_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(self.to),
            value: self.value,
            input: self.input.clone(),
            ..TxEip1559::default()
        };
        let signature = sign_message(KEY, tx.signature_hash()).expect("the key is a key");
        TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
    }
}
