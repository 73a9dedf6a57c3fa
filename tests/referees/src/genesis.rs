//! The chain that all clients start from: keys with coins, contracts, Prague without blobs.

use std::collections::BTreeMap;

use alloy_eips::eip7840::BlobParams;
use alloy_genesis::{ChainConfig, Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alys_engine::{GenesisBlock, Rules, system_contracts};

use crate::contracts;

/// The chain's EVM chain id.
pub const CHAIN_ID: u64 = 195_000;

/// Every block's gas limit.
pub const GAS_LIMIT: u64 = 30_000_000;

/// The genesis block's time, in seconds.
pub const GENESIS_TIME: u64 = 1_700_000_000;

/// How many keys there are.
pub const KEYS: usize = 20;

/// How many of them have coins at genesis. The rest receive, and sign authorisations.
pub const FUNDED: usize = 12;

/// The keys of the chain's users.
///
/// # Errors
/// None: each is a key.
pub fn keys() -> eyre::Result<Vec<PrivateKeySigner>> {
    let key = |index: usize| {
        let mut key = keccak256(format!("referee {index}"));
        // Below the curve's order for sure.
        key.0[0] = 1;
        Ok(PrivateKeySigner::from_bytes(&key)?)
    };
    (0..KEYS).map(key).collect()
}

/// The genesis, in the form of `geth init` and of the embedded engine.
#[must_use]
pub fn genesis(keys: &[PrivateKeySigner]) -> Genesis {
    let rich = U256::from(10).pow(U256::from(24));
    let funded = keys.iter().take(FUNDED);
    let mut alloc: BTreeMap<Address, GenesisAccount> =
        funded.map(|key| (key.address(), GenesisAccount::default().with_balance(rich))).collect();
    let contract = |code: Bytes| {
        let slots: BTreeMap<_, _> =
            (1..6).map(|slot| (B256::with_last_byte(slot), B256::with_last_byte(slot * 3))).collect();
        GenesisAccount::default()
            .with_nonce(Some(1))
            .with_balance(U256::from(1_000_000))
            .with_code(Some(code))
            .with_storage(Some(slots))
    };
    alloc.extend(contracts::all().into_iter().map(|(address, code)| (address, contract(code))));
    alloc.extend(system_contracts());
    Genesis {
        config: config(),
        timestamp: GENESIS_TIME,
        gas_limit: GAS_LIMIT,
        base_fee_per_gas: Some(1_000_000_000),
        excess_blob_gas: Some(0),
        blob_gas_used: Some(0),
        alloc,
        ..Genesis::default()
    }
}

/// The forks, as an Alys chain has them: Prague from the first block, blob schedule target 0, max 0.
fn config() -> ChainConfig {
    let blobs =
        BlobParams { target_blob_count: 0, max_blob_count: 0, max_blobs_per_tx: 0, ..BlobParams::prague() };
    ChainConfig {
        chain_id: CHAIN_ID,
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
    }
}

/// The embedded engine's rules of this chain.
#[must_use]
pub fn rules() -> Rules {
    Rules::alys(CHAIN_ID, GAS_LIMIT)
}

/// The genesis block as the embedded engine computes it.
///
/// # Errors
/// None for [`genesis`]'s.
pub fn block(genesis: &Genesis) -> eyre::Result<GenesisBlock> {
    Ok(GenesisBlock::new(genesis, &rules())?)
}
