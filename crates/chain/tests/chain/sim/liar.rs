//! A liar follows the chain like everyone, and says whatever harms: it votes for everything to anyone,
//! withholds its votes, proposes two blocks, and shows certificates late and to one member only.

use std::sync::Arc;

use alys_chain::core::{Gossip, rules::vote_for};
use alys_primitives::{Block, SignedProposal, VoteKind, payload::block_hash};
use rand::Rng as _;

use super::{Message, Simulation};

/// A block that differs from `block` in its payload alone, and is as valid.
fn rival_of(block: &Block) -> Block {
    let mut rival = block.clone();
    let inner = &mut rival.payload.payload_inner.payload_inner;
    inner.extra_data = [inner.extra_data.as_ref(), b"'"].concat().into();
    let hash = block_hash(&rival.payload, block.header.parent, &[]).unwrap();
    rival.payload.payload_inner.payload_inner.block_hash = hash;
    rival.header.payload_hash = hash;
    rival
}

impl Simulation {
    /// What a liar does instead of publishing what its core wants published.
    pub(super) fn lie(&mut self, liar: u8, gossip: Gossip) {
        if self.world.withholds {
            return self.withhold(gossip);
        }
        match gossip {
            Gossip::Proposal(proposal) => self.propose_two(liar, proposal),
            // Its own vote: to all, to some, to nobody.
            Gossip::Vote(vote) => self.tell_some(liar, &Message::Vote(vote)),
            Gossip::Certificate(certificate) => {
                // Late, and to one.
                let to = self.rng.random_range(0..self.world.members) as u8;
                let at = self.now + self.rng.random_range(0..2500);
                self.deliver_at(at, to, Message::Certificate(certificate));
            }
        }
    }

    /// Says nothing, but shows each notarization to one member, shortly before the next slot or just after.
    fn withhold(&mut self, gossip: Gossip) {
        if let Gossip::Certificate(certificate) = gossip {
            let to = self.rng.random_range(0..self.world.members) as u8;
            let next = self.start_of(certificate.data.slot + 1);
            let at = (next - 60 + self.rng.random_range(0..120)).max(self.now);
            self.deliver_at(at, to, Message::Certificate(certificate));
        }
    }

    fn propose_two(&mut self, liar: u8, proposal: Arc<SignedProposal>) {
        let rival = Arc::new(self.keys.propose(rival_of(&proposal.block)));
        self.witness.blocks.insert(rival.block.hash(), Arc::clone(&rival));
        for to in 0..self.world.members as u8 {
            match self.rng.random_range(0..4) {
                0 => self.send_to(liar, to, Message::Proposal(Arc::clone(&rival))),
                1 => {
                    self.send_to(liar, to, Message::Proposal(Arc::clone(&rival)));
                    self.send_to(liar, to, Message::Proposal(Arc::clone(&proposal)));
                }
                _ => self.send_to(liar, to, Message::Proposal(Arc::clone(&proposal))),
            }
        }
        self.vote_for_all(liar, &proposal.block);
        self.vote_for_all(liar, &rival.block);
    }

    /// Both votes for a block, to whoever.
    pub(super) fn vote_for_all(&mut self, liar: u8, block: &Block) {
        for kind in VoteKind::ALL {
            let vote = self.keys.vote(liar, vote_for(kind, block.hash(), &block.header));
            self.tell_some(liar, &Message::Vote(Arc::new(vote)));
        }
    }

    fn tell_some(&mut self, from: u8, message: &Message) {
        let share = [0.0, 0.5, 1.0][self.rng.random_range(0..3)];
        for to in 0..self.world.members as u8 {
            if to != from && self.rng.random_bool(share) {
                self.send_to(from, to, message.clone());
            }
        }
    }
}
