//! Accounts, their code and their storage.

use alloy_eips::BlockId;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth as eth;
use alloy_trie::TrieAccount;

use super::at::{is_pending, state_at};
use super::errors::query_error;
use crate::embedded::Opened;
use crate::messages::{AccountInfo, QueryError};
use crate::state::SlotProof;

/// Nonce, balance and code hash; the nonce at `pending` is that of the account's next transaction.
pub(super) fn account(opened: &Opened, address: Address, at: BlockId) -> Result<AccountInfo, QueryError> {
    let world = opened.reads.world();
    let account = state_at(&world, at)?.account(address).map_err(query_error)?;
    let mut info = account.map_or_else(AccountInfo::default, |account| AccountInfo {
        nonce: account.nonce,
        balance: account.balance,
        code_hash: account.code_hash,
    });
    if is_pending(at) {
        let next = opened.pool.lock().pool.next_nonce(address).map_err(query_error)?;
        // The pool may be one head behind.
        info.nonce = info.nonce.max(next);
    }
    Ok(info)
}

pub(super) fn code(opened: &Opened, address: Address, at: BlockId) -> Result<Bytes, QueryError> {
    state_at(&opened.reads.world(), at)?.code(address).map_err(query_error)
}

pub(super) fn storage(
    opened: &Opened,
    address: Address,
    slot: U256,
    at: BlockId,
) -> Result<B256, QueryError> {
    let value = state_at(&opened.reads.world(), at)?.storage(address, slot).map_err(query_error)?;
    Ok(value.into())
}

/// An account and some of its slots, with the nodes that prove them.
pub(super) fn proof(
    opened: &Opened,
    address: Address,
    slots: &[U256],
    at: BlockId,
) -> Result<Box<eth::EIP1186AccountProofResponse>, QueryError> {
    let proof = state_at(&opened.reads.world(), at)?.proof(address, slots).map_err(query_error)?;
    // Of an account that is not there, nothing: as Geth says it.
    let absent = TrieAccount { code_hash: B256::ZERO, storage_root: B256::ZERO, ..TrieAccount::default() };
    let account = proof.account.unwrap_or(absent);
    let slot = |slot: SlotProof| eth::EIP1186StorageProof {
        key: slot.slot.into(),
        value: slot.value,
        proof: slot.nodes,
    };
    Ok(Box::new(eth::EIP1186AccountProofResponse {
        address,
        balance: account.balance,
        code_hash: account.code_hash,
        nonce: account.nonce,
        storage_hash: account.storage_root,
        account_proof: proof.nodes,
        storage_proof: proof.slots.into_iter().map(slot).collect(),
    }))
}
