//! Accounts: `eth_getBalance`, `eth_getTransactionCount`, `eth_getCode`, `eth_getStorageAt`, `eth_getProof`.

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::EIP1186AccountProofResponse;
use alys_bus::protocol::{EngineMessage, query::AccountInfo};
use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::{Call, Register},
    call_error::CallError,
    params::{BlockParam, ProofKeys, StorageSlot},
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_getBalance", balance)?;
    methods.add("eth_getTransactionCount", transaction_count)?;
    methods.add("eth_getCode", code)?;
    methods.add("eth_getStorageAt", storage_at)?;
    methods.add("eth_getProof", proof)
}

async fn account(mut call: Call) -> Result<AccountInfo, CallError> {
    let address: Address = call.params.required("address")?;
    let BlockParam(at) = block(&mut call)?;
    call.params.finish()?;
    call.engine(|reply| EngineMessage::Account { address, at, reply }).await
}

fn block(call: &mut Call) -> Result<BlockParam, CallError> {
    Ok(call.params.optional("block")?.unwrap_or(BlockParam::LATEST))
}

/// Wei.
async fn balance(call: Call) -> Result<U256, CallError> {
    Ok(account(call).await?.balance)
}

/// The next nonce; `pending` counts what waits in the pool.
async fn transaction_count(call: Call) -> Result<U64, CallError> {
    Ok(U64::from(account(call).await?.nonce))
}

async fn code(mut call: Call) -> Result<Bytes, CallError> {
    let address: Address = call.params.required("address")?;
    let BlockParam(at) = block(&mut call)?;
    call.params.finish()?;
    call.engine(|reply| EngineMessage::Code { address, at, reply }).await
}

/// A whole word, with its leading zeros.
async fn storage_at(mut call: Call) -> Result<B256, CallError> {
    let address: Address = call.params.required("address")?;
    let StorageSlot(slot) = call.params.required("storage slot")?;
    let BlockParam(at) = block(&mut call)?;
    call.params.finish()?;
    call.engine(|reply| EngineMessage::Storage { address, slot, at, reply }).await
}

/// The account and the slots, with the nodes of the tries that prove them (EIP-1186).
async fn proof(mut call: Call) -> Result<EIP1186AccountProofResponse, CallError> {
    let address: Address = call.params.required("address")?;
    let ProofKeys(keys) = call.params.required("storage keys")?;
    let BlockParam(at) = block(&mut call)?;
    call.params.finish()?;
    let slots = keys.iter().map(|key| key.as_b256().into()).collect();
    let mut proof = *call.engine(|reply| EngineMessage::Proof { address, slots, at, reply }).await?;
    for (slot, key) in proof.storage_proof.iter_mut().zip(keys) {
        slot.key = key;
    }
    Ok(proof)
}
