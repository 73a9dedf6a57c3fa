//! Work on many items at once, by threads that end before the call does.

use std::{
    num::NonZero,
    panic::resume_unwind,
    sync::OnceLock,
    thread::{self, Builder},
};

/// More threads than this never work for one call: the machine has other things to do.
const MOST_THREADS: usize = 8;

/// Does `work` for each of `items`, on as many threads as the machine has, this one among them. The results are in the order of
/// the items.
///
/// A thread begins only where it has `least` items or more: starting one takes some 50 µs. The threads end before this
/// returns, so they belong to whoever calls: a panic in one goes on in the caller. Where the system gives no thread, this one
/// does its part.
pub fn in_parallel<T: Sync, R: Send>(
    name: &'static str,
    items: &[T],
    least: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = machine_threads().min(items.len() / least.max(1)).max(1);
    in_parts(name, items, threads, work)
}

/// Asked once: the system reads files for its answer.
fn machine_threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS))
}

fn in_parts<T: Sync, R: Send>(
    name: &'static str,
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let length = items.len().div_ceil(threads).max(1);
    let (own, others) = items.split_at(length.min(items.len()));
    let work = &work;
    let all = |part: &[T]| part.iter().map(work).collect::<Vec<R>>();
    if others.is_empty() {
        return all(own);
    }
    thread::scope(|scope| {
        let begin = |part| {
            let started = Builder::new().name(name.to_owned()).spawn_scoped(scope, move || all(part));
            (part, started)
        };
        let others: Vec<_> = others.chunks(length).map(begin).collect();
        let mut done = all(own);
        for (part, started) in others {
            match started.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(results)) => done.extend(results),
                Ok(Err(panic)) => resume_unwind(panic),
                Err(_no_thread) => done.extend(all(part)),
            }
        }
        done
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use std::{collections::BTreeSet, panic::catch_unwind};

    use super::*;

    #[test]
    fn every_item_is_done_once_and_the_results_are_in_their_order() {
        for count in [0usize, 1, 2, 7, 8, 100] {
            let items: Vec<usize> = (0..count).collect();
            let expected: Vec<usize> = items.iter().map(|n| n * 3).collect();
            for threads in 1..=9 {
                assert_eq!(in_parts("test", &items, threads, |n| n * 3), expected, "{count} on {threads}");
            }
            assert_eq!(in_parallel("test", &items, 10, |n| n * 3), expected);
        }
    }

    #[test]
    fn several_threads_work_and_the_caller_is_one_of_them() {
        let seen = in_parts("test", &[(); 8], 4, |()| thread::current().id());
        assert_eq!(seen.iter().map(|id| format!("{id:?}")).collect::<BTreeSet<_>>().len(), 4);
        assert!(seen.contains(&thread::current().id()));
    }

    #[test]
    fn few_items_are_done_by_the_caller_alone() {
        let seen = in_parallel("test", &[(); 9], 10, |()| thread::current().id());
        assert!(seen.iter().all(|id| *id == thread::current().id()));
    }

    #[test]
    fn a_panic_in_a_thread_goes_on_in_the_caller() {
        let items: Vec<usize> = (0..8).collect();
        for bad in 0..8 {
            let run = || in_parts("test", &items, 4, |n| assert_ne!(*n, bad, "a panic on purpose"));
            let panic = catch_unwind(run).unwrap_err();
            assert!(panic.downcast_ref::<String>().unwrap().contains("a panic on purpose"));
        }
    }
}
