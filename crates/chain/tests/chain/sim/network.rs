//! The network of a simulation: delay, loss, repetition, and links that come and go.

use std::sync::Arc;

use alys_primitives::{Certificate, SignedProposal, SignedVote};
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

/// How messages travel.
#[derive(Debug, Clone)]
pub struct Network {
    /// Shortest and longest delay, ms.
    pub delay: (u64, u64),
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
        Self { delay: (5, 450), loss: 0.0, repeats: 0.0, cuts: (0.0, 1), apart: Vec::new(), heals: u64::MAX }
    }

    /// Everything goes wrong until `heals`.
    pub fn chaos(heals: u64) -> Self {
        Self { delay: (5, 1800), loss: 0.1, repeats: 0.1, cuts: (0.35, 1500), apart: Vec::new(), heals }
    }

    /// When copies of a message sent now arrive.
    pub fn arrivals(&self, rng: &mut ChaCha8Rng, seed: u64, now: u64, from: u8, to: u8) -> Vec<u64> {
        let healed = now >= self.heals;
        if !self.is_up(seed, now, from, to) || (!healed && rng.random_bool(self.loss)) {
            return Vec::new();
        }
        let copies = if !healed && rng.random_bool(self.repeats) { 2 } else { 1 };
        let (least, most) = if healed { HEALED } else { self.delay };
        (0..copies).map(|_| now + rng.random_range(least..=most)).collect()
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
