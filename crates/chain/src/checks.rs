//! The actor's thread: checking copies of blocks, which hashes megabytes where blocks are large.

use std::{sync::Arc, time::Duration};

use alys_bus::{Context, Inbox, Worker, WorkerError, WorkerLimits, WorkerMode, protocol::network::Source};
use alys_primitives::SignedProposal;

use crate::{actor::Me, core::Input, messages::ChainPrivate};

/// A copy to be checked, and who waits for the result.
pub(crate) struct Check {
    pub(crate) proposal: Arc<SignedProposal>,
    pub(crate) source: Option<Source>,
    pub(crate) me: Me,
    /// On whose behalf.
    pub(crate) request: u64,
}

/// A check is never dropped for its age: the core counts on an answer to each. It bounds how many there
/// are, below the thread's own limit.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// Starts the thread. It owns nothing, so every incarnation of the actor has one of its own.
pub(crate) fn start(mode: WorkerMode) -> Result<Worker<Check>, WorkerError> {
    Worker::spawn("chain-checks", WorkerLimits::default(), mode, |check: Check, _ctx| {
        let Check { proposal, source, me, request } = check;
        let result = proposal.block.check_copy();
        // An actor that has ended needs no answer.
        let input = Input::CopyChecked { proposal, source, result };
        let _ = me.send_message(Inbox::Private(ChainPrivate::Answer(Box::new(input), request)));
    })
}

/// Queues a check; false where the thread takes none.
pub(crate) fn submit(worker: &Worker<Check>, check: Check) -> bool {
    let mut ctx = Context::root(NEVER);
    ctx.id = check.request;
    worker.submit(ctx, check).is_ok()
}
