//! What a member's share led to.

use std::sync::Arc;

use alys_bus::protocol::{chain::ChainEvent, federation::Collected};
use alys_primitives::vote::VoteData;

use super::learn;
use crate::core::{
    Core,
    effect::{Effect, Effects},
    input::Outcome,
};

/// The collector has checked what it combined. A share that did not reach it is handed on again.
pub(crate) fn collected(
    core: &mut Core,
    data: VoteData,
    member: u8,
    result: Outcome<Collected>,
    fx: &mut Effects,
) {
    match result {
        Ok(Collected::Waiting { .. }) => {}
        Ok(Collected::Certified { certificate, blamed }) => {
            false_shares(&data, blamed, fx);
            learn(core, Arc::new(certificate), fx);
        }
        Ok(Collected::Blamed { members, .. }) => false_shares(&data, members, fx),
        Err(failure) => core.votes.set_collected(&data, member, !failure.transient),
    }
}

fn false_shares(data: &VoteData, members: Vec<u8>, fx: &mut Effects) {
    for member in members {
        let reason = format!("a false {:?} share in slot {}", data.kind, data.slot);
        fx.push(Effect::Event(ChainEvent::Blamed { member, reason }));
    }
}
