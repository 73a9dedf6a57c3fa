//! The genesis block: a function of the spec.

use alloy_consensus::{
    Block as ExecutionBlock, BlockBody, EMPTY_OMMER_ROOT_HASH, Header as ExecutionHeader, TxEnvelope,
    constants::EMPTY_WITHDRAWALS,
};
use alloy_eips::{eip4895::Withdrawals, eip7685::EMPTY_REQUESTS_HASH, eip7840::BlobParams};
use alloy_genesis::{ChainConfig, Genesis as GenesisFile, GenesisAccount as FileAccount};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use alloy_rpc_types_engine::ExecutionPayloadV3;
use alloy_trie::{
    EMPTY_ROOT_HASH, TrieAccount,
    root::{state_root_unhashed, storage_root_unhashed},
};
use ssz_types::VariableList;

use super::{ChainSpec, GenesisAccount};
use crate::{
    block::{Block, Body, Header, VERSION},
    state::{Anchor, PegState},
};

/// The first block and the peg state after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// The block, in slot 0 at height 0.
    pub block: Block,
    /// Its execution header.
    pub execution_header: ExecutionHeader,
    /// The peg state after it.
    pub peg: PegState,
}

fn trie_account(account: &GenesisAccount) -> TrieAccount {
    let slots = account.storage.iter().map(|(key, value)| (*key, U256::from_be_bytes(value.0)));
    TrieAccount {
        nonce: account.nonce,
        balance: account.balance,
        // Zero is how absence is written: such a slot is not in the trie.
        storage_root: storage_root_unhashed(slots.filter(|(_, value)| !value.is_zero())),
        code_hash: if account.code.is_empty() { KECCAK256_EMPTY } else { keccak256(&account.code) },
    }
}

fn file_account(account: &GenesisAccount) -> FileAccount {
    FileAccount {
        nonce: Some(account.nonce),
        balance: account.balance,
        code: Some(account.code.clone()).filter(|code| !code.is_empty()),
        storage: Some(account.storage.clone()).filter(|storage| !storage.is_empty()),
        ..FileAccount::default()
    }
}

impl ChainSpec {
    /// The execution side's genesis header: what `geth init` makes of the same accounts.
    #[must_use]
    pub fn execution_genesis_header(&self) -> ExecutionHeader {
        let accounts = &self.execution_genesis.accounts;
        ExecutionHeader {
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            state_root: state_root_unhashed(accounts.iter().map(|(a, x)| (*a, trie_account(x)))),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            gas_limit: self.blocks.gas_limit,
            timestamp: self.blocks.genesis_ms / 1000,
            extra_data: self.execution_genesis.extra_data.clone(),
            base_fee_per_gas: Some(self.execution_genesis.base_fee),
            withdrawals_root: Some(EMPTY_WITHDRAWALS),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: Some(EMPTY_REQUESTS_HASH),
            ..ExecutionHeader::default()
        }
    }

    /// The execution genesis in the form of `geth init` and of the embedded engine: Prague from the
    /// first block, and a blob schedule of target 0 and max 0 (EIP-7840).
    #[must_use]
    pub fn execution_genesis_file(&self) -> GenesisFile {
        let blobs = BlobParams {
            target_blob_count: 0,
            max_blob_count: 0,
            max_blobs_per_tx: 0,
            ..BlobParams::prague()
        };
        let config = ChainConfig {
            chain_id: self.chain_id,
            homestead_block: Some(0),
            eip150_block: Some(0),
            eip155_block: Some(0),
            eip158_block: Some(0),
            byzantium_block: Some(0),
            constantinople_block: Some(0),
            petersburg_block: Some(0),
            istanbul_block: Some(0),
            berlin_block: Some(0),
            london_block: Some(0),
            merge_netsplit_block: Some(0),
            shanghai_time: Some(0),
            cancun_time: Some(0),
            prague_time: Some(0),
            terminal_total_difficulty: Some(U256::ZERO),
            terminal_total_difficulty_passed: true,
            deposit_contract_address: Some(Address::ZERO),
            blob_schedule: [("cancun".to_owned(), blobs), ("prague".to_owned(), blobs)].into(),
            ..ChainConfig::default()
        };
        let genesis = &self.execution_genesis;
        GenesisFile {
            config,
            timestamp: self.blocks.genesis_ms / 1000,
            extra_data: genesis.extra_data.clone(),
            gas_limit: self.blocks.gas_limit,
            base_fee_per_gas: Some(genesis.base_fee.into()),
            excess_blob_gas: Some(0),
            blob_gas_used: Some(0),
            alloc: genesis.accounts.iter().map(|(address, x)| (*address, file_account(x))).collect(),
            ..GenesisFile::default()
        }
    }

    /// The genesis block and the peg state after it.
    #[must_use]
    pub fn genesis(&self) -> Genesis {
        let execution_header = self.execution_genesis_header();
        let payload_hash = execution_header.hash_slow();
        let body =
            BlockBody::<TxEnvelope> { withdrawals: Some(Withdrawals::default()), ..BlockBody::default() };
        let execution = ExecutionBlock::new(execution_header.clone(), body);
        let payload = ExecutionPayloadV3::from_block_unchecked(payload_hash, &execution);
        let checkpoint = self.peg.checkpoint.header;
        let peg = PegState {
            relay_tip: B256::from_slice(&double_sha256(checkpoint.as_slice())),
            anchor: Anchor { bits: self.mining.easiest_bits, ..Anchor::default() },
            ..PegState::default()
        };
        let body = Body::default();
        let header = Header {
            version: VERSION,
            // The spec's digest stands in for a parent: another spec is another chain.
            parent: self.digest(),
            payload_hash,
            body_root: body.root(),
            peg_root: peg.root(),
            ..Header::default()
        };
        let block = Block { header, body, payload, execution_requests: VariableList::default() };
        Genesis { block, execution_header, peg }
    }
}

fn double_sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(Sha256::digest(bytes)).into()
}
