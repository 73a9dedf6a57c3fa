//! Where storage and the engine stand, and what is under way to move them.

use alys_bus::protocol::{
    chain::ChainEvent,
    engine::Forkchoice,
    storage::{BlockRef, HeadUpdate},
};

use super::backoff::Retry;

/// After so many failures in a row the engine may have lost what it had executed: it is compared with
/// storage anew.
pub(crate) const SUSPICIOUS: u32 = 2;

/// What storage or the engine is doing for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Move {
    /// Nothing.
    Idle,
    /// Storage moves head and finality.
    Applying(Box<HeadUpdate>),
    /// The engine follows.
    Following(Forkchoice),
    /// Storage and engine are compared, and payloads replayed.
    Reconciling(Forkchoice),
}

/// Where they stand.
#[derive(Debug)]
pub(crate) struct Follow {
    /// Storage's head.
    pub(crate) head: BlockRef,
    /// Storage's last final block.
    pub(crate) finalized: BlockRef,
    /// What the engine follows, as it said itself; `None` until it is known.
    pub(crate) engine: Option<Forkchoice>,
    /// What is under way.
    pub(crate) moving: Move,
    /// When to try again what failed.
    pub(crate) retry: Retry,
    /// Since when the engine has to be compared with storage before anything else, Unix ms.
    pub(crate) out_of_step: Option<u64>,
    /// Whether the engine was lost while it was being compared: what was found then may not hold any more.
    pub(crate) lost_again: bool,
    /// Whether the operator was told that the engine needs a hand; until it is in step again.
    pub(crate) alarmed: bool,
    /// Told when the engine has followed.
    pub(crate) news: Vec<ChainEvent>,
}

impl Follow {
    /// As storage says; the engine is still to be compared with it.
    pub(crate) const fn new(head: BlockRef, finalized: BlockRef, now_ms: u64) -> Self {
        Self {
            head,
            finalized,
            engine: None,
            moving: Move::Idle,
            retry: Retry { at: 0, failures: 0 },
            out_of_step: Some(now_ms),
            lost_again: false,
            alarmed: false,
            news: Vec::new(),
        }
    }

    /// Whether the engine can be asked to judge and build.
    pub(crate) const fn is_in_step(&self) -> bool {
        self.out_of_step.is_none() && !matches!(self.moving, Move::Reconciling(_))
    }

    /// The engine may be elsewhere than it was.
    pub(crate) fn lose(&mut self, now_ms: u64) {
        self.out_of_step.get_or_insert(now_ms);
        self.lost_again = matches!(self.moving, Move::Reconciling(_));
    }

    /// The engine stands where storage does.
    pub(crate) fn found(&mut self) {
        self.retry = Retry::default();
        if !std::mem::take(&mut self.lost_again) {
            self.out_of_step = None;
            self.alarmed = false;
        }
    }
}
