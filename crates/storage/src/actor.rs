//! The storage actor: answers from the cache, and hands the rest to its two threads.
//!
//! The threads belong to the child spec ([`StorageSetup`]): a restarted actor
//! attaches to them again, and finds the database open. A panic in one of them, which is also how a
//! refused write ends, is the actor's own failure.

use std::sync::Arc;

use alys_bus::{Address, Context, Feed, Inbox, Owner, Protocol as _, Work, Worker, spawn_actor, unsupported};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, concurrency::JoinHandle};

use crate::cache::BlockCache;
use crate::error::OpenError;
use crate::messages::{BlockQuery, Private, StorageMessage};
use crate::setup::StorageSetup;
use crate::store::Prune;
use crate::threads::{Again, BlockJob, LongJob, LongWork, PromiseJob, Refusable};

/// The actor; all it holds stands in its state.
#[derive(Debug, Clone, Copy, Default)]
pub struct StorageActor;

/// What an incarnation starts with. Cheap to clone: a restart gets the same, unless a thread has ended.
#[derive(Debug, Clone)]
pub struct StorageArgs {
    /// The thread that owns the database.
    pub blocks: Worker<BlockJob>,
    /// The thread that owns the promise record.
    pub promises: Worker<PromiseJob>,
    /// The blocks used last.
    pub cache: BlockCache,
}

impl StorageArgs {
    /// Opens both threads: for programs that keep them themselves.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(setup: &StorageSetup) -> Result<Self, OpenError> {
        Ok(Self {
            // First: beside a database without a record nothing may begin.
            promises: setup.open_promises()?,
            blocks: setup.open_blocks()?,
            cache: setup.cache(),
        })
    }
}

/// Starts one incarnation and binds `address` to it.
///
/// # Errors
/// As ractor says; starting does nothing that can fail.
pub async fn spawn(
    address: &Address<StorageMessage>,
    parent: Option<ActorCell>,
    args: StorageArgs,
) -> Result<(ActorRef<Inbox<StorageMessage, Private>>, JoinHandle<()>), SpawnErr> {
    spawn_actor(address, parent, StorageActor, |feed| (feed, args)).await
}

/// What an incarnation holds between messages.
pub struct StorageState {
    feed: Feed<StorageMessage>,
    args: StorageArgs,
    again: Again,
}

impl Actor for StorageActor {
    type Msg = Inbox<StorageMessage, Private>;
    type State = StorageState;
    type Arguments = (Feed<StorageMessage>, StorageArgs);

    async fn pre_start(
        &self,
        me: ActorRef<Self::Msg>,
        (feed, args): Self::Arguments,
    ) -> Result<StorageState, ActorProcessingErr> {
        args.blocks.attach(Owner::actor(&me));
        args.promises.attach(Owner::actor(&me));
        let again: Again = Arc::new(move |job, ctx| {
            // An actor that has ended leaves the job unanswered, as all its work.
            let _ = me.send_message(Inbox::Private(Private::Again(job, ctx)));
        });
        tracing::info!(actor = StorageMessage::ACTOR, "storage is attached");
        Ok(StorageState { feed, args, again })
    }

    async fn handle(
        &self,
        _me: ActorRef<Self::Msg>,
        message: Self::Msg,
        state: &mut StorageState,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = state.feed.next(&mut message).await {
            match work {
                Work::Public(message, ctx) => state.public(message, ctx),
                Work::Private(Private::Again(job, ctx)) => state.blocks(BlockJob::Long(job), ctx),
            }
        }
        Ok(())
    }
}

impl StorageState {
    fn public(&self, message: StorageMessage, ctx: Context) {
        match message {
            StorageMessage::PersistBlock { block, reply } => {
                self.blocks(BlockJob::Persist(block, reply), ctx)
            }
            StorageMessage::ApplyHead { update, reply } => self.blocks(BlockJob::Apply(update, reply), ctx),
            StorageMessage::RetrieveBlock { query, reply } => {
                let cached = match query {
                    BlockQuery::Hash(hash) => self.args.cache.get(&hash),
                    _ => None,
                };
                match cached {
                    Some(block) => reply.send(Ok(vec![block])),
                    None => self.blocks(BlockJob::Retrieve(query, reply), ctx),
                }
            }
            StorageMessage::LoadChain { reply } => self.blocks(BlockJob::LoadChain(reply), ctx),
            StorageMessage::PersistPromises { promises, reply } => {
                submit(&self.args.promises, PromiseJob::Persist(promises, reply), ctx);
            }
            StorageMessage::LoadPromises { reply } => {
                submit(&self.args.promises, PromiseJob::Load(reply), ctx);
            }
            StorageMessage::PruneOldBlocks { below, reply } => {
                self.long(LongWork::Prune(Prune::new(below), reply), ctx);
            }
            StorageMessage::Checkpoint { path, reply } => {
                self.long(LongWork::Checkpoint(path, None, reply), ctx);
            }
            StorageMessage::Statistics { reply } => self.blocks(BlockJob::Statistics(reply), ctx),
            StorageMessage::CheckIntegrity { reply } => self.long(LongWork::Check(None, reply), ctx),
            other => unsupported(other),
        }
    }

    fn long(&self, work: LongWork, ctx: Context) {
        self.blocks(BlockJob::Long(LongJob { work, again: Arc::clone(&self.again) }), ctx);
    }

    fn blocks(&self, job: BlockJob, ctx: Context) {
        submit(&self.args.blocks, job, ctx);
    }
}

/// Queues a job; what is not taken is answered at once.
fn submit<J: Refusable + Send + 'static>(worker: &Worker<J>, job: J, ctx: Context) {
    if let Err(rejected) = worker.submit(ctx, job) {
        rejected.job.refuse(rejected.reason);
    }
}
