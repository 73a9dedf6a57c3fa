//! The engine's judgement of a block that our rules found valid.

use alys_bus::protocol::engine::PayloadVerdict;
use alys_primitives::B256;

use super::alarm;
use crate::core::{
    Core,
    effect::Effects,
    follow::SUSPICIOUS,
    tree::{Node, Standing},
};

/// VALID brings the facts. INVALID withholds the vote and is no judgement for ever; unavailable is
/// tried again (`lagging-bitcoind-invalid`, `el-syncing-forever`).
pub(crate) fn judged(core: &mut Core, now_ms: u64, hash: B256, verdict: PayloadVerdict, fx: &mut Effects) {
    let Some(node) = core.tree.get(hash) else { return };
    let Standing::Judging { peg, mut retry } = node.standing.clone() else { return };
    let standing = match verdict {
        PayloadVerdict::Valid(facts) => Standing::Valid { peg, facts: Box::new(facts) },
        PayloadVerdict::Invalid { reason } => {
            report_refusal(node, retry.failures, &reason, fx);
            retry.failed(now_ms, core.setup.policy.retry);
            Standing::Refused { peg, retry }
        }
        PayloadVerdict::Unavailable { .. } => {
            retry.failed(now_ms, core.setup.policy.retry);
            if retry.failures >= SUSPICIOUS {
                core.follow.lose(now_ms);
            }
            Standing::Checked { peg, retry }
        }
    };
    core.tree.update(hash, |node| node.standing = standing);
}

fn report_refusal(node: &Node, failures: u32, reason: &str, fx: &mut Effects) {
    if node.certified && failures == 0 {
        let (hash, slot) = (node.hash, node.slot());
        alarm(
            format!("the execution client refuses block {hash} of slot {slot}, which is certified: {reason}"),
            fx,
        );
    }
}
