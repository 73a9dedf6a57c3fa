//! The chain spec: every number that all nodes must share, its checks, its digest, its genesis.
//!
//! A spec is a JSON file. Every field is required and an unknown one is an error: two nodes with
//! different parameters must never meet unnoticed (`parameter-mismatch`), so peers compare
//! [`ChainSpec::digest`] before anything else.

mod bridge;
mod check;
mod contracts;
mod development;
mod digest;
mod genesis;
mod unique;

pub use bridge::{BRIDGE, BRIDGE_MIN_PAYOUT_SLOT, bridge_account, bridge_code};
pub use check::SpecError;
pub use contracts::system_contracts;
pub use development::{DEVELOPMENT_CHAIN_ID, DevelopmentChain, fee_sink};
pub use genesis::Genesis;

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::{bls::BlsPublicKey, envelope::IdentityKey, quorum::quorum, slots::SlotClock};

/// The parameters of one chain. Amounts carry their unit in the name or in the comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainSpec {
    /// The chain's name: letters, digits and hyphens.
    pub name: String,
    /// The EVM chain id (EIP-155), which vote signatures contain too.
    pub chain_id: u64,
    /// Whether coins may exist without bitcoin behind them, and keys may come from a dealer.
    pub development: bool,
    /// Slots and blocks.
    pub blocks: BlockSpec,
    /// Merged mining.
    pub mining: MiningSpec,
    /// The two-way peg.
    pub peg: PegSpec,
    /// The first epoch's federation.
    pub federation: FederationSpec,
    /// The execution side's first state.
    pub execution_genesis: ExecutionGenesis,
}

/// Slots and blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockSpec {
    /// When slot 0 starts, Unix milliseconds, a whole second.
    pub genesis_ms: u64,
    /// A slot's length in milliseconds, whole seconds.
    pub slot_ms: u64,
    /// Every payload's gas limit, exactly.
    pub gas_limit: u64,
    /// Every payload's fee recipient: an address without code and without a known key.
    pub fee_sink: Address,
    /// Withdrawals in one payload at most; at least members + 17.
    pub max_withdrawals: u64,
    /// Bytes of an encoded body at most.
    pub max_body: u64,
}

/// Merged mining with Bitcoin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MiningSpec {
    /// The merged-mining chain id, below 0x2000; not the EVM chain id.
    pub merged_mining_chain_id: u32,
    /// How many blocks may follow the last anchored one before a block must carry work.
    pub max_unanchored: u64,
    /// The spacing of anchors that the target aims at, in seconds.
    pub anchor_spacing: u64,
    /// The half life of the target, in seconds.
    pub half_life: u64,
    /// The hardest target, Bitcoin's compact form.
    pub hardest_bits: u32,
    /// The easiest target, Bitcoin's compact form, and the first one.
    pub easiest_bits: u32,
}

/// The two-way peg.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PegSpec {
    /// Which Bitcoin: `bitcoin`, `testnet4`, `signet` or `regtest`.
    pub network: BitcoinNetwork,
    /// The Bitcoin block from which the relay starts.
    pub checkpoint: Checkpoint,
    /// Headers on top of one before a proposer includes it.
    pub relay_lag: u64,
    /// Confirmations before a deposit is credited.
    pub deposit_confirmations: u64,
    /// The least sum credited to a personal address, in sat.
    pub min_deposit: u64,
    /// The least burn, in sat; the first storage slot of the bridge says the same.
    pub min_payout: u64,
    /// Confirmations before a payout is settled.
    pub payout_confirmations: u64,
    /// Anchors after which an unpayable burn is re-minted.
    pub payout_deadline: u64,
    /// Bitcoin blocks after which a payout's fee may be bumped.
    pub bump_after: u64,
    /// The lowest fee rate of a payout, sat per 1,000 virtual bytes.
    pub min_fee_rate: u64,
    /// The highest fee rate of a payout, sat per 1,000 virtual bytes.
    pub max_fee_rate: u64,
    /// Extra inputs that a payout may consolidate.
    pub max_consolidation: u64,
}

/// A Bitcoin network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BitcoinNetwork {
    /// The main network.
    Bitcoin,
    /// Test network 4 (BIP-94).
    Testnet4,
    /// The default signet (BIP-325).
    Signet,
    /// A local regression-test network.
    Regtest,
}

/// A Bitcoin block that everyone trusts from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its height.
    pub height: u64,
    /// Its header, 80 bytes as Bitcoin serializes it.
    pub header: alloy_primitives::FixedBytes<80>,
}

/// The members of the first epoch and what verifies their signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederationSpec {
    /// The members, in the order of their indexes.
    pub members: Vec<Member>,
    /// The commitment of the key polynomial: `q` points of G1, the group key first.
    pub commitment: Vec<BlsPublicKey>,
}

/// One member's public part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// A name for people.
    pub name: String,
    /// Ed25519: envelopes and libp2p.
    pub identity: IdentityKey,
    /// secp256k1, x-only (BIP-340): Bitcoin spends.
    pub bitcoin: B256,
    /// Where its share of the fees goes.
    pub fee_address: Address,
}

/// The execution side's first state, in the words of Ethereum's genesis files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutionGenesis {
    /// The base fee of block 1's parent, in wei.
    pub base_fee: u64,
    /// Extra data of the genesis header, at most 32 bytes.
    pub extra_data: Bytes,
    /// Accounts by address.
    #[serde(deserialize_with = "unique::map")]
    pub accounts: BTreeMap<Address, GenesisAccount>,
}

/// One account of the execution genesis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// Balance in wei. Development specs only: these coins are backed by nothing.
    pub balance: U256,
    /// Transactions sent.
    pub nonce: u64,
    /// Code, empty for an account of a key.
    pub code: Bytes,
    /// Storage slots.
    #[serde(deserialize_with = "unique::map")]
    pub storage: BTreeMap<B256, B256>,
}

impl ChainSpec {
    /// Reads and checks a spec from JSON.
    ///
    /// # Errors
    /// [`SpecError`], which names the field and what to do.
    pub fn from_json(json: &str) -> Result<Self, SpecError> {
        let spec: Self = serde_json::from_str(json).map_err(|error| SpecError::Json(error.to_string()))?;
        spec.check()?;
        Ok(spec)
    }

    /// The spec as pretty JSON, one field a line.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A spec holds strings, numbers and maps with string keys: that always serializes.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The slot arithmetic of this chain.
    #[must_use]
    pub const fn slots(&self) -> SlotClock {
        SlotClock { genesis_ms: self.blocks.genesis_ms, slot_ms: self.blocks.slot_ms }
    }

    /// How many members the first epoch has.
    #[must_use]
    pub const fn members(&self) -> usize {
        self.federation.members.len()
    }

    /// The quorum of the first epoch. A checked spec has 1 to 31 members.
    #[must_use]
    pub fn quorum(&self) -> usize {
        quorum(self.members()).unwrap_or(usize::MAX)
    }

    /// The members' identity keys, by index.
    #[must_use]
    pub fn identities(&self) -> Vec<IdentityKey> {
        self.federation.members.iter().map(|member| member.identity).collect()
    }

    /// The key under which the first epoch's certificates verify.
    #[must_use]
    pub fn group_key(&self) -> Option<BlsPublicKey> {
        self.federation.commitment.first().copied()
    }

    /// `max_withdrawals` as a length.
    #[must_use]
    pub fn max_withdrawals(&self) -> usize {
        usize::try_from(self.blocks.max_withdrawals).unwrap_or(usize::MAX)
    }
}
