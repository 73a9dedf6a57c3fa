//! Storage moved, the engine followed, or the two were brought together.

use alys_bus::protocol::{
    chain::ChainEvent,
    engine::{EngineHead, Forkchoice},
    storage::{BlockRef, HeadUpdate},
};

use super::{alarm, alarm_once};
use crate::core::{
    Core,
    backoff::Retry,
    effect::{Effect, Effects},
    follow::{Move, SUSPICIOUS},
    input::Outcome,
    tree::Node,
};

/// Blocks below the head whose bodies are kept in memory, so that the engine can be asked again.
const BODIES: u64 = 64;
/// How long the engine may be out of step before the operator is told, ms.
const LASTING_MS: u64 = 60_000;
/// News that wait for the engine at most; the newest are kept.
const MAX_NEWS: usize = 64;

/// Storage has head, finality and change sets: what is final is pruned from the tree.
pub(crate) fn head_applied(core: &mut Core, now_ms: u64, result: Outcome<()>, fx: &mut Effects) {
    let Move::Applying(update) = std::mem::replace(&mut core.follow.moving, Move::Idle) else { return };
    if let Err(failure) = result {
        alarm_once("storage does not move the head", core.follow.retry, &failure, fx);
        return core.follow.retry.failed(now_ms, core.setup.policy.retry);
    }
    core.follow.retry = Retry::default();
    for hash in core.tree.path(update.head.hash).unwrap_or_default() {
        core.tree.update(hash, |node| {
            node.applied = true;
            if node.header.height.saturating_add(BODIES) < update.head.height {
                node.proposal = None;
            }
        });
    }
    note_news(core, &update);
    let (head, finalized) = (update.head, update.finalized);
    let risen = finalized.height.saturating_sub(core.follow.finalized.height);
    core.status.finalized_since_start = core.status.finalized_since_start.saturating_add(risen);
    core.follow.head = head;
    core.follow.finalized = finalized;
    if risen > 0 {
        prune(core, finalized);
    }
}

fn prune(core: &mut Core, finalized: BlockRef) {
    core.tree.set_root(finalized.hash);
    core.certificates.prune(finalized.slot);
    core.votes.prune(finalized.slot);
    core.proposals.prune(finalized.slot);
    core.wants.prune(finalized.slot);
    core.proofs.expire(finalized.slot);
}

/// What is to be told once the engine shows it too.
fn note_news(core: &mut Core, update: &HeadUpdate) {
    let old = core.follow.head;
    let mut news = Vec::new();
    if update.head != old {
        let common = core.tree.common_ancestor(old.hash, update.head.hash);
        let common = common.and_then(|hash| core.tree.get(hash)).map(Node::place);
        let reorged_from = common.filter(|common| *common != old).map(|common| common.height + 1);
        if let Some(node) = core.tree.get(update.head.hash) {
            news.push(ChainEvent::HeadMoved {
                head: update.head,
                payload: node.header.payload_hash,
                transactions: node.transactions,
                gas_used: node.gas_used,
                reorged_from,
            });
        }
    }
    if update.finalized != core.follow.finalized {
        news.push(ChainEvent::Finalized { block: update.finalized });
    }
    let pending = &mut core.follow.news;
    pending.extend(news);
    pending.drain(..pending.len().saturating_sub(MAX_NEWS));
}

/// The engine's own word decides: a VALID with another head proves nothing (`valid-but-old-head`).
pub(crate) fn followed(core: &mut Core, now_ms: u64, result: Outcome<EngineHead>, fx: &mut Effects) {
    let Move::Following(choice) = core.follow.moving else { return };
    core.follow.moving = Move::Idle;
    match result {
        Ok(head) if head.hash == choice.head => {
            core.follow.retry = Retry::default();
            tell_news(core, choice, fx);
        }
        Ok(_) => {
            core.follow.retry.failed(now_ms, core.setup.policy.retry);
            core.follow.lose(now_ms);
        }
        Err(_) => {
            core.follow.retry.failed(now_ms, core.setup.policy.retry);
            if core.follow.retry.failures >= SUSPICIOUS {
                core.follow.lose(now_ms);
            }
        }
    }
}

/// The engine shows what storage has: now it is news.
fn tell_news(core: &mut Core, choice: Forkchoice, fx: &mut Effects) {
    core.follow.engine = Some(choice);
    for event in core.follow.news.drain(..) {
        fx.push(Effect::Event(event));
    }
}

/// Storage and engine agree, or are compared again after a pause.
pub(crate) fn reconciled(core: &mut Core, now_ms: u64, result: Outcome<EngineHead>, fx: &mut Effects) {
    let Move::Reconciling(choice) = core.follow.moving else { return };
    core.follow.moving = Move::Idle;
    match result {
        Ok(_) => {
            core.follow.found();
            // The engine may hold nothing but the chain of the head now.
            core.tree.forget_executions_beside(core.follow.head.hash);
            tell_news(core, choice, fx);
        }
        Err(failure) => {
            core.follow.retry.failed(now_ms, core.setup.policy.retry);
            core.follow.lost_again = false;
            let since = core.follow.out_of_step.unwrap_or(now_ms);
            let for_ms = now_ms.saturating_sub(since);
            // Failures come before this one is reached: it is the first of its kind that is told. What should have
            // passed by itself is told when it has not.
            let is_lasting = !failure.transient || for_ms >= LASTING_MS;
            if is_lasting && !std::mem::replace(&mut core.follow.alarmed, true) {
                let seconds = for_ms / 1000;
                alarm(
                    format!(
                        "the execution client is not at this chain's head for {seconds} s now, and this node neither votes nor proposes: {failure}"
                    ),
                    fx,
                );
            }
        }
    }
}
