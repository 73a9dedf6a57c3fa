//! Which block a question is about.

use std::sync::Arc;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;

use crate::chain::{ExecutedBlock, World};
use crate::messages::QueryError;
use crate::state::StateView;

use super::errors::query_error;

/// The hash of the block that `at` names, or `None` where there is no such block. `pending` is the head
/// here; who means it differently asks [`is_pending`] first.
///
/// # Errors
/// [`QueryError`] where the database fails, or a block that must be canonical is not.
pub(super) fn hash_of(world: &World, at: BlockId) -> Result<Option<B256>, QueryError> {
    match at {
        BlockId::Hash(asked) => {
            let hash = asked.block_hash;
            if asked.require_canonical == Some(true) {
                require_canonical(world, hash)?;
            }
            Ok(Some(hash))
        }
        BlockId::Number(tag) => match number_of(world, tag) {
            Some(number) => world.canonical_hash(number).map_err(query_error),
            None => Ok(None),
        },
    }
}

/// The height that a tag means, or a number; `None` above the head.
pub(super) fn number_of(world: &World, tag: BlockNumberOrTag) -> Option<u64> {
    let head = world.head.number;
    match tag {
        BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => Some(head),
        BlockNumberOrTag::Safe => Some(world.safe.number),
        BlockNumberOrTag::Finalized => Some(world.finalized.number),
        BlockNumberOrTag::Earliest => Some(0),
        BlockNumberOrTag::Number(number) => (number <= head).then_some(number),
    }
}

pub(super) fn is_pending(at: BlockId) -> bool {
    at == BlockId::Number(BlockNumberOrTag::Pending)
}

/// The block that `at` names.
///
/// # Errors
/// As [`hash_of`].
pub(super) fn block_at(world: &World, at: BlockId) -> Result<Option<Arc<ExecutedBlock>>, QueryError> {
    match hash_of(world, at)? {
        Some(hash) => world.block(&hash).map_err(query_error),
        None => Ok(None),
    }
}

/// The same, where the question makes no sense without the block.
///
/// # Errors
/// [`QueryError::BlockNotFound`]; as [`hash_of`].
pub(super) fn known_hash(world: &World, at: BlockId) -> Result<B256, QueryError> {
    hash_of(world, at)?.ok_or_else(|| QueryError::BlockNotFound(name(at)))
}

/// The state after the block that `at` names.
///
/// # Errors
/// [`QueryError::BlockNotFound`], [`QueryError::HistoryGone`]; as [`hash_of`].
pub(super) fn state_at(world: &World, at: BlockId) -> Result<StateView, QueryError> {
    let hash = known_hash(world, at)?;
    world.state(&hash).map_err(query_error)
}

fn require_canonical(world: &World, hash: B256) -> Result<(), QueryError> {
    let Some(block) = world.block(&hash).map_err(query_error)? else {
        return Err(QueryError::BlockNotFound(hash.to_string()));
    };
    if world.canonical_hash(block.header.number).map_err(query_error)? != Some(hash) {
        return Err(QueryError::InvalidQuery(format!("hash {hash} is not currently canonical")));
    }
    Ok(())
}

fn name(at: BlockId) -> String {
    match at {
        BlockId::Hash(hash) => hash.block_hash.to_string(),
        BlockId::Number(tag) => tag.to_string(),
    }
}
