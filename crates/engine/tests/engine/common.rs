//! A small chain to test with: keys, genesis, transactions, blocks.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702, TxLegacy};
use alloy_eips::eip4895::Withdrawal;
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_trie::TrieAccount;
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use alys_database::{MemoryDatabase, MemoryDisk, Snapshots};
use alys_engine::execute::{RecoveredTransaction, Transaction};
use alys_engine::{
    BuildAttributes, BuiltPayload, EmbeddedEngine, EngineLimits, Forkchoice, GenesisBlock, Rules, StateView,
    system_contracts,
};

pub(crate) const CHAIN_ID: u64 = 1234;
pub(crate) const GAS_LIMIT: u64 = 30_000_000;
pub(crate) const FEE_SINK: Address = address!("00000000000000000000000000000000feefeefe");

/// `SSTORE(calldata[0..32], calldata[32..64])`, then a log with the value as topic.
pub(crate) const STORE: Address = address!("5700000000000000000000000000000000000057");
const STORE_CODE: &[u8] = &[
    0x60, 0x20, 0x35, 0x60, 0x00, 0x35, 0x55, // SSTORE
    0x60, 0x20, 0x35, 0x60, 0x00, 0x60, 0x00, 0xa1, 0x00, // LOG1, STOP
];

/// Reverts with the call's data.
pub(crate) const REVERTER: Address = address!("5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e");
const REVERTER_CODE: &[u8] = &[0x36, 0x60, 0x00, 0x60, 0x00, 0x37, 0x36, 0x60, 0x00, 0xfd];

/// Returns `SLOAD(calldata[0..32])`.
pub(crate) const LOADER: Address = address!("10ad000000000000000000000000000000000ad0");
const LOADER_CODE: &[u8] = &[0x60, 0x00, 0x35, 0x54, 0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3];

/// Init code that stores 7 in slot 1 and leaves the code of [`STORE`] behind.
pub(crate) fn deploy_store() -> Bytes {
    let mut code = vec![0x60, 0x07, 0x60, 0x01, 0x55, 0x60, STORE_CODE.len() as u8, 0x80, 0x60];
    code.push(code.len() as u8 + 7);
    code.extend([0x60, 0x00, 0x39, 0x60, 0x00, 0xf3]);
    code.extend(STORE_CODE);
    code.into()
}

/// Init code that stores 9 in slot 2 and destroys itself in favour of its caller.
pub(crate) fn deploy_and_destroy() -> Bytes {
    vec![0x60, 0x09, 0x60, 0x02, 0x55, 0x33, 0xff].into()
}

pub(crate) fn signer(index: u64) -> PrivateKeySigner {
    let mut key = keccak256(index.to_be_bytes());
    key.0[0] = 1;
    PrivateKeySigner::from_bytes(&key).unwrap()
}

pub(crate) fn rules() -> Rules {
    Rules::alys(CHAIN_ID, GAS_LIMIT)
}

pub(crate) fn genesis_with(keys: u64, system: bool) -> Genesis {
    let code = |code: &[u8]| {
        GenesisAccount::default().with_code(Some(Bytes::copy_from_slice(code))).with_nonce(Some(1))
    };
    let rich = U256::from(10).pow(U256::from(24));
    let mut alloc: BTreeMap<_, _> =
        (0..keys).map(|key| (signer(key).address(), GenesisAccount::default().with_balance(rich))).collect();
    let slots = BTreeMap::from([(B256::with_last_byte(1), B256::with_last_byte(5))]);
    alloc.insert(STORE, code(STORE_CODE).with_storage(Some(slots.clone())));
    alloc.insert(REVERTER, code(REVERTER_CODE));
    alloc.insert(LOADER, code(LOADER_CODE).with_storage(Some(slots)));
    if system {
        alloc.extend(system_contracts());
    }
    Genesis { alloc, gas_limit: GAS_LIMIT, timestamp: 1_000, ..Genesis::default() }
}

pub(crate) type Engine = EmbeddedEngine<MemoryDatabase>;

pub(crate) fn open_on(disk: &MemoryDisk, genesis: &Genesis, limits: &EngineLimits) -> Engine {
    let block = GenesisBlock::new(genesis, &rules()).unwrap();
    EmbeddedEngine::open(disk.open().unwrap(), &block, rules(), limits.clone()).unwrap()
}

/// An engine on a disk of its own.
pub(crate) fn engine(genesis: &Genesis) -> Engine {
    open_on(&MemoryDisk::new(), genesis, &EngineLimits::default())
}

/// A transaction to be signed.
#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) from: u64,
    pub(crate) nonce: u64,
    pub(crate) to: TxKind,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
    pub(crate) gas: u64,
    pub(crate) tip: u128,
    pub(crate) max_fee: u128,
}

impl Send {
    pub(crate) fn transfer(from: u64, nonce: u64, to: Address, wei: u64) -> Self {
        Self {
            from,
            nonce,
            to: TxKind::Call(to),
            value: U256::from(wei),
            input: Bytes::new(),
            gas: 100_000,
            tip: 1_000_000_000,
            max_fee: 100_000_000_000,
        }
    }

    pub(crate) fn store(from: u64, nonce: u64, contract: Address, slot: u64, value: u64) -> Self {
        let mut input = [0u8; 64];
        input[24..32].copy_from_slice(&slot.to_be_bytes());
        input[56..].copy_from_slice(&value.to_be_bytes());
        Self {
            value: U256::ZERO,
            input: Bytes::copy_from_slice(&input),
            ..Self::transfer(from, nonce, contract, 0)
        }
    }

    pub(crate) fn create(from: u64, nonce: u64, code: Bytes) -> Self {
        Self { to: TxKind::Create, input: code, gas: 300_000, ..Self::transfer(from, nonce, STORE, 0) }
    }

    pub(crate) fn sign(&self) -> RecoveredTransaction {
        let tx = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.max_fee,
            max_priority_fee_per_gas: self.tip,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            input: self.input.clone(),
        };
        let key = signer(self.from);
        let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
        RecoveredTransaction::new_unchecked(Transaction::from(tx.into_signed(signature)), key.address())
    }
}

pub(crate) fn sign_legacy(from: u64, tx: TxLegacy) -> RecoveredTransaction {
    let key = signer(from);
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    RecoveredTransaction::new_unchecked(Transaction::from(tx.into_signed(signature)), key.address())
}

pub(crate) fn delegate(from: u64, nonce: u64, authority: u64, to: Address) -> RecoveredTransaction {
    let authorization = Authorization { chain_id: U256::from(CHAIN_ID), address: to, nonce: 0 };
    let signature = signer(authority).sign_hash_sync(&authorization.signature_hash()).unwrap();
    let signed: SignedAuthorization = authorization.into_signed(signature);
    let tx = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 100_000_000_000,
        max_priority_fee_per_gas: 1,
        to: signer(authority).address(),
        value: U256::ZERO,
        access_list: Default::default(),
        authorization_list: vec![signed],
        input: Bytes::new(),
    };
    let key = signer(from);
    let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
    RecoveredTransaction::new_unchecked(Transaction::from(tx.into_signed(signature)), key.address())
}

pub(crate) fn attributes(parent: B256, timestamp: u64) -> BuildAttributes {
    BuildAttributes {
        parent,
        timestamp,
        prev_randao: keccak256(timestamp.to_be_bytes()),
        fee_recipient: FEE_SINK,
        withdrawals: Vec::new(),
        parent_beacon_block_root: keccak256(parent),
        gas_limit: GAS_LIMIT,
        max_bytes: usize::MAX,
        extra_data: Bytes::new(),
    }
}

pub(crate) fn withdrawal(index: u64, address: Address, gwei: u64) -> Withdrawal {
    Withdrawal { index, validator_index: 2, address, amount: gwei }
}

/// Builds on `parent`, two seconds after it.
pub(crate) fn build<D: Snapshots>(
    engine: &EmbeddedEngine<D>,
    parent: B256,
    transactions: Vec<RecoveredTransaction>,
) -> BuiltPayload {
    build_with(engine, parent, transactions, Vec::new())
}

pub(crate) fn build_with<D: Snapshots>(
    engine: &EmbeddedEngine<D>,
    parent: B256,
    transactions: Vec<RecoveredTransaction>,
    withdrawals: Vec<Withdrawal>,
) -> BuiltPayload {
    let reads = engine.reads();
    let header = &reads.block(alys_engine::BlockId::Hash(parent)).unwrap().unwrap().header;
    let attributes = BuildAttributes { withdrawals, ..attributes(parent, header.timestamp + 2) };
    reads.build(attributes, &mut transactions.into_iter(), &mut || false).unwrap()
}

/// Imports a built payload the long way: as another node would.
pub(crate) fn import<D: Snapshots>(
    engine: &mut EmbeddedEngine<D>,
    built: &BuiltPayload,
) -> alys_engine::Imported {
    let root = built.block().header.parent_beacon_block_root.unwrap();
    engine.import(&built.payload(), root, &built.execution_requests()).unwrap()
}

/// Makes `head` the head, nothing final.
pub(crate) fn set_head<D: Snapshots>(engine: &mut EmbeddedEngine<D>, head: B256) {
    engine.forkchoice(Forkchoice { head, ..Forkchoice::default() }).unwrap();
}

/// Makes `head` the head and final.
pub(crate) fn finalize<D: Snapshots>(engine: &mut EmbeddedEngine<D>, head: B256) {
    engine.forkchoice(Forkchoice { head, safe: head, finalized: B256::ZERO }).unwrap();
}

/// The state root, rebuilt by alloy-trie from flat values alone. `slots` are those that may be set.
pub(crate) fn rebuilt_root(view: &StateView, accounts: &[Address], slots: &[U256]) -> B256 {
    let accounts = accounts.iter().filter_map(|address| {
        let account = view.account(*address).unwrap()?;
        let storage_root = storage_root_unhashed(slots.iter().filter_map(|slot| {
            let value = view.storage(*address, *slot).unwrap();
            (!value.is_zero()).then_some((B256::from(*slot), value))
        }));
        Some((*address, TrieAccount { storage_root, ..account }))
    });
    state_root_unhashed(accounts.collect::<Vec<_>>())
}
