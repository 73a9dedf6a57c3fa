//! Carrying out a core's effects, each of which may be a node's last.

use std::sync::Arc;

use alys_bus::{
    Release,
    protocol::network::{FetchedBlock, Source},
};
use alys_chain::core::{Effect, Failure, Gossip, Input};
use alys_primitives::B256;
use rand::Rng as _;

use super::{Event, Message, Simulation, Weakness};

/// How long a disk, a signer or a client takes for something small, ms.
const SMALL: (u64, u64) = (0, 8);

impl Simulation {
    /// Lets out what may be seen, until the next promise that is not durable; or until the crash.
    pub(super) fn release(&mut self, member: u8) {
        loop {
            let node = &mut self.nodes[usize::from(member)];
            if node.core.is_none() {
                return;
            }
            match node.outbox.release().expect("an outbox is never overrun") {
                None => return,
                Some(Release::Persist(ticket, promises)) => {
                    // It may be on the disk long before that is known.
                    if self.rng.random_bool(0.5) && self.world.weakness != Some(Weakness::PromisesNotDurable)
                    {
                        node.disk.promises = (*promises).clone();
                    }
                    let life = node.life;
                    let at = self.soon();
                    self.at(at, member, Event::Persisted(life, ticket, promises));
                }
                Some(Release::Effect(effect)) => self.perform(member, effect),
            }
            self.maybe_crash(member);
        }
    }

    fn soon(&mut self) -> u64 {
        self.now + self.rng.random_range(SMALL.0..=SMALL.1)
    }

    fn maybe_crash(&mut self, member: u8) {
        let node = &mut self.nodes[usize::from(member)];
        node.effects += 1;
        let is_ordered = self.world.crash_at == Some((member, node.effects));
        let may_crash = self.now < self.world.network.heals && !self.is_liar(member);
        if is_ordered || (may_crash && self.rng.random_bool(self.world.crashes)) {
            let down = self.rng.random_range(1..4000);
            self.crash(member, down);
        }
    }

    fn answer(&mut self, member: u8, at: u64, input: Input) {
        let life = self.nodes[usize::from(member)].life;
        self.at(at, member, Event::Answer(life, Box::new(input)));
    }

    fn perform(&mut self, member: u8, effect: Effect) {
        let soon = self.soon();
        let quorum = self.quorum();
        let (keys, now) = (self.keys, self.now);
        let execution = self.world.execution_ms;
        let node = &mut self.nodes[usize::from(member)];
        let input = match effect {
            Effect::CheckCopy { proposal, source } => {
                self.witness.blocks.insert(proposal.block.hash(), Arc::clone(&proposal));
                let result = proposal.block.check_copy();
                Input::CopyChecked { proposal, source, result }
            }
            Effect::StoreBlock { proposal, .. } => {
                let life = node.life;
                if self.rng.random_bool(0.5) {
                    self.nodes[usize::from(member)].disk.store(Arc::clone(&proposal));
                }
                return self.at(soon, member, Event::Stored(life, proposal));
            }
            Effect::Judge { hash, proposal } => {
                let verdict = node.engine.judge(&proposal.block);
                node.busy_until = node.busy_until.max(now) + execution;
                let at = node.busy_until;
                return self.answer(member, at, Input::Judged { hash, verdict });
            }
            Effect::Build { draft, rules } => {
                let result = node.engine.build(&rules).ok_or_else(|| failure("no parent"));
                Input::Building { draft, result }
            }
            Effect::Seal { draft, id } => {
                let result = node.engine.seal(id).map(Box::new).ok_or_else(|| failure("no such payload"));
                Input::Sealed { draft, result }
            }
            Effect::SignProposal { draft, header } => {
                Input::ProposalSigned { draft, result: Ok(keys.sign_header(&header)) }
            }
            Effect::SignVote(data) => {
                Input::VoteSigned { data, result: Ok(Box::new(keys.vote(member, data))) }
            }
            Effect::Collect(vote) => {
                let collected = node.collector.collect(&keys, quorum, &vote);
                if let alys_bus::protocol::federation::Collected::Certified { certificate, .. } = &collected {
                    self.witness.saw_certificate(certificate);
                }
                Input::Collected { data: vote.data, member: vote.member, result: Ok(collected) }
            }
            Effect::ApplyHead(update) => {
                let result = node.disk.apply(&update).map_err(|error| panic!("storage refuses: {error}"));
                Input::HeadApplied(result)
            }
            Effect::Follow(choice) => Input::Followed(Ok(node.engine.follow(choice))),
            Effect::Reconcile { choice, .. } => {
                for proposal in node.disk.chain() {
                    node.engine.judge(&proposal.block);
                }
                let head = node.engine.follow(choice);
                assert_eq!(head.hash, choice.head, "a replay leads to the head");
                Input::Reconciled(Ok(head))
            }
            Effect::Fetch(hash) => return self.fetch(member, hash),
            Effect::Publish(gossip) => return self.publish(member, gossip),
            Effect::WakeAt(at) => {
                node.wakes += 1;
                let event = Event::Wake(node.life, node.wakes);
                return self.at(at.max(now), member, event);
            }
            Effect::Event(event) => return node.events.push(event),
            Effect::Blame { .. } | Effect::Status(_) => return,
        };
        self.answer(member, soon, input);
    }

    fn publish(&mut self, member: u8, gossip: Gossip) {
        if self.is_liar(member) {
            return self.lie(member, gossip);
        }
        let message = match gossip {
            Gossip::Proposal(proposal) => {
                self.witness.saw_proposal(&proposal);
                Message::Proposal(proposal)
            }
            Gossip::Vote(vote) => {
                // Another's vote is shown as evidence.
                if vote.vote.member == member {
                    self.witness.saw_vote(&vote);
                }
                Message::Vote(vote)
            }
            Gossip::Certificate(certificate) => Message::Certificate(certificate),
        };
        self.broadcast(member, &message);
    }

    /// From anyone who has it and can be reached.
    fn fetch(&mut self, member: u8, hash: B256) {
        let (seed, now) = (self.world.seed, self.now);
        let network = &self.world.network;
        let mut holders = self.nodes.iter().filter(|node| {
            node.core.is_some()
                && node.member != member
                && network.is_up(seed, now, member, node.member)
                && network.is_up(seed, now, node.member, member)
        });
        let found = holders.find_map(|node| {
            let proposal = Arc::clone(node.disk.blocks.get(&hash)?);
            Some(FetchedBlock { proposal, source: Source(u64::from(node.member)) })
        });
        let result = found.ok_or_else(|| failure("no peer has it"));
        let at = now + self.rng.random_range(20..200);
        self.answer(member, at, Input::Fetched { hash, result });
    }
}

fn failure(what: &str) -> Failure {
    Failure { what: what.to_owned(), transient: true }
}
