//! The thread that alone writes: opening the engine, judging, following, committing, and beginning anew.

use std::sync::Arc;

use alys_bus::{Clock, Reply};
use parking_lot::RwLock;

use super::consensus::{self, Writer};
use super::threads::{self, Writing};
use super::{EngineConfig, Opened};
use crate::engine::ForkchoiceError;
use crate::error::StateError;
use crate::messages::EngineError;
use crate::metrics::EngineMetrics;

/// Opens the engine's database where it is, or makes it at genesis.
pub(super) type Opener = Box<dyn Fn() -> Result<Box<dyn Writer>, StateError> + Send + Sync>;

/// Puts the engine's database out of the way, so that the next opening makes another.
pub(super) type Aside = Box<dyn Fn() -> Result<(), StateError> + Send + Sync>;

/// Where all threads find the engine: `None` until it is open, and after its thread has ended.
pub(super) type Published = Arc<RwLock<Option<Arc<Opened>>>>;

/// What the thread works with.
pub(super) struct WriterThread {
    pub(super) open: Arc<Opener>,
    /// `None` where the database is not this engine's to put away.
    pub(super) aside: Option<Arc<Aside>>,
    pub(super) config: EngineConfig,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<EngineMetrics>,
    pub(super) published: Published,
    pub(super) engine: Option<(Box<dyn Writer>, Arc<Opened>)>,
    /// Why the base could not be moved after the forkchoice before.
    pub(super) unsettled: Option<StateError>,
}

impl WriterThread {
    /// Does one job.
    pub(super) fn run(&mut self, job: Writing) {
        match (job, &mut self.engine) {
            (Writing::Open { reply }, _) => reply.send(self.opened()),
            (Writing::Reset { reply }, _) => self.reset(reply),
            (Writing::Validate { block, reply }, Some((writer, opened))) => {
                if !reply.is_abandoned() {
                    let started = self.clock.now();
                    let verdict = consensus::validate(writer.as_mut(), opened, &block);
                    self.metrics.validated(self.clock.now() - started, &verdict);
                    reply.send(Ok(verdict));
                }
            }
            (Writing::Forkchoice { choice, reply }, Some((writer, opened))) => {
                let followed = consensus::forkchoice(writer.as_mut(), opened, choice);
                let followed = match self.unsettled.take() {
                    Some(error) => Err(error.into()),
                    None => followed,
                };
                // A rollback writes, and so does what comes after the answer.
                let mut failed = match &followed {
                    Err(ForkchoiceError::State(error)) => write_failed(error),
                    _ => None,
                };
                reply.send(followed.map_err(consensus::not_followed));
                if failed.is_none()
                    && let Err(error) = writer.settle()
                {
                    tracing::error!(%error, "the engine could not commit what is final");
                    failed = write_failed(&error);
                    self.unsettled = Some(error);
                }
                if let Some(why) = failed {
                    end_thread(&why);
                }
            }
            (Writing::Flush, Some((writer, _))) => {
                if let Err(error) = writer.flush() {
                    tracing::warn!(%error, "the engine could not commit what is final before it ended");
                }
            }
            (Writing::Flush, None) => {}
            (Writing::Validate { reply, .. }, None) => reply.send(Err(threads::not_open())),
            (Writing::Forkchoice { reply, .. }, None) => reply.send(Err(threads::not_open())),
        }
    }

    /// The engine, opened if it is not; anew where its database is damaged.
    fn opened(&mut self) -> Result<Arc<Opened>, EngineError> {
        let failed = |error: StateError| EngineError::Failed(error.to_string());
        if let Some((_, opened)) = &self.engine {
            return Ok(Arc::clone(opened));
        }
        match (self.open(), &self.aside) {
            (Err(error), Some(aside)) if error.is_damage() => {
                tracing::error!(%error, "the engine's database is put aside and made again from storage's blocks");
                aside().map_err(failed)?;
                self.open().map_err(failed)
            }
            (outcome, _) => outcome.map_err(failed),
        }
    }

    fn open(&mut self) -> Result<Arc<Opened>, StateError> {
        let writer = (self.open)()?;
        let opened = Arc::new(Opened::new(self.config.clone(), writer.reads(), Arc::clone(&self.metrics))?);
        self.engine = Some((writer, Arc::clone(&opened)));
        Ok(opened)
    }

    /// Begins at genesis again. Whoever still reads the old database keeps it, until it has answered.
    fn reset(&mut self, reply: Reply<(), EngineError>) {
        let Some(aside) = &self.aside else {
            return reply.send(Err(EngineError::NotManaged(
                "the embedded engine's database is not the engine's own to put away: stop the node, remove it, \
                 and start again; it is made anew from storage's blocks"
                    .into(),
            )));
        };
        (self.engine, self.unsettled) = (None, None);
        *self.published.write() = None;
        match aside().and_then(|()| self.open()) {
            Ok(opened) => {
                *self.published.write() = Some(opened);
                reply.send(Ok(()));
            }
            Err(error) => {
                let why = error.to_string();
                reply.send(Err(EngineError::Failed(why.clone())));
                // The next incarnation of the actor opens what is there.
                end_thread(&why);
            }
        }
    }
}

/// Why a write failed, if that is what went wrong. What is on the disk is then known only after the database was opened
/// again, and it takes no write before. Damage is none of this: it would be there all the same.
fn write_failed(error: &StateError) -> Option<String> {
    use alys_database::DatabaseError::{Io, Poisoned};
    matches!(error, StateError::Database(Io { .. } | Poisoned { .. })).then(|| error.to_string())
}

/// Ends the thread as a panic does, so that the actor ends and is started again with a database opened anew. Everybody
/// concerned has been answered.
fn end_thread(why: &str) -> ! {
    tracing::error!(why, "the engine's thread ends: what is on the disk is known after opening it again");
    std::panic::resume_unwind(Box::new(format!("the engine failed: {why}")))
}
