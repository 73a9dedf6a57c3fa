//! Requests and their outcomes.

use std::{future::Future, time::Duration};

use alys_bus::{Address, AskError, Context, Lane, Limits, TellError};
use tokio::task::JoinHandle;

use super::support::{Outcome, Refused, Victim, block, ctx, echo, notes, occupy, stop, victim, within};

/// An ask in a task of its own, begun (and, with a credit, sent) before this returns.
async fn ask_beside(address: &Address<Victim>, n: u64, ctx: Context) -> JoinHandle<Outcome> {
    let address = address.clone();
    let task = tokio::spawn(async move { address.ask(ctx, |reply| Victim::Log { n, reply }).await });
    tokio::task::yield_now().await;
    task
}

#[tokio::test]
async fn an_answer_comes_back_and_so_does_a_typed_error() {
    let (address, _) = victim(Limits::default()).await;
    assert_eq!(echo(&address, 1).await, Ok(2));
    assert_eq!(echo(&address, 13).await, Err(AskError::Actor(Refused(13))));
}

#[tokio::test]
async fn an_ask_to_an_actor_that_never_started_is_unavailable() {
    let address = Address::<Victim>::new(Limits::default());
    assert_eq!(echo(&address, 1).await, Err(AskError::Unavailable("victim")));
    assert_eq!(address.try_tell(ctx(), Victim::Note { n: 1 }), Err(TellError::Unavailable("victim")));
    assert_eq!(address.stats().in_flight(), 0);
}

#[tokio::test]
async fn an_ask_to_a_dead_actor_is_unavailable_in_both_lanes_before_anybody_unbinds_it() {
    let (address, actor) = victim(Limits::default()).await;
    stop(&actor).await;
    assert!(address.is_bound());
    assert_eq!(echo(&address, 1).await, Err(AskError::Unavailable("victim")));
    assert_eq!(echo(&address.control(), 1).await, Err(AskError::Unavailable("victim")));
    assert_eq!(address.stats().in_flight(), 0);
}

#[tokio::test]
async fn an_actor_that_is_killed_while_asked_leaves_no_reply_to_any_that_waits() {
    let (address, actor) = victim(Limits::default()).await;
    let _go = occupy(&address).await;
    let queued = ask_beside(&address, 1, ctx()).await;
    let overtaking = ask_beside(&address.control(), 2, ctx()).await;
    assert_eq!(address.stats().in_flight(), 3);
    actor.kill();
    assert_eq!(within(queued).await.unwrap(), Err(AskError::NoReply("victim")));
    assert_eq!(within(overtaking).await.unwrap(), Err(AskError::NoReply("victim")));
    actor.wait(Some(super::support::PATIENCE)).await.unwrap();
    assert_eq!(address.stats().in_flight(), 0);
}

#[tokio::test]
async fn an_actor_that_is_killed_inside_the_request_leaves_no_reply() {
    let (address, actor) = victim(Limits::default()).await;
    let (block, blocked) = block();
    let asker = tokio::spawn({
        let address = address.clone();
        async move { address.ask(ctx(), |reply| Victim::Wait { block, reply }).await }
    });
    within(blocked.entered).await.unwrap();
    actor.kill();
    assert_eq!(within(asker).await.unwrap(), Err(AskError::NoReply("victim")));
}

#[tokio::test(start_paused = true)]
async fn an_ask_ends_at_its_deadline_and_its_work_is_dropped_before_it_starts() {
    let (address, _) = victim(Limits::default()).await;
    let go = occupy(&address).await;
    let begun = tokio::time::Instant::now();
    let short = Context::root(Duration::from_millis(50));
    let outcome = address.ask(short, |reply| Victim::Log { n: 1, reply }).await;
    assert_eq!(outcome, Err(AskError::Timeout("victim")));
    assert_eq!(begun.elapsed().as_millis(), 50);
    go.send(()).unwrap();
    assert_eq!(notes(&address).await, Vec::<u64>::new());
    assert_eq!(address.stats().expired, 1);
    assert_eq!(address.stats().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_ask_whose_deadline_has_passed_is_not_even_sent() {
    let (address, _) = victim(Limits::default()).await;
    let past = Context::root(Duration::ZERO);
    let outcome = address.ask(past, |reply| Victim::Log { n: 1, reply }).await;
    assert_eq!(outcome, Err(AskError::Timeout("victim")));
    assert_eq!(notes(&address).await, Vec::<u64>::new());
}

#[tokio::test(start_paused = true)]
async fn a_nested_request_gets_what_is_left_of_the_deadline_and_the_same_id() {
    let (address, _) = victim(Limits::default()).await;
    let root = Context::root(Duration::from_millis(100));
    tokio::time::advance(Duration::from_millis(60)).await;
    let seen = address.control().ask(root.child(), |reply| Victim::Where { reply }).await.unwrap();
    assert_eq!((seen.deadline, seen.id, seen.lane()), (root.deadline, root.id, Lane::Control));
    assert_eq!(seen.remaining(), Duration::from_millis(40));
    assert_eq!(seen.within(Duration::from_secs(9)).deadline, root.deadline);
    assert_eq!(seen.within(Duration::from_millis(5)).remaining(), Duration::from_millis(5));
    assert_ne!(Context::root(Duration::ZERO).id, root.id);
}

#[tokio::test]
async fn reply_to_the_gone() {
    let (address, _) = victim(Limits::default()).await;
    let asker = tokio::spawn({
        let address = address.clone();
        async move { address.ask(ctx(), |reply| Victim::Keep { reply }).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(notes(&address).await, Vec::<u64>::new()); // the request before it has been handled
    asker.abort();
    assert!(asker.await.unwrap_err().is_cancelled());
    address.try_tell(ctx(), Victim::AnswerKept).unwrap();
    assert_eq!(echo(&address, 1).await, Ok(2), "answering one who has gone must not end the actor");
    assert_eq!(address.stats().late, 1);
    assert_eq!(address.stats().in_flight(), 0);
}

#[tokio::test]
async fn a_reply_dropped_by_the_actor_is_no_reply() {
    let (address, _) = victim(Limits::default()).await;
    let asker = ask_kept(&address);
    address.try_tell(ctx(), Victim::DropKept).unwrap();
    assert_eq!(within(asker).await.unwrap(), Err(AskError::NoReply("victim")));
    assert_eq!(address.stats().unanswered, 1);
}

/// An ask that the victim keeps; it has been handled when later messages of this lane are.
fn ask_kept(address: &Address<Victim>) -> JoinHandle<Outcome> {
    let address = address.clone();
    let mut ask = Box::pin(async move { address.ask(ctx(), |reply| Victim::Keep { reply }).await });
    // The first poll sends it: the order of what follows is then certain.
    let mut nobody = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(ask.as_mut().poll(&mut nobody).is_pending());
    tokio::spawn(ask)
}

#[tokio::test]
async fn work_handed_on_keeps_its_credit_until_it_is_answered() {
    let (address, _) = victim(Limits::new(2, 1)).await;
    let first = ask_kept(&address);
    let second = ask_kept(&address);
    while address.stats().queued > 0 {
        tokio::task::yield_now().await;
    }
    let outcome = address.try_tell(ctx(), Victim::Note { n: 1 });
    assert_eq!(outcome, Err(TellError::Overloaded("victim")), "two requests are kept, not queued");
    assert_eq!(address.stats().lane(Lane::Normal).in_flight, 2);
    address.control().try_tell(ctx(), Victim::AnswerKept).unwrap();
    assert_eq!(within(first).await.unwrap(), Ok(7));
    assert_eq!(within(second).await.unwrap(), Ok(7));
    assert_eq!(address.stats().lane(Lane::Normal).in_flight, 0);
    assert_eq!(address.stats().refused, 1);
}

#[tokio::test]
async fn the_answer_is_seen_after_the_credit_has_come_back() {
    let (address, _) = victim(Limits { normal: 1, control: 0, waiters: 0 }).await;
    for n in 0..100 {
        assert_eq!(echo(&address, n * 2).await, Ok(n * 2 + 1), "with one credit and no waiters");
    }
}

#[tokio::test]
async fn those_who_wait_for_a_credit_are_bounded_and_the_next_is_refused_at_once() {
    let (address, _) = victim(Limits { normal: 1, control: 1, waiters: 2 }).await;
    let kept = ask_kept(&address);
    let waiting = [ask_beside(&address, 1, ctx()).await, ask_beside(&address, 2, ctx()).await];
    assert_eq!(address.stats().lane(Lane::Normal).waiting, 2);
    assert_eq!(echo(&address, 3).await, Err(AskError::Overloaded("victim")));
    address.control().try_tell(ctx(), Victim::AnswerKept).unwrap();
    assert_eq!(within(kept).await.unwrap(), Ok(7));
    for (asker, n) in waiting.into_iter().zip([1, 2]) {
        assert_eq!(within(asker).await.unwrap(), Ok(n));
    }
    assert_eq!(notes(&address).await, [1, 2], "those who waited came first come, first served");
    assert_eq!(address.stats().lane(Lane::Normal).waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn an_asker_waits_for_a_credit_until_its_deadline_and_is_then_refused() {
    let (address, _) = victim(Limits::new(1, 1)).await;
    let _kept = ask_kept(&address);
    let short = Context::root(Duration::from_millis(30));
    let outcome = address.ask(short, |reply| Victim::Echo { n: 1, reply }).await;
    assert_eq!(outcome, Err(AskError::Overloaded("victim")));
    assert!(short.is_expired());
    assert_eq!(address.stats().lane(Lane::Normal).waiting, 0);
}

#[tokio::test]
async fn a_message_the_actor_does_not_know_is_unsupported() {
    let (address, _) = victim(Limits::default()).await;
    let outcome = address.ask(ctx(), |reply| Victim::Strange { reply }).await;
    assert_eq!(outcome, Err(AskError::Unsupported("victim")));
    assert_eq!(address.stats().unsupported, 1);
    assert_eq!(address.stats().in_flight(), 0);
}

#[test]
fn an_error_says_which_actor_and_what_to_do() {
    let texts: Vec<_> = [
        AskError::Unavailable("storage"),
        AskError::Overloaded("storage"),
        AskError::Timeout("storage"),
        AskError::NoReply("storage"),
        AskError::Unsupported("storage"),
    ]
    .iter()
    .map(|error: &AskError<Refused>| (error.to_string(), error.is_transient(), error.label()))
    .collect();
    assert!(texts.iter().all(|(text, ..)| text.starts_with("storage ")), "{texts:?}");
    assert_eq!(texts.iter().filter(|(_, transient, _)| *transient).count(), 4);
    assert_eq!(AskError::Actor(Refused(3)).to_string(), "refused 3");
    assert_eq!(AskError::Actor(Refused(3)).map_actor(|Refused(n)| n), AskError::Actor(3));
    assert_eq!(AskError::<Refused>::Timeout("a").map_actor(|Refused(n)| n), AskError::Timeout("a"));
}

#[tokio::test]
async fn a_teller_tells_and_never_waits() {
    let (address, _) = victim(Limits::new(1, 1)).await;
    let teller = address.tell_only();
    let go = occupy(&address).await;
    assert_eq!(teller.try_tell(ctx(), Victim::Note { n: 1 }), Err(TellError::Overloaded("victim")));
    teller.control().try_tell(ctx(), Victim::Note { n: 2 }).unwrap();
    go.send(()).unwrap();
    assert_eq!(notes(&address).await, [2]);
}

#[tokio::test]
async fn actors_have_no_name_in_the_process_wide_registry() {
    let (_, actor) = victim(Limits::default()).await;
    assert_eq!(actor.get_name(), None);
}
