//! Filters: each change is told once, in order, and taken back where the chain leaves it.

use alloy_primitives::B256;
use serde_json::{Value, json};

use crate::{
    fake_chain::{EMITTER, FakeChain, hash},
    node::{Node, Setup},
};

async fn install(node: &Node, method: &str, params: Value) -> Value {
    let id = node.ok(method, params).await;
    assert_eq!(id.as_str().unwrap().len(), 34, "{id}");
    id
}

async fn changes(node: &Node, id: &Value) -> Vec<Value> {
    node.ok("eth_getFilterChanges", json!([id])).await.as_array().unwrap().clone()
}

/// Block number, index, and whether it is taken back.
fn places(logs: &[Value]) -> Vec<(String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    logs.iter()
        .map(|log| (text(&log["blockHash"]), text(&log["logIndex"]), log["removed"].as_bool().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_block_filter_tells_each_new_block_once() {
    let chain = FakeChain::of(5);
    let node = Setup::default().start(chain.engine()).await;
    let id = install(&node, "eth_newBlockFilter", json!([])).await;
    assert_eq!(changes(&node, &id).await, Vec::<Value>::new(), "what is there already is not new");
    let new = [chain.grow(1, &[], 0), chain.grow(1, &[], 0)];
    assert_eq!(changes(&node, &id).await, new.map(|hash| json!(hash)));
    assert_eq!(changes(&node, &id).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_block_filter_tells_the_blocks_of_a_new_branch() {
    let chain = FakeChain::of(5);
    let node = Setup::default().start(chain.engine()).await;
    let id = install(&node, "eth_newBlockFilter", json!([])).await;
    (0..3).for_each(|_| {
        chain.grow(1, &[], 0);
    });
    assert_eq!(changes(&node, &id).await.len(), 3);
    chain.drop_last(2);
    let new = [chain.grow(2, &[], 0), chain.grow(2, &[], 0), chain.grow(2, &[], 0)];
    assert_eq!(changes(&node, &id).await, new.map(|hash| json!(hash)));
}

#[tokio::test]
async fn a_filter_that_was_away_gets_what_it_missed_in_parts() {
    let chain = FakeChain::of(1);
    let node = Setup::default().start(chain.engine()).await;
    let id = install(&node, "eth_newBlockFilter", json!([])).await;
    let new: Vec<Value> = (0..600).map(|_| json!(chain.grow(1, &[], 0))).collect();
    let mut told = Vec::new();
    while told.len() < new.len() {
        let part = changes(&node, &id).await;
        assert!(!part.is_empty() && part.len() <= 256, "{}", part.len());
        told.extend(part);
    }
    assert_eq!(told, new);
}

#[tokio::test]
async fn a_log_filter_tells_new_logs_once_and_takes_back_those_of_blocks_that_left_the_chain() {
    let chain = FakeChain::of(3);
    chain.grow(1, &[], 1);
    let node = Setup::default().start(chain.engine()).await;
    let id = install(&node, "eth_newFilter", json!([{ "address": EMITTER }])).await;
    let other = install(&node, "eth_newFilter", json!([{ "address": B256::ZERO.to_string()[..42] }])).await;
    assert!(changes(&node, &id).await.is_empty(), "what is there already is not new");
    let (first, second) = (chain.grow(1, &[], 2), chain.grow(1, &[], 1));
    chain.grow(1, &[], 0);
    let (zero, one) = ("0x0".to_owned(), "0x1".to_owned());
    let (first, second) = (first.to_string(), second.to_string());
    assert_eq!(
        places(&changes(&node, &id).await),
        [
            (first.clone(), zero.clone(), false),
            (first.clone(), one.clone(), false),
            (second.clone(), zero.clone(), false)
        ]
    );
    assert!(changes(&node, &id).await.is_empty());

    chain.drop_last(3);
    let third = chain.grow(2, &[], 1).to_string();
    assert_eq!(
        places(&changes(&node, &id).await),
        [
            (second, zero.clone(), true),
            (first.clone(), one, true),
            (first, zero.clone(), true),
            (third, zero, false)
        ]
    );
    assert!(changes(&node, &id).await.is_empty());
    assert!(changes(&node, &other).await.is_empty(), "of another address");
    let all = node.ok("eth_getFilterLogs", json!([id])).await;
    assert_eq!(all.as_array().unwrap().len(), 2, "of all blocks that are on the chain now: {all}");
}

#[tokio::test]
async fn a_log_filter_with_numbers_tells_only_of_those_blocks() {
    let chain = FakeChain::of(5);
    let node = Setup::default().start(chain.engine()).await;
    let range = json!([{ "fromBlock": "0x6", "toBlock": "0x7" }]);
    let id = install(&node, "eth_newFilter", range).await;
    let all: Vec<String> = (0..5).map(|_| chain.grow(1, &[], 1).to_string()).collect();
    let told = places(&changes(&node, &id).await);
    assert_eq!(told.iter().map(|place| &place.0).collect::<Vec<_>>(), [&all[1], &all[2]]);
}

#[tokio::test]
async fn a_transaction_filter_tells_what_waits_and_what_was_mined_meanwhile_once() {
    let chain = FakeChain::of(2);
    let tx = |n| B256::repeat_byte(n);
    chain.wait(tx(1));
    let node = Setup::default().start(chain.engine()).await;
    let id = install(&node, "eth_newPendingTransactionFilter", json!([])).await;
    assert!(changes(&node, &id).await.is_empty(), "what waited already is not new");
    chain.wait(tx(2));
    assert_eq!(changes(&node, &id).await, [json!(tx(2))]);
    chain.wait(tx(3));
    chain.grow(1, &[tx(1), tx(2), tx(4)], 0);
    assert_eq!(changes(&node, &id).await, [json!(tx(4)), json!(tx(3))]);
    chain.grow(1, &[tx(3)], 0);
    assert!(changes(&node, &id).await.is_empty());
}

#[tokio::test]
async fn a_filter_is_gone_when_it_is_uninstalled_and_none_is_found_by_a_wrong_name() {
    let chain = FakeChain::of(2);
    let node = Setup::default().start(chain.engine()).await;
    let id = install(&node, "eth_newBlockFilter", json!([])).await;
    let not_found = (-32000, "filter not found".to_owned(), Value::Null);
    assert_eq!(node.err("eth_getFilterLogs", json!([id])).await, not_found, "blocks have no logs to list");
    assert_eq!(node.ok("eth_uninstallFilter", json!([id])).await, true);
    assert_eq!(node.ok("eth_uninstallFilter", json!([id])).await, false);
    assert_eq!(node.err("eth_getFilterChanges", json!([id])).await, not_found);
    assert_eq!(node.err("eth_getFilterChanges", json!(["0x1"])).await, not_found);
    assert_eq!(node.err("eth_getFilterChanges", json!(["one"])).await.0, -32602);
    assert_eq!(node.err("eth_getFilterChanges", json!([])).await.0, -32602);
}

#[tokio::test]
async fn there_are_so_many_filters_and_no_more() {
    let node = Setup::default().start(FakeChain::of(2).engine()).await;
    let mut first = None;
    for _ in 0..512 {
        let id = install(&node, "eth_newBlockFilter", json!([])).await;
        first.get_or_insert(id);
    }
    let (code, message, _) = node.err("eth_newBlockFilter", json!([])).await;
    assert_eq!(code, -32005, "{message}");
    assert_eq!(node.ok("eth_uninstallFilter", json!([first])).await, true);
    install(&node, "eth_newBlockFilter", json!([])).await;
}

#[tokio::test]
async fn a_look_that_fails_loses_nothing() {
    let chain = FakeChain::of(2);
    let mut engine = chain.engine();
    let mut left = 3;
    let node = Setup::default()
        .start(move |message| {
            // Installing takes one question; the third of the look after it is not answered.
            left -= 1;
            if left != 0 {
                engine(message);
            }
        })
        .await;
    let id = install(&node, "eth_newBlockFilter", json!([])).await;
    let new = chain.grow(1, &[], 0);
    assert_eq!(node.err("eth_getFilterChanges", json!([id])).await.0, -32002);
    assert_eq!(changes(&node, &id).await, [json!(new)]);
    assert_eq!(new, hash(1, 2));
}
