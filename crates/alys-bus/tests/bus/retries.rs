//! Asking again, and being refused, without hanging anybody.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use alys_bus::{Address, AskError, Context, Limits, RetryPolicy, retry};
use tokio::time::Instant;

use super::support::{Outcome, Refused, Victim, ctx, echo, start, victim, within, yield_times};

#[tokio::test]
async fn two_loops_that_are_refused_do_not_hang_a_runtime_of_one_thread() {
    let full = Limits { normal: 0, control: 0, waiters: 0 };
    let (overloaded, _) = victim(full).await;
    let unavailable = Address::<Victim>::new(full);
    let unbound = Address::<Victim>::new(Limits::default());
    let stop = Arc::new(AtomicBool::new(false));
    let loops = [overloaded, unavailable, unbound].map(|address| {
        let stop = Arc::clone(&stop);
        tokio::spawn(async move {
            for _ in 0..100_000 {
                if stop.load(SeqCst) {
                    return;
                }
                assert!(echo(&address, 1).await.is_err());
            }
            panic!("nobody else had a turn");
        })
    });
    yield_times(100).await;
    stop.store(true, SeqCst);
    for each in loops {
        within(each).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_repeated_until_its_actor_is_back() {
    let address = Address::<Victim>::new(Limits::default());
    let asker = tokio::spawn({
        let address = address.clone();
        async move {
            let ctx = ctx();
            retry(RetryPolicy::default(), ctx, || address.ask(ctx, |reply| Victim::Echo { n: 1, reply }))
                .await
        }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!asker.is_finished());
    let _actor = start(&address, None).await;
    assert_eq!(within(asker).await.unwrap(), Ok(2));
}

/// Retries something that always fails; how often it was tried.
async fn tries(policy: RetryPolicy, ctx: Context, error: AskError<Refused>) -> u32 {
    let count = Cell::new(0);
    let outcome: Outcome = retry(policy, ctx, || {
        count.set(count.get() + 1);
        std::future::ready(Err(error.clone()))
    })
    .await;
    assert_eq!(outcome, Err(error));
    count.get()
}

#[tokio::test(start_paused = true)]
async fn only_the_bus_reasons_are_retried() {
    let policy = RetryPolicy::attempts(4);
    assert_eq!(tries(policy, ctx(), AskError::Unavailable("a")).await, 4);
    assert_eq!(tries(policy, ctx(), AskError::Overloaded("a")).await, 4);
    assert_eq!(tries(policy, ctx(), AskError::Timeout("a")).await, 4);
    assert_eq!(tries(policy, ctx(), AskError::NoReply("a")).await, 4);
    assert_eq!(tries(policy, ctx(), AskError::Unsupported("a")).await, 1);
    assert_eq!(tries(policy, ctx(), AskError::Actor(Refused(1))).await, 1);
    assert_eq!(tries(RetryPolicy::attempts(0), ctx(), AskError::NoReply("a")).await, 1);
}

#[tokio::test(start_paused = true)]
async fn retries_end_within_the_deadline() {
    for millis in [0, 1, 7, 100, 900, 5_000] {
        let begun = Instant::now();
        let limit = Duration::from_millis(millis);
        tries(RetryPolicy::default(), Context::root(limit), AskError::Unavailable("a")).await;
        assert!(begun.elapsed() <= limit, "{:?} of {limit:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_a_limit_and_differ_between_askers() {
    let policy =
        RetryPolicy { first: Duration::from_millis(100), max: Duration::from_millis(400), attempts: 6 };
    let mut totals = vec![];
    for _ in 0..20 {
        let begun = Instant::now();
        tries(policy, Context::root(Duration::from_secs(60)), AskError::NoReply("a")).await;
        let total = begun.elapsed();
        let (least, most) = (Duration::from_millis(750), Duration::from_millis(1_510));
        assert!((least..most).contains(&total), "100 + 200 + 400 + 400 + 400 ms, halved at most: {total:?}");
        totals.push(total);
    }
    totals.sort();
    totals.dedup();
    assert!(totals.len() > 10, "{totals:?}");
}
