//! Full blocks: what people send, and what an attacker would.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718 as _;
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync as _;
use alloy_signer_local::PrivateKeySigner;
use alys_referees::genesis::{self, CHAIN_ID, GAS_LIMIT};
use alys_testkit::token::{self, balance_slot, transfer_call};

use crate::worst::{self, Worst};

/// Accounts that send transfers.
const SENDERS: u64 = 1_500;
const TOKEN: Address = Address::repeat_byte(0x70);
const WORST: Address = Address::repeat_byte(0x90);

/// One kind of full blocks.
pub(crate) struct Load {
    pub(crate) name: &'static str,
    kind: Kind,
}

enum Kind {
    Transfers,
    Erc20,
    /// One transaction, that spends all the gas.
    Worst(Worst),
}

pub(crate) fn all() -> Vec<Load> {
    let mut all = vec![
        Load { name: "transfers to new accounts", kind: Kind::Transfers },
        Load { name: "ERC-20 transfers to new holders", kind: Kind::Erc20 },
    ];
    all.extend(worst::all().into_iter().map(|worst| Load { name: worst.name, kind: Kind::Worst(worst) }));
    all
}

impl Load {
    /// The chain that the blocks are for.
    pub(crate) fn genesis(&self) -> Genesis {
        let keys = genesis::keys().unwrap();
        let mut genesis = genesis::genesis(&keys);
        let rich = GenesisAccount::default().with_balance(U256::from(10).pow(U256::from(24)));
        genesis.alloc.extend((0..SENDERS).map(|index| (key(index).address(), rich.clone())));
        match &self.kind {
            Kind::Transfers => {}
            Kind::Erc20 => {
                let balances: BTreeMap<_, _> = (0..SENDERS)
                    .map(|i| (balance_slot(key(i).address()), B256::with_last_byte(200)))
                    .collect();
                let token = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(token::code()));
                genesis.alloc.insert(TOKEN, token.with_storage(Some(balances)));
            }
            Kind::Worst(worst) => {
                let contract = rich.with_nonce(Some(1)).with_code(Some(worst.code()));
                genesis.alloc.insert(WORST, contract);
            }
        }
        genesis
    }

    /// The transactions of one block, which fill it.
    pub(crate) fn block(&self, index: usize) -> Vec<Bytes> {
        let nonce = index as u64;
        let receiver =
            |sender: u64| Address::from_word(keccak256([nonce, sender].map(u64::to_be_bytes).concat()));
        match &self.kind {
            Kind::Transfers => (0..GAS_LIMIT / 21_000)
                .map(|sender| sign(sender, nonce, receiver(sender), 1, Bytes::new(), 21_000))
                .collect(),
            Kind::Erc20 => (0..GAS_LIMIT / 52_000)
                .map(|sender| sign(sender, nonce, TOKEN, 0, transfer_call(receiver(sender)), 60_000))
                .collect(),
            Kind::Worst(worst) => vec![sign(0, nonce, WORST, 0, worst.input.clone().into(), GAS_LIMIT)],
        }
    }
}

pub(crate) fn key(index: u64) -> PrivateKeySigner {
    let mut secret = keccak256(index.to_be_bytes());
    secret.0[0] = 1;
    PrivateKeySigner::from_bytes(&secret).unwrap()
}

fn sign(sender: u64, nonce: u64, to: Address, value: u64, input: Bytes, gas_limit: u64) -> Bytes {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        access_list: Default::default(),
        input,
    };
    let signature = key(sender).sign_hash_sync(&tx.signature_hash()).unwrap();
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}
