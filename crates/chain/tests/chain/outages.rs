//! The execution client goes and comes: what it says counts only after it was compared with storage.

use alys_bus::protocol::{chain::ChainEvent, engine::EngineHead};
use alys_chain::core::Input;
use alys_primitives::VoteKind;

use crate::support::{Comparison, Solo};

/// Member 3 of 4, whose client has just gone out of reach.
fn lost() -> Solo {
    let mut solo = Solo::new(4, 3);
    solo.pass_to(1, 0);
    solo.comparison = Comparison::Fails;
    solo.input(Input::EngineGone);
    solo
}

#[test]
fn while_the_client_is_out_of_reach_nothing_is_judged_and_nothing_voted_for() {
    let mut solo = lost();
    let block = solo.factory.block(solo.factory.genesis, 1);
    solo.propose(&block);
    solo.pass_to(1, 900);
    assert!(solo.judged.is_empty() && solo.own_votes().is_empty());
}

#[test]
fn a_client_that_is_back_is_compared_before_it_judges_and_the_vote_follows() {
    let mut solo = lost();
    let block = solo.factory.block(solo.factory.genesis, 1);
    solo.propose(&block);
    solo.pass_to(1, 200);
    solo.comparison = Comparison::Pending;
    solo.input(Input::EngineBack);
    let compared = solo.compared;
    solo.pass_to(1, 300);
    // It would say VALID, wherever it stands.
    assert!(solo.judged.is_empty() && solo.own_votes().is_empty());
    assert_eq!(solo.compared, compared, "one comparison at a time");
    solo.comparison = Comparison::Done;
    solo.input(Input::Reconciled(Ok(EngineHead::default())));
    assert!(solo.voted(VoteKind::Notarize, &block));
}

#[test]
fn a_client_that_goes_while_it_is_compared_is_compared_again() {
    let mut solo = lost();
    let block = solo.factory.block(solo.factory.genesis, 1);
    solo.propose(&block);
    solo.comparison = Comparison::Pending;
    solo.input(Input::EngineBack);
    let compared = solo.compared;
    solo.input(Input::EngineGone);
    // What was found before it went.
    solo.input(Input::Reconciled(Ok(EngineHead::default())));
    assert_eq!(solo.compared, compared + 1);
    assert!(solo.judged.is_empty(), "what was found does not hold any more");
    solo.input(Input::Reconciled(Ok(EngineHead::default())));
    assert_eq!(solo.compared, compared + 1);
    assert!(solo.voted(VoteKind::Notarize, &block));
}

#[test]
fn an_outage_of_a_minute_raises_one_alarm_and_the_next_one_another() {
    let mut solo = lost();
    let alarms = |solo: &Solo| {
        let told = solo.events.iter().filter(|event| matches!(event, ChainEvent::Alarm { .. }));
        told.count()
    };
    solo.pass_to(28, 0);
    assert_eq!(alarms(&solo), 0, "most outages are short");
    solo.pass_to(80, 0);
    assert_eq!(alarms(&solo), 1);
    solo.comparison = Comparison::Done;
    solo.input(Input::EngineBack);
    solo.comparison = Comparison::Fails;
    solo.input(Input::EngineGone);
    solo.pass_to(120, 0);
    assert_eq!(alarms(&solo), 2);
}
