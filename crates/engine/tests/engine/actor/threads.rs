//! Readers beside the writer, with real threads.

use std::time::Duration;

use alloy_eips::BlockId;
use alloy_primitives::{Bytes, TxKind};
use alloy_rpc_types_eth as eth;
use alys_bus::{AskError, Context, WorkerMode};
use alys_database::MemoryDisk;
use alys_engine::EngineConfig;
use alys_engine::messages::EngineMessage;
use alys_testkit::{PATIENCE, within};
use futures::stream::{FuturesUnordered, StreamExt as _};

use super::rig::Rig;

/// Init code that burns all gas it is given: `JUMPDEST PUSH1 0 JUMP`.
fn endless() -> eth::TransactionRequest {
    eth::TransactionRequest {
        to: Some(TxKind::Create),
        input: Bytes::from_static(&[0x5b, 0x60, 0x00, 0x56]).into(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_burn_all_their_gas_delay_neither_blocks_nor_balances() {
    let config = EngineConfig { call_gas: 200_000_000, ..EngineConfig::default() };
    let mut rig = Rig::with(config, WorkerMode::Thread, &MemoryDisk::new()).await;
    // Enough work for both call threads to be busy all along, however slowly the blocks come.
    let call = || {
        let address = rig.address.clone();
        async move {
            let (request, at) = (Box::new(endless()), BlockId::latest());
            address.ask(Context::root(PATIENCE), |reply| EngineMessage::Call { request, at, reply }).await
        }
    };
    let mut calls: FuturesUnordered<_> = (0..100).map(|_| call()).collect();
    let mut outcomes = Vec::new();
    let all = async {
        while let Some(outcome) = calls.next().await {
            outcomes.push(outcome);
        }
    };
    let work = async {
        for _ in 0..5 {
            rig.next_block().await;
            rig.nonce(0, BlockId::latest()).await;
        }
    };
    // The blocks are through while calls still wait, which were sent first.
    tokio::select! {
        biased;
        () = all => panic!("a hundred calls of 200 million gas ended before five empty blocks"),
        () = within(work) => {}
    }
    // Each call that was begun has one outcome; nobody waits for the rest, which is not begun.
    while outcomes.len() < 8 {
        outcomes.extend(within(calls.next()).await);
    }
    for outcome in outcomes {
        assert!(matches!(outcome, Err(AskError::Actor(_))), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_deadline_passes_in_the_queue_is_never_begun() {
    let config = EngineConfig { call_gas: 300_000_000, call_threads: 1, ..EngineConfig::default() };
    let rig = Rig::with(config, WorkerMode::Thread, &MemoryDisk::new()).await;
    let call = async |ctx| {
        let (request, at) = (Box::new(endless()), BlockId::latest());
        rig.address.ask(ctx, |reply| EngineMessage::Call { request, at, reply }).await
    };
    // More than the one thread can do before the hurried one's deadline, which leaves it time to reach the queue.
    let long = futures::future::join_all((0..40).map(|_| Box::pin(call(Context::root(PATIENCE)))));
    tokio::select! {
        biased;
        _ = long => panic!("forty calls of 300 million gas ended within half a second"),
        hurried = call(Context::root(Duration::from_millis(500))) => {
            assert!(matches!(hurried, Err(AskError::Timeout(_))), "{hurried:?}");
        }
    }
    // Nobody waits for the others any more: they are not begun either.
    let expired: u64 = within(async {
        loop {
            let expired = rig.client.observers().iter().map(|worker| worker.stats().expired).sum();
            if expired > 0 {
                return expired;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(expired, 1);
}
