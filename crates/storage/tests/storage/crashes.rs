//! The power goes, or the disk refuses, at every write of a history.

use std::sync::Arc;

use alys_database::{Fault, Left};
use alys_storage::StorageError;
use proptest::prelude::*;

use crate::blocks::{child, dump, genesis, hash, line, update};
use crate::histories::{Op, Run, op};

/// Runs `ops`; at commit `at` the fault happens, and the history goes on after opening again.
fn run_with_fault(ops: &[Op], at: u64, fault: Fault) -> Run {
    let mut run = Run::new();
    let before = run.disk.commits();
    run.disk.inject(at, fault);
    for op in ops {
        let old = run.model.clone();
        match run.step(op) {
            Ok(()) => {}
            Err(failed) => {
                let (error, new) = *failed;
                assert!(matches!(error, StorageError::Io(_)), "{error}");
                assert!(run.store().failure().is_some());
                // Nothing is served from a store that does not know what is on its disk.
                assert!(run.store().load_chain().is_err());
                run.reopen();
                let report = run.store().check_integrity().unwrap();
                assert_eq!(report.damage, Vec::<String>::new(), "{fault:?} at commit {at}");
                // Old or new, as one look at the disk tells; then it must be that in every respect.
                let blocks = run.store().statistics().unwrap().blocks;
                let record = run.store().load_chain().unwrap().unwrap();
                let is_new = new.matches(blocks, &record);
                assert!(is_new || old.matches(blocks, &record) || matches!(op, Op::Prune(_)));
                match op {
                    // Several batches: pruned in part, and the rest when it is asked again.
                    Op::Prune(_) => run.step(op).map_err(|failed| failed.0).unwrap(),
                    _ if is_new => run.model = new,
                    _ => {}
                }
            }
        }
        run.model.check(run.store.as_ref().unwrap(), &run.all);
    }
    assert!(run.disk.commits() > before || ops.is_empty());
    run
}

fn left() -> impl Strategy<Value = Left> {
    prop_oneof![Just(Left::Old), Just(Left::New), any::<usize>().prop_map(Left::Torn)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_crash_or_an_error_at_any_write_leaves_old_or_new_and_never_between(
        ops in proptest::collection::vec(op(), 8..30),
        at in 0u64..20,
        left in left(),
        kind in 0u8..3,
    ) {
        let fault = match kind {
            0 => Fault::Crash(left),
            1 => Fault::Fail(left),
            _ => Fault::DiskFull,
        };
        // The last op is one that certainly writes.
        let mut ops = ops;
        ops.push(Op::Persist(any_index(), vec![1]));
        run_with_fault(&ops, at, fault);
    }
}

fn any_index() -> proptest::sample::Index {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    any::<proptest::sample::Index>().new_tree(&mut runner).unwrap().current()
}

#[test]
fn a_reorg_with_finality_cut_at_its_one_write_is_wholly_there_or_not_at_all() {
    for left in [Left::Old, Left::New, Left::Torn(40), Left::Torn(1_000)] {
        let mut run = Run::new();
        let genesis = genesis();
        let one = line(&genesis, 4);
        let other = child(&genesis, 50, vec![]);
        let other = [vec![Arc::clone(&other)], line(&other, 4)].concat();
        for outcome in run.store().persist(&[one.clone(), other.clone()].concat()) {
            outcome.unwrap();
        }
        run.store().apply_head(&update(&one[3], &genesis, &one)).unwrap();
        run.store = None;
        let old = dump(&run.disk.open().unwrap());
        run.reopen();
        run.disk.inject(0, Fault::Crash(left));
        let update = update(&other[4], &other[1], &other);
        run.store().apply_head(&update).unwrap_err();
        run.store = None;
        let found = dump(&run.disk.open().unwrap());
        run.reopen();
        run.store().apply_head(&update).unwrap();
        assert_eq!(run.store().load_chain().unwrap().unwrap().head.hash, hash(&other[4]));
        run.store = None;
        let new = dump(&run.disk.open().unwrap());
        assert_eq!(found, if left == Left::New { new } else { old });
    }
}

#[test]
fn after_a_refused_write_nothing_is_acknowledged_and_the_cache_is_not_ahead_of_the_disk() {
    let mut run = Run::new();
    let genesis = genesis();
    let block = child(&genesis, 1, vec![]);
    for fault in [Fault::Fail(Left::Old), Fault::DiskFull, Fault::Crash(Left::Torn(3))] {
        run.disk.inject(0, fault);
        let refusal = run.store().persist(&[Arc::clone(&block), Arc::clone(&block)]);
        assert!(refusal.iter().all(|outcome| matches!(outcome, Err(StorageError::Io(_)))), "{refusal:?}");
        assert!(run.store().cache().get(&hash(&block)).is_none());
        run.reopen();
        assert!(run.store().retrieve(alys_storage::BlockQuery::Hash(hash(&block))).unwrap().is_empty());
    }
    run.disk.inject(1, Fault::Fail(Left::Old));
    run.store().persist(&[Arc::clone(&block)]).remove(0).unwrap();
    let hold = run.store().cache().get(&hash(&block)).unwrap();
    run.store().apply_head(&update(&block, &block, &[Arc::clone(&block)])).unwrap_err();
    // The disk says candidate, and so does the cache.
    assert_eq!(run.store().cache().get(&hash(&block)).unwrap().status, hold.status);
}
