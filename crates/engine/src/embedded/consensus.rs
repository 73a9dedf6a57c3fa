//! What chain asks for: judging payloads and following the head, on the writer's thread.

use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_engine::ExecutionPayloadV3;
use alys_database::Snapshots;
use alys_primitives::Block;
use alys_primitives::payload::to_requests;

use super::opened::Opened;
use crate::build::BuiltPayload;
use crate::chain::{BlockRef, ImportError};
use crate::engine::{EmbeddedEngine, ForkchoiceError, Imported};
use crate::error::StateError;
use crate::facts::consensus_facts;
use crate::messages::{EngineError, EngineHead, Forkchoice, Lack, PayloadVerdict};
use crate::read::{BlockId, ReadHandle};

/// The engine as its writer uses it, whatever database it stands on.
pub(super) trait Writer: Send {
    fn reads(&self) -> ReadHandle;
    fn adopt(&mut self, built: &BuiltPayload) -> Result<Imported, ImportError>;
    fn import(
        &mut self,
        payload: &ExecutionPayloadV3,
        parent_beacon_block_root: B256,
        requests: &[Bytes],
    ) -> Result<Imported, ImportError>;
    fn follow(&mut self, choice: crate::engine::Forkchoice) -> Result<BlockRef, ForkchoiceError>;
    fn settle(&mut self) -> Result<(), StateError>;
    fn rollback_to(&mut self, target: B256) -> Result<BlockRef, StateError>;
    fn flush(&mut self) -> Result<(), StateError>;
}

impl<D: Snapshots> Writer for EmbeddedEngine<D> {
    fn reads(&self) -> ReadHandle {
        self.reads()
    }

    fn adopt(&mut self, built: &BuiltPayload) -> Result<Imported, ImportError> {
        self.adopt(built)
    }

    fn import(
        &mut self,
        payload: &ExecutionPayloadV3,
        parent_beacon_block_root: B256,
        requests: &[Bytes],
    ) -> Result<Imported, ImportError> {
        self.import(payload, parent_beacon_block_root, requests)
    }

    fn follow(&mut self, choice: crate::engine::Forkchoice) -> Result<BlockRef, ForkchoiceError> {
        self.follow(choice)
    }

    fn settle(&mut self) -> Result<(), StateError> {
        self.settle()
    }

    fn rollback_to(&mut self, target: B256) -> Result<BlockRef, StateError> {
        self.rollback_to(target)
    }

    fn flush(&mut self) -> Result<(), StateError> {
        self.flush()
    }
}

/// Judges a block's payload. What was built here and is the same to the last byte is not executed again.
pub(super) fn validate(writer: &mut dyn Writer, opened: &Opened, block: &Block) -> PayloadVerdict {
    let requests: Vec<Bytes> = to_requests(&block.execution_requests).into_iter().collect();
    let outcome = match built_here(opened, block, &requests) {
        Some(built) => writer.adopt(&built),
        None => writer.import(&block.payload, block.header.parent, &requests),
    };
    let outcome = outcome.and_then(|imported| {
        let hash = imported.block.hash;
        let block = opened.reads.block(BlockId::Hash(hash))?.ok_or(StateError::UnknownBlock(hash))?;
        Ok(consensus_facts(&block))
    });
    match outcome {
        Ok(facts) => PayloadVerdict::Valid(facts),
        Err(ImportError::Invalid(reason)) => PayloadVerdict::Invalid { reason: reason.to_string() },
        Err(other) => {
            let lack = match other {
                ImportError::UnknownParent(_) | ImportError::BelowBase { .. } => Lack::Parent,
                _ => Lack::Judgement,
            };
            PayloadVerdict::Unavailable { lack, what: other.to_string() }
        }
    }
}

fn built_here(opened: &Opened, block: &Block, requests: &[Bytes]) -> Option<BuiltPayload> {
    let built = opened.builds.lock().built(&block.payload_hash_as_given()).cloned()?;
    let same = built.payload() == block.payload
        && built.execution_requests() == requests
        && built.block().header.parent_beacon_block_root == Some(block.header.parent);
    same.then_some(built)
}

/// Follows a forkchoice, in memory: the base is moved when this has been answered ([`Writer::settle`]), so that no vote and no
/// proposal waits for a commit. A head below the base, which storage knows to be the head after a crash, is gone back to.
pub(super) fn forkchoice(
    writer: &mut dyn Writer,
    opened: &Opened,
    choice: Forkchoice,
) -> Result<EngineHead, ForkchoiceError> {
    let Forkchoice { head, safe, finalized } = choice;
    let choice = crate::engine::Forkchoice { head, safe, finalized };
    let outcome = match writer.follow(choice) {
        Err(ForkchoiceError::BelowBase { head, base }) => {
            tracing::warn!(%head, base, "the head lies below the engine's base: rolling back");
            match writer.rollback_to(head) {
                Ok(_) => writer.follow(choice),
                Err(error) => Err(error.into()),
            }
        }
        other => other,
    };
    opened.follow();
    outcome.map(|_| opened.head())
}

/// Why a forkchoice was not followed, as chain is told.
pub(super) fn not_followed(error: ForkchoiceError) -> EngineError {
    match error {
        ForkchoiceError::UnknownHead(_) => EngineError::Unavailable(error.to_string()),
        _ => EngineError::Failed(error.to_string()),
    }
}
