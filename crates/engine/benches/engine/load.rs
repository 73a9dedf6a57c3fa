//! What is executed: accounts, a token, and signed transactions between random ones of them.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alys_engine::execute::{RecoveredTransaction, Transaction};
use alys_engine::{GenesisBlock, Rules};
use alys_testkit::token::{self, balance_slot, transfer_call};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Transactions in a block.
pub(crate) const PER_BLOCK: usize = 1_000;
/// Blocks that are measured.
pub(crate) const BLOCKS: usize = 15;
/// Accounts that send; the others only receive. Signing is not what is measured.
const SENDERS: usize = 1_000;
const CHAIN_ID: u64 = 1;
const GAS_LIMIT: u64 = 100_000_000;
const TOKEN: Address = address!("7070707070707070707070707070707070707070");

/// Which transactions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Plain transfers.
    Transfer,
    /// `transfer(address,uint256)` of a token: two loads, two stores, one log.
    Erc20,
}

/// A chain to execute on, and a source of blocks for it.
pub(crate) struct Load {
    pub(crate) kind: Kind,
    pub(crate) genesis: Genesis,
    keys: Vec<PrivateKeySigner>,
    addresses: Vec<Address>,
    nonces: Vec<u64>,
    rng: ChaCha8Rng,
}

impl Load {
    pub(crate) fn new(kind: Kind, accounts: usize) -> Self {
        let keys: Vec<_> = (0..SENDERS as u64).map(key).collect();
        let mut addresses: Vec<_> = keys.iter().map(PrivateKeySigner::address).collect();
        addresses.extend((SENDERS..accounts).map(|index| Address::from_word(keccak256(index.to_be_bytes()))));
        let rich = GenesisAccount::default().with_balance(U256::from(10).pow(U256::from(24)));
        let mut alloc: BTreeMap<_, _> = addresses.iter().map(|address| (*address, rich.clone())).collect();
        let balances = addresses.iter().map(|address| (balance_slot(*address), B256::with_last_byte(200)));
        let token = GenesisAccount::default().with_nonce(Some(1)).with_code(Some(token::code()));
        alloc.insert(TOKEN, token.with_storage((kind == Kind::Erc20).then(|| balances.collect())));
        let genesis = Genesis { alloc, gas_limit: GAS_LIMIT, timestamp: 1, ..Genesis::default() };
        let nonces = vec![0; SENDERS];
        Self { kind, genesis, keys, addresses, nonces, rng: ChaCha8Rng::seed_from_u64(1) }
    }

    pub(crate) fn accounts(&self) -> usize {
        self.addresses.len()
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Transfer => "transfers",
            Kind::Erc20 => "ERC-20",
        }
    }

    pub(crate) fn rules() -> Rules {
        Rules::alys(CHAIN_ID, GAS_LIMIT)
    }

    pub(crate) fn genesis_block(&self) -> GenesisBlock {
        GenesisBlock::new(&self.genesis, &Self::rules()).unwrap()
    }

    /// From the genesis on, for another engine.
    pub(crate) fn start_again(&mut self) {
        self.nonces.fill(0);
    }

    /// The transactions of the next block, each from another sender in turn.
    pub(crate) fn block(&mut self) -> Vec<RecoveredTransaction> {
        (0..PER_BLOCK).map(|index| self.transaction(index % SENDERS)).collect()
    }

    fn transaction(&mut self, from: usize) -> RecoveredTransaction {
        let to = self.addresses[self.rng.random_range(0..self.addresses.len())];
        let (to, value, input) = match self.kind {
            Kind::Transfer => (to, U256::from(1), Bytes::new()),
            Kind::Erc20 => (TOKEN, U256::ZERO, transfer_call(to)),
        };
        let tx = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: self.nonces[from],
            gas_limit: 90_000,
            max_fee_per_gas: 1_000_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to: TxKind::Call(to),
            value,
            access_list: Default::default(),
            input,
        };
        self.nonces[from] += 1;
        let signature = self.keys[from].sign_hash_sync(&tx.signature_hash()).unwrap();
        let tx = Transaction::from(tx.into_signed(signature));
        RecoveredTransaction::new_unchecked(tx, self.addresses[from])
    }
}

fn key(index: u64) -> PrivateKeySigner {
    let mut secret = keccak256(index.to_be_bytes());
    secret.0[0] = 1;
    PrivateKeySigner::from_bytes(&secret).unwrap()
}
