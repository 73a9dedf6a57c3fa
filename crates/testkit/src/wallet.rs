//! A key with coins, for chains that tests make.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope, crypto::secp256k1::sign_message};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};

/// The key: everybody knows it.
const KEY: B256 = B256::repeat_byte(0x42);

/// The address of the key, to be funded at genesis.
#[must_use]
pub fn payer() -> Address {
    let hash = B256::repeat_byte(1);
    let signature = sign_message(KEY, hash).expect("the key is a key");
    signature.recover_address_from_prehash(&hash).expect("the signature was just made")
}

/// A transaction of [`payer`] that is not signed yet: EIP-1559, with 100,000 gas, a tip of 1 gwei and at
/// most 10 gwei per gas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    /// The chain it is for.
    pub chain_id: u64,
    /// The sender's nonce.
    pub nonce: u64,
    /// The receiver.
    pub to: Address,
    /// Wei.
    pub value: U256,
    /// Call data.
    pub input: Bytes,
}

impl Unsigned {
    /// Sends `wei` to `to`.
    #[must_use]
    pub fn transfer(chain_id: u64, nonce: u64, to: Address, wei: u64) -> Self {
        Self { chain_id, nonce, to, value: U256::from(wei), input: Bytes::new() }
    }

    /// The signed transaction, in its EIP-2718 encoding.
    #[must_use]
    pub fn sign(&self) -> Bytes {
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
