//! What the stand-ins say: one block with one transaction, one account, one log.

use alloy_consensus::{Header as ConsensusHeader, Signed, TxEip1559, TxEnvelope, transaction::Recovered};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, Log as PrimitiveLog, Signature, TxKind, U256, keccak256};
use alloy_rpc_types_eth as eth;
use alys_bus::protocol::{
    EngineMessage, SupervisorMessage,
    chain::{ChainStatus, SyncState},
    engine::EngineHead,
    query::{AccountInfo, PoolStatus},
    storage::BlockRef,
    supervisor::{ActorHealth, ActorState},
};

pub(crate) const HEAD: u64 = 26;
pub(crate) const SENDER: Address = Address::repeat_byte(0x11);
pub(crate) const CONTRACT: Address = Address::repeat_byte(0x22);

pub(crate) fn block_hash() -> B256 {
    B256::repeat_byte(0xab)
}

pub(crate) fn envelope() -> TxEnvelope {
    let tx = TxEip1559 {
        chain_id: crate::node::CHAIN_ID,
        nonce: 5,
        gas_limit: 21_000,
        max_fee_per_gas: 3_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(CONTRACT),
        value: U256::from(7),
        ..TxEip1559::default()
    };
    TxEnvelope::Eip1559(Signed::new_unhashed(tx, Signature::test_signature()))
}

pub(crate) fn transaction_hash() -> B256 {
    *envelope().tx_hash()
}

pub(crate) fn transaction(mined: bool) -> eth::Transaction {
    eth::Transaction {
        inner: Recovered::new_unchecked(envelope(), SENDER),
        block_hash: mined.then(block_hash),
        block_number: mined.then_some(HEAD),
        transaction_index: mined.then_some(0),
        effective_gas_price: Some(2_000_000_000),
        block_timestamp: None,
    }
}

pub(crate) fn block(full: bool) -> eth::Block {
    let inner = ConsensusHeader {
        number: HEAD,
        gas_limit: 30_000_000,
        gas_used: 21_000,
        base_fee_per_gas: Some(1_000_000_000),
        timestamp: 1_700_000_000,
        ..ConsensusHeader::default()
    };
    let header =
        eth::Header { hash: block_hash(), inner, total_difficulty: None, size: Some(U256::from(600)) };
    let transactions = match full {
        true => eth::BlockTransactions::Full(vec![transaction(true)]),
        false => eth::BlockTransactions::Hashes(vec![transaction_hash()]),
    };
    eth::Block { header, uncles: Vec::new(), transactions, withdrawals: Some(Vec::new().into()) }
}

pub(crate) fn log() -> eth::Log {
    eth::Log {
        inner: PrimitiveLog::new_unchecked(
            CONTRACT,
            vec![keccak256("Paid(uint256)")],
            Bytes::from_static(&[1]),
        ),
        block_hash: Some(block_hash()),
        block_number: Some(HEAD),
        block_timestamp: Some(1_700_000_000),
        transaction_hash: Some(transaction_hash()),
        transaction_index: Some(0),
        log_index: Some(0),
        removed: false,
    }
}

pub(crate) fn receipt() -> eth::TransactionReceipt {
    let receipt =
        alloy_consensus::Receipt { status: true.into(), cumulative_gas_used: 21_000, logs: vec![log()] };
    eth::TransactionReceipt {
        inner: alloy_consensus::ReceiptEnvelope::Eip1559(receipt.with_bloom()),
        transaction_hash: transaction_hash(),
        transaction_index: Some(0),
        block_hash: Some(block_hash()),
        block_number: Some(HEAD),
        gas_used: 21_000,
        effective_gas_price: 2_000_000_000,
        blob_gas_used: None,
        blob_gas_price: None,
        from: SENDER,
        to: Some(CONTRACT),
        contract_address: None,
    }
}

fn known(at: BlockId) -> bool {
    match at {
        BlockId::Hash(hash) => hash.block_hash == block_hash(),
        BlockId::Number(BlockNumberOrTag::Number(number)) => number == HEAD,
        BlockId::Number(_) => true,
    }
}

/// Answers as an engine whose one block is [`HEAD`].
pub(crate) fn engine(message: EngineMessage) {
    match message {
        EngineMessage::Head { reply } => {
            reply.send(Ok(EngineHead { number: HEAD, hash: block_hash(), durable: 0 }));
        }
        EngineMessage::SubmitTransaction { raw, reply } => reply.send(Ok(keccak256(raw))),
        EngineMessage::Account { reply, .. } => {
            let balance = U256::from(10).pow(U256::from(22));
            reply.send(Ok(AccountInfo { nonce: 6, balance, code_hash: B256::ZERO }));
        }
        EngineMessage::Code { reply, .. } => reply.send(Ok(Bytes::from_static(&[0x60, 0]))),
        EngineMessage::Storage { slot, reply, .. } => reply.send(Ok(B256::from(slot))),
        EngineMessage::Call { request, reply, .. } => {
            reply.send(Ok(request.input.input().cloned().unwrap_or_default()));
        }
        EngineMessage::EstimateGas { reply, .. } => reply.send(Ok(21_000)),
        EngineMessage::BlockBy { at, full, reply } => {
            reply.send(Ok(known(at).then(|| Box::new(block(full)))));
        }
        EngineMessage::Transaction { hash, reply } => {
            reply.send(Ok((hash == transaction_hash()).then(|| Box::new(transaction(true)))));
        }
        EngineMessage::CallOverridden { overrides, reply, .. } => {
            // What was overridden, in few bytes.
            let balance = overrides.state.and_then(|state| state.get(&SENDER)?.balance);
            let time = overrides.block.and_then(|block| block.time);
            reply.send(Ok(Bytes::from(vec![
                balance.unwrap_or_default().to(),
                time.unwrap_or_default() as u8,
            ])));
        }
        EngineMessage::EstimateOverridden { reply, .. } => reply.send(Ok(30_000)),
        EngineMessage::AccessList { overrides, reply, .. } => {
            reply.send(Ok(Box::new(eth::AccessListResult {
                gas_used: U256::from(if overrides.state.is_some() { 2 } else { 1 }),
                error: Some("execution reverted".into()),
                ..Default::default()
            })))
        }
        EngineMessage::Proof { address, slots, reply, .. } => {
            let slot = |slot: &U256| eth::EIP1186StorageProof {
                key: (*slot).into(),
                value: *slot,
                proof: vec![Bytes::from_static(&[2])],
            };
            reply.send(Ok(Box::new(eth::EIP1186AccountProofResponse {
                address,
                nonce: 6,
                account_proof: vec![Bytes::from_static(&[1])],
                storage_proof: slots.iter().map(slot).collect(),
                ..eth::EIP1186AccountProofResponse::default()
            })));
        }
        EngineMessage::Receipt { hash, reply } => {
            reply.send(Ok((hash == transaction_hash()).then(|| Box::new(receipt()))));
        }
        EngineMessage::BlockReceipts { at, reply } => {
            reply.send(Ok(known(at).then(|| vec![receipt()])));
        }
        EngineMessage::Logs { reply, .. } => reply.send(Ok(vec![log()])),
        EngineMessage::FeeHistory { count, percentiles, reply, .. } => {
            let blocks = usize::try_from(count).unwrap();
            reply.send(Ok(Box::new(eth::FeeHistory {
                base_fee_per_gas: vec![1_000_000_000; blocks].into_iter().chain([1_100_000_000]).collect(),
                gas_used_ratio: vec![0.5; blocks],
                oldest_block: HEAD + 1 - count,
                reward: (!percentiles.is_empty()).then(|| vec![vec![1; percentiles.len()]; blocks]),
                ..eth::FeeHistory::default()
            })));
        }
        EngineMessage::SuggestedTip { reply } => reply.send(Ok(1_000_000)),
        EngineMessage::PoolStatus { reply } => reply.send(Ok(PoolStatus { pending: 3, queued: 1 })),
        other => alys_bus::unsupported(other),
    }
}

pub(crate) fn status(sync: SyncState) -> ChainStatus {
    ChainStatus {
        chain: "test".to_owned(),
        chain_id: crate::node::CHAIN_ID,
        head: BlockRef { height: HEAD, slot: 30, hash: B256::repeat_byte(1) },
        members: 1,
        quorum: 1,
        stride: 1,
        sync,
        ..ChainStatus::default()
    }
}

pub(crate) fn supervisor(message: SupervisorMessage) {
    if let SupervisorMessage::HealthCheck { reply } = message {
        let health = |actor: &str, state| ActorHealth {
            actor: actor.to_owned(),
            state,
            restarts: 2,
            last_end: Some("panicked at /home/operator/secret.rs".to_owned()),
            in_flight: 1,
        };
        reply.send(Ok(vec![health("storage", ActorState::Running), health("engine", ActorState::Hung)]));
    }
}
