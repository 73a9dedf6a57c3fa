//! What is sent: transfers, or transfers of a token, signed before anything is measured.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};

use alys_testkit::token::transfer_call;

use crate::peer::ACCOUNTS;

const CHAIN_ID: u64 = 212_121;
const WORDS: &str = "test test test test test test test test test test test junk";

/// Which transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Plain transfers.
    Transfer,
    /// `transfer(address,uint256)` of a token: two loads, two stores, one log.
    Erc20,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfers",
            Self::Erc20 => "ERC-20",
        }
    }
}

/// Senders, and how many each of them sends. Nonces are the node's, so signing is a step of its own.
pub(crate) struct Load {
    pub(crate) kind: Kind,
    pub(crate) keys: Vec<PrivateKeySigner>,
    pub(crate) per_sender: usize,
}

impl Load {
    pub(crate) fn new(kind: Kind, transactions: usize) -> Self {
        let key = |index: u8| {
            let words = MnemonicBuilder::<English>::default().phrase(WORDS);
            words.index(u32::from(index)).unwrap().build().unwrap()
        };
        let keys: Vec<_> = (0..ACCOUNTS).map(key).collect();
        Self { kind, per_sender: transactions / keys.len(), keys }
    }

    /// The transactions of one sender from `nonce` on.
    pub(crate) fn of_sender(&self, sender: usize, nonce: u64, token: Address) -> Vec<Bytes> {
        (0..self.per_sender as u64)
            .map(|index| {
                // Receivers are many and new, as on a chain that is used.
                let to = Address::from_word(keccak256((sender as u64 * 1_000_000 + index).to_be_bytes()));
                match self.kind {
                    Kind::Transfer => self.sign(sender, nonce + index, Some(to), 1, Bytes::new(), 21_000),
                    Kind::Erc20 => {
                        self.sign(sender, nonce + index, Some(token), 0, transfer_call(to), 90_000)
                    }
                }
            })
            .collect()
    }

    /// One signed transaction.
    pub(crate) fn sign(
        &self,
        sender: usize,
        nonce: u64,
        to: Option<Address>,
        value: u64,
        input: Bytes,
        gas_limit: u64,
    ) -> Bytes {
        let tx = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit,
            max_fee_per_gas: 1_000_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: to.map_or(TxKind::Create, TxKind::Call),
            value: U256::from(value),
            access_list: Default::default(),
            input,
        };
        let signature = self.keys[sender].sign_hash_sync(&tx.signature_hash()).unwrap();
        TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
    }
}
