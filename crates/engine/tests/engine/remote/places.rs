//! Who waits for whom: chain for no wallet.

use alloy_eips::BlockId;
use alys_bus::Context;
use alys_engine::messages::{EngineMessage, PoolStatus};
use alys_testkit::{PATIENCE, within};
use futures::future::join_all;
use serde_json::json;

use crate::remote::fake::GENESIS;
use crate::remote::questions::forward;
use crate::remote::rig::Rig;
use crate::remote::server::Reaction;

#[tokio::test]
async fn what_chain_asks_is_answered_while_silent_questions_of_wallets_hold_every_place() {
    let rig = Rig::start().await;
    let (silent, server) = ("debug_traceTransaction", &rig.fake.server);
    server.set(silent, Reaction::Silence);
    server.set("txpool_status", Reaction::Result(json!({ "pending": "0x1", "queued": "0x0" })));
    let wallets = join_all((0..40).map(|_| forward(&rig, silent)));
    let chain = async {
        while server.count(silent) < 32 {
            tokio::task::yield_now().await;
        }
        assert_eq!(rig.head().await.unwrap().hash, GENESIS);
        let at = BlockId::number(0);
        let block = rig.ask(|reply| EngineMessage::BlockBy { at, full: false, reply }).await.unwrap();
        assert_eq!(block.unwrap().header.hash, GENESIS);
        let at = BlockId::number(7);
        let block = rig.ask(|reply| EngineMessage::BlockBy { at, full: false, reply }).await.unwrap();
        assert_eq!(block, None, "none is an answer");
        // By the control lane, whatever it is.
        let (control, ctx) = (rig.address.control(), Context::root(PATIENCE));
        let status = control.ask(ctx, |reply| EngineMessage::PoolStatus { reply }).await.unwrap();
        assert_eq!(status, PoolStatus { pending: 1, queued: 0 });
        assert_eq!(server.count(silent), 32, "wallets have no more places than before");
    };
    tokio::select! {
        outcomes = wallets => panic!("they are silent: {outcomes:?}"),
        () = within(chain) => {}
    }
}
