//! Moving the base down: back through history to a stored block.

use std::sync::Arc;

use alloy_primitives::B256;
use alys_database::{Batch, Snapshots};

use super::records::{Tip, read_block, read_canonical, remove_block};
use super::world::World;
use crate::error::StateError;
use crate::state::{Base, revert};

/// Takes blocks off the base until it is `target`, one commit for each, and hands each world on
/// the way to `publish`. Candidates are dropped: they descend from what goes away.
///
/// # Errors
/// [`StateError::UnknownBlock`] where `target` is not a canonical ancestor of the base,
/// [`StateError::Pruned`] where history does not reach so far, [`StateError::RootMismatch`] where
/// it leads elsewhere. In every case the database is left at one block's state.
pub(crate) fn rollback<D: Snapshots>(
    database: &D,
    mut world: World,
    target: &B256,
    mut publish: impl FnMut(World),
) -> Result<(), StateError> {
    let block = read_block(world.base.reader(), target)?.ok_or(StateError::UnknownBlock(*target))?;
    let height = block.header.number;
    if read_canonical(world.base.reader(), height)? != Some(*target) {
        return Err(StateError::UnknownBlock(*target));
    }
    if height < world.oldest {
        return Err(StateError::Pruned { asked: height, oldest: world.oldest });
    }
    while world.base_block.header.number > height {
        world = step(database, &world)?;
        publish(world.clone());
    }
    Ok(())
}

fn step<D: Snapshots>(database: &D, world: &World) -> Result<World, StateError> {
    let gone = &world.base_block;
    let parent = read_block(world.base.reader(), &gone.header.parent_hash)?
        .ok_or(StateError::UnknownBlock(gone.header.parent_hash))?;
    let mut batch = Batch::new();
    let found = revert(&world.base, &mut batch, gone.header.number)?;
    if found != parent.header.state_root {
        return Err(StateError::RootMismatch {
            height: parent.header.number,
            found,
            expected: parent.header.state_root,
        });
    }
    remove_block(&mut batch, gone);
    let base = parent.reference();
    let at_most = |tag: super::BlockRef| if tag.number > base.number { base } else { tag };
    let tip = Tip {
        base,
        safe: at_most(world.safe),
        finalized: at_most(world.finalized),
        oldest: world.oldest,
        proofs: world.proofs.min(base.number),
    };
    tip.write(&mut batch);
    database.commit(batch)?;
    Ok(World::at_base(Base::new(database.snapshot()?), Arc::new(parent), tip))
}
