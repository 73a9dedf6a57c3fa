//! The genesis block: from a genesis file to a header and a state.

use std::collections::BTreeMap;

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header};
use alloy_eips::eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE};
use alloy_eips::eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE};
use alloy_eips::eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_PREDEPLOY_CODE};
use alloy_eips::eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_CODE};
use alloy_eips::eip7685::{EMPTY_REQUESTS_HASH, Requests};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use revm::primitives::hardfork::SpecId;

use crate::chain::ExecutedBlock;
use crate::config::Rules;
use crate::error::StateError;
use crate::execute::ExecutionFacts;
use crate::state::{AccountChange, Basics, Change, Overlay, StateChanges, empty_state, seal_overlay};

/// The base fee of a genesis block that names none, in wei (EIP-1559).
const INITIAL_BASE_FEE: u64 = 1_000_000_000;

/// A chain's first block and its state.
#[derive(Debug, Clone)]
pub struct GenesisBlock {
    pub(crate) block: ExecutedBlock,
    pub(crate) overlay: Overlay,
}

impl GenesisBlock {
    /// Computes the block that `genesis` describes under `rules`.
    ///
    /// # Errors
    /// [`StateError::BadRecord`] where a field does not fit a header.
    pub fn new(genesis: &Genesis, rules: &Rules) -> Result<Self, StateError> {
        let (state_root, overlay) = seal_overlay(&empty_state(), allocations(genesis))?;
        let header = header(genesis, rules, state_root)?;
        let block = ExecutedBlock {
            hash: header.hash_slow(),
            header,
            transactions: Vec::new(),
            withdrawals: Vec::new(),
            receipts: Vec::new(),
            requests: Requests::default(),
            facts: ExecutionFacts::default(),
        };
        Ok(Self { block, overlay })
    }

    /// The genesis block's hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.block.hash
    }

    /// The genesis header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.block.header
    }
}

/// The contracts that Prague's system calls go to, as a genesis has to allocate them: beacon roots
/// (EIP-4788), parent hashes (EIP-2935), withdrawal requests (EIP-7002) and consolidation requests
/// (EIP-7251). Nonces are 1, as after their deployment elsewhere.
#[must_use]
pub fn system_contracts() -> BTreeMap<Address, GenesisAccount> {
    let contracts = [
        (BEACON_ROOTS_ADDRESS, &BEACON_ROOTS_CODE),
        (HISTORY_STORAGE_ADDRESS, &HISTORY_STORAGE_CODE),
        (WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, &WITHDRAWAL_REQUEST_PREDEPLOY_CODE),
        (CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, &CONSOLIDATION_REQUEST_PREDEPLOY_CODE),
    ];
    let account = |code: &Bytes| GenesisAccount::default().with_nonce(Some(1)).with_code(Some(code.clone()));
    contracts.into_iter().map(|(address, code)| (address, account(code))).collect()
}

fn allocations(genesis: &Genesis) -> StateChanges {
    let mut changes = StateChanges::default();
    for (address, account) in &genesis.alloc {
        let code = account.code.clone().filter(|code| !code.is_empty());
        let code_hash = code.as_ref().map_or_else(|| Basics::default().code_hash, keccak256);
        if let Some(code) = code {
            changes.code.insert(code_hash, code);
        }
        let slots = account.storage.iter().flatten().map(|(slot, value)| {
            let after = U256::from_be_bytes(value.0);
            (keccak256(slot), Change { before: U256::ZERO, after })
        });
        let change = AccountChange {
            before: None,
            basics: Some(Basics {
                nonce: account.nonce.unwrap_or_default(),
                balance: account.balance,
                code_hash,
            }),
            wiped: false,
            slots: slots.collect(),
        };
        changes.accounts.insert(keccak256(address), change);
    }
    changes
}

fn header(genesis: &Genesis, rules: &Rules, state_root: B256) -> Result<Header, StateError> {
    let base_fee = match genesis.base_fee_per_gas {
        Some(fee) => {
            u64::try_from(fee).map_err(|_| StateError::bad("the genesis", "a base fee above 2^64 wei"))?
        }
        None => INITIAL_BASE_FEE,
    };
    let spec = rules.forks.spec_at(genesis.timestamp);
    let (cancun, prague) = (spec.is_enabled_in(SpecId::CANCUN), spec.is_enabled_in(SpecId::PRAGUE));
    Ok(Header {
        parent_hash: genesis.parent_hash.unwrap_or_default(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: genesis.coinbase,
        state_root,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        difficulty: genesis.difficulty,
        number: genesis.number.unwrap_or_default(),
        gas_limit: genesis.gas_limit,
        timestamp: genesis.timestamp,
        extra_data: Bytes::clone(&genesis.extra_data),
        mix_hash: genesis.mix_hash,
        nonce: genesis.nonce.into(),
        base_fee_per_gas: Some(base_fee),
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: cancun.then(|| genesis.blob_gas_used.unwrap_or_default()),
        excess_blob_gas: cancun.then(|| genesis.excess_blob_gas.unwrap_or_default()),
        parent_beacon_block_root: cancun.then_some(B256::ZERO),
        requests_hash: prague.then_some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    })
}
