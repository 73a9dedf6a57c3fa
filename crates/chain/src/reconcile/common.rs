//! The last block that storage and the execution client have in common.

use alys_bus::protocol::{
    engine::EngineHead,
    storage::{BlockQuery, BlockRef},
};

use super::{
    asks::{engine_block, stored},
    payload_of,
};
use crate::{actor::ChainArgs, core::Outcome};

/// The lowest height whose payload the client may not have on the chain that it follows.
///
/// Below a block that both have they have all blocks in common, and above one that they have not, none:
/// so it is found by halving, in about log2(height) questions. Genesis is common to both, or the client
/// would not be this chain's.
pub(super) async fn first_missing(args: &ChainArgs, stands: EngineHead, head: BlockRef) -> Outcome<u64> {
    let mut common = 0;
    let mut missing = stands.number.min(head.height).saturating_add(1);
    // Mostly it is only behind: its own head is ours.
    let mut probe = missing - 1;
    while common + 1 < missing {
        if is_common(args, probe).await? {
            common = probe;
        } else {
            missing = probe;
        }
        probe = common.midpoint(missing);
    }
    Ok(missing)
}

async fn is_common(args: &ChainArgs, height: u64) -> Outcome<bool> {
    let Some(theirs) = engine_block(args, height).await? else { return Ok(false) };
    let ours = stored(args, BlockQuery::Height(height)).await?;
    Ok(ours.first().is_some_and(|block| payload_of(block) == theirs))
}
