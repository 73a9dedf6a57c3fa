//! Moving the base up: canonical candidates into the database.

use std::sync::Arc;

use alys_database::{Batch, Snapshots};

use super::block::Candidate;
use super::records::{Tip, write_block};
use super::world::World;
use crate::config::EngineLimits;
use crate::error::StateError;
use crate::state::{Base, Table, keyed_by_height, prune_history, write_overlay};

/// How many blocks one commit may take: bounds the batch while a node catches up.
const BLOCKS_PER_COMMIT: usize = 64;

/// How much one commit may write, in bytes, beyond its first block.
const BYTES_PER_COMMIT: usize = 32 << 20;

/// How many old blocks' history one commit may drop: bounds the work after the limit was lowered.
const PRUNED_PER_COMMIT: u64 = 128;

/// Where the base belongs: at what is final, but no further below the head than the window.
///
/// `safe` is what the federation has finalized and cannot be reorganised; `finalized` lies at or
/// below it.
fn target(world: &World, limits: &EngineLimits) -> u64 {
    world
        .safe
        .number
        .max(world.finalized.number)
        .max(world.head.number.saturating_sub(limits.window))
        .min(world.head.number)
}

/// Whether the base has lagged long enough to be moved.
pub(crate) fn is_due(world: &World, limits: &EngineLimits) -> bool {
    let lag = target(world, limits).saturating_sub(world.base_block.header.number);
    lag >= limits.commit_every.max(1)
}

/// Moves the base up to where it belongs, and hands each world on the way to `publish`.
///
/// Everything of a step is one batch: states, histories, blocks, indexes, pruning, and the record
/// that says where the base is. A crash leaves the step done or not begun.
///
/// # Errors
/// [`StateError`] where the database fails; the world last published stays true.
pub(crate) fn advance<D: Snapshots>(
    database: &D,
    limits: &EngineLimits,
    mut world: World,
    mut publish: impl FnMut(World),
) -> Result<(), StateError> {
    let target = target(&world, limits);
    while world.base_block.header.number < target {
        let from = world.base_block.header.number + 1;
        let mut bytes = 0usize;
        let blocks: Vec<Arc<Candidate>> = (from..=target)
            .take(BLOCKS_PER_COMMIT)
            .map_while(|height| world.candidates.get(world.canonical.get(&height)?).cloned())
            .take_while(|candidate| {
                let first = bytes == 0;
                bytes = bytes.saturating_add(candidate.weight());
                first || bytes <= BYTES_PER_COMMIT
            })
            .collect();
        let Some(last) = blocks.last() else {
            return Err(StateError::bad("the canonical chain", format!("no block at {from}")));
        };
        world = step(database, limits, &world, &blocks, last)?;
        publish(world.clone());
    }
    Ok(())
}

fn step<D: Snapshots>(
    database: &D,
    limits: &EngineLimits,
    world: &World,
    blocks: &[Arc<Candidate>],
    last: &Candidate,
) -> Result<World, StateError> {
    let mut batch = Batch::new();
    for candidate in blocks {
        let height = candidate.block.header.number;
        write_overlay(&mut batch, height, &candidate.overlay);
        write_block(&mut batch, &candidate.block);
    }
    let base = last.block.reference();
    let proofs = base.number.saturating_sub(limits.proofs).max(world.proofs);
    for height in world.proofs + 1..=proofs {
        batch.delete(keyed_by_height(Table::NodeUndo, height));
    }
    let oldest = prune(world, limits, base.number, &mut batch)?;
    let tip = Tip { base, safe: world.safe, finalized: world.finalized, oldest, proofs };
    tip.write(&mut batch);
    database.commit(batch)?;

    let mut next = world.clone();
    next.base = Base::new(database.snapshot()?);
    next.base_block = last.block.clone();
    next.oldest = oldest;
    next.proofs = proofs;
    next.canonical.retain(|height, _| *height > base.number);
    next.drop_strangers();
    Ok(next)
}

/// Drops histories beyond the limit; the oldest height that can be read afterwards.
fn prune(world: &World, limits: &EngineLimits, base: u64, batch: &mut Batch) -> Result<u64, StateError> {
    let Some(history) = limits.history else {
        return Ok(world.oldest);
    };
    // Only what is on disk can be read to be pruned: never the blocks of this very batch.
    let reachable = base.saturating_sub(history.max(1)).min(world.base_block.header.number);
    let oldest = reachable.min(world.oldest + PRUNED_PER_COMMIT).max(world.oldest);
    for height in world.oldest + 1..=oldest {
        prune_history(world.base.reader(), batch, height)?;
    }
    Ok(oldest)
}
