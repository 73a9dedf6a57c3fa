//! Remembering the blocks that a client was given, so that a second engine can be brought to where it stands.

use std::{collections::BTreeMap, sync::Arc};

use alys_bus::{
    Context, Owner,
    protocol::engine::{EngineError, EngineMessage},
};
use alys_engine::ExecutionClient;
use alys_primitives::{B256, Block};
use parking_lot::Mutex;

/// The blocks that were to be judged, by the hash of their payload.
#[derive(Clone, Default)]
pub(super) struct Blocks(Arc<Mutex<BTreeMap<B256, Arc<Block>>>>);

impl Blocks {
    /// The blocks that lead from genesis to `head`, lowest first.
    pub(super) fn to(&self, head: B256) -> Vec<Arc<Block>> {
        let blocks = self.0.lock();
        let mut path = Vec::new();
        let mut at = head;
        while let Some(block) = blocks.get(&at) {
            path.push(Arc::clone(block));
            at = block.payload.payload_inner.payload_inner.parent_hash;
        }
        path.reverse();
        path
    }

    fn note(&self, block: &Arc<Block>) {
        // A false copy bears the name of a true payload: only a copy that is what it says is kept.
        if block.check_copy().is_ok() {
            self.0.lock().insert(block.header.payload_hash, Arc::clone(block));
        }
    }
}

/// A client whose blocks are remembered.
#[derive(Clone)]
pub(super) struct Recording<C> {
    pub(super) client: C,
    pub(super) blocks: Blocks,
}

impl<C: ExecutionClient> ExecutionClient for Recording<C> {
    async fn attach(&self, owner: Owner) -> Result<(), EngineError> {
        self.client.attach(owner).await
    }

    fn handle(&self, ctx: Context, message: EngineMessage) {
        if let EngineMessage::ValidatePayload { block, .. } = &message {
            self.blocks.note(block);
        }
        self.client.handle(ctx, message);
    }
}
