//! The seeded generator: from a seed and the accounts' nonces to blocks of transactions.
//!
//! Pure: no clock, no I/O. The same seed, asked the same questions in the same order, gives the same
//! blocks; nonces are the only thing that it has to be told, since contracts and delegated accounts move
//! them.

mod authorizations;
mod envelope;
mod kinds;

use alloy_consensus::transaction::Recovered;
use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, address};
use alloy_signer_local::PrivateKeySigner;
use alys_engine::execute::RecoveredTransaction;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use kinds::Kind;

use crate::inputs::{Inputs, LAST_PRECOMPILE, precompile};
use crate::{contracts, genesis, pick};

/// Who gets the tips most of the time: nobody's key, no code, as on an Alys chain.
pub const FEE_SINK: Address = address!("00000000000000000000000000000000feefeefe");

/// The most withdrawals in a block: Ethereum's own chain never has more than 16, an Alys chain may.
pub const MOST_WITHDRAWALS: usize = 40;

/// How many addresses of contracts made by transactions are remembered.
const REMEMBERED: usize = 40;

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// The most transactions in a block.
    pub transactions: usize,
    /// The share of their turns that pairings get; see [`Inputs::new`].
    pub pairings: f64,
    /// The least tip in wei: builders of others pass over transactions without one.
    pub least_tip: u128,
    /// Whether legacy transactions without a chain id (EIP-155) are made. Geth's RPC refuses them.
    pub unprotected: bool,
    /// The most gas for a transaction that runs random code.
    pub gas: u64,
}

impl Profile {
    /// Everything, pairings too.
    pub const FULL: Self =
        Self { transactions: 14, pairings: 0.5, least_tip: 0, unprotected: true, gas: 800_000 };

    /// For the specs' Python, which needs a second for what others do in milliseconds.
    pub const SLOW: Self =
        Self { transactions: 8, pairings: 0.04, least_tip: 0, unprotected: true, gas: 400_000 };

    /// What other clients' pools take and their builders put into blocks.
    pub const POOLS: Self = Self { least_tip: 1_000_000_000, unprotected: false, ..Self::FULL };
}

/// What a block is to have, besides transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    /// In seconds.
    pub timestamp: u64,
    /// `PREVRANDAO`.
    pub prev_randao: B256,
    /// Who gets the tips.
    pub fee_recipient: Address,
    /// EIP-4895, amounts in gwei.
    pub withdrawals: Vec<Withdrawal>,
    /// EIP-4788.
    pub parent_beacon_block_root: B256,
    /// At most 32 bytes.
    pub extra_data: Bytes,
}

/// A transaction and why it was made.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What it is meant to do.
    pub kind: Kind,
    /// Signed.
    pub transaction: RecoveredTransaction,
}

/// Makes blocks.
#[derive(Debug)]
pub struct Generator {
    rng: ChaCha8Rng,
    keys: Vec<PrivateKeySigner>,
    inputs: Inputs,
    profile: Profile,
    /// What programs and transactions may name.
    accounts: Vec<Address>,
    /// How many of `accounts` are there from the start; the rest are contracts that were made.
    fixed: usize,
    withdrawals: u64,
    /// The times of the blocks so far, for questions about history.
    times: Vec<u64>,
}

/// Tells an account's nonce.
pub type Nonces<'a> = &'a dyn Fn(Address) -> eyre::Result<u64>;

impl Generator {
    /// A generator of a seed's blocks.
    ///
    /// # Errors
    /// None: keys are keys.
    pub fn new(seed: u64, profile: Profile) -> eyre::Result<Self> {
        let keys = genesis::keys()?;
        let mut accounts: Vec<Address> = contracts::all().into_iter().map(|(address, _)| address).collect();
        accounts.extend(keys.iter().map(PrivateKeySigner::address));
        accounts.extend([FEE_SINK, BEACON_ROOTS_ADDRESS, HISTORY_STORAGE_ADDRESS, Address::ZERO]);
        accounts.extend([kinds::WITHDRAWAL_REQUESTS, kinds::CONSOLIDATION_REQUESTS]);
        accounts.extend((1..=LAST_PRECOMPILE + 1).map(precompile));
        let fixed = accounts.len();
        let (rng, inputs) = (ChaCha8Rng::seed_from_u64(seed), Inputs::new(profile.pairings)?);
        Ok(Self { rng, keys, inputs, profile, accounts, fixed, withdrawals: 0, times: Vec::new() })
    }

    /// Randomness for whoever decides about the chain around the blocks.
    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }

    /// A block's attributes, given its parent's time.
    pub fn attributes(&mut self, parent_time: u64) -> Attributes {
        let later = if self.rng.random_bool(0.1) { self.rng.random_range(1..20_000) } else { 2 };
        let fee_recipient = match self.rng.random_range(0..10) {
            // A contract, a key, a precompile, nobody.
            0 => *pick(&mut self.rng, &self.accounts),
            1 => Address::from_slice(&self.rng.random::<[u8; 20]>()),
            _ => FEE_SINK,
        };
        self.times.push(parent_time + later);
        let extra: [u8; 32] = self.rng.random();
        let length = *pick(&mut self.rng, &[0, 4, 32]);
        Attributes {
            timestamp: parent_time + later,
            prev_randao: self.rng.random::<[u8; 32]>().into(),
            fee_recipient,
            withdrawals: self.withdrawals(),
            parent_beacon_block_root: self.rng.random::<[u8; 32]>().into(),
            extra_data: Bytes::copy_from_slice(&extra[..length]),
        }
    }

    /// Forty of them in half of the blocks: to anybody, fresh accounts included, several to one, some of
    /// nothing.
    fn withdrawals(&mut self) -> Vec<Withdrawal> {
        let count = *pick(&mut self.rng, &[0, 1, MOST_WITHDRAWALS, MOST_WITHDRAWALS]);
        let paid = |rng: &mut ChaCha8Rng, accounts: &[Address], index: u64| Withdrawal {
            index,
            validator_index: rng.random_range(0..5),
            address: match rng.random_range(0..4) {
                0 => Address::from_slice(&rng.random::<[u8; 20]>()),
                _ => *pick(rng, accounts),
            },
            amount: *pick(rng, &[0, 1, 10, 123_456_789, u64::from(u32::MAX)]),
        };
        let from = self.withdrawals;
        self.withdrawals += count as u64;
        (from..self.withdrawals).map(|index| paid(&mut self.rng, &self.accounts, index)).collect()
    }

    /// A block's transactions on a state with these nonces. Most can stand in a block, not all: a
    /// delegated account that makes contracts moves its nonce by itself.
    ///
    /// # Errors
    /// What `nonces` reports.
    pub fn transactions(&mut self, base_fee: u64, nonces: Nonces<'_>) -> eyre::Result<Vec<Planned>> {
        let count = self.rng.random_range(0..=self.profile.transactions);
        let mut next = self.keys.iter().map(|key| nonces(key.address())).collect::<eyre::Result<Vec<_>>>()?;
        let mut planned = Vec::new();
        for _ in 0..count {
            let from = self.rng.random_range(0..genesis::FUNDED);
            planned.push(self.transaction(from, &mut next, base_fee)?);
        }
        Ok(planned)
    }

    /// Remembers a contract that was made, for later transactions to call.
    fn remember(&mut self, contract: Address) {
        if self.accounts.len() < self.fixed + REMEMBERED {
            self.accounts.push(contract);
        } else {
            let at = self.rng.random_range(self.fixed..self.accounts.len());
            self.accounts[at] = contract;
        }
    }

    /// A contract that a transaction made, or one of the genesis.
    fn contract(&mut self) -> Address {
        if self.accounts.len() > self.fixed && self.rng.random_bool(0.8) {
            return *pick(&mut self.rng, &self.accounts[self.fixed..]);
        }
        *pick(&mut self.rng, &self.accounts[..self.fixed])
    }

    fn recovered(&self, from: usize, transaction: alys_engine::execute::Transaction) -> RecoveredTransaction {
        Recovered::new_unchecked(transaction, self.keys[from].address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_blocks() {
        let blocks = |seed| {
            let mut generator = Generator::new(seed, Profile::FULL).unwrap();
            let hashes = |generator: &mut Generator| {
                let planned = generator.transactions(1_000, &|_| Ok(0)).unwrap();
                planned.iter().map(|planned| *planned.transaction.tx_hash()).collect::<Vec<_>>()
            };
            (0..5).map(|at| (generator.attributes(at), hashes(&mut generator))).collect::<Vec<_>>()
        };
        assert_eq!(blocks(7), blocks(7));
        assert_ne!(blocks(7), blocks(8));
    }
}
