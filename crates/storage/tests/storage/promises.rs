//! The promise record: torn at every byte, damaged, refused, reset.

use alloy_primitives::FixedBytes;
use alys_primitives::vote::VoteData;
use alys_primitives::{SignedVote, Vote, VoteKind};
use alys_storage::promises::{FileSlots, MemorySlots, SLOT_BYTES, SlotFault, fresh};
use alys_storage::{PromiseError, PromiseRecord, Promises};

use crate::blocks::{child, genesis, hash};

/// All that a member can have promised by slot `slot`.
fn promised(slot: u64) -> Promises {
    let block = child(&genesis(), slot, vec![]);
    let vote = |kind| {
        let data = VoteData { epoch: 1, kind, slot, height: 1, block: hash(&block) };
        let vote = Vote { data, member: 3, share: FixedBytes::repeat_byte(slot as u8) };
        Some(SignedVote { vote, signature: FixedBytes::repeat_byte(slot as u8 ^ 9) })
    };
    Promises {
        proposal: Some(block.signed_header()),
        notarize: vote(VoteKind::Notarize),
        finalize: vote(VoteKind::Finalize),
        lock: slot,
    }
}

fn new_slots() -> MemorySlots {
    MemorySlots::new(fresh(&Promises::default()))
}

fn open(slots: &MemorySlots) -> PromiseRecord {
    PromiseRecord::open(Box::new(slots.reopen())).unwrap()
}

#[test]
fn a_new_record_is_empty_and_each_promise_is_there_after_a_restart() {
    let slots = new_slots();
    assert_eq!(open(&slots).promises(), &Promises::default());
    for slot in 1..20 {
        open(&slots).persist(&promised(slot)).unwrap();
        assert_eq!(open(&slots).promises(), &promised(slot));
    }
    let mut record = open(&slots);
    for slot in 20..25 {
        record.persist(&promised(slot)).unwrap();
    }
    assert_eq!(open(&slots).promises(), &promised(24));
}

#[test]
fn a_write_torn_at_any_byte_leaves_the_promise_before_or_the_new_one() {
    for acknowledged in [0, 1, 2, 5] {
        let mut new = 0;
        for kept in 0..=SLOT_BYTES {
            let slots = new_slots();
            let mut record = open(&slots);
            for slot in 1..=acknowledged {
                record.persist(&promised(slot)).unwrap();
            }
            slots.inject(SlotFault::Torn(kept));
            record.persist(&promised(99)).unwrap_err();
            // Nothing more until it is opened again.
            let again = record.persist(&promised(100)).unwrap_err();
            assert!(matches!(again, PromiseError::Failed { .. }), "{again}");
            let found = open(&slots).promises().clone();
            let old = if acknowledged == 0 { Promises::default() } else { promised(acknowledged) };
            assert!(found == old || found == promised(99), "torn at {kept}");
            new += u32::from(found == promised(99));
            // And it goes on from there.
            open(&slots).persist(&promised(101)).unwrap();
            assert_eq!(open(&slots).promises(), &promised(101));
        }
        assert!(new >= 1, "a write that reached the disk whole counts");
    }
}

#[test]
fn a_refused_write_or_sync_is_an_error_and_the_disk_decides_after_opening() {
    for fault in [SlotFault::Refused, SlotFault::SyncRefused] {
        let slots = new_slots();
        let mut record = open(&slots);
        record.persist(&promised(1)).unwrap();
        slots.inject(fault);
        let refusal = record.persist(&promised(2)).unwrap_err();
        assert!(matches!(refusal, PromiseError::Io { .. }), "{refusal}");
        assert_eq!(record.promises(), &promised(1), "not acknowledged, so not shown");
        let found = open(&slots).promises().lock;
        assert_eq!(found, if fault == SlotFault::Refused { 1 } else { 2 });
    }
}

#[test]
fn damage_to_one_slot_falls_back_and_to_both_is_an_error_and_never_an_empty_record() {
    for first in (0..SLOT_BYTES).step_by(37) {
        let slots = new_slots();
        let mut record = open(&slots);
        record.persist(&promised(1)).unwrap();
        record.persist(&promised(2)).unwrap();
        // The newer one lies in the second slot.
        slots.damage(SLOT_BYTES + first);
        let fallen_back = open(&slots).promises().lock;
        assert_eq!(fallen_back, 1);
        slots.damage(first);
        let refusal = PromiseRecord::open(Box::new(slots.reopen())).unwrap_err();
        assert!(matches!(refusal, PromiseError::Damaged { .. }));
        assert!(refusal.to_string().contains("reset the record to that slot"), "{refusal}");
    }
    for contents in [vec![], vec![0; 2 * SLOT_BYTES], vec![7; 100]] {
        let opened = PromiseRecord::open(Box::new(MemorySlots::new(contents)));
        assert!(matches!(opened, Err(PromiseError::Damaged { .. })));
    }
}

#[test]
fn a_slot_in_the_wrong_place_does_not_count() {
    let mut contents = fresh(&Promises::default());
    contents.rotate_left(SLOT_BYTES);
    let opened = PromiseRecord::open(Box::new(MemorySlots::new(contents)));
    assert!(matches!(opened, Err(PromiseError::Damaged { .. })));
}

#[test]
fn a_file_is_made_once_locked_and_can_be_reset_when_nobody_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("promises");
    assert!(matches!(PromiseRecord::open_file(&path), Err(PromiseError::Missing { .. })));
    PromiseRecord::create_file(&path).unwrap();
    assert!(PromiseRecord::create_file(&path).is_err(), "an existing record is never replaced");
    let mut record = PromiseRecord::open_file(&path).unwrap();
    record.persist(&promised(3)).unwrap();
    assert!(FileSlots::open(&path).is_err());
    assert!(PromiseRecord::reset(&path, 50).is_err(), "somebody uses it");
    drop(record);
    assert_eq!(PromiseRecord::open_file(&path).unwrap().promises(), &promised(3));
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 2 * SLOT_BYTES as u64);

    std::fs::write(&path, [0; 10]).unwrap();
    assert!(matches!(PromiseRecord::open_file(&path), Err(PromiseError::Damaged { .. })));
    PromiseRecord::reset(&path, 50).unwrap();
    let promises = PromiseRecord::open_file(&path).unwrap().promises().clone();
    assert_eq!(promises, Promises { lock: 50, ..Promises::default() });
    assert_eq!(std::fs::read(path.with_extension("damaged")).unwrap(), [0; 10]);
}
