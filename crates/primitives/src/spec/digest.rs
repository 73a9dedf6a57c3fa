//! The digest of a spec: the SSZ tree hash of every field, so that no JSON writer can change it.

use alloy_primitives::{Address, B256, U256};
use ssz_types::{VariableList, typenum};
use tree_hash::TreeHash as _;
use tree_hash_derive::TreeHash;

use super::{BitcoinNetwork, ChainSpec, GenesisAccount, Member};
use crate::{
    bls::BlsPublicKey,
    limits::{MaxGenesisAccounts, MaxGenesisCode, MaxGenesisSlots, MaxMemberList},
};

type Text = VariableList<u8, typenum::U64>;

#[derive(TreeHash)]
struct SpecRoot {
    name: Text,
    chain_id: u64,
    development: bool,
    blocks: BlocksRoot,
    mining: MiningRoot,
    peg: PegRoot,
    members: VariableList<MemberRoot, MaxMemberList>,
    commitment: VariableList<BlsPublicKey, MaxMemberList>,
    base_fee: u64,
    extra_data: VariableList<u8, typenum::U32>,
    accounts: VariableList<AccountRoot, MaxGenesisAccounts>,
}

#[derive(TreeHash)]
struct BlocksRoot {
    genesis_ms: u64,
    slot_ms: u64,
    gas_limit: u64,
    fee_sink: Address,
    max_withdrawals: u64,
    max_body: u64,
}

#[derive(TreeHash)]
struct MiningRoot {
    merged_mining_chain_id: u32,
    max_unanchored: u64,
    anchor_spacing: u64,
    half_life: u64,
    hardest_bits: u32,
    easiest_bits: u32,
}

#[derive(TreeHash)]
struct PegRoot {
    network: u8,
    checkpoint_height: u64,
    checkpoint_header: alloy_primitives::FixedBytes<80>,
    relay_lag: u64,
    deposit_confirmations: u64,
    min_deposit: u64,
    min_payout: u64,
    payout_confirmations: u64,
    payout_deadline: u64,
    bump_after: u64,
    min_fee_rate: u64,
    max_fee_rate: u64,
    max_consolidation: u64,
}

#[derive(TreeHash)]
struct MemberRoot {
    name: Text,
    identity: B256,
    bitcoin: B256,
    fee_address: Address,
}

#[derive(TreeHash)]
struct AccountRoot {
    address: Address,
    balance: U256,
    nonce: u64,
    code: VariableList<u8, MaxGenesisCode>,
    storage: VariableList<SlotRoot, MaxGenesisSlots>,
}

#[derive(TreeHash)]
struct SlotRoot {
    key: B256,
    value: B256,
}

/// A list cut to its limit. [`ChainSpec::check`] refuses a spec in which anything would be cut.
fn list<T, N: typenum::Unsigned>(items: impl IntoIterator<Item = T>) -> VariableList<T, N> {
    VariableList::new(items.into_iter().take(N::to_usize()).collect()).unwrap_or_default()
}

fn text(text: &str) -> Text {
    list(text.bytes())
}

fn member(member: &Member) -> MemberRoot {
    MemberRoot {
        name: text(&member.name),
        identity: member.identity,
        bitcoin: member.bitcoin,
        fee_address: member.fee_address,
    }
}

fn account((address, account): (&Address, &GenesisAccount)) -> AccountRoot {
    AccountRoot {
        address: *address,
        balance: account.balance,
        nonce: account.nonce,
        code: list(account.code.iter().copied()),
        storage: list(account.storage.iter().map(|(key, value)| SlotRoot { key: *key, value: *value })),
    }
}

impl ChainSpec {
    /// What peers compare before anything else: the tree hash of all fields.
    #[must_use]
    pub fn digest(&self) -> B256 {
        let (b, m, p) = (&self.blocks, &self.mining, &self.peg);
        SpecRoot {
            name: text(&self.name),
            chain_id: self.chain_id,
            development: self.development,
            blocks: BlocksRoot {
                genesis_ms: b.genesis_ms,
                slot_ms: b.slot_ms,
                gas_limit: b.gas_limit,
                fee_sink: b.fee_sink,
                max_withdrawals: b.max_withdrawals,
                max_body: b.max_body,
            },
            mining: MiningRoot {
                merged_mining_chain_id: m.merged_mining_chain_id,
                max_unanchored: m.max_unanchored,
                anchor_spacing: m.anchor_spacing,
                half_life: m.half_life,
                hardest_bits: m.hardest_bits,
                easiest_bits: m.easiest_bits,
            },
            peg: PegRoot {
                network: match p.network {
                    BitcoinNetwork::Bitcoin => 0,
                    BitcoinNetwork::Testnet4 => 1,
                    BitcoinNetwork::Signet => 2,
                    BitcoinNetwork::Regtest => 3,
                },
                checkpoint_height: p.checkpoint.height,
                checkpoint_header: p.checkpoint.header,
                relay_lag: p.relay_lag,
                deposit_confirmations: p.deposit_confirmations,
                min_deposit: p.min_deposit,
                min_payout: p.min_payout,
                payout_confirmations: p.payout_confirmations,
                payout_deadline: p.payout_deadline,
                bump_after: p.bump_after,
                min_fee_rate: p.min_fee_rate,
                max_fee_rate: p.max_fee_rate,
                max_consolidation: p.max_consolidation,
            },
            members: list(self.federation.members.iter().map(member)),
            commitment: list(self.federation.commitment.iter().copied()),
            base_fee: self.execution_genesis.base_fee,
            extra_data: list(self.execution_genesis.extra_data.iter().copied()),
            accounts: list(self.execution_genesis.accounts.iter().map(account)),
        }
        .tree_hash_root()
    }
}
