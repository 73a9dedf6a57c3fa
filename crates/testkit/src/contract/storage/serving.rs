//! `RetrieveBlock` and `LoadChain`: who is found, and how far it has come.

use std::collections::BTreeSet;

use alys_bus::protocol::storage::{BlockQuery, BlockStatus, StorageMessage};
use alys_primitives::B256;

use super::{
    Asker, NONE,
    blocks::{change, child, facts, hash, hashes, line, transaction_hash},
};
use crate::contract::Subject;

/// Empty where nothing matches; absence is not an error.
pub async fn a_question_that_matches_nothing_has_an_empty_answer(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let nothing = [
        BlockQuery::Hash(B256::repeat_byte(7)),
        BlockQuery::Height(0),
        BlockQuery::Height(u64::MAX),
        BlockQuery::Range { from: 0, count: 10 },
        BlockQuery::Range { from: u64::MAX, count: u32::MAX },
        BlockQuery::Transaction(transaction_hash(1)),
    ];
    for query in nothing {
        assert_eq!(storage.found(query).await, NONE, "{query:?} of an empty storage");
    }
    storage.chain(&line(2), 1).await;
    let nothing = [
        BlockQuery::Hash(B256::repeat_byte(7)),
        BlockQuery::Height(3),
        BlockQuery::Height(u64::MAX),
        BlockQuery::Range { from: 3, count: 10 },
        BlockQuery::Range { from: 0, count: 0 },
        BlockQuery::Range { from: u64::MAX, count: u32::MAX },
        BlockQuery::Transaction(transaction_hash(3)),
    ];
    for query in nothing {
        assert_eq!(storage.found(query).await, NONE, "{query:?}");
    }
}

/// By height, range and transaction only the chain of the head is searched; by hash, candidates too.
pub async fn by_height_range_and_transaction_only_the_chain_of_the_head_is_searched(
    subject: impl Subject<StorageMessage>,
) {
    let storage = Asker::new(subject);
    let line = line(3);
    storage.chain(&line, 1).await;
    let (rival, above) = (child(&line[1], 12), child(&line[3], 14));
    storage.persist(&rival).await;
    storage.persist(&above).await;
    assert_eq!(storage.found(BlockQuery::Height(2)).await, [hash(&line[2])]);
    assert_eq!(storage.found(BlockQuery::Height(4)).await, NONE);
    assert_eq!(storage.found(BlockQuery::Range { from: 0, count: 9 }).await, hashes(&line));
    assert_eq!(storage.found(BlockQuery::Transaction(transaction_hash(2))).await, [hash(&line[2])]);
    assert_eq!(storage.found(BlockQuery::Transaction(transaction_hash(12))).await, NONE);
    for candidate in [&rival, &above] {
        assert_eq!(storage.found(BlockQuery::Hash(hash(candidate))).await, [hash(candidate)]);
    }
}

/// Rising heights, at most as many as asked for.
pub async fn a_range_rises_and_ends_at_its_count_or_the_head(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let line = line(6);
    storage.chain(&line, 3).await;
    let range = |from, count| storage.found(BlockQuery::Range { from, count });
    assert_eq!(range(2, 3).await, hashes(&line[2..5]));
    assert_eq!(range(5, 100).await, hashes(&line[5..]));
    assert_eq!(range(0, u32::MAX).await, hashes(&line));
}

/// Candidate, canonical, final; with its facts once they are known.
pub async fn a_block_says_how_far_it_has_come(subject: impl Subject<StorageMessage>) {
    let mut storage = Asker::new(subject);
    let line = line(3);
    storage.chain(&line, 1).await;
    let rival = child(&line[1], 12);
    storage.persist(&rival).await;
    for _ in 0..2 {
        let expected = [
            (&line[0], BlockStatus::Final, true),
            (&line[1], BlockStatus::Final, true),
            (&line[2], BlockStatus::Canonical, true),
            (&line[3], BlockStatus::Canonical, true),
            (&rival, BlockStatus::Candidate, false),
        ];
        for (block, status, executed) in expected {
            let found = storage.retrieve(BlockQuery::Hash(hash(block))).await;
            let [found] = found.as_slice() else { panic!("block {} is not there once", hash(block)) };
            assert_eq!(found.status, status, "block in slot {}", block.block.header.slot);
            assert_eq!(found.facts, executed.then(|| facts(block)));
        }
        storage.restart().await;
    }
}

/// What a chain needs to go on: all above the last final block, lowest first, and the change sets of
/// those that were applied.
pub async fn the_record_has_every_block_above_the_final_one_candidates_included(
    subject: impl Subject<StorageMessage>,
) {
    let mut storage = Asker::new(subject);
    let line = line(4);
    storage.chain(&line, 2).await;
    let (rival, above) = (child(&line[2], 13), child(&line[4], 15));
    storage.persist(&above).await;
    storage.persist(&rival).await;
    storage.restart().await;
    let record = storage.record().await;
    let heights: Vec<_> = record.pending.iter().map(|block| block.block.block.header.height).collect();
    assert_eq!(heights, [3, 3, 4, 5]);
    let pending: BTreeSet<_> = record.pending.iter().map(|block| block.block.block.hash()).collect();
    assert_eq!(pending, [&line[3], &line[4], &rival, &above].map(|block| hash(block)).into());
    assert_eq!(record.changes, [change(&line[3]), change(&line[4])]);
}
