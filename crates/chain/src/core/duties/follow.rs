//! Moving storage and the engine to the fork choice, one move at a time.

use alys_bus::protocol::{
    engine::Forkchoice,
    storage::{BlockChange, HeadUpdate},
};
use alys_primitives::B256;

use crate::core::{
    Core,
    effect::{Effect, Effects},
    follow::Move,
    tree::{Node, Standing},
};

/// Storage first, then the engine; and before both, the two are compared where they may differ.
pub(crate) fn follow(core: &mut Core, now_ms: u64, fx: &mut Effects) {
    if core.follow.moving != Move::Idle || !core.follow.retry.is_due(now_ms) {
        return;
    }
    if core.follow.out_of_step.is_some() {
        let (head, finalized) = (core.follow.head, core.follow.finalized);
        let Some(choice) = choice(core, head.hash, finalized.hash) else { return };
        core.follow.moving = Move::Reconciling(choice);
        return fx.push(Effect::Reconcile { head, choice });
    }
    let finalized = core.tree.best_final(&core.certificates);
    let head = core.tree.best_head(finalized, &core.certificates);
    if head != core.follow.head.hash || finalized != core.follow.finalized.hash {
        if let Some(update) = update(core, head, finalized) {
            core.follow.moving = Move::Applying(Box::new(update.clone()));
            fx.push(Effect::ApplyHead(Box::new(update)));
        }
        return;
    }
    if let Some(choice) = choice(core, head, finalized)
        && core.follow.engine != Some(choice)
    {
        core.follow.moving = Move::Following(choice);
        fx.push(Effect::Follow(choice));
    }
}

/// What the engine shall follow. Nothing but genesis is anchored while merged mining is not in force.
fn choice(core: &Core, head: B256, finalized: B256) -> Option<Forkchoice> {
    let payload = |hash| core.tree.get(hash).map(|node: &Node| node.header.payload_hash);
    Some(Forkchoice { head: payload(head)?, safe: payload(finalized)?, finalized: core.genesis_payload })
}

/// The move, with the change sets on the way that storage does not have.
fn update(core: &Core, head: B256, finalized: B256) -> Option<HeadUpdate> {
    let head_node = core.tree.get(head)?;
    let final_node = core.tree.get(finalized)?;
    let path = core.tree.path(head)?;
    let nodes = path.iter().filter_map(|hash| core.tree.get(*hash));
    let changes = nodes.filter(|node| !node.applied).filter_map(change).collect();
    let finalization = core.certificates.finalizations().find(|c| c.data.block == finalized);
    let is_new = finalized != core.follow.finalized.hash;
    let notarization = core.certificates.notarization(head_node.slot(), head);
    Some(HeadUpdate {
        head: head_node.place(),
        finalized: final_node.place(),
        changes,
        finalization: finalization.filter(|_| is_new).map(|certificate| (**certificate).clone()),
        notarization: notarization.map(|certificate| (**certificate).clone()),
    })
}

fn change(node: &Node) -> Option<BlockChange> {
    let Standing::Valid { peg, facts } = &node.standing else { return None };
    Some(BlockChange { block: node.hash, facts: (**facts).clone(), peg: (**peg).clone() })
}
