//! The payloads that are being built, or were built lately.

use std::collections::VecDeque;
use std::sync::Arc;

use alloy_primitives::{B256, keccak256};
use alys_primitives::payload::PayloadRules;

use crate::build::BuiltPayload;
use crate::messages::{EngineError, PayloadId};

/// How many are remembered. A proposer needs one per slot of its own; the rest is for reorgs and retries.
const REMEMBERED: usize = 16;

/// What is built, bounded: the oldest is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Builds {
    builds: VecDeque<Build>,
}

/// One payload under construction.
#[derive(Debug, Clone)]
pub(crate) struct Build {
    id: PayloadId,
    pub(crate) rules: Arc<PayloadRules>,
    pub(crate) best: Option<Version>,
    /// Why there is no version.
    pub(crate) failure: Option<EngineError>,
    /// Once sealed it does not change any more: who asks again gets the same.
    pub(crate) sealed: bool,
}

/// A payload, and which pool it was taken from.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) payload: BuiltPayload,
    pub(crate) revision: u64,
}

impl Builds {
    /// Remembers a payload to be built; its id, and whether it is new.
    pub(crate) fn begin(&mut self, rules: PayloadRules) -> (PayloadId, bool) {
        let id = id_of(&rules);
        if self.get(&id).is_some() {
            return (id, false);
        }
        if self.builds.len() >= REMEMBERED {
            self.builds.pop_front();
        }
        let rules = Arc::new(rules);
        self.builds.push_back(Build { id, rules, best: None, failure: None, sealed: false });
        (id, true)
    }

    pub(crate) fn get(&self, id: &PayloadId) -> Option<&Build> {
        self.builds.iter().find(|build| build.id == *id)
    }

    pub(crate) fn get_mut(&mut self, id: &PayloadId) -> Option<&mut Build> {
        self.builds.iter_mut().find(|build| build.id == *id)
    }

    /// The payload with this block hash, if it was built here.
    pub(crate) fn built(&self, hash: &B256) -> Option<&BuiltPayload> {
        let versions = self.builds.iter().filter_map(|build| build.best.as_ref());
        versions.map(|version| &version.payload).find(|payload| payload.block().hash == *hash)
    }
}

impl Build {
    /// Takes a version over, if it is better than the one there is.
    pub(crate) fn offer(&mut self, version: Version) {
        if self.sealed {
            return;
        }
        self.failure = None;
        match &mut self.best {
            Some(best) if version.payload.facts().fees <= best.payload.facts().fees => {
                // No better, but the pool has been looked at.
                best.revision = version.revision;
            }
            best => *best = Some(version),
        }
    }
}

/// The same rules give the same id, in any run.
fn id_of(rules: &PayloadRules) -> PayloadId {
    let mut bytes = Vec::with_capacity(192);
    bytes.extend_from_slice(rules.parent_hash.as_slice());
    bytes.extend_from_slice(&rules.block_number.to_be_bytes());
    bytes.extend_from_slice(&rules.timestamp.to_be_bytes());
    bytes.extend_from_slice(rules.prev_randao.as_slice());
    bytes.extend_from_slice(rules.fee_recipient.as_slice());
    bytes.extend_from_slice(&rules.gas_limit.to_be_bytes());
    bytes.extend_from_slice(rules.parent_beacon_block_root.as_slice());
    bytes.extend_from_slice(&alloy_rlp::encode(&rules.withdrawals));
    let mut id = PayloadId::default();
    id.copy_from_slice(&keccak256(bytes)[..8]);
    id
}
