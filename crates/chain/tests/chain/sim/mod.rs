//! Many cores under one ordered, seeded queue of events: the same seed gives the same run.
//!
//! Each node has a real [`Outbox`](alys_bus::Outbox): a promise is on its disk when it is acknowledged, perhaps
//! before, and a crash may come between any two effects. Nothing survives it but the disk.

mod checks;
mod keys;
mod liar;
mod network;
mod node;
mod perform;

pub use checks::{Witness, check_replay};
pub use keys::Keys;
pub use network::{Message, Network};
pub use node::{Collector, Node};

use std::{collections::BTreeMap, sync::Arc};

use alys_bus::{Ticket, protocol::storage::Promises};
use alys_chain::core::{Backoff, Core, Input, Policy, Setup};
use alys_primitives::{ChainSpec, SignedProposal, Slot};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use crate::support::{Disk, FakeEngine, GENESIS_MS, spec};

/// A rule taken away, to see that the checks find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Members vote against their lock.
    NoLock,
    /// The lock is not among what is remembered across a crash.
    LockForgotten,
    /// One vote fewer makes a certificate.
    SmallQuorum,
    /// Promises are acknowledged before they are durable.
    PromisesNotDurable,
}

/// What a simulation is made of.
#[derive(Debug, Clone)]
pub struct World {
    pub seed: u64,
    pub members: usize,
    pub network: Network,
    /// How long the client executes one block, ms.
    pub execution_ms: u64,
    pub liars: Vec<u8>,
    /// Liars do nothing but withhold their votes, and show what they complete late and to one.
    pub withholds: bool,
    /// The chance that a member crashes after any one effect.
    pub crashes: f64,
    /// A single crash: this member, after so many of its effects.
    pub crash_at: Option<(u8, u64)>,
    pub weakness: Option<Weakness>,
}

impl World {
    pub fn new(seed: u64, members: usize, network: Network) -> Self {
        Self {
            seed,
            members,
            network,
            execution_ms: 20,
            liars: Vec::new(),
            withholds: false,
            crashes: 0.0,
            crash_at: None,
            weakness: None,
        }
    }
}

enum Event {
    Start,
    Deliver(Message),
    Answer(u64, Box<Input>),
    Wake(u64, u64),
    /// A promise becomes durable.
    Persisted(u64, Ticket, Box<Promises>),
    /// A block becomes durable.
    Stored(u64, Arc<SignedProposal>),
}

/// The federation, its network and its time.
pub struct Simulation {
    pub world: World,
    pub spec: Arc<ChainSpec>,
    pub keys: Keys,
    pub nodes: Vec<Node>,
    pub now: u64,
    pub witness: Witness,
    rng: ChaCha8Rng,
    queue: BTreeMap<(u64, u64), (u8, Event)>,
    sequence: u64,
}

impl Simulation {
    pub fn new(world: World) -> Self {
        let spec = spec(world.members);
        let keys = Keys { chain_id: spec.chain_id, members: world.members };
        let disk = Disk::with_genesis(&spec);
        let payload = spec.genesis().block.header.payload_hash;
        let node =
            |member: u8| Node::new(member, disk.clone(), FakeEngine::new(payload, u64::from(member) << 32));
        let nodes = (0..world.members as u8).map(node).collect();
        let rng = ChaCha8Rng::seed_from_u64(world.seed);
        let witness = Witness::default();
        let mut sim = Self {
            world,
            spec,
            keys,
            nodes,
            now: GENESIS_MS,
            witness,
            rng,
            queue: BTreeMap::new(),
            sequence: 0,
        };
        for member in 0..sim.world.members as u8 {
            sim.at(GENESIS_MS, member, Event::Start);
        }
        sim
    }

    fn at(&mut self, time: u64, member: u8, event: Event) {
        self.sequence += 1;
        assert!(self.queue.len() < 200_000, "a storm of events: {:?}", self.storm());
        self.queue.insert((time, self.sequence), (member, event));
    }

    /// Which kinds of events fill the queue.
    fn storm(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for (member, event) in self.queue.values() {
            let kind = match event {
                Event::Start => "start".to_owned(),
                Event::Deliver(Message::Proposal(_)) => "proposal".to_owned(),
                Event::Deliver(Message::Vote(_)) => "vote".to_owned(),
                Event::Deliver(Message::Certificate(_)) => "certificate".to_owned(),
                Event::Answer(_, input) => format!("{input:?}").chars().take(30).collect(),
                Event::Wake(..) => "wake".to_owned(),
                Event::Persisted(..) | Event::Stored(..) => "disk".to_owned(),
            };
            *kinds.entry(format!("{member}: {kind}")).or_insert(0) += 1;
        }
        kinds
    }

    pub fn start_of(&self, slot: Slot) -> u64 {
        self.spec.slots().start_ms(slot).unwrap()
    }

    /// Runs until `slot` begins.
    pub fn run_to_slot(&mut self, slot: Slot) {
        self.run_to(self.start_of(slot));
    }

    pub fn run_to(&mut self, time: u64) {
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 < time) {
            let ((at, _), (member, event)) = entry.remove_entry();
            self.now = at;
            self.happen(member, event);
        }
        self.now = time;
    }

    fn happen(&mut self, member: u8, event: Event) {
        let node = &mut self.nodes[usize::from(member)];
        match event {
            Event::Start => return self.start(member),
            Event::Deliver(message) => return self.receive(member, message),
            Event::Answer(life, input) if life == node.life => return self.step(member, *input),
            Event::Wake(life, wake) if life == node.life && wake == node.wakes => {
                return self.step(member, Input::Tick);
            }
            Event::Persisted(life, ticket, promises) if life == node.life => {
                if self.world.weakness != Some(Weakness::PromisesNotDurable) {
                    node.disk.promises = *promises;
                }
                node.outbox.acknowledge(ticket).unwrap();
            }
            Event::Stored(life, proposal) if life == node.life => {
                let hash = proposal.block.hash();
                node.disk.store(proposal);
                return self.step(member, Input::Stored { hash, result: Ok(()) });
            }
            // Of a former life.
            _ => return,
        }
        self.release(member);
    }

    pub fn start(&mut self, member: u8) {
        let node = &mut self.nodes[usize::from(member)];
        if node.core.is_some() || node.stopped {
            return;
        }
        let mut start = node.disk.start(&self.spec);
        if self.world.weakness == Some(Weakness::LockForgotten) {
            start.promises.lock = 0;
        }
        let retry = Backoff { first_ms: 100, most_ms: 2000 };
        let setup = Setup {
            spec: Arc::clone(&self.spec),
            own: Some(member),
            policy: Policy { max_early: 2, resend_ms: 500, retry },
            verifier: Arc::new(self.keys),
        };
        #[allow(unused_mut)]
        let mut core = Core::start(setup, start, self.now, &mut node.outbox);
        if self.world.weakness == Some(Weakness::NoLock) {
            core.ignore_the_lock();
        }
        node.core = Some(core);
        self.release(member);
    }

    pub fn crash(&mut self, member: u8, down_ms: u64) {
        self.nodes[usize::from(member)].crash();
        self.at(self.now + down_ms, member, Event::Start);
    }

    /// One that does not come back.
    pub fn stop(&mut self, member: u8) {
        let node = &mut self.nodes[usize::from(member)];
        node.crash();
        node.stopped = true;
    }

    fn receive(&mut self, member: u8, message: Message) {
        if self.is_liar(member)
            && !self.world.withholds
            && let Message::Proposal(proposal) = &message
        {
            let block = proposal.block.clone();
            self.vote_for_all(member, &block);
        }
        let source = None;
        self.step(
            member,
            match message {
                Message::Proposal(proposal) => Input::Proposal { proposal, source },
                Message::Vote(vote) => Input::Vote { vote, source },
                Message::Certificate(certificate) => Input::Certificate { certificate, source },
            },
        );
    }

    fn step(&mut self, member: u8, input: Input) {
        let node = &mut self.nodes[usize::from(member)];
        if let Some(core) = &mut node.core {
            core.step(self.now, input, &mut node.outbox);
            self.release(member);
        }
    }

    pub fn is_liar(&self, member: u8) -> bool {
        self.world.liars.contains(&member)
    }

    pub fn quorum(&self) -> usize {
        let less = usize::from(self.world.weakness == Some(Weakness::SmallQuorum));
        self.spec.quorum() - less
    }

    /// Sends by the network.
    pub fn send_to(&mut self, from: u8, to: u8, message: Message) {
        let (seed, now) = (self.world.seed, self.now);
        for at in self.world.network.arrivals(&mut self.rng, seed, now, (from, to), &message) {
            self.deliver_at(at, to, message.clone());
        }
    }

    pub fn deliver_at(&mut self, at: u64, to: u8, message: Message) {
        self.at(at, to, Event::Deliver(message));
    }

    pub fn broadcast(&mut self, from: u8, message: &Message) {
        for to in 0..self.world.members as u8 {
            if to != from {
                self.send_to(from, to, message.clone());
            }
        }
    }

    /// The members that do not lie.
    pub fn honest(&self) -> Vec<u8> {
        (0..self.world.members as u8).filter(|member| !self.is_liar(*member)).collect()
    }

    /// What must hold whatever happened.
    pub fn assert_safe(&mut self) {
        self.witness.check_finality();
        assert_eq!(self.witness.violation, None, "seed {} of {:?}", self.world.seed, self.world);
        for member in self.honest() {
            check_replay(&self.spec, &self.keys, &self.nodes[usize::from(member)].disk);
        }
    }

    /// All honest members have one head and one final block.
    pub fn assert_converged(&self) {
        let places = |member: u8| {
            let disk = &self.nodes[usize::from(member)].disk;
            (disk.head, disk.finalized)
        };
        let honest = self.honest();
        for member in &honest {
            assert_eq!(places(*member), places(honest[0]), "seed {}, member {member}", self.world.seed);
        }
    }
}
