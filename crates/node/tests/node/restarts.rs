//! Restarts through the supervisor, the ordered stop, and a node without keys.

use std::fs;

use alys_bus::{
    Clock,
    protocol::{StorageMessage, storage::Promises},
};
use alys_node::Node;

use crate::{
    chain::{in_folder, in_memory, keys, new_chain},
    watch::{PATIENCE, Watch, ctx, rpc, still_there},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_actor_can_be_restarted_while_the_chain_runs_and_a_later_run_finds_every_final_block() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, keys_of_it) = new_chain();
    let node = Node::builder(in_folder(folder.path()), spec.clone()).keys(keys_of_it).without_signals();
    let mut watch = Watch::over(node.start().await.unwrap()).await;
    watch.next_final().await;
    for actor in ["storage", "engine", "federation", "chain", "rpc"] {
        watch.node.supervisor().restart(ctx(), actor).await.unwrap();
        watch.next_final().await;
    }
    watch.nothing_is_lost().await;
    watch.node.supervisor().stop("seen enough");
    let report = watch.node.stopped().await;
    assert!(report.is_success(), "{report}");
    // Intake first, then down to what the others depend on.
    let order: Vec<_> = report.children.iter().map(|child| child.actor.as_str()).collect();
    assert_eq!(order[..2], ["rpc", "chain"]);
    let mut below = order[2..].to_vec();
    below.sort_unstable();
    assert_eq!(below, ["engine", "federation", "storage"]);

    let again = Node::builder(in_folder(folder.path()), spec).keys(keys()).without_signals();
    let mut later = Watch::over(again.start().await.unwrap()).await;
    still_there(later.node.wiring(), &watch.finals).await;
    let next = later.next_final().await;
    assert!(watch.finals.iter().all(|block| block.height < next.height), "it goes on above: {next:?}");
    later.node.supervisor().stop("seen enough");
    let report = later.node.stopped().await;
    assert!(report.is_success(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_engine_database_is_damaged_makes_it_anew_from_its_blocks_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, keys_of_it) = new_chain();
    let node = Node::builder(in_folder(folder.path()), spec.clone()).keys(keys_of_it).without_signals();
    let mut watch = Watch::over(node.start().await.unwrap()).await;
    for _ in 0..3 {
        watch.next_final().await;
    }
    watch.node.supervisor().stop("seen enough");
    assert!(watch.node.stopped().await.is_success());

    let engine = in_folder(folder.path()).engine_path();
    let file = engine.join("data.redb");
    let length = fs::metadata(&file).unwrap().len();
    fs::write(&file, vec![0xa5; usize::try_from(length).unwrap()]).unwrap();

    let again = Node::builder(in_folder(folder.path()), spec).keys(keys()).without_signals();
    let mut later = Watch::over(again.start().await.unwrap()).await;
    let next = later.next_final().await;
    assert!(watch.finals.iter().all(|block| block.height < next.height), "it goes on above: {next:?}");
    still_there(later.node.wiring(), &watch.finals).await;
    // What it was is kept for whoever wants to look at it.
    assert_eq!(fs::metadata(engine.with_extension("aside").join("data.redb")).unwrap().len(), length);
    later.node.supervisor().stop("seen enough");
    let report = later.node.stopped().await;
    assert!(report.is_success(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_keys_runs_and_promises_nothing() {
    let (spec, _) = new_chain();
    let node = Node::builder(in_memory(), spec.clone()).without_signals().start().await.unwrap();
    let node = Watch::over(node).await.node;
    // Three slots that would be its own, were it the member.
    let third = spec.blocks.genesis_ms + 3 * spec.blocks.slot_ms;
    tokio::time::timeout(PATIENCE, Clock::system().sleep_until(third)).await.unwrap();
    let ask = |reply| StorageMessage::LoadPromises { reply };
    let promises = node.wiring().storage.ask(ctx(), ask).await.unwrap();
    assert_eq!(*promises, Promises::default());
    let status = node.wiring().status.reader().get();
    assert_eq!((status.member, status.head.height), (None, 0));
    let answer = rpc(&reqwest::Client::new(), &node, "eth_blockNumber").await.unwrap();
    assert!(answer.contains(r#""result":"0x0""#), "it serves wallets: {answer}");
    node.supervisor().stop("seen enough");
    let stopped = tokio::time::timeout(PATIENCE, node.stopped()).await.unwrap();
    assert!(stopped.is_success(), "{stopped}");
}
