//! This node's own signer: a member's share and identity, and rules of its own on top of chain's.
//!
//! Chain decides what to vote for and makes each vote durable before it leaves. The signer trusts
//! none of that: with what it remembers since it was started it refuses whatever would contradict an
//! earlier signature (`two-rivals`, `far-future-proposal`).
//!
//! - One Notarize, one Finalize and one proposal for each slot. The same again is signed again: a
//!   re-sent vote, or, between two epochs, the same vote under the other epoch's key.
//! - Slots rise: no Notarize in a slot that is not above every slot voted in, no Finalize below one.
//!
//! What must survive a restart is chain's promise record (storage); this memory does not.

use alys_primitives::{
    B256, Header, IdentityKey, IdentitySignature, SignedVote, Slot, Vote, VoteKind, vote::VoteData,
};

use crate::{
    member_keys::MemberKeys,
    scheme::{BadSecret, MemberIndex, ThresholdScheme},
};

/// Why the signer did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It signed another vote of this kind in this slot.
    #[error("another {kind:?} in slot {slot} was signed already, for block {signed}")]
    SecondVote {
        /// The kind.
        kind: VoteKind,
        /// The slot.
        slot: Slot,
        /// The block that was voted for.
        signed: B256,
    },
    /// It signed another proposal in this slot.
    #[error("another proposal in slot {slot} was signed already, block {signed}")]
    SecondProposal {
        /// The slot.
        slot: Slot,
        /// The block that was proposed.
        signed: B256,
    },
    /// It has signed in a later slot, or for Notarize in the same one.
    #[error("slot {slot} is not above slot {last}, in which this signer signed before")]
    SlotsRise {
        /// The slot asked for.
        slot: Slot,
        /// The slot of what was signed.
        last: Slot,
    },
    /// The proposal names another member as its proposer.
    #[error("the proposal is of member {proposer}, and this signer is member {own}")]
    NotOurs {
        /// The header's proposer.
        proposer: MemberIndex,
        /// This member.
        own: MemberIndex,
    },
    /// The share is no secret key.
    #[error(transparent)]
    Secret(#[from] BadSecret),
}

/// What was signed last, of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Signed {
    slot: Slot,
    height: u64,
    block: B256,
}

impl Signed {
    const fn of(data: &VoteData) -> Self {
        Self { slot: data.slot, height: data.height, block: data.block }
    }
}

/// Signs with the keys of one member, on this machine.
pub struct LocalSigner<S> {
    scheme: S,
    chain_id: u64,
    own: MemberIndex,
    keys: MemberKeys,
    notarized: Option<Signed>,
    finalized: Option<Signed>,
    proposed: Option<(Slot, B256)>,
}

impl<S: ThresholdScheme> LocalSigner<S> {
    /// A signer for member `own`, which remembers nothing yet.
    pub const fn new(scheme: S, chain_id: u64, own: MemberIndex, keys: MemberKeys) -> Self {
        Self { scheme, chain_id, own, keys, notarized: None, finalized: None, proposed: None }
    }

    /// The member's index.
    pub const fn own(&self) -> MemberIndex {
        self.own
    }

    /// The member's public identity key.
    pub fn identity(&self) -> IdentityKey {
        self.keys.identity.public_key()
    }

    /// Signs a vote with the share, and its envelope with the identity key.
    ///
    /// # Errors
    /// [`SignError`]; nothing was signed, and the memory is as before.
    pub fn sign_vote(&mut self, data: VoteData) -> Result<SignedVote, SignError> {
        let wanted = Signed::of(&data);
        let last = match data.kind {
            VoteKind::Notarize => self.notarized,
            VoteKind::Finalize => self.finalized,
        };
        if last != Some(wanted) {
            self.check_new(data.kind, wanted, last)?;
        }
        let share = self.scheme.sign(&self.keys.share, data.signing_root(self.chain_id))?;
        match data.kind {
            VoteKind::Notarize => self.notarized = Some(wanted),
            VoteKind::Finalize => self.finalized = Some(wanted),
        }
        let vote = Vote { data, member: self.own, share };
        Ok(self.keys.identity.sign_vote(self.chain_id, vote))
    }

    /// Signs the envelope of a proposal.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign_proposal(&mut self, header: &Header) -> Result<IdentitySignature, SignError> {
        if header.proposer != self.own {
            return Err(SignError::NotOurs { proposer: header.proposer, own: self.own });
        }
        let (slot, hash) = (header.slot, header.hash());
        match self.proposed {
            Some((last, signed)) if last == slot && signed != hash => {
                return Err(SignError::SecondProposal { slot, signed });
            }
            Some((last, _)) if last > slot => return Err(SignError::SlotsRise { slot, last }),
            _ => self.proposed = Some((slot, hash)),
        }
        Ok(self.keys.identity.sign_header(self.chain_id, header))
    }

    /// The rules for a vote that is not the last one of its kind once more.
    fn check_new(&self, kind: VoteKind, wanted: Signed, last: Option<Signed>) -> Result<(), SignError> {
        let slot = wanted.slot;
        if let Some(last) = last {
            if last.slot == slot {
                return Err(SignError::SecondVote { kind, slot, signed: last.block });
            }
            if last.slot > slot {
                return Err(SignError::SlotsRise { slot, last: last.slot });
            }
        }
        // Across the kinds: Notarize is above all slots voted in; Finalize may share its slot's Notarize.
        let barred = match kind {
            VoteKind::Notarize => self.finalized.filter(|last| last.slot >= slot),
            VoteKind::Finalize => self.notarized.filter(|last| last.slot > slot),
        };
        match barred {
            Some(last) => Err(SignError::SlotsRise { slot, last: last.slot }),
            None => Ok(()),
        }
    }
}
