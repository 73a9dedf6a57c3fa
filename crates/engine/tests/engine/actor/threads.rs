//! Readers beside the writer, with real threads.

use std::time::Duration;

use alloy_eips::BlockId;
use alloy_primitives::{Bytes, TxKind};
use alloy_rpc_types_eth as eth;
use alys_bus::{AskError, Context, WorkerMode};
use alys_database::MemoryDisk;
use alys_engine::EngineConfig;
use alys_engine::messages::EngineMessage;
use alys_testkit::within;

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
    // Enough work for both call threads to be busy all along.
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let address = rig.address.clone();
            let ctx = Context::root(Duration::from_secs(60));
            let ask = async move {
                let (request, at) = (Box::new(endless()), BlockId::latest());
                address.ask(ctx, |reply| EngineMessage::Call { request, at, reply }).await
            };
            Box::pin(ask)
        })
        .collect();
    let calls = futures::future::join_all(calls);
    tokio::pin!(calls);
    let work = async {
        for _ in 0..5 {
            rig.next_block().await;
            rig.nonce(0, BlockId::latest()).await;
        }
    };
    // The blocks are through while calls still wait: `select` polls both, the calls cannot be first.
    tokio::select! {
        biased;
        () = within(work) => {}
        _ = &mut calls => panic!("eight calls of 200 million gas ended before five empty blocks"),
    }
    // Each of the eight has one outcome.
    for outcome in within(calls).await {
        assert!(matches!(outcome, Err(AskError::Actor(_))), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_deadline_passes_in_the_queue_is_never_begun() {
    let config = EngineConfig { call_gas: 300_000_000, call_threads: 1, ..EngineConfig::default() };
    let rig = Rig::with(config, WorkerMode::Thread, &MemoryDisk::new()).await;
    let long =
        rig.ask(|reply| EngineMessage::Call { request: Box::new(endless()), at: BlockId::latest(), reply });
    tokio::pin!(long);
    let hurried = async {
        let ctx = Context::root(Duration::from_millis(20));
        let (request, at) = (Box::new(endless()), BlockId::latest());
        rig.address.ask(ctx, |reply| EngineMessage::Call { request, at, reply }).await
    };
    let (long, hurried) = within(async { tokio::join!(long, hurried) }).await;
    assert!(matches!(long, Err(AskError::Actor(_))));
    assert!(matches!(hurried, Err(AskError::Timeout(_))), "{hurried:?}");
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
