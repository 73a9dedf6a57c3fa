//! This node's own signer: a member's share and identity, and rules of its own on top of chain's.
//!
//! Chain decides what to vote for and makes each vote durable before it leaves. The signer trusts
//! none of that: with what it remembers it refuses whatever would contradict an earlier signature
//! (`two-rivals`, `far-future-proposal`).
//!
//! - One Notarize, one Finalize and one proposal for each slot. The same again is signed again: a
//!   re-sent vote, or, between two epochs, the same vote under the other epoch's key.
//! - Slots rise: no Notarize in a slot that is not above every slot voted in, no Finalize below one.
//!
//! The memory ([`SignerMemory`]) outlives the signer and the thread it works on, not the process. Whatever left before
//! stands in the promise record (storage), and before the signer was reminded of that ([`SignerMemory::recall`]) it
//! signs nothing.

use std::sync::Arc;

use alys_bus::protocol::storage::Promises;
use alys_primitives::{
    B256, Header, IdentityKey, IdentitySignature, SignedVote, Slot, Vote, VoteKind, vote::VoteData,
};

use parking_lot::Mutex;

use crate::{
    member_keys::MemberKeys,
    scheme::{BadSecret, MemberIndex, ThresholdScheme},
};

/// Why the signer did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Nobody has told it yet what the member promised before it was started.
    #[error("this signer has not been reminded yet of what it signed before it was started")]
    NotReminded,
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

/// All that a signer remembers.
#[derive(Debug, Default)]
struct Last {
    /// Whether it knows what was signed before it was started.
    reminded: bool,
    /// Slots up to this one are over, whatever was signed in them: the lock of the record. Above all other slots here only
    /// where the record was reset.
    lock: Slot,
    notarized: Option<Signed>,
    finalized: Option<Signed>,
    proposed: Option<(Slot, B256)>,
}

/// What a signer has signed last. A handle: who opens the signer anew gives it the memory of the one before.
#[derive(Debug, Clone, Default)]
pub struct SignerMemory(Arc<Mutex<Last>>);

impl SignerMemory {
    /// The memory of a signer that was never reminded, and so signs nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes over from the promise record what is newer; forgets nothing.
    pub fn recall(&self, promises: &Promises) {
        let newest = |known: Option<Signed>, promised: &Option<SignedVote>| {
            let promised = promised.as_ref().map(|signed| Signed::of(&signed.vote.data));
            match (known, promised) {
                (Some(known), Some(promised)) if promised.slot <= known.slot => Some(known),
                (known, promised) => promised.or(known),
            }
        };
        let mut last = self.0.lock();
        last.notarized = newest(last.notarized, &promises.notarize);
        last.finalized = newest(last.finalized, &promises.finalize);
        if let Some(proposal) = &promises.proposal {
            let slot = proposal.header.slot;
            if last.proposed.is_none_or(|(known, _)| known < slot) {
                last.proposed = Some((slot, proposal.header.hash()));
            }
        }
        last.lock = last.lock.max(promises.lock);
        last.reminded = true;
    }
}

/// Signs with the keys of one member, on this machine.
pub struct LocalSigner<S> {
    scheme: S,
    chain_id: u64,
    own: MemberIndex,
    keys: Arc<MemberKeys>,
    memory: SignerMemory,
}

impl<S: ThresholdScheme> LocalSigner<S> {
    /// A signer for member `own` with what it remembers.
    pub const fn new(
        scheme: S,
        chain_id: u64,
        own: MemberIndex,
        keys: Arc<MemberKeys>,
        memory: SignerMemory,
    ) -> Self {
        Self { scheme, chain_id, own, keys, memory }
    }

    /// The member's index.
    pub const fn own(&self) -> MemberIndex {
        self.own
    }

    /// The member's public identity key.
    pub fn identity(&self) -> IdentityKey {
        self.keys.identity.public_key()
    }

    /// What it remembers.
    pub const fn memory(&self) -> &SignerMemory {
        &self.memory
    }

    /// Signs a vote with the share, and its envelope with the identity key.
    ///
    /// # Errors
    /// [`SignError`]; nothing was signed, and the memory is as before.
    pub fn sign_vote(&self, data: VoteData) -> Result<SignedVote, SignError> {
        let mut last = self.memory.0.lock();
        last.check_vote(&data)?;
        let share = self.scheme.sign(&self.keys.share, data.signing_root(self.chain_id))?;
        let signed = Some(Signed::of(&data));
        match data.kind {
            VoteKind::Notarize => last.notarized = signed,
            VoteKind::Finalize => last.finalized = signed,
        }
        let vote = Vote { data, member: self.own, share };
        Ok(self.keys.identity.sign_vote(self.chain_id, vote))
    }

    /// Signs the envelope of a proposal.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn sign_proposal(&self, header: &Header) -> Result<IdentitySignature, SignError> {
        if header.proposer != self.own {
            return Err(SignError::NotOurs { proposer: header.proposer, own: self.own });
        }
        let mut last = self.memory.0.lock();
        last.check_proposal(header.slot, header.hash())?;
        last.proposed = Some((header.slot, header.hash()));
        Ok(self.keys.identity.sign_header(self.chain_id, header))
    }
}

impl Last {
    fn check_vote(&self, data: &VoteData) -> Result<(), SignError> {
        self.check_reminded()?;
        let (kind, wanted) = (data.kind, Signed::of(data));
        let slot = wanted.slot;
        let last = match kind {
            VoteKind::Notarize => self.notarized,
            VoteKind::Finalize => self.finalized,
        };
        match last {
            Some(last) if last == wanted => return Ok(()),
            Some(last) if last.slot == slot => {
                return Err(SignError::SecondVote { kind, slot, signed: last.block });
            }
            Some(last) if last.slot > slot => return Err(SignError::SlotsRise { slot, last: last.slot }),
            _ => {}
        }
        self.check_lock(slot)?;
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

    fn check_proposal(&self, slot: Slot, hash: B256) -> Result<(), SignError> {
        self.check_reminded()?;
        match self.proposed {
            Some((last, signed)) if last == slot && signed != hash => {
                Err(SignError::SecondProposal { slot, signed })
            }
            Some((last, _)) if last > slot => Err(SignError::SlotsRise { slot, last }),
            Some((last, _)) if last == slot => Ok(()),
            _ => self.check_lock(slot),
        }
    }

    /// Whether a slot in which nothing is known to be signed is above the lock.
    fn check_lock(&self, slot: Slot) -> Result<(), SignError> {
        // A lock on slot 0, which is genesis', is none.
        if slot > self.lock || self.lock == 0 {
            Ok(())
        } else {
            Err(SignError::SlotsRise { slot, last: self.lock })
        }
    }

    fn check_reminded(&self) -> Result<(), SignError> {
        if self.reminded { Ok(()) } else { Err(SignError::NotReminded) }
    }
}
