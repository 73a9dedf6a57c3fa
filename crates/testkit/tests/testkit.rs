//! The test tools, tested.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "tests run askers of their own")]

use std::time::Duration;

use alys_bus::{AskError, Context, Lane, Limits, Reply, protocol_kinds};
use alys_testkit::{PATIENCE, Probe, Stub, TestClock, within};

#[derive(Debug)]
enum Ledger {
    Balance { account: u64, reply: Reply<u64, String> },
    Note { n: u64 },
}
protocol_kinds!(Ledger, "ledger", [Balance, Note]);

fn balance(message: Ledger) -> Option<(u64, Reply<u64, String>)> {
    match message {
        Ledger::Balance { account, reply } => Some((account, reply)),
        Ledger::Note { .. } => None,
    }
}

fn note(message: Ledger) -> Option<u64> {
    match message {
        Ledger::Note { n } => Some(n),
        Ledger::Balance { .. } => None,
    }
}

fn ctx() -> Context {
    Context::root(PATIENCE)
}

#[tokio::test]
async fn a_probe_lets_the_test_decide_each_answer_and_counts_what_is_not_answered() {
    let mut probe = Probe::<Ledger>::with_limits(Limits::new(1, 1)).await;
    let address = probe.address();
    let asker = tokio::spawn({
        let address = address.clone();
        async move { address.ask(ctx(), |reply| Ledger::Balance { account: 7, reply }).await }
    });
    let (account, reply) = probe.expect("a question", balance).await;
    assert_eq!((account, probe.in_flight(Lane::Normal)), (7, 1));
    assert!(address.try_tell(ctx(), Ledger::Note { n: 1 }).is_err(), "the one credit is with the reply");
    reply.send(Err("no such account".to_owned()));
    assert_eq!(within(asker).await.unwrap(), Err(AskError::Actor("no such account".to_owned())));
    assert_eq!(probe.in_flight(Lane::Normal), 0);
}

#[tokio::test]
async fn a_probe_finds_a_message_among_others_and_shows_its_context() {
    let mut probe = Probe::<Ledger>::start().await;
    for n in 1..=3 {
        probe.address().try_tell(ctx(), Ledger::Note { n }).unwrap();
    }
    assert_eq!(probe.find("note 3", |message| note(message).filter(|n| *n == 3)).await, 3);
    let sent = ctx();
    probe.address().control().try_tell(sent, Ledger::Note { n: 4 }).unwrap();
    let (_, seen) = probe.next().await;
    assert_eq!((seen.id, seen.lane()), (sent.id, Lane::Control));
    assert!(probe.try_next().is_none());
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "ledger was sent Note; expected: a question")]
async fn a_probe_says_what_came_instead_of_what_was_expected() {
    let mut probe = Probe::<Ledger>::start().await;
    probe.address().try_tell(ctx(), Ledger::Note { n: 1 }).unwrap();
    probe.expect("a question", balance).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "ledger was sent nothing within 60s; expected: a question")]
async fn a_probe_never_waits_for_ever() {
    Probe::<Ledger>::start().await.expect("a question", balance).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "expected nothing for 1s")]
async fn silence_can_be_shown_and_its_breach_fails() {
    let mut probe = Probe::<Ledger>::start().await;
    probe.stays_silent(Duration::from_secs(1)).await;
    probe.address().try_tell(ctx(), Ledger::Note { n: 1 }).unwrap();
    probe.stays_silent(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_probe_dies_and_comes_back_behind_the_same_address() {
    let mut probe = Probe::<Ledger>::start().await;
    let address = probe.address();
    let asker = tokio::spawn({
        let address = address.clone();
        async move { address.ask(ctx(), |reply| Ledger::Balance { account: 1, reply }).await }
    });
    tokio::task::yield_now().await;
    probe.die().await;
    assert_eq!(within(asker).await.unwrap(), Err(AskError::NoReply("ledger")));
    let outcome = address.ask(ctx(), |reply| Ledger::Balance { account: 2, reply }).await;
    assert_eq!(outcome, Err(AskError::Unavailable("ledger")));
    probe.restart().await;
    address.try_tell(ctx(), Ledger::Note { n: 5 }).unwrap();
    assert_eq!(probe.expect("note 5", note).await, 5);
}

#[tokio::test]
async fn a_stub_answers_by_itself() {
    let stub = Stub::start(|message, _| {
        if let Some((account, reply)) = balance(message) {
            reply.send(Ok(account * 10));
        }
    })
    .await;
    let outcome = stub.address().ask(ctx(), |reply| Ledger::Balance { account: 3, reply }).await;
    assert_eq!(outcome, Ok(30));
}

#[tokio::test(start_paused = true)]
async fn passing_time_fires_timers_in_their_order() {
    let time = TestClock::at(1_000);
    let clock = time.clock();
    let ticks = tokio::spawn(async move {
        let mut seen = vec![];
        for at in [1_500, 2_000, 3_000] {
            clock.sleep_until(at).await;
            seen.push(clock.now_ms());
        }
        seen
    });
    time.pass(Duration::from_millis(1_500)).await;
    assert_eq!(time.now_ms(), 2_500);
    assert!(!ticks.is_finished());
    time.pass_until(3_000).await;
    assert_eq!(within(ticks).await.unwrap(), [1_500, 2_000, 3_000]);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "did not happen within 60s")]
async fn what_never_happens_fails_with_its_place() {
    within(std::future::pending::<()>()).await;
}
