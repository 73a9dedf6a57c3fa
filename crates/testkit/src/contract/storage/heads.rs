//! `ApplyHead`: head, finality, indexes and peg state in one move, or not at all.

use alys_bus::protocol::storage::{BlockQuery, HeadUpdate, StorageError, StorageMessage};
use alys_primitives::VoteKind;

use super::{
    Asker, NONE,
    blocks::{
        certificate, change, child, facts, genesis, hash, hashes, line, peg, place, transaction_hash, update,
    },
};
use crate::contract::{Subject, refusal};

/// The first start of a chain: genesis is persisted, and becomes head and final.
pub async fn a_chain_begins_when_genesis_is_head_and_final(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let genesis = genesis();
    storage.persist(&genesis).await;
    let uncertified = HeadUpdate {
        finalization: None,
        notarization: None,
        ..update(&genesis, &genesis, std::slice::from_ref(&genesis))
    };
    super::answered(storage.try_apply(uncertified).await);
    let record = storage.record().await;
    assert_eq!((record.head, record.finalized), (place(&genesis), place(&genesis)));
    assert_eq!((record.peg, record.facts), (peg(0, 0), facts(&genesis)));
    assert_eq!((record.finalization, record.notarization), (None, None), "nobody signs genesis");
    assert!(record.pending.is_empty() && record.changes.is_empty());
}

/// One batch, answered when durable: head, finality, certificates, peg state, facts.
pub async fn head_finality_and_peg_state_move_together_and_survive_a_restart(
    subject: impl Subject<StorageMessage>,
) {
    let mut storage = Asker::new(subject);
    let line = line(5);
    storage.chain(&line, 3).await;
    let before = storage.record().await;
    storage.restart().await;
    let record = storage.record().await;
    assert_eq!(record, before);
    assert_eq!((record.head, record.finalized), (place(&line[5]), place(&line[3])));
    assert_eq!(record.peg, peg(3, 3), "the peg state is that after the last final block");
    assert_eq!(record.facts, facts(&line[3]));
    assert_eq!(record.finalization, Some(certificate(VoteKind::Finalize, &line[3])));
    assert_eq!(record.notarization, Some(certificate(VoteKind::Notarize, &line[5])));
    assert_eq!(record.changes, [change(&line[4]), change(&line[5])]);
}

/// Idempotent. Certificates come where they are not known yet; later updates need not repeat them.
pub async fn the_same_update_again_changes_nothing_even_without_its_certificates(
    subject: impl Subject<StorageMessage>,
) {
    let storage = Asker::new(subject);
    let line = line(4);
    storage.chain(&line, 2).await;
    let before = storage.record().await;
    storage.apply(&line[4], &line[2], &line).await;
    assert_eq!(storage.record().await, before);
    let bare = HeadUpdate { finalization: None, notarization: None, ..update(&line[4], &line[2], &[]) };
    super::answered(storage.try_apply(bare).await);
    assert_eq!(storage.record().await, before);
}

/// `UnknownBlock` unless head and final were persisted, where they lie above the last final block.
pub async fn an_unknown_head_or_final_block_is_refused_by_its_hash(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let line = line(3);
    storage.chain(&line[..3], 0).await;
    let refused = refusal(storage.try_apply(update(&line[3], &line[1], &line[3..])).await);
    assert_eq!(refused, StorageError::UnknownBlock(hash(&line[3])));
    let nobody = child(&line[0], 77);
    let refused = refusal(storage.try_apply(update(&line[2], &nobody, &[])).await);
    assert_eq!(refused, StorageError::UnknownBlock(hash(&nobody)));
}

/// `NotAnAncestor` unless final is the head or an ancestor of it.
pub async fn a_final_block_must_be_an_ancestor_of_the_head(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let line = line(2);
    storage.chain(&line, 0).await;
    let rival = child(&line[0], 9);
    storage.persist(&rival).await;
    let refused = refusal(storage.try_apply(update(&line[2], &rival, std::slice::from_ref(&rival))).await);
    assert!(matches!(refused, StorageError::NotAnAncestor { .. }), "{refused}");
    let refused = refusal(storage.try_apply(update(&line[1], &line[2], &[])).await);
    assert!(matches!(refused, StorageError::NotAnAncestor { .. }), "{refused}");
}

/// `NotAnAncestor` unless the old final block is an ancestor of the new one: also where storage has forgotten what lies below it.
pub async fn finality_never_goes_back_or_to_another_branch(subject: impl Subject<StorageMessage>) {
    let mut storage = Asker::new(subject);
    let line = line(3);
    // Persisted while it could still win.
    let (rival, on_it) = (child(&line[1], 12), child(&child(&line[1], 12), 13));
    storage.persist(&line[0]).await;
    storage.apply(&line[0], &line[0], &line[..1]).await;
    for block in line[1..].iter().chain([&rival, &on_it]) {
        storage.persist(block).await;
    }
    storage.apply(&line[3], &line[2], &line[1..]).await;
    let before = storage.record().await;
    let branch = [rival.clone(), on_it.clone()];
    let wrong = [
        ("finality to another branch", update(&on_it, &rival, &branch)),
        ("finality below the last final block", update(&line[3], &line[1], &[])),
        ("the head below it", update(&line[1], &line[1], &[])),
        ("the head below the final block", update(&line[1], &line[2], &[])),
        ("the head on another branch", update(&on_it, &line[2], &[])),
    ];
    for _ in 0..2 {
        for (what, update) in &wrong {
            let refused = refusal(storage.try_apply(update.clone()).await);
            assert!(matches!(refused, StorageError::NotAnAncestor { .. }), "{what}: {refused}");
        }
        assert_eq!(storage.record().await, before);
        storage.restart().await;
    }
}

/// One batch: a refusal leaves all of it as it was.
pub async fn a_refused_update_changes_nothing(subject: impl Subject<StorageMessage>) {
    let mut storage = Asker::new(subject);
    let line = line(4);
    storage.chain(&line[..3], 1).await;
    let before = storage.record().await;
    refusal(storage.try_apply(update(&line[4], &line[2], &line[3..])).await);
    assert_eq!(storage.record().await, before);
    assert_eq!(storage.found(BlockQuery::Height(3)).await, NONE);
    storage.restart().await;
    assert_eq!(storage.record().await, before);
}

/// The indexes by height and transaction follow the head to another branch and back.
pub async fn a_reorg_moves_every_index_to_the_new_branch(subject: impl Subject<StorageMessage>) {
    let storage = Asker::new(subject);
    let line = line(4);
    storage.chain(&line, 1).await;
    let rival = child(&line[1], 22);
    let branch = [rival.clone(), child(&rival, 23)];
    for block in &branch {
        storage.persist(block).await;
    }
    storage.apply(&branch[1], &line[1], &branch).await;
    assert_eq!(storage.record().await.head, place(&branch[1]));
    let whole = BlockQuery::Range { from: 0, count: 100 };
    let now = [&line[..2], &branch[..]].concat();
    assert_eq!(storage.found(whole).await, hashes(&now), "the new branch is shorter: height 4 is empty");
    assert_eq!(storage.found(BlockQuery::Transaction(transaction_hash(22))).await, [hash(&rival)]);
    assert_eq!(storage.found(BlockQuery::Transaction(transaction_hash(3))).await, NONE);
    // What lost is a candidate again, and its change set is still known.
    assert_eq!(storage.found(BlockQuery::Hash(hash(&line[3]))).await, [hash(&line[3])]);
    storage.apply(&line[4], &line[1], &[]).await;
    assert_eq!(storage.found(whole).await, hashes(&line));
    assert_eq!(storage.found(BlockQuery::Transaction(transaction_hash(22))).await, NONE);
}
