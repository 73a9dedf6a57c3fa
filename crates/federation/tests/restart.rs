//! What outlives the thread, and what outlives the process.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use alys_bus::{
    Address, AskError, Clock, Context, Inbox, Limits, Reply, Worker, WorkerLimits, WorkerMode,
    protocol::{
        federation::{Collected, FederationError, FederationMessage},
        storage::Promises,
    },
};
use alys_federation::{FederationConfig, FederationSetup, messages::Job, spawn};
use alys_primitives::{SignedVote, vote::VoteData};
use alys_testkit::PATIENCE;
use ractor::ActorRef;
use tokio::task::JoinHandle;

use crate::common::{Federation, GENESIS_MS, finalize, notarize};

/// The slot of the test clocks.
const NOW: u64 = 50;

type Asked<T> = Result<T, AskError<FederationError>>;

/// Member 1 of four, in one process.
struct Process {
    setup: FederationSetup,
    address: Address<FederationMessage>,
    running: (ActorRef<Inbox<FederationMessage, Infallible>>, JoinHandle<()>),
}

impl Process {
    /// A start from nothing: keys, and no memory.
    async fn start() -> Self {
        let setup = setup();
        let worker = setup.open().unwrap();
        Self::with(setup, worker).await
    }

    async fn with(setup: FederationSetup, worker: Worker<Job>) -> Self {
        let address = Address::new(Limits::default());
        let running = spawn(&address, None, setup.args(worker)).await.unwrap();
        Self { setup, address, running }
    }

    /// Starts the actor again, as the supervisor does when the thread has ended.
    async fn reopen(&mut self) {
        let args = self.setup.args(self.setup.open().unwrap());
        self.running = spawn(&self.address, None, args).await.unwrap();
    }

    async fn ask<T>(&self, make: impl FnOnce(Reply<T, FederationError>) -> FederationMessage) -> Asked<T> {
        self.address.ask(Context::root(PATIENCE), make).await
    }

    async fn recall(&self, promises: &Promises) {
        let promises = Box::new(promises.clone());
        self.ask(|reply| FederationMessage::RecallPromises { promises, reply }).await.unwrap();
    }

    async fn sign(&self, data: VoteData) -> Asked<SignedVote> {
        self.ask(|reply| FederationMessage::SignVote { data, reply }).await.map(|signed| *signed)
    }

    async fn has_ended(&mut self) {
        tokio::time::timeout(PATIENCE, &mut self.running.1).await.unwrap().unwrap();
    }
}

fn setup() -> FederationSetup {
    let keys = Federation::of(4).dealt.members.remove(1);
    let spec = Arc::new(Federation::of(4).spec());
    let clock = Clock::at(GENESIS_MS + NOW * 2_000);
    FederationSetup::new(spec, Some(keys), FederationConfig::default(), clock).unwrap()
}

fn is_refused<T: std::fmt::Debug>(asked: Asked<T>) {
    assert!(matches!(asked, Err(AskError::Actor(FederationError::SignerRefuses(_)))), "{asked:?}");
}

/// One vote, durable first; and after a restart of the whole process the signer itself refuses another, even where chain asks
/// for it.
#[tokio::test]
async fn two_rivals() {
    let process = Process::start().await;
    process.recall(&Promises::default()).await;
    let notarized = process.sign(notarize(NOW, 1)).await.unwrap();
    let finalized = process.sign(finalize(NOW, 1)).await.unwrap();
    let promises = Promises {
        proposal: None,
        notarize: Some(notarized.clone()),
        finalize: Some(finalized.clone()),
        lock: NOW,
    };
    drop(process);

    let process = Process::start().await;
    is_refused(process.sign(notarize(NOW, 2)).await);
    process.recall(&promises).await;
    is_refused(process.sign(notarize(NOW, 2)).await);
    is_refused(process.sign(finalize(NOW, 2)).await);
    is_refused(process.sign(notarize(NOW - 1, 2)).await);
    // A restart in the same slot sends the same again.
    assert_eq!(process.sign(notarize(NOW, 1)).await, Ok(notarized));
    assert_eq!(process.sign(finalize(NOW, 1)).await, Ok(finalized));
    process.sign(notarize(NOW + 1, 2)).await.unwrap();
}

/// A panic on the thread is the end of the actor and not of the node: opened anew, it has the keys and remembers.
#[tokio::test]
async fn panic_abort() {
    let setup = setup();
    let mut federation = setup.federation().unwrap();
    let bad = Arc::new(AtomicBool::new(false));
    let panics = Arc::clone(&bad);
    let worker = Worker::spawn("federation", WorkerLimits::default(), WorkerMode::Thread, move |job, _| {
        assert!(!panics.load(SeqCst), "a panic on the thread");
        federation.handle(job);
    });
    let mut process = Process::with(setup, worker.unwrap()).await;
    process.recall(&Promises::default()).await;
    let signed = process.sign(notarize(NOW, 1)).await.unwrap();

    bad.store(true, SeqCst);
    assert_eq!(process.sign(notarize(NOW + 1, 1)).await, Err(AskError::NoReply("federation")));
    process.has_ended().await;
    process.reopen().await;

    is_refused(process.sign(notarize(NOW, 2)).await);
    assert_eq!(process.sign(notarize(NOW, 1)).await, Ok(signed.clone()));
    let vote = Box::new(signed.vote);
    let collected = process.ask(|reply| FederationMessage::CollectSignature { vote, reply }).await;
    assert_eq!(collected, Ok(Collected::Waiting { have: 1, need: 3 }), "shares are sent again");
}
