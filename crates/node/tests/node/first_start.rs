//! A member without its promise record: it may be new, or have forgotten what it voted (`two-rivals`).

use alys_bus::Clock;
use alys_federation::{DevelopmentDealer, MemberKeys};
use alys_node::{Node, NodeBuilder, NodeConfig, NodeError};
use alys_primitives::{ChainSpec, spec::DevelopmentChain};
use alys_storage::PromiseRecord;
use alys_testkit::wallet;

use crate::{
    chain::{CHAIN_ID, in_folder, in_memory, new_chain},
    watch::PATIENCE,
};

/// A chain of four whose genesis lies this far from now, and the keys of one member.
fn of_four(genesis_in_ms: i64) -> (ChainSpec, MemberKeys) {
    let dealt = DevelopmentDealer::from_seed([9; 32]).deal(4).unwrap();
    let spec = DevelopmentChain {
        name: "four".to_owned(),
        chain_id: CHAIN_ID,
        genesis_ms: Clock::system().now_ms().checked_add_signed(genesis_in_ms).unwrap(),
        slot_seconds: 1,
        gas_limit: 30_000_000,
        members: dealt.spec_members(|_| wallet::payer()).unwrap(),
        commitment: dealt.keys.commitments().to_vec(),
        funded: Default::default(),
    }
    .spec();
    (spec, dealt.members.into_iter().next().unwrap())
}

const AN_HOUR_AGO: i64 = -3_600_000;

fn member(config: NodeConfig, genesis_in_ms: i64) -> NodeBuilder {
    let (spec, keys) = of_four(genesis_in_ms);
    Node::builder(config, spec).keys(keys).without_signals()
}

/// Starts, runs until the actors do, and is stopped.
async fn runs(node: NodeBuilder) {
    let node = node.start().await.unwrap();
    assert!(node.supervisor().until_running(PATIENCE).await, "{:?}", node.supervisor().health());
    node.supervisor().stop("seen enough");
    let report = node.stopped().await;
    assert!(report.is_success(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rivals_a_member_without_its_record_does_not_start_on_a_chain_that_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    for config in [in_folder(folder.path()), in_memory()] {
        let refusal = member(config, AN_HOUR_AGO).start().await.err().unwrap();
        assert!(matches!(refusal, NodeError::PromisesUnknown { .. }), "{refusal}");
        let told = refusal.to_string();
        for what in ["storage.path", "alys promises reset", "four has begun", "--first-start"] {
            assert!(told.contains(what), "{what} is missing in: {told}");
        }
    }
    assert!(!folder.path().join("storage").exists(), "nothing was made that a next start could trust");

    // The way out that the error names.
    let path = folder.path().join("storage/promises");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    PromiseRecord::reset(&path, 3_700).unwrap();
    runs(member(in_folder(folder.path()), AN_HOUR_AGO)).await;
    assert_eq!(PromiseRecord::open_file(&path).unwrap().promises().lock, 3_700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_new_for_certain_starts_and_starts_again() {
    // By the word of the program.
    let folder = tempfile::tempdir().unwrap();
    runs(member(in_folder(folder.path()), AN_HOUR_AGO).first_start()).await;
    runs(member(in_folder(folder.path()), AN_HOUR_AGO)).await;
    // Because nobody has voted yet.
    let folder = tempfile::tempdir().unwrap();
    runs(member(in_folder(folder.path()), 3_600_000)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_keys_and_a_chain_of_one_start_at_any_time() {
    let (spec, _) = of_four(AN_HOUR_AGO);
    runs(Node::builder(in_memory(), spec).without_signals()).await;
    let (mut spec, keys) = new_chain();
    spec.blocks.genesis_ms -= 3_600_000;
    runs(Node::builder(in_memory(), spec).keys(keys).without_signals()).await;
}
