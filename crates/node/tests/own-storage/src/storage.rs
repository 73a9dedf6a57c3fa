//! A storage actor of our own, over [`Memory`], which outlives the actor as a disk would.

use std::sync::{Arc, Mutex};

use alys_bus::{Feed, Inbox, Work, protocol::StorageMessage, unsupported};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::memory::Memory;

pub type Disk = Arc<Mutex<Memory>>;

pub struct OwnStorage;

impl Actor for OwnStorage {
    type Msg = Inbox<StorageMessage, ()>;
    type State = (Feed<StorageMessage>, Disk);
    type Arguments = Self::State;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        state: Self::State,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        (feed, disk): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = feed.next(&mut message).await {
            let Work::Public(message, _) = work else { continue };
            let mut disk = disk.lock().map_err(|_| "an earlier incarnation panicked")?;
            match message {
                StorageMessage::PersistBlock { block, reply } => reply.send(Ok(disk.persist(block))),
                StorageMessage::ApplyHead { update, reply } => reply.send(disk.apply(*update)),
                StorageMessage::RetrieveBlock { query, reply } => reply.send(Ok(disk.retrieve(query))),
                StorageMessage::LoadChain { reply } => reply.send(Ok(disk.load())),
                StorageMessage::PersistPromises { promises, reply } => {
                    reply.send(Ok(disk.promises = *promises));
                }
                StorageMessage::LoadPromises { reply } => reply.send(Ok(Box::new(disk.promises.clone()))),
                StorageMessage::PruneOldBlocks { below, reply } => reply.send(Ok(disk.prune(below))),
                StorageMessage::Statistics { reply } => reply.send(Ok(disk.statistics())),
                other => unsupported(other),
            }
        }
        Ok(())
    }
}
