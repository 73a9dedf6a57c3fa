//! Promises, pruning, and what an operator asks.

use alys_bus::protocol::storage::{BlockQuery, Promises, PruneReport, StorageMessage};
use alys_primitives::{VoteKind, envelope::SignedHeader, envelope::SignedVote, vote::Vote};

use super::{
    Asker, Block, NONE,
    blocks::{certificate, child, genesis, hash, hashes, line},
};
use crate::contract::{Subject, answered, supported};

/// `LoadPromises` is all empty in a new storage.
pub async fn a_new_storage_has_promised_nothing(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    assert_eq!(storage.promises().await, Promises::default());
}

/// Answered when fsynced, and replaces the record before; asked over the control lane, as chain does.
pub async fn promises_replace_those_before_and_survive_a_restart(subject: impl Subject<StorageMessage>) {
    let mut storage = Asker::new(subject);
    for slot in 1..=3 {
        let promised = promises(&child(&genesis(), slot), slot);
        let promises = Box::new(promised.clone());
        let control = storage.address.control();
        let ctx = alys_bus::Context::root(crate::PATIENCE);
        answered(control.ask(ctx, |reply| StorageMessage::PersistPromises { promises, reply }).await);
        assert_eq!(storage.promises().await, promised);
        storage.restart().await;
        assert_eq!(storage.promises().await, promised);
    }
    let promises = Box::new(Promises::default());
    answered(storage.ask(|reply| StorageMessage::PersistPromises { promises, reply }).await);
    assert_eq!(storage.promises().await, Promises::default(), "replaced whole, not merged");
}

fn promises(block: &Block, lock: u64) -> Promises {
    let vote = |kind| {
        let certificate = certificate(kind, block);
        let vote = Vote { data: certificate.data, member: 0, share: certificate.signature };
        SignedVote { vote, signature: block.signature }
    };
    Promises {
        proposal: Some(SignedHeader { header: block.block.header.clone(), signature: block.signature }),
        notarize: Some(vote(VoteKind::Notarize)),
        finalize: (lock > 1).then(|| vote(VoteKind::Finalize)),
        lock,
    }
}

async fn prune<S: Subject<StorageMessage>>(storage: &Asker<S>, below: u64) -> PruneReport {
    answered(storage.ask(|reply| StorageMessage::PruneOldBlocks { below, reply }).await)
}

/// Bodies and payloads of final blocks below the height go; the rest of the chain is as it was.
pub async fn pruning_drops_final_blocks_below_the_height_and_no_others(
    subject: impl Subject<StorageMessage>,
) {
    let mut storage = Asker::new(subject);
    let line = line(8);
    storage.chain(&line, 6).await;
    let before = storage.record().await;
    assert_eq!(prune(&storage, 4).await, PruneReport { blocks: 4, oldest: 4 });
    for _ in 0..2 {
        for block in &line[..4] {
            assert_eq!(storage.found(BlockQuery::Hash(hash(block))).await, NONE);
        }
        assert_eq!(storage.found(BlockQuery::Height(3)).await, NONE);
        assert_eq!(storage.found(BlockQuery::Range { from: 4, count: 9 }).await, hashes(&line[4..]));
        assert_eq!(storage.record().await, before);
        storage.restart().await;
    }
}

/// Idempotent.
pub async fn pruning_again_drops_nothing(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    assert_eq!(prune(&storage, 5).await.blocks, 0, "an empty storage has nothing to drop");
    storage.chain(&line(6), 5).await;
    assert_eq!(prune(&storage, 3).await, PruneReport { blocks: 3, oldest: 3 });
    assert_eq!(prune(&storage, 3).await, PruneReport { blocks: 0, oldest: 3 });
    assert_eq!(prune(&storage, 1).await, PruneReport { blocks: 0, oldest: 3 }, "what is gone stays gone");
}

/// However high the height: nothing above the last final block is touched, nor that block.
pub async fn what_is_not_final_is_never_pruned(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let line = line(5);
    storage.chain(&line, 3).await;
    let rival = child(&line[3], 14);
    storage.persist(&rival).await;
    let before = storage.record().await;
    prune(&storage, u64::MAX).await;
    assert_eq!(storage.record().await, before);
    for block in line[4..].iter().chain([&rival]) {
        assert_eq!(storage.found(BlockQuery::Hash(hash(block))).await, [hash(block)]);
    }
}

/// Counts and heights; sizes are the actor's own affair.
pub async fn statistics_tell_head_finality_and_count(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let line = line(5);
    storage.chain(&line, 3).await;
    storage.persist(&child(&line[4], 15)).await;
    let now = answered(storage.ask(|reply| StorageMessage::Statistics { reply }).await);
    assert_eq!((now.head, now.finalized, now.oldest, now.blocks), (5, 3, 0, 7));
    assert!(!now.backend.is_empty(), "the backend has a name");
}

/// The folder must not exist: what lies there is somebody's. An actor need not support checkpoints.
pub async fn a_checkpoint_never_goes_into_a_folder_that_exists(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    storage.chain(&line(2), 1).await;
    let path = std::env::temp_dir();
    let asked = storage.ask(|reply| StorageMessage::Checkpoint { path, reply }).await;
    assert!(asked.is_err(), "written over {}: {asked:?}", std::env::temp_dir().display());
    assert_eq!(storage.record().await.head.height, 2, "the storage goes on");
}

/// An integrity check reads something and finds nothing wrong. An actor need not support it.
pub async fn a_storage_without_damage_reports_none(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    storage.chain(&line(5), 3).await;
    let checked = storage.ask(|reply| StorageMessage::CheckIntegrity { reply }).await;
    if let Some(report) = supported(checked) {
        assert!(report.damage.is_empty() && report.entries > 0, "{report:?}");
    }
}
