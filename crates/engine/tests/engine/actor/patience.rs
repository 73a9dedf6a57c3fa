//! How long an execution may take, and who waits for it meanwhile.

use std::time::Duration;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Bytes, TxKind};
use alloy_rpc_types_eth as eth;
use alys_bus::{AskError, Context, WorkerMode};
use alys_database::MemoryDisk;
use alys_engine::EngineConfig;
use alys_engine::messages::{EngineMessage, QueryError};
use alys_testkit::{PATIENCE, within};

use super::rig::Rig;
use crate::common::{FEE_SINK, Send};

/// Hours of work, on one thread.
fn config(call_timeout_ms: u64) -> EngineConfig {
    EngineConfig { call_gas: u64::MAX, call_timeout_ms, call_threads: 1, ..EngineConfig::default() }
}

/// Init code that does `work` for ever.
fn forever(work: &[u8]) -> eth::TransactionRequest {
    let code = [&[0x5b], work, &[0x60, 0x00, 0x56]].concat();
    eth::TransactionRequest {
        to: Some(TxKind::Create),
        gas: Some(u64::MAX),
        input: Bytes::from(code).into(),
        ..Default::default()
    }
}

/// `JUMPDEST PUSH1 0 JUMP`.
fn endless() -> eth::TransactionRequest {
    forever(&[])
}

fn plain() -> eth::TransactionRequest {
    eth::TransactionRequest { to: Some(TxKind::Call(FEE_SINK)), ..Default::default() }
}

fn aborted(timeout: &str) -> Option<QueryError> {
    Some(QueryError::Halted { reason: format!("execution aborted (timeout = {timeout})") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_call_ends_at_its_bound_in_geths_words_and_its_thread_is_free_again() {
    let rig = Rig::with(config(20), WorkerMode::Thread, &MemoryDisk::new()).await;
    // A loop of nothing, and one that calls the identity precompile each time around.
    let identity = [0x5f, 0x5f, 0x5f, 0x5f, 0x60, 0x04, 0x5a, 0xfa, 0x50];
    for request in [endless(), forever(&identity)] {
        assert_eq!(within(rig.call(request.clone())).await, Err(aborted("20ms")));
        assert_eq!(within(rig.estimate(request)).await, Err(aborted("20ms")));
    }
    assert_eq!(within(rig.call(plain())).await, Ok(Bytes::new()));
    assert_eq!(within(rig.estimate(plain())).await, Ok(21_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tips_histories_logs_and_transactions_are_answered_while_a_call_has_all_call_threads() {
    let config = EngineConfig { call_timeout_ms: 3_600_000, ..config(1) };
    let mut rig = Rig::with(config, WorkerMode::Thread, &MemoryDisk::new()).await;
    rig.next_block().await;
    let call = || {
        let (request, at) = (Box::new(endless()), BlockId::latest());
        rig.address.ask(Context::root(2 * PATIENCE), move |reply| EngineMessage::Call { request, at, reply })
    };
    let calls = async { tokio::join!(Box::pin(call()), Box::pin(call())) };
    let others = async {
        rig.ask(|reply| EngineMessage::SuggestedTip { reply }).await.unwrap();
        for count in [1, 10, 1_000] {
            let (newest, percentiles) = (BlockNumberOrTag::Latest, vec![50.0]);
            rig.ask(|reply| EngineMessage::FeeHistory { count, newest, percentiles, reply }).await.unwrap();
        }
        rig.logs(eth::Filter::new()).await.unwrap();
        rig.submit(&Send::transfer(0, 0, FEE_SINK, 1)).await.unwrap();
    };
    tokio::select! {
        biased;
        outcome = calls => panic!("an endless call ended: {outcome:?}"),
        () = within(others) => {}
    }
    // Nobody waits for the endless calls any more, so the thread does not either.
    assert_eq!(within(rig.call(plain())).await, Ok(Bytes::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_execution_ends_at_its_askers_deadline() {
    let config = EngineConfig { call_timeout_ms: 3_600_000, ..config(1) };
    let rig = Rig::with(config, WorkerMode::Thread, &MemoryDisk::new()).await;
    let (request, at) = (Box::new(endless()), BlockId::latest());
    let ctx = Context::root(Duration::from_millis(100));
    let ask = rig.address.ask(ctx, |reply| EngineMessage::EstimateGas { request, at, reply });
    let outcome = within(ask).await;
    // Whichever is there first, the asker's own clock or the engine's answer to it.
    assert!(
        matches!(outcome, Err(AskError::Timeout(_) | AskError::Actor(QueryError::TimedOut))),
        "{outcome:?}"
    );
    assert_eq!(within(rig.call(plain())).await, Ok(Bytes::new()));
}
