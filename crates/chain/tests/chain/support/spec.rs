//! A chain spec for tests.

use std::{collections::BTreeMap, sync::Arc};

use alys_primitives::{
    Address, B256, Bytes, ChainSpec,
    spec::{
        BitcoinNetwork, BlockSpec, Checkpoint, ExecutionGenesis, FederationSpec, Member, MiningSpec, PegSpec,
    },
};

/// When slot 0 starts.
pub const GENESIS_MS: u64 = 1_700_000_000_000;

/// A spec of `members` whose keys are made up: the signatures of these tests are checked elsewhere.
pub fn spec(members: usize) -> Arc<ChainSpec> {
    let member = |index: usize| Member {
        name: format!("member-{index}"),
        identity: B256::repeat_byte(index as u8 + 1),
        bitcoin: B256::repeat_byte(index as u8 + 101),
        fee_address: Address::repeat_byte(index as u8 + 1),
    };
    Arc::new(ChainSpec {
        name: "test".to_owned(),
        chain_id: 4242,
        development: true,
        blocks: BlockSpec {
            genesis_ms: GENESIS_MS,
            slot_ms: 2000,
            gas_limit: 30_000_000,
            fee_sink: Address::repeat_byte(0xfe),
            max_withdrawals: 64,
            max_body: 2 << 20,
        },
        mining: MiningSpec {
            merged_mining_chain_id: 0x1a,
            max_unanchored: 1 << 40,
            anchor_spacing: 60,
            half_life: 3600,
            hardest_bits: 0x1d00_ffff,
            easiest_bits: 0x207f_ffff,
        },
        peg: PegSpec {
            network: BitcoinNetwork::Regtest,
            checkpoint: Checkpoint { height: 0, header: Default::default() },
            relay_lag: 1,
            deposit_confirmations: 6,
            min_deposit: 1000,
            min_payout: 1000,
            payout_confirmations: 6,
            payout_deadline: 100,
            bump_after: 6,
            min_fee_rate: 1000,
            max_fee_rate: 100_000,
            max_consolidation: 10,
        },
        federation: FederationSpec { members: (0..members).map(member).collect(), commitment: Vec::new() },
        execution_genesis: ExecutionGenesis {
            base_fee: 1_000_000_000,
            extra_data: Bytes::new(),
            accounts: BTreeMap::new(),
        },
    })
}
