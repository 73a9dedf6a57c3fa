//! A development chain's spec: every number that a developer need not choose.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes, FixedBytes, U256, keccak256};
use bitcoin::{Network, constants::genesis_block};

use super::{
    BRIDGE, BitcoinNetwork, BlockSpec, ChainSpec, Checkpoint, ExecutionGenesis, FederationSpec,
    GenesisAccount, Member, MiningSpec, PegSpec, bridge_account, system_contracts,
};
use crate::{bls::BlsPublicKey, withdrawals::least_max_withdrawals};

/// The EVM chain id of a development chain unless another is asked for.
pub const DEVELOPMENT_CHAIN_ID: u64 = 212_121;

/// The least burn, in sat.
const MIN_PAYOUT: u64 = 10_000;

/// What one development chain has of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevelopmentChain {
    /// The chain's name.
    pub name: String,
    /// The EVM chain id, [`DEVELOPMENT_CHAIN_ID`] unless there is a reason.
    pub chain_id: u64,
    /// When slot 0 starts, Unix milliseconds; rounded down to a whole second.
    pub genesis_ms: u64,
    /// A slot's length in seconds.
    pub slot_seconds: u64,
    /// Every payload's gas limit.
    pub gas_limit: u64,
    /// The members.
    pub members: Vec<Member>,
    /// The commitment of their key polynomial.
    pub commitment: Vec<BlsPublicKey>,
    /// Addresses with coins that nothing backs, in wei.
    pub funded: BTreeMap<Address, U256>,
}

/// Where fees are collected: the last 20 bytes of keccak-256 of `alys/fee-sink/1`, to which nobody
/// can know a key.
#[must_use]
pub fn fee_sink() -> Address {
    Address::from_word(keccak256("alys/fee-sink/1"))
}

impl DevelopmentChain {
    /// The spec. Bitcoin is a local regtest network; no anchor is ever demanded.
    #[must_use]
    pub fn spec(self) -> ChainSpec {
        let account = |balance| GenesisAccount { balance, ..GenesisAccount::default() };
        let funded = self.funded.into_iter().map(|(address, wei)| (address, account(wei)));
        let contracts = system_contracts().into_iter().chain([(BRIDGE, bridge_account(MIN_PAYOUT))]);
        let max_withdrawals = least_max_withdrawals(self.members.len()).max(64) as u64;
        let mut checkpoint = [0; 80];
        let header = bitcoin::consensus::serialize(&genesis_block(Network::Regtest).header);
        checkpoint.copy_from_slice(&header);
        ChainSpec {
            name: self.name,
            chain_id: self.chain_id,
            development: true,
            blocks: BlockSpec {
                genesis_ms: self.genesis_ms / 1000 * 1000,
                slot_ms: self.slot_seconds.saturating_mul(1000),
                gas_limit: self.gas_limit,
                fee_sink: fee_sink(),
                max_withdrawals,
                max_body: 2 << 20,
            },
            mining: MiningSpec {
                merged_mining_chain_id: 0x1a15,
                // Beyond any height: development chains run without miners.
                max_unanchored: u64::MAX / 2,
                anchor_spacing: 60,
                half_life: 3600,
                hardest_bits: 0x1a00_ffff,
                easiest_bits: 0x207f_ffff,
            },
            peg: PegSpec {
                network: BitcoinNetwork::Regtest,
                checkpoint: Checkpoint { height: 0, header: FixedBytes(checkpoint) },
                relay_lag: 1,
                deposit_confirmations: 6,
                min_deposit: 10_000,
                min_payout: MIN_PAYOUT,
                payout_confirmations: 6,
                payout_deadline: 1_000,
                bump_after: 6,
                min_fee_rate: 1_000,
                max_fee_rate: 1_000_000,
                max_consolidation: 10,
            },
            federation: FederationSpec { members: self.members, commitment: self.commitment },
            execution_genesis: ExecutionGenesis {
                base_fee: 1_000_000_000,
                extra_data: Bytes::new(),
                accounts: contracts.chain(funded).collect(),
            },
        }
    }
}
