//! The shares for one block, kind and epoch, on their way to one certificate.

use std::collections::BTreeSet;

use alys_primitives::{B256, Certificate, Vote, vote::VoteData};

use super::Counts;
use crate::scheme::{Candidate, Candidates, CombineError, MemberIndex, ThresholdScheme, certify};

/// What a share led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// More shares are needed.
    Waiting {
        /// Shares at hand, of distinct members.
        have: usize,
        /// The quorum.
        need: usize,
    },
    /// There is a certificate; late shares get the same one.
    Certified {
        /// The notarization or finalization.
        certificate: Certificate,
        /// All members whose shares for it were false.
        blamed: Vec<MemberIndex>,
    },
    /// False shares were found and are out; more are needed.
    Blamed {
        /// All members whose shares for this block were false.
        members: Vec<MemberIndex>,
        /// Good shares at hand.
        have: usize,
        /// The quorum.
        need: usize,
    },
}

impl Outcome {
    /// The members whose shares were false.
    pub fn liars(&self) -> impl Iterator<Item = MemberIndex> {
        let liars = match self {
            Self::Waiting { .. } => [].as_slice(),
            Self::Certified { blamed, .. } => blamed,
            Self::Blamed { members, .. } => members,
        };
        liars.iter().copied()
    }
}

pub(super) struct Tally<S: ThresholdScheme> {
    data: VoteData,
    /// Shares of members that are not blamed; emptied once there is a certificate.
    candidates: Candidates<S::Share>,
    /// Members that have given a share, good or bad, in time or late: who gave one has no second.
    heard: BTreeSet<MemberIndex>,
    blamed: BTreeSet<MemberIndex>,
    /// The signed message on the curve, made when it is first needed.
    message: Option<S::Message>,
    certificate: Option<Certificate>,
}

impl<S: ThresholdScheme> Tally<S> {
    pub(super) const fn new(data: VoteData) -> Self {
        Self {
            data,
            candidates: Candidates::new(),
            heard: BTreeSet::new(),
            blamed: BTreeSet::new(),
            message: None,
            certificate: None,
        }
    }

    /// Adds one member's share; the first counts. A share of a `distrusted` member is checked at once.
    pub(super) fn add(
        &mut self,
        scheme: &S,
        keys: &S::Keys,
        root: impl FnOnce() -> B256,
        vote: &Vote,
        distrusted: bool,
    ) -> Result<Outcome, CombineError> {
        let member = vote.member;
        let need = scheme.quorum(keys);
        let first = self.heard.insert(member);
        if !first || self.certificate.is_some() {
            return Ok(self.again(member, need));
        }
        let Ok(share) = scheme.decode_share(&vote.share) else {
            self.blamed.insert(member);
            return Ok(self.blame(need));
        };
        // Whoever sees a liar in this tally checks the shares that are still to come one by one.
        let check = distrusted || !self.blamed.is_empty();
        if !check && self.candidates.len() + 1 < need {
            self.candidates.insert(member, Candidate::unverified(share));
            return Ok(self.waiting(need));
        }

        let message = self.message.get_or_insert_with(|| scheme.message(root()));
        if !check {
            self.candidates.insert(member, Candidate::unverified(share));
        } else if scheme.verify_share(keys, member, message, &share) {
            self.candidates.insert(member, Candidate::verified(share));
        } else {
            self.blamed.insert(member);
            return Ok(self.blame(need));
        }

        let certified = certify(scheme, keys, message, &mut self.candidates)?;
        self.blamed.extend(&certified.liars);
        match certified.signature {
            Some(signature) => {
                let certificate = Certificate { data: self.data, signature };
                self.candidates.clear();
                self.certificate = Some(certificate.clone());
                Ok(Outcome::Certified { certificate, blamed: self.liars() })
            }
            None if certified.liars.is_empty() => Ok(self.waiting(need)),
            None => Ok(self.blame(need)),
        }
    }

    /// Certificates made and members blamed here; neither falls.
    pub(super) fn counts(&self) -> Counts {
        Counts { certificates: u64::from(self.certificate.is_some()), blamed: self.blamed.len() as u64 }
    }

    /// Shares held.
    pub(super) fn have(&self) -> usize {
        self.candidates.len()
    }

    /// Whether the member has given a share for this.
    pub(super) fn has_heard(&self, member: MemberIndex) -> bool {
        self.heard.contains(&member)
    }

    /// The answer to a share that changes nothing.
    fn again(&self, member: MemberIndex, need: usize) -> Outcome {
        match &self.certificate {
            Some(certificate) => {
                Outcome::Certified { certificate: certificate.clone(), blamed: self.liars() }
            }
            None if self.blamed.contains(&member) => self.blame(need),
            None => self.waiting(need),
        }
    }

    fn waiting(&self, need: usize) -> Outcome {
        Outcome::Waiting { have: self.have(), need }
    }

    fn blame(&self, need: usize) -> Outcome {
        Outcome::Blamed { members: self.liars(), have: self.have(), need }
    }

    fn liars(&self) -> Vec<MemberIndex> {
        self.blamed.iter().copied().collect()
    }
}
