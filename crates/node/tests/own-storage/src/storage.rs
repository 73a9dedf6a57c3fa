//! A storage actor of our own, over [`Memory`], which outlives the actor as a disk would.

use std::sync::{Arc, Mutex};

use alys_bus::{Context, protocol::StorageMessage, ractor::ActorProcessingErr, unsupported};

use crate::memory::Memory;

pub type Disk = Arc<Mutex<Memory>>;

pub fn over(disk: Disk) -> impl FnMut(StorageMessage, Context) -> Result<(), ActorProcessingErr> + Send {
    move |message, _| {
        let mut disk = disk.lock().map_err(|_| "an earlier incarnation panicked")?;
        match message {
            StorageMessage::PersistBlock { block, reply } => reply.send(Ok(disk.persist(block))),
            StorageMessage::ApplyHead { update, reply } => reply.send(disk.apply(*update)),
            StorageMessage::RetrieveBlock { query, reply } => reply.send(Ok(disk.retrieve(query))),
            StorageMessage::LoadChain { reply } => reply.send(Ok(disk.load())),
            StorageMessage::PersistPromises { promises, reply } => reply.send(Ok(disk.promises = *promises)),
            StorageMessage::LoadPromises { reply } => reply.send(Ok(Box::new(disk.promises.clone()))),
            StorageMessage::PruneOldBlocks { below, reply } => reply.send(Ok(disk.prune(below))),
            StorageMessage::Statistics { reply } => reply.send(Ok(disk.statistics())),
            other => unsupported(other),
        }
        Ok(())
    }
}
