//! One core among members that the test plays: its own storage, client and signer answer at once, and
//! what it says to others is written down.

use std::sync::Arc;

use alys_bus::{
    Release,
    protocol::{
        chain::ChainEvent,
        engine::PayloadVerdict,
        network::{FetchedBlock, Source},
    },
};
use alys_chain::core::{
    Backoff, Core, Effect, Effects, Failure, Gossip, Input, Policy, Setup, rules::vote_for,
};
use alys_primitives::{B256, SignedProposal, SignedVote, Slot, VoteKind};

use super::{Disk, Factory, FakeEngine, GENESIS_MS};
use crate::sim::Collector;

/// What comes of comparing storage and client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// They are brought together.
    Done,
    /// The client does not answer.
    Fails,
    /// It takes its time.
    Pending,
}

/// One member.
pub struct Solo {
    pub factory: Factory,
    pub own: Option<u8>,
    pub core: Core,
    pub disk: Disk,
    pub engine: FakeEngine,
    pub now: u64,
    /// What it said to all.
    pub said: Vec<Gossip>,
    pub blamed: Vec<(Source, String)>,
    pub events: Vec<ChainEvent>,
    pub fetches: Vec<B256>,
    /// Blocks that the engine was asked to judge.
    pub judged: Vec<B256>,
    /// Whether own slots bring blocks.
    pub builds: bool,
    /// How often storage and client were compared.
    pub compared: u64,
    /// Whether the client cannot be compared: the answer is this, or none before the test gives it.
    pub comparison: Comparison,
    outbox: Effects,
    collector: Collector,
    wake: Option<u64>,
}

impl Solo {
    /// Member `own` of `members`, at genesis.
    pub fn new(members: usize, own: u8) -> Self {
        let factory = Factory::new(members);
        let disk = Disk::with_genesis(&factory.spec);
        let payload = factory.spec.genesis().block.header.payload_hash;
        Self::on(factory, Some(own), disk, FakeEngine::new(payload, 1 << 40), GENESIS_MS)
    }

    /// A node without keys.
    pub fn follower(members: usize) -> Self {
        let factory = Factory::new(members);
        let disk = Disk::with_genesis(&factory.spec);
        let payload = factory.spec.genesis().block.header.payload_hash;
        Self::on(factory, None, disk, FakeEngine::new(payload, 1 << 40), GENESIS_MS)
    }

    fn on(factory: Factory, own: Option<u8>, disk: Disk, engine: FakeEngine, now: u64) -> Self {
        let mut outbox = Effects::new(10_000);
        let retry = Backoff { first_ms: 100, most_ms: 2000 };
        let setup = Setup {
            spec: Arc::clone(&factory.spec),
            own,
            policy: Policy { max_early: 2, resend_ms: 500, retry },
            verifier: Arc::new(factory.keys),
        };
        let core = Core::start(setup, disk.start(&factory.spec), now, &mut outbox);
        let mut solo = Self {
            factory,
            own,
            core,
            disk,
            engine,
            now,
            said: Vec::new(),
            blamed: Vec::new(),
            events: Vec::new(),
            fetches: Vec::new(),
            judged: Vec::new(),
            builds: false,
            compared: 0,
            comparison: Comparison::Done,
            outbox,
            collector: Collector::default(),
            wake: None,
        };
        solo.settle();
        solo
    }

    /// The same member after a crash: nothing but the disk and the client is left.
    #[must_use]
    pub fn restarted(self) -> Self {
        Self::on(self.factory, self.own, self.disk, self.engine, self.now)
    }

    pub fn input(&mut self, input: Input) {
        self.core.step(self.now, input, &mut self.outbox);
        self.settle();
    }

    pub fn propose(&mut self, proposal: &Arc<SignedProposal>) {
        self.input(Input::Proposal { proposal: Arc::clone(proposal), source: Some(Source(1)) });
    }

    /// A vote of another member.
    pub fn vote(&mut self, member: u8, kind: VoteKind, block: &SignedProposal) {
        let data = vote_for(kind, block.block.hash(), &block.block.header);
        let vote = Arc::new(self.factory.keys.vote(member, data));
        self.input(Input::Vote { vote, source: Some(Source(1)) });
    }

    pub fn certify(&mut self, kind: VoteKind, block: &SignedProposal) {
        let data = vote_for(kind, block.block.hash(), &block.block.header);
        let certificate = self.factory.certificate(data);
        self.input(Input::Certificate { certificate, source: Some(Source(1)) });
    }

    /// Lets time pass, with all the wake-ups the core asked for.
    pub fn pass_to(&mut self, slot: Slot, into_ms: u64) {
        let target = self.factory.spec.slots().start_ms(slot).unwrap() + into_ms;
        while let Some(at) = self.wake.filter(|at| *at <= target) {
            self.now = self.now.max(at);
            self.wake = None;
            self.input(Input::Tick);
        }
        self.now = target;
        self.input(Input::Tick);
    }

    /// Votes of its own that it has shown, without repetitions.
    pub fn own_votes(&self) -> Vec<Arc<SignedVote>> {
        let mut votes: Vec<Arc<SignedVote>> = Vec::new();
        for gossip in &self.said {
            if let Gossip::Vote(vote) = gossip
                && Some(vote.vote.member) == self.own
                && !votes.contains(vote)
            {
                votes.push(Arc::clone(vote));
            }
        }
        votes
    }

    /// Whether it has shown a vote of this kind for a block.
    pub fn voted(&self, kind: VoteKind, block: &SignedProposal) -> bool {
        let hash = block.block.hash();
        self.own_votes().iter().any(|vote| (vote.vote.data.kind, vote.vote.data.block) == (kind, hash))
    }

    fn settle(&mut self) {
        while let Some(release) = self.outbox.release().unwrap() {
            match release {
                Release::Persist(ticket, promises) => {
                    self.disk.promises = *promises;
                    self.outbox.acknowledge(ticket).unwrap();
                }
                Release::Effect(effect) => {
                    if let Some(input) = self.perform(effect) {
                        self.core.step(self.now, input, &mut self.outbox);
                    }
                }
            }
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Input> {
        let quorum = self.factory.spec.quorum();
        let keys = self.factory.keys;
        let failure = |what: &str| Failure { what: what.to_owned(), transient: true };
        Some(match effect {
            Effect::CheckCopy { proposal, source } => {
                let result = proposal.block.check_copy();
                Input::CopyChecked { proposal, source, result }
            }
            Effect::StoreBlock { hash, proposal } => {
                self.disk.store(proposal);
                Input::Stored { hash, result: Ok(()) }
            }
            Effect::Judge { hash, proposal } => {
                self.judged.push(hash);
                Input::Judged { hash, verdict: self.engine.judge(&proposal.block) }
            }
            Effect::Build { draft, rules } => {
                let id = self.engine.build(&rules).filter(|_| self.builds);
                Input::Building { draft, result: id.ok_or_else(|| failure("not now")) }
            }
            Effect::Seal { draft, id } => Input::Sealed {
                draft,
                result: self.engine.seal(id).map(Box::new).ok_or_else(|| failure("gone")),
            },
            Effect::SignProposal { draft, header } => {
                Input::ProposalSigned { draft, result: Ok(keys.sign_header(&header)) }
            }
            Effect::SignVote(data) => Input::VoteSigned {
                data,
                result: Ok(Box::new(keys.vote(self.own.expect("only a member votes"), data))),
            },
            Effect::Collect(vote) => {
                let result = Ok(self.collector.collect(&keys, quorum, &vote));
                Input::Collected { data: vote.data, member: vote.member, result }
            }
            Effect::ApplyHead(update) => {
                self.disk.apply(&update).unwrap();
                Input::HeadApplied(Ok(()))
            }
            Effect::Follow(choice) => Input::Followed(Ok(self.engine.follow(choice))),
            Effect::Reconcile { choice, .. } => {
                self.compared += 1;
                match self.comparison {
                    Comparison::Done => {}
                    Comparison::Fails => return Some(Input::Reconciled(Err(failure("out of reach")))),
                    Comparison::Pending => return None,
                }
                for proposal in self.disk.chain() {
                    self.engine.judge(&proposal.block);
                }
                Input::Reconciled(Ok(self.engine.follow(choice)))
            }
            Effect::Fetch(hash) => {
                self.fetches.push(hash);
                return None;
            }
            Effect::Publish(gossip) => {
                self.said.push(gossip);
                return None;
            }
            Effect::Blame { source, reason } => {
                self.blamed.push((source, reason));
                return None;
            }
            Effect::WakeAt(at) => {
                self.wake = Some(at);
                return None;
            }
            Effect::Event(event) => {
                self.events.push(event);
                return None;
            }
            Effect::Status(_) => return None,
        })
    }

    /// Answers the fetch of a block.
    pub fn fetched(&mut self, block: &Arc<SignedProposal>) {
        let hash = block.block.hash();
        let fetched = FetchedBlock { proposal: Arc::clone(block), source: Source(2) };
        self.input(Input::Fetched { hash, result: Ok(fetched) });
    }

    /// Makes the client say this about a block from now on; `None` lets it judge again.
    pub fn order(&mut self, block: &SignedProposal, verdict: Option<PayloadVerdict>) {
        let payload = block.block.header.payload_hash;
        match verdict {
            Some(verdict) => self.engine.orders.insert(payload, verdict),
            None => self.engine.orders.remove(&payload),
        };
    }
}
