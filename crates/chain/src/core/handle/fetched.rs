//! A block that was missing came, or did not.

use alys_bus::protocol::network::FetchedBlock;
use alys_primitives::B256;

use super::{blame, proposal};
use crate::core::{Core, effect::Effects, input::Outcome};

/// It goes the way of every proposal. Until a good copy is in the tree it is asked for again.
pub(crate) fn fetched(
    core: &mut Core,
    now_ms: u64,
    hash: B256,
    result: Outcome<FetchedBlock>,
    fx: &mut Effects,
) {
    let backoff = core.setup.policy.retry;
    core.wants.answered(hash, |retry| retry.failed(now_ms, backoff));
    match result {
        Ok(fetched) if fetched.proposal.block.hash() == hash => {
            proposal(core, fetched.proposal, Some(fetched.source), fx);
        }
        Ok(fetched) => blame(Some(fetched.source), format!("sent another block for {hash}"), fx),
        Err(_) => {}
    }
}
