//! The share collector: from the members' votes to certificates. Synchronous, without I/O or a clock.
//!
//! Votes are told apart by all that is signed: epoch, kind, slot, height and block hash. For each there
//! is a tally that holds at most one share of each member; `q` of them combine, unverified, and the
//! result is checked once. Only if that fails is each share checked, and the liar named and left out.
//!
//! **Trust.** A vote comes here after its envelope was checked (Ed25519, by whoever calls): so a share
//! "from" a member is that member's doing, and nobody can fill or soil another's place. What the share
//! itself is worth is found out here.
//!
//! **Bounds.** Only members of a known epoch get a place. Slots outside `now - behind ..= now + ahead`
//! and those before the epoch's last finalization are dropped. In one slot and kind a member has places for
//! [`BALLOTS`] different blocks: an honest one needs one, an equivocator shows itself with two. So all that
//! can ever be held is `(behind + ahead + 1) * 2 kinds * BALLOTS * members` shares for each of at most
//! [`EPOCHS`] epochs.
//!
//! **Cost of liars.** A member that was caught once is *distrusted*: its shares are checked as they come,
//! at a tenth of what a failed combination costs. So one liar can spoil one combination, not each.

mod tally;

use std::collections::{BTreeMap, BTreeSet};

use alys_primitives::{Certificate, Slot, Vote, VoteKind, vote::VoteData};

pub use tally::Outcome;
use tally::Tally;

use crate::scheme::{CombineError, MemberIndex, ThresholdScheme};

/// Blocks of one slot and kind for which one member's shares are held.
pub const BALLOTS: usize = 2;

/// Epochs whose shares are collected at once: a change of members needs the old and the new set.
pub const EPOCHS: usize = 2;

/// Which slots are collected, relative to the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Slots before the present one.
    pub behind: u64,
    /// Slots after the present one, for clocks that run apart.
    pub ahead: u64,
}

/// Why a share was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// The epoch is not one whose shares are collected.
    #[error("epoch {0} is not known here")]
    UnknownEpoch(u64),
    /// The index is no member's.
    #[error("member {member} is not one of the {members} members of epoch {epoch}")]
    NotAMember {
        /// The index.
        member: MemberIndex,
        /// How many there are.
        members: usize,
        /// The epoch.
        epoch: u64,
    },
    /// The slot is too old, superseded by a finalization, or too far ahead.
    #[error("slot {slot} lies outside the window {from}..={to} in which shares are collected")]
    OutsideWindow {
        /// The vote's slot.
        slot: Slot,
        /// The lowest slot collected.
        from: Slot,
        /// The highest slot collected.
        to: Slot,
    },
    /// The member has voted for [`BALLOTS`] other blocks in this slot already.
    #[error("member {member} has voted for {BALLOTS} other blocks in slot {slot} already")]
    TooManyBallots {
        /// The equivocator.
        member: MemberIndex,
        /// The slot.
        slot: Slot,
    },
    /// The epoch's keys do not fit together.
    #[error(transparent)]
    Keys(#[from] CombineError),
}

/// What has happened since the collector was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Certificates combined.
    pub certificates: u64,
    /// False shares found.
    pub blamed: u64,
}

struct Epoch<K> {
    keys: K,
    members: usize,
    distrusted: BTreeSet<MemberIndex>,
    /// The highest slot that this epoch's members are known to have finalized: what is before it is
    /// superseded.
    final_slot: Slot,
}

/// Collects shares and makes certificates of them.
pub struct Collector<S: ThresholdScheme> {
    scheme: S,
    chain_id: u64,
    window: Window,
    epochs: BTreeMap<u64, Epoch<S::Keys>>,
    slots: BTreeMap<Slot, BTreeMap<VoteData, Tally<S>>>,
    counts: Counts,
}

impl<S: ThresholdScheme> Collector<S> {
    /// A collector that knows no epoch yet.
    pub fn new(scheme: S, chain_id: u64, window: Window) -> Self {
        Self {
            scheme,
            chain_id,
            window,
            epochs: BTreeMap::new(),
            slots: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// Collects the shares of `epoch` from now on. Of more than [`EPOCHS`] epochs the oldest goes, and
    /// its shares with it.
    pub fn add_epoch(&mut self, epoch: u64, keys: S::Keys, members: usize) {
        let fresh = Epoch { keys, members, distrusted: BTreeSet::new(), final_slot: 0 };
        self.epochs.insert(epoch, fresh);
        while self.epochs.len() > EPOCHS {
            let Some((gone, _)) = self.epochs.pop_first() else { break };
            self.slots.retain(|_, tallies| {
                tallies.retain(|data, _| data.epoch != gone);
                !tallies.is_empty()
            });
        }
    }

    /// Adds a share whose envelope has been checked, `now` being the present slot.
    ///
    /// Idempotent: the same share again, or a late one, gets the same answer as before, the certificate
    /// once there is one.
    ///
    /// # Errors
    /// [`CollectError`]: nothing was kept.
    pub fn add(&mut self, now: Slot, vote: &Vote) -> Result<Outcome, CollectError> {
        let data = vote.data;
        self.check(now, vote)?;
        let epoch = self.epochs.get_mut(&data.epoch).ok_or(CollectError::UnknownEpoch(data.epoch))?;
        let tallies = self.slots.entry(data.slot).or_default();
        let tally = tallies.entry(data).or_insert_with(|| Tally::new(data));

        let root = || data.signing_root(self.chain_id);
        let distrusted = epoch.distrusted.contains(&vote.member);
        let before = tally.counts();
        let outcome = tally.add(&self.scheme, &epoch.keys, root, vote, distrusted)?;
        let after = tally.counts();
        self.counts.certificates += after.certificates - before.certificates;
        self.counts.blamed += after.blamed - before.blamed;
        epoch.distrusted.extend(outcome.liars());
        if let Outcome::Certified { certificate, .. } = &outcome
            && certificate.data.kind == VoteKind::Finalize
        {
            self.supersede(data.epoch, data.slot);
        }
        Ok(outcome)
    }

    /// Checks a certificate under its epoch's group key.
    ///
    /// # Errors
    /// [`CollectError::UnknownEpoch`].
    pub fn verify(&self, certificate: &Certificate) -> Result<bool, CollectError> {
        let data = certificate.data;
        let epoch = self.epochs.get(&data.epoch).ok_or(CollectError::UnknownEpoch(data.epoch))?;
        let message = self.scheme.message(data.signing_root(self.chain_id));
        Ok(self.scheme.verify(&epoch.keys, &message, &certificate.signature))
    }

    /// Notes that the members of `epoch` have finalized `slot`: their votes in the slots before it
    /// cannot matter again, and are dropped.
    pub fn supersede(&mut self, epoch: u64, slot: Slot) {
        let Some(known) = self.epochs.get_mut(&epoch) else { return };
        known.final_slot = known.final_slot.max(slot);
        let final_slot = known.final_slot;
        self.slots.retain(|&slot, tallies| {
            tallies.retain(|data, _| data.epoch != epoch || slot >= final_slot);
            !tallies.is_empty()
        });
    }

    /// What has happened so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// How many shares are held, of all members together.
    #[must_use]
    pub fn held(&self) -> usize {
        self.slots.values().flat_map(BTreeMap::values).map(Tally::have).sum()
    }

    /// How many blocks and kinds have a tally.
    #[must_use]
    pub fn tallies(&self) -> usize {
        self.slots.values().map(BTreeMap::len).sum()
    }

    /// Whether there is a place for this vote; forgets slots that have left the window.
    fn check(&mut self, now: Slot, vote: &Vote) -> Result<(), CollectError> {
        let VoteData { epoch, kind, slot, .. } = vote.data;
        let known = self.epochs.get(&epoch).ok_or(CollectError::UnknownEpoch(epoch))?;
        let members = known.members;
        if usize::from(vote.member) >= members {
            return Err(CollectError::NotAMember { member: vote.member, members, epoch });
        }

        let oldest = now.saturating_sub(self.window.behind);
        let from = oldest.max(known.final_slot);
        let to = now.saturating_add(self.window.ahead);
        self.slots = self.slots.split_off(&oldest);
        if slot < from || slot > to {
            return Err(CollectError::OutsideWindow { slot, from, to });
        }

        let others = self.slots.get(&slot).into_iter().flatten().filter(|(data, tally)| {
            **data != vote.data && data.epoch == epoch && data.kind == kind && tally.has_heard(vote.member)
        });
        if others.count() >= BALLOTS {
            return Err(CollectError::TooManyBallots { member: vote.member, slot });
        }
        Ok(())
    }
}
