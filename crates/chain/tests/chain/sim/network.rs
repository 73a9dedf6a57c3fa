//! The network of a simulation: delay, loss, repetition, and links that come and go.

use std::sync::Arc;

use alys_primitives::{Certificate, SignedProposal, SignedVote, VoteKind};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};

/// What members say to each other.
#[derive(Debug, Clone)]
pub enum Message {
    Proposal(Arc<SignedProposal>),
    Vote(Arc<SignedVote>),
    Certificate(Arc<Certificate>),
}

impl Message {
    fn is_finality(&self) -> bool {
        match self {
            Self::Proposal(_) => false,
            Self::Vote(vote) => vote.vote.data.kind == VoteKind::Finalize,
            Self::Certificate(certificate) => certificate.data.kind == VoteKind::Finalize,
        }
    }
}

/// How messages travel.
#[derive(Debug, Clone)]
pub struct Network {
    /// Shortest and longest delay, ms.
    pub delay: (u64, u64),
    /// How much longer votes and certificates of the second kind travel, ms: what is final becomes known
    /// late, which is when the lock matters.
    pub late_finality: (u64, u64),
    /// Which share of messages is lost.
    pub loss: f64,
    /// Which share comes twice.
    pub repeats: f64,
    /// Which share of links is cut for a while, and for how long, ms.
    pub cuts: (f64, u64),
    /// Members apart from the rest, and until when (Unix ms).
    pub apart: Vec<(Vec<u8>, u64)>,
    /// When loss, repetition, cuts and long delays end (Unix ms).
    pub heals: u64,
}

/// Delay after the network has healed.
const HEALED: (u64, u64) = (5, 100);

impl Network {
    /// Delays under a quarter of a slot of 2 s, and nothing lost.
    pub fn good() -> Self {
        Self {
            delay: (5, 450),
            late_finality: (0, 0),
            loss: 0.0,
            repeats: 0.0,
            cuts: (0.0, 1),
            apart: Vec::new(),
            heals: u64::MAX,
        }
    }

    /// Everything goes wrong until `heals`.
    pub fn chaos(heals: u64) -> Self {
        Self { delay: (5, 1800), loss: 0.1, repeats: 0.1, cuts: (0.35, 1500), heals, ..Self::good() }
    }

    /// Members vote in time, and learn late and not all of them what came of it.
    pub fn late_finality(heals: u64) -> Self {
        Self { delay: (5, 350), late_finality: (3000, 9000), cuts: (0.3, 700), heals, ..Self::good() }
    }

    /// When copies of a message sent now arrive.
    pub fn arrivals(
        &self,
        rng: &mut ChaCha8Rng,
        seed: u64,
        now: u64,
        (from, to): (u8, u8),
        message: &Message,
    ) -> Vec<u64> {
        let healed = now >= self.heals;
        if !self.is_up(seed, now, from, to) || (!healed && rng.random_bool(self.loss)) {
            return Vec::new();
        }
        let copies = if !healed && rng.random_bool(self.repeats) { 2 } else { 1 };
        let (least, most) = if healed { HEALED } else { self.delay };
        let late = if healed || !message.is_finality() { (0, 0) } else { self.late_finality };
        (0..copies)
            .map(|_| now + rng.random_range(least..=most) + rng.random_range(late.0..=late.1))
            .collect()
    }

    /// Whether the link carries anything now.
    pub fn is_up(&self, seed: u64, now: u64, from: u8, to: u8) -> bool {
        let is_apart =
            |(group, until): &(Vec<u8>, u64)| now < *until && group.contains(&from) != group.contains(&to);
        if self.apart.iter().any(is_apart) {
            return false;
        }
        let (share, length) = self.cuts;
        if now >= self.heals || share == 0.0 {
            return true;
        }
        let draw = Sha256::new()
            .chain_update(seed.to_be_bytes())
            .chain_update((now / length).to_be_bytes())
            .chain_update([from, to])
            .finalize();
        f64::from(u16::from_be_bytes([draw[0], draw[1]])) / 65536.0 >= share
    }
}
