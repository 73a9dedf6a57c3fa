//! What the actor's thread holds and does: the collector, the signer, and one function for each message.
//!
//! Synchronous, without a clock: the slot comes with each message. The thread outlives a restart of the actor, and what the
//! signer remembers outlives the thread ([`FederationSetup`](crate::FederationSetup)).

use std::sync::Arc;

use alys_bus::{protocol::storage::Promises, unsupported};
use alys_primitives::{
    Certificate, ChainSpec, Header, IdentityKey, IdentitySignature, SignedVote, Slot, Vote, VoteKind,
    vote::VoteData,
};

use crate::{
    config::{ConfigError, FederationConfig},
    core::{BALLOTS, CollectError, Collector, Outcome},
    member_keys::MemberKeys,
    messages::{Collected, FederationError, FederationMessage, Job, MemberSet},
    metrics::FederationMetrics,
    scheme::{BlsThreshold, KeySet, KeySetError, MemberIndex, ThresholdScheme as _},
    signer::{LocalSigner, SignError, SignerMemory},
};

/// Why the federation cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The configuration is outside its limits.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The spec's commitments are not those of its members.
    #[error("federation.commitment of the chain spec: {0}")]
    Keys(#[from] KeySetError),
    /// The keystore's share belongs to no member of the spec.
    #[error(
        "the BLS share in the keystore is no member's of this chain: wrong keystore, or wrong chain spec"
    )]
    ForeignShare,
    /// The keystore's keys are those of different members.
    #[error(
        "the {kind} key in the keystore is not that of member {member}, whose BLS share it holds: \
         files of two members may have been mixed"
    )]
    MixedKeys {
        /// "identity" or "Bitcoin".
        kind: &'static str,
        /// The member.
        member: MemberIndex,
    },
}

/// The federation's state: its members, the shares under way, and this node's signer.
pub struct Federation {
    collector: Collector<BlsThreshold>,
    signer: Option<LocalSigner<BlsThreshold>>,
    members: MemberSet,
    metrics: FederationMetrics,
}

impl Federation {
    /// The federation of `spec`'s first epoch; with `keys`, this node signs as the member they belong to, with a new memory.
    ///
    /// # Errors
    /// [`SetupError`], which says what does not fit together.
    pub fn new(
        spec: &ChainSpec,
        keys: Option<MemberKeys>,
        config: &FederationConfig,
    ) -> Result<Self, SetupError> {
        Self::with_memory(spec, keys.map(Arc::new), SignerMemory::new(), config)
    }

    /// The same with what its signer remembers.
    pub(crate) fn with_memory(
        spec: &ChainSpec,
        keys: Option<Arc<MemberKeys>>,
        memory: SignerMemory,
        config: &FederationConfig,
    ) -> Result<Self, SetupError> {
        const FIRST_EPOCH: u64 = 0;
        config.validate()?;
        let set = KeySet::from_commitments(spec.federation.commitment.clone(), spec.members())?;
        let mut collector = Collector::new(BlsThreshold, spec.chain_id, config.window());
        collector.add_epoch(FIRST_EPOCH, BlsThreshold.prepare(&set)?, spec.members());
        let signer = match keys {
            Some(keys) => {
                let own = own_index(spec, &set, &keys)?;
                Some(LocalSigner::new(BlsThreshold, spec.chain_id, own, keys, memory))
            }
            None => None,
        };
        let members = MemberSet {
            epoch: FIRST_EPOCH,
            identities: spec.identities(),
            group_key: set.group_key(),
            quorum: set.quorum(),
            own: signer.as_ref().map(LocalSigner::own),
        };
        Ok(Self { collector, signer, members, metrics: FederationMetrics::register() })
    }

    /// The present epoch's public keys.
    #[must_use]
    pub const fn members(&self) -> &MemberSet {
        &self.members
    }

    /// Does one job and answers it.
    pub fn handle(&mut self, job: Job) {
        match job.message {
            FederationMessage::RecallPromises { promises, reply } => {
                self.recall(&promises);
                reply.send(Ok(()));
            }
            FederationMessage::SignVote { data, reply } => reply.send(self.sign_vote(data).map(Box::new)),
            FederationMessage::SignProposal { header, reply } => reply.send(self.sign_proposal(&header)),
            FederationMessage::CollectSignature { vote, reply } => reply.send(self.collect(job.now, &vote)),
            FederationMessage::VerifyCertificate { certificate, reply } => {
                reply.send(self.verify(&certificate));
            }
            other => unsupported(other),
        }
    }

    fn recall(&self, promises: &Promises) {
        if let Some(signer) = &self.signer {
            signer.memory().recall(promises);
        }
    }

    fn sign_vote(&self, data: VoteData) -> Result<SignedVote, FederationError> {
        let signer = self.signer.as_ref().ok_or(FederationError::NoKeys)?;
        let signed = signer.sign_vote(data).map_err(|error| refused(&self.metrics, &error))?;
        self.metrics.signed_vote(data.kind);
        Ok(signed)
    }

    fn sign_proposal(&self, header: &Header) -> Result<IdentitySignature, FederationError> {
        let signer = self.signer.as_ref().ok_or(FederationError::NoKeys)?;
        let signature = signer.sign_proposal(header).map_err(|error| refused(&self.metrics, &error))?;
        self.metrics.signed_proposal();
        Ok(signature)
    }

    fn collect(&mut self, now: Slot, vote: &Vote) -> Result<Collected, FederationError> {
        let before = self.collector.counts();
        let outcome = self.collector.add(now, vote);
        let after = self.collector.counts();
        self.metrics.collected(after, self.collector.held());
        match outcome {
            Ok(outcome) => {
                if after.blamed > before.blamed {
                    let members: Vec<_> = outcome.liars().collect();
                    tracing::warn!(slot = vote.data.slot, kind = ?vote.data.kind, ?members, "false signature shares");
                }
                Ok(outcome.into())
            }
            Err(error) => {
                self.metrics.share_refused();
                Err(error.into())
            }
        }
    }

    fn verify(&mut self, certificate: &Certificate) -> Result<(), FederationError> {
        let VoteData { epoch, kind, slot, .. } = certificate.data;
        if !self.collector.verify(certificate)? {
            return Err(FederationError::BadSignature(format!(
                "the {kind:?} certificate of slot {slot} does not verify under the key of epoch {epoch}"
            )));
        }
        if kind == VoteKind::Finalize {
            self.collector.supersede(epoch, slot);
        }
        Ok(())
    }
}

/// Which member the keys are, all three of them.
fn own_index(spec: &ChainSpec, set: &KeySet, keys: &MemberKeys) -> Result<MemberIndex, SetupError> {
    let share = keys.share.public_key().map_err(|_| SetupError::ForeignShare)?;
    let member = set.index_of(&share).ok_or(SetupError::ForeignShare)?;
    let listed = spec.federation.members.get(usize::from(member)).ok_or(SetupError::ForeignShare)?;
    if listed.identity != keys.identity.public_key() {
        return Err(SetupError::MixedKeys { kind: "identity", member });
    }
    if keys.bitcoin.public_key() != Ok(listed.bitcoin) {
        return Err(SetupError::MixedKeys { kind: "Bitcoin", member });
    }
    Ok(member)
}

/// Which member, if any, has this identity key.
pub(crate) fn member_with(members: &MemberSet, identity: &IdentityKey) -> Option<MemberIndex> {
    let index = members.identities.iter().position(|known| known == identity)?;
    MemberIndex::try_from(index).ok()
}

fn refused(metrics: &FederationMetrics, error: &SignError) -> FederationError {
    metrics.signer_refused();
    tracing::warn!(%error, "the signer refused");
    FederationError::SignerRefuses(error.to_string())
}

impl From<Outcome> for Collected {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Waiting { have, need } => Self::Waiting { have, need },
            Outcome::Certified { certificate, blamed } => Self::Certified { certificate, blamed },
            Outcome::Blamed { members, have, need } => Self::Blamed { members, have, need },
        }
    }
}

impl From<CollectError> for FederationError {
    fn from(error: CollectError) -> Self {
        match error {
            CollectError::UnknownEpoch(epoch) => Self::UnknownEpoch(epoch),
            CollectError::NotAMember { member, members, epoch } => {
                Self::NotAMember { member, members, epoch }
            }
            CollectError::OutsideWindow { slot, from, to } => Self::OutsideWindow { slot, from, to },
            CollectError::TooManyBallots { member, slot } => {
                Self::TooManyBallots { member, slot, most: BALLOTS }
            }
            CollectError::Keys(_) => Self::BadSignature(error.to_string()),
        }
    }
}
