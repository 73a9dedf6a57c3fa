//! An execution client that is begun anew while the chain runs: chain's last resort.

use alloy_rpc_types_eth::BlockId;
use alys_bus::protocol::{EngineMessage, engine::EngineError, storage::BlockQuery};
use alys_node::{ClientKind, Node, NodeConfig};

use crate::{
    chain::{in_folder, new_chain},
    watch::{Watch, ctx, stored},
};

/// A running chain with some final blocks.
async fn running(config: NodeConfig) -> Watch {
    let (spec, keys) = new_chain();
    let node = Node::builder(config, spec).keys(keys).without_signals();
    let mut watch = Watch::over(node.start().await.unwrap()).await;
    for _ in 0..3 {
        watch.next_final().await;
    }
    watch
}

async fn reset(watch: &Watch) -> Result<(), EngineError> {
    let asked = watch.node.wiring().engine.ask(ctx(), |reply| EngineMessage::Reset { reply }).await;
    asked.map_err(|error| error.into_actor().expect("the engine's own word"))
}

/// The client has every final block: it was given them again.
async fn has_all(watch: &Watch) {
    for block in &watch.finals {
        let ask = |reply| EngineMessage::BlockBy { at: BlockId::number(block.height), full: false, reply };
        let found = watch.node.wiring().engine.ask(ctx(), ask).await.unwrap().map(|found| found.header.hash);
        let kept = stored(watch.node.wiring(), BlockQuery::Hash(block.hash)).await;
        assert_eq!(found, Some(kept[0].block.block.header.payload_hash), "height {}", block.height);
    }
}

async fn ends(watch: Watch) {
    watch.nothing_is_lost().await;
    watch.node.supervisor().stop("seen enough");
    let report = watch.node.stopped().await;
    assert!(report.is_success(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_engine_that_is_begun_anew_is_given_every_block_again_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut watch = running(in_folder(folder.path())).await;
    for _ in 0..2 {
        reset(&watch).await.unwrap();
        watch.next_final().await;
        watch.next_final().await;
        has_all(&watch).await;
    }
    ends(watch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_geth_of_the_nodes_own_is_wiped_and_replayed_three_times_an_hour_and_no_more() {
    let Some(_) = alys_peers::required(alys_peers::geth()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut config = in_folder(folder.path());
    config.execution.client = ClientKind::Geth;
    let mut watch = running(config).await;
    for _ in 0..3 {
        reset(&watch).await.unwrap();
        watch.next_final().await;
        has_all(&watch).await;
    }
    let refused = reset(&watch).await.unwrap_err();
    let exhausted = |what: &str| what.contains("begun anew 3 times within the hour");
    assert!(matches!(&refused, EngineError::NotManaged(what) if exhausted(what)), "{refused}");
    watch.next_final().await;
    ends(watch).await;
}
