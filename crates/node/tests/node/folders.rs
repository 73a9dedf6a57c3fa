//! One folder, one node.

use alys_node::Node;

use crate::{
    chain::{in_folder, keys, new_chain},
    watch::Watch,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_on_one_folder_ends_with_the_reason_and_the_first_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (spec, keys_of_it) = new_chain();
    let first = Node::builder(in_folder(folder.path()), spec.clone()).keys(keys_of_it).without_signals();
    let mut first = Watch::over(first.start().await.unwrap()).await;
    first.next_final().await;

    let second = Node::builder(in_folder(folder.path()), spec).keys(keys()).without_signals();
    let report = second.start().await.unwrap().stopped().await;
    assert_eq!(report.exit_code(), 1);
    let told = report.to_string();
    let place = folder.path().to_str().unwrap();
    assert!(
        told.contains("did not start") && told.contains(place),
        "where, and that it did not start: {told}"
    );
    assert!(told.contains("use") || told.contains("lock") || told.contains("open"), "what is wrong: {told}");
    println!("{told}");

    first.next_final().await;
    first.nothing_is_lost().await;
    first.node.supervisor().stop("seen enough");
    let report = first.node.stopped().await;
    assert!(report.is_success(), "{report}");
}
