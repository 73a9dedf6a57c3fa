//! What is sent: transfers, or transfers of a token, signed before anything is measured.

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};

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

fn transfer_call(to: Address) -> Bytes {
    let amount = B256::with_last_byte(1);
    [&hex!("a9059cbb")[..], to.into_word().as_slice(), amount.as_slice()].concat().into()
}

/// Creation code of a token in which each of `owners` has coins: stores their balances (a mapping at slot
/// 0), then returns the code.
pub(crate) fn token_creation(owners: impl IntoIterator<Item = Address>) -> Bytes {
    let mut creation = Vec::new();
    for owner in owners {
        let slot = keccak256([owner.into_word().as_slice(), B256::ZERO.as_slice()].concat());
        // PUSH4 balance, PUSH32 slot, SSTORE
        creation.extend(hex!("63 7fffffff 7f"));
        creation.extend(slot.as_slice());
        creation.push(0x55);
    }
    let code = token_code();
    let at = u16::try_from(creation.len() + 14).unwrap().to_be_bytes();
    let [_, length] = u16::try_from(code.len()).unwrap().to_be_bytes();
    // PUSH1 length, PUSH2 at, PUSH1 0, CODECOPY, PUSH1 length, PUSH1 0, RETURN
    creation.extend([0x60, length, 0x61, at[0], at[1], 0x60, 0x00, 0x39, 0x60, length, 0x60, 0x00, 0xf3]);
    creation.push(0x00);
    creation.extend(code);
    creation.into()
}

/// A token's `transfer`, by hand: balances in a mapping, a check, the event, `true`.
fn token_code() -> Vec<u8> {
    let event = keccak256("Transfer(address,address,uint256)");
    let mut code = hex!("602435 33600052 6040600020 80 54 82 81 10").to_vec();
    code.extend(hex!("60 00 57")); // JUMPI to the revert; its place is filled in below
    let fail_at = code.len() - 2;
    code.extend(hex!("82 90 03 90 55"));
    code.extend(hex!("600435 600052 6040600020 80 54 82 01 90 55"));
    code.extend(hex!("80 600052 600435 33 7f"));
    code.extend(event.as_slice());
    code.extend(hex!("6020 6000 a3 6001 600052 6020 6000 f3"));
    code[fail_at] = u8::try_from(code.len()).unwrap();
    code.extend(hex!("5b 6000 6000 fd"));
    code
}
