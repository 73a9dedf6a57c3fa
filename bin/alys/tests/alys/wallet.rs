//! A wallet in small: signs transfers from a development account.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, TxKind, U256, hex};
use alloy_signer::SignerSync as _;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use serde_json::json;

use crate::process::{Node, number};

/// One account that sends.
pub(crate) struct Wallet {
    signer: PrivateKeySigner,
    nonce: u64,
}

/// Where transfers go: nobody's address.
pub(crate) const SINK: Address = Address::repeat_byte(0x77);

impl Wallet {
    /// The development account `index`.
    pub(crate) fn new(index: u32) -> Self {
        let words = "test test test test test test test test test test test junk";
        let signer =
            MnemonicBuilder::<English>::default().phrase(words).index(index).unwrap().build().unwrap();
        Self { signer, nonce: 0 }
    }

    /// Asks the node for the next nonce, pending ones included.
    pub(crate) async fn resume(&mut self, node: &Node) {
        self.try_resume(node).await.unwrap();
    }

    /// The same, of a node that may not be able to answer.
    pub(crate) async fn try_resume(&mut self, node: &Node) -> Result<(), String> {
        let params = json!([self.signer.address(), "pending"]);
        self.nonce = number(&node.try_call("eth_getTransactionCount", params).await?);
        Ok(())
    }

    /// Sends one wei to [`SINK`]; the transaction's hash.
    pub(crate) async fn send(&mut self, node: &Node, chain_id: u64) -> Result<String, String> {
        let transaction = TxEip1559 {
            chain_id,
            nonce: self.nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(SINK),
            value: U256::ONE,
            ..TxEip1559::default()
        };
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash()).unwrap();
        let raw = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
        let sent = node.try_call("eth_sendRawTransaction", json!([hex::encode_prefixed(raw)])).await?;
        self.nonce += 1;
        Ok(sent.as_str().unwrap().to_owned())
    }
}
