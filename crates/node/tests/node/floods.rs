//! Wallets that ask for more than an actor may hold.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, TxKind, hex};
use alloy_rpc_types_eth::{
    BlockId, TransactionRequest,
    state::{AccountOverride, EvmOverrides},
};
use alys_bus::{AskError, Context, protocol::EngineMessage};
use alys_node::{Node, Wiring};

use crate::{
    chain::{in_memory, new_chain},
    watch::{PATIENCE, Watch},
};

/// Has a contract that runs in a circle until it is stopped.
const CIRCLE: Address = Address::repeat_byte(0x5b);

/// A call that works until its time is over.
async fn endless(wiring: Wiring) {
    let to = Some(TxKind::Call(CIRCLE));
    let request = Box::new(TransactionRequest { to, ..TransactionRequest::default() });
    // JUMPDEST, PUSH1 0, JUMP
    let code = Some(Bytes::from_static(&hex!("5b 6000 56")));
    let state = [(CIRCLE, AccountOverride { code, ..AccountOverride::default() })].into_iter().collect();
    let overrides = Box::new(EvmOverrides { state: Some(state), block: None });
    let at = BlockId::latest();
    let ask = |reply| EngineMessage::CallOverridden { request, at, overrides, reply };
    let _ = wiring.engine.ask(Context::root(PATIENCE), ask).await;
}

/// Whether the engine holds all that wallets may give it.
async fn is_full(wiring: &Wiring) -> bool {
    let ctx = Context::root(Duration::from_millis(20));
    let asked = wiring.engine.ask(ctx, |reply| EngineMessage::PoolStatus { reply }).await;
    matches!(asked, Err(AskError::Overloaded(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_full_of_wallets_calls_makes_and_judges_blocks_all_the_same() {
    let (spec, keys) = new_chain();
    let node = Node::builder(in_memory(), spec).keys(keys).without_signals().start().await.unwrap();
    let mut watch = Watch::over(node).await;
    watch.next_final().await;
    let wiring = watch.node.wiring().clone();
    let mut wallets = tokio::task::JoinSet::new();
    while !is_full(&wiring).await {
        (0..200).for_each(|_| {
            wallets.spawn(endless(wiring.clone()));
        });
        assert!(wallets.len() < 10_000, "it takes whatever it is given");
    }
    for _ in 0..3 {
        watch.next_final().await;
        assert!(is_full(&wiring).await, "there was no flood any more");
    }
    watch.nothing_is_lost().await;
    wallets.shutdown().await;
    watch.node.supervisor().stop("seen enough");
    let report = watch.node.stopped().await;
    assert!(report.is_success(), "{report}");
}
