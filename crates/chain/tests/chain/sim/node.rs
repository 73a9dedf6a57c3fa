//! One simulated node: a real core behind a real outbox, a disk, a client and a collector.

use std::collections::{BTreeMap, BTreeSet};

use alys_bus::protocol::{chain::ChainEvent, federation::Collected};
use alys_chain::core::{Core, Effects};
use alys_primitives::{Vote, vote::VoteData};

use super::keys::Keys;
use crate::support::{Disk, FakeEngine};

/// The federation actor's part: combines shares of distinct members.
#[derive(Debug, Default)]
pub struct Collector {
    shares: BTreeMap<VoteData, BTreeSet<u8>>,
}

impl Collector {
    pub fn collect(&mut self, keys: &Keys, quorum: usize, vote: &Vote) -> Collected {
        let shares = self.shares.entry(vote.data).or_default();
        shares.insert(vote.member);
        if shares.len() < quorum {
            return Collected::Waiting { have: shares.len(), need: quorum };
        }
        Collected::Certified { certificate: keys.certificate(vote.data), blamed: Vec::new() }
    }
}

/// One node.
pub struct Node {
    pub member: u8,
    /// `None` while it is down.
    pub core: Option<Core>,
    pub outbox: Effects,
    /// It does not come back.
    pub stopped: bool,
    pub disk: Disk,
    pub engine: FakeEngine,
    /// Until when the client executes.
    pub busy_until: u64,
    pub collector: Collector,
    /// Rises with each start, so that what belongs to a former life is known.
    pub life: u64,
    /// The wake-up that counts.
    pub wakes: u64,
    /// Effects carried out in all lives.
    pub effects: u64,
    pub events: Vec<ChainEvent>,
}

impl Node {
    pub fn new(member: u8, disk: Disk, engine: FakeEngine) -> Self {
        Self {
            member,
            core: None,
            outbox: outbox(),
            stopped: false,
            disk,
            engine,
            busy_until: 0,
            collector: Collector::default(),
            life: 0,
            wakes: 0,
            effects: 0,
            events: Vec::new(),
        }
    }

    /// Loses all that is not on the disk.
    pub fn crash(&mut self) {
        self.core = None;
        self.outbox = outbox();
        self.engine.forget();
        self.busy_until = 0;
        self.collector = Collector::default();
        self.life += 1;
    }
}

fn outbox() -> Effects {
    Effects::new(100_000)
}
