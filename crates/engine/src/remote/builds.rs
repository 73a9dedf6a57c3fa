//! The payloads that the client is building for this node, with the rules they must keep to.

use std::collections::VecDeque;

use alys_primitives::payload::PayloadRules;
use tokio::time::Instant;

use crate::messages::PayloadId;

/// How many are remembered. Geth remembers ten.
const REMEMBERED: usize = 10;

/// What is being built, bounded: the oldest is forgotten.
#[derive(Debug, Default)]
pub(super) struct Builds {
    builds: VecDeque<Build>,
}

/// A payload under construction.
#[derive(Debug, Clone)]
pub(super) struct Build {
    /// The client's name for it.
    pub(super) id: PayloadId,
    pub(super) rules: PayloadRules,
    /// When the client began.
    pub(super) begun: Instant,
    /// How often the client had been away then: after one more time it has forgotten this.
    pub(super) outages: u64,
}

impl Builds {
    /// The id under which the client builds by these rules already, where it has been there since.
    pub(super) fn id_of(&self, rules: &PayloadRules, outages: u64) -> Option<PayloadId> {
        let same = |build: &&Build| build.rules == *rules && build.outages == outages;
        self.builds.iter().find(same).map(|build| build.id)
    }

    pub(super) fn get(&self, id: &PayloadId) -> Option<Build> {
        self.builds.iter().find(|build| build.id == *id).cloned()
    }

    /// Remembers a build. Ids name rules: one that comes again replaces what it named.
    pub(super) fn remember(&mut self, build: Build) {
        self.forget(&build.id);
        if self.builds.len() >= REMEMBERED {
            self.builds.pop_front();
        }
        self.builds.push_back(build);
    }

    /// The client does not build it any more.
    pub(super) fn forget(&mut self, id: &PayloadId) {
        self.builds.retain(|build| build.id != *id);
    }

    /// The client has been away, and what it built with it.
    pub(super) fn clear(&mut self) {
        self.builds.clear();
    }
}
