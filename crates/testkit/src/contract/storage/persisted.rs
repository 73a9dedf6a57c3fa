//! `PersistBlock`: durable before it is executed, by its hash, again and again.

use std::sync::Arc;

use alys_bus::protocol::storage::{BlockQuery, BlockStatus, StorageMessage};

use super::{
    Asker,
    blocks::{child, genesis, hash, line},
};
use crate::contract::{Subject, answered};

/// `LoadChain` is `None` in an empty storage, and still after a block was only persisted.
pub async fn an_empty_storage_has_no_chain(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    assert_eq!(storage.load().await, None);
    storage.persist(&genesis()).await;
    assert_eq!(storage.load().await, None, "a candidate is not a head");
}

/// Stored by its hash, before it is executed: no facts, no place on the chain.
pub async fn a_persisted_block_is_found_by_its_hash_as_a_candidate(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let block = child(&genesis(), 1);
    storage.persist(&block).await;
    let found = storage.retrieve(BlockQuery::Hash(hash(&block))).await;
    let [found] = found.as_slice() else { panic!("one block has this hash, {} found", found.len()) };
    assert_eq!(found.block, *block, "block and envelope come back as they were given");
    assert_eq!((found.status, &found.facts), (BlockStatus::Candidate, &None));
}

/// Idempotent: the same block again is `Ok`, and is one block.
pub async fn the_same_block_again_is_ok(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let block = genesis();
    storage.persist(&block).await;
    storage.persist(&block).await;
    assert_eq!(storage.found(BlockQuery::Hash(hash(&block))).await, [hash(&block)]);
    let statistics = answered(storage.ask(|reply| StorageMessage::Statistics { reply }).await);
    assert_eq!(statistics.blocks, 1);
}

/// Blocks that wait together may become one batch; none is lost in it.
pub async fn many_blocks_at_once_are_all_kept(subject: impl Subject<StorageMessage>) {
    let mut storage = Asker::new(subject);
    let blocks = line(40);
    let (one, two) = blocks.split_at(20);
    let all = |part: &'static str, blocks: Vec<_>| {
        let address = storage.address.clone();
        async move {
            for block in blocks {
                let ctx = alys_bus::Context::root(crate::PATIENCE);
                let asked = address.ask(ctx, |reply| StorageMessage::PersistBlock { block, reply }).await;
                assert!(asked.is_ok(), "{part} half: {asked:?}");
            }
        }
    };
    let half = |part: &[Arc<_>]| part.to_vec();
    tokio::join!(all("first", half(one)), all("second", half(two)), all("again", half(one)));
    storage.restart().await;
    for block in &blocks {
        assert_eq!(storage.found(BlockQuery::Hash(hash(block))).await, [hash(block)]);
    }
}

/// Answered when it is on the disk: what was answered is there after a kill.
pub async fn a_persisted_block_survives_a_restart(subject: impl Subject<StorageMessage>) {
    let mut storage = Asker::new(subject);
    let block = child(&genesis(), 3);
    storage.persist(&block).await;
    storage.restart().await;
    let found = storage.retrieve(BlockQuery::Hash(hash(&block))).await;
    assert_eq!(found.iter().map(|found| &found.block).collect::<Vec<_>>(), [&*block]);
}
