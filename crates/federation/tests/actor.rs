//! The actor over the bus, its thread inline so that paused time stands still while it works.

use std::{convert::Infallible, sync::Arc, time::Duration};

use alys_bus::{
    Address, AskError, Clock, Context, Inbox, Limits, Reply, WorkerMode,
    protocol::{
        federation::{Collected, FederationError, FederationMessage, MemberSet},
        storage::Promises,
    },
};
use alys_federation::{FederationArgs, FederationConfig, FederationSetup, spawn};
use alys_primitives::{
    Certificate, Header, SignedVote, Vote,
    bls::VerifyingKey,
    envelope::{Envelope as _, SignedHeader},
    vote::VoteData,
};
use alys_testkit::PATIENCE;
use ractor::ActorRef;

use crate::common::{CHAIN_ID, Federation, GENESIS_MS, finalize, notarize};

/// The slot at which the test clocks start.
const NOW: u64 = 50;

type Asked<T> = Result<T, AskError<FederationError>>;

struct Node {
    federation: Federation,
    address: Address<FederationMessage>,
    args: FederationArgs,
    actor: ActorRef<Inbox<FederationMessage, Infallible>>,
    handle: tokio::task::JoinHandle<()>,
}

impl Node {
    async fn member(n: usize, own: Option<u8>) -> Self {
        Self::with(n, own, WorkerMode::Inline).await
    }

    async fn with(n: usize, own: Option<u8>, mode: WorkerMode) -> Self {
        let federation = Federation::of(n);
        let spec = federation.spec();
        let keys = own.map(|own| Federation::of(n).dealt.members.remove(usize::from(own)));
        let clock = Clock::at(GENESIS_MS + NOW * 2_000);
        let setup = FederationSetup::new(Arc::new(spec), keys, FederationConfig::default(), clock).unwrap();
        let setup = setup.mode(mode);
        let args = setup.args(setup.open().unwrap());
        let address = Address::new(Limits::default());
        let (actor, handle) = spawn(&address, None, args.clone()).await.unwrap();
        let node = Self { federation, address, args, actor, handle };
        let promises = Box::new(Promises::default());
        node.ask(|reply| FederationMessage::RecallPromises { promises, reply }).await.unwrap();
        node
    }

    async fn ask<T>(&self, make: impl FnOnce(Reply<T, FederationError>) -> FederationMessage) -> Asked<T> {
        self.address.ask(Context::root(PATIENCE), make).await
    }

    async fn sign(&self, data: VoteData) -> Asked<SignedVote> {
        self.ask(|reply| FederationMessage::SignVote { data, reply }).await.map(|signed| *signed)
    }

    async fn propose(&self, header: Header) -> Asked<alys_primitives::IdentitySignature> {
        self.ask(|reply| FederationMessage::SignProposal { header: Box::new(header), reply }).await
    }

    async fn collect(&self, vote: Vote) -> Asked<Collected> {
        self.ask(|reply| FederationMessage::CollectSignature { vote: Box::new(vote), reply }).await
    }

    async fn verify(&self, certificate: Certificate) -> Asked<()> {
        let certificate = Box::new(certificate);
        self.ask(|reply| FederationMessage::VerifyCertificate { certificate, reply }).await
    }

    async fn members(&self) -> Asked<MemberSet> {
        self.ask(|reply| FederationMessage::Members { reply }).await.map(|members| *members)
    }

    /// Kills the actor and starts it again as the supervisor would.
    async fn restart(&mut self) {
        self.actor.kill();
        (&mut self.handle).await.unwrap();
        let (actor, handle) = spawn(&self.address, None, self.args.clone()).await.unwrap();
        (self.actor, self.handle) = (actor, handle);
    }
}

fn header(slot: u64, payload: u8) -> Header {
    let payload_hash = alys_primitives::B256::repeat_byte(payload);
    Header { slot, proposer: 1, payload_hash, ..Header::default() }
}

#[tokio::test(start_paused = true)]
async fn a_member_signs_collects_and_certifies() {
    let node = Node::member(4, Some(1)).await;
    let data = notarize(NOW, 1);
    let own = node.sign(data).await.unwrap();
    let members = node.members().await.unwrap();
    own.verify(CHAIN_ID, &members.identities).unwrap();

    assert_eq!(node.collect(own.vote).await, Ok(Collected::Waiting { have: 1, need: 3 }));
    let vote = node.federation.false_vote(0, data);
    assert_eq!(node.collect(vote).await, Ok(Collected::Waiting { have: 2, need: 3 }));
    let blamed = Collected::Blamed { members: vec![0], have: 2, need: 3 };
    assert_eq!(node.collect(node.federation.vote(2, data)).await, Ok(blamed));
    let Ok(Collected::Certified { certificate, blamed }) = node.collect(node.federation.vote(3, data)).await
    else {
        panic!("no certificate");
    };
    assert_eq!(blamed, [0]);
    certificate.verify(CHAIN_ID, &VerifyingKey::decode(&members.group_key).unwrap()).unwrap();

    assert_eq!(node.verify(certificate.clone()).await, Ok(()));
    let moved = Certificate { data: notarize(NOW + 1, 1), ..certificate };
    let refused = node.verify(moved).await;
    assert!(matches!(refused, Err(AskError::Actor(FederationError::BadSignature(_)))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn questions_about_members_are_answered() {
    let node = Node::member(4, Some(2)).await;
    let members = node.members().await.unwrap();
    assert_eq!((members.epoch, members.quorum, members.own), (0, 3, Some(2)));
    for (index, identity) in members.identities.iter().copied().enumerate() {
        let found = node.ask(|reply| FederationMessage::ValidateMember { identity, reply }).await;
        assert_eq!(found, Ok(u8::try_from(index).ok()));
    }
    let identity = alys_primitives::IdentityKey::ZERO;
    let found = node.ask(|reply| FederationMessage::ValidateMember { identity, reply }).await;
    assert_eq!(found, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_threshold_is_unsupported() {
    let node = Node::member(1, None).await;
    let answer = node.ask(|reply| FederationMessage::UpdateThreshold { quorum: 1, reply }).await;
    assert_eq!(answer, Err(AskError::Unsupported("federation")));
}

#[tokio::test(start_paused = true)]
async fn a_node_without_keys_collects_and_does_not_sign() {
    let node = Node::member(1, None).await;
    let data = finalize(NOW, 1);
    assert_eq!(node.sign(data).await, Err(AskError::Actor(FederationError::NoKeys)));
    assert_eq!(node.propose(header(NOW, 1)).await, Err(AskError::Actor(FederationError::NoKeys)));
    let outcome = node.collect(node.federation.vote(0, data)).await;
    assert!(matches!(outcome, Ok(Collected::Certified { .. })), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn the_window_follows_the_clock() {
    let node = Node::member(4, None).await;
    let FederationConfig { slots_behind, slots_ahead } = FederationConfig::default();
    let (from, to) = (NOW.saturating_sub(slots_behind), NOW + slots_ahead);
    let refused = node.collect(node.federation.vote(0, notarize(to + 1, 1))).await;
    let expected = FederationError::OutsideWindow { slot: to + 1, from, to };
    assert_eq!(refused, Err(AskError::Actor(expected)));
    tokio::time::advance(Duration::from_secs(2)).await;
    let taken = node.collect(node.federation.vote(0, notarize(to + 1, 1))).await;
    assert_eq!(taken, Ok(Collected::Waiting { have: 1, need: 3 }));
}

#[tokio::test(start_paused = true)]
async fn refusals_are_typed() {
    let node = Node::member(4, Some(1)).await;
    let outsider = Vote { member: 9, ..node.federation.vote(0, notarize(NOW, 1)) };
    let expected = FederationError::NotAMember { member: 9, members: 4, epoch: 0 };
    assert_eq!(node.collect(outsider).await, Err(AskError::Actor(expected)));
    let alien = VoteData { epoch: 3, ..notarize(NOW, 1) };
    let refused = node.collect(node.federation.vote(0, alien)).await;
    assert_eq!(refused, Err(AskError::Actor(FederationError::UnknownEpoch(3))));

    for block in 1..=2 {
        node.collect(node.federation.vote(2, notarize(NOW, block))).await.unwrap();
    }
    let refused = node.collect(node.federation.vote(2, notarize(NOW, 3))).await;
    let expected = FederationError::TooManyBallots { member: 2, slot: NOW, most: 2 };
    assert_eq!(refused, Err(AskError::Actor(expected)));

    let signature = node.propose(header(NOW, 1)).await.unwrap();
    let identities = node.members().await.unwrap().identities;
    SignedHeader { header: header(NOW, 1), signature }.verify(CHAIN_ID, &identities).unwrap();
    let refused = node.propose(header(NOW, 2)).await;
    assert!(matches!(refused, Err(AskError::Actor(FederationError::SignerRefuses(_)))), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_verified_finalization_supersedes_what_was_collected_before_it() {
    let node = Node::member(1, None).await;
    let Ok(Collected::Certified { certificate, .. }) =
        node.collect(node.federation.vote(0, finalize(NOW, 1))).await
    else {
        panic!("no certificate");
    };
    let other = Node::member(1, None).await;
    other.verify(certificate).await.unwrap();
    let refused = other.collect(other.federation.vote(0, notarize(NOW - 1, 1))).await;
    let expected = FederationError::OutsideWindow { slot: NOW - 1, from: NOW, to: NOW + 2 };
    assert_eq!(refused, Err(AskError::Actor(expected)));
}

#[tokio::test(start_paused = true)]
async fn a_restarted_actor_finds_its_shares_and_the_signers_memory() {
    let mut node = Node::member(4, Some(1)).await;
    let data = notarize(NOW, 1);
    let signed = node.sign(data).await.unwrap();
    node.collect(signed.vote.clone()).await.unwrap();
    node.restart().await;
    let refused = node.sign(notarize(NOW, 2)).await;
    assert!(matches!(refused, Err(AskError::Actor(FederationError::SignerRefuses(_)))), "{refused:?}");
    assert_eq!(node.sign(data).await, Ok(signed));
    let vote = node.federation.vote(0, data);
    assert_eq!(node.collect(vote).await, Ok(Collected::Waiting { have: 2, need: 3 }));
}

#[tokio::test]
async fn an_actor_whose_thread_has_ended_fails_and_its_askers_are_told() {
    let node = Node::with(1, Some(0), WorkerMode::Thread).await;
    node.sign(notarize(NOW, 1)).await.unwrap();
    node.args.worker().stop(Clock::system().now() + PATIENCE).await.unwrap();
    let refused = node.sign(notarize(NOW + 1, 1)).await;
    assert_eq!(refused, Err(AskError::NoReply("federation")));
    // It ends, so that the supervisor sees it; and then nobody is there.
    tokio::time::timeout(PATIENCE, node.handle).await.unwrap().unwrap();
    let (address, data) = (node.address, notarize(NOW + 1, 1));
    let ctx = Context::root(PATIENCE);
    let refused = address.ask(ctx, |reply| FederationMessage::SignVote { data, reply }).await;
    assert_eq!(refused.unwrap_err(), AskError::Unavailable("federation"));
}

#[tokio::test]
async fn a_certificate_of_31_members_comes_out_of_the_thread() {
    let node = Node::with(31, None, WorkerMode::Thread).await;
    let data = finalize(NOW, 1);
    let mut last = None;
    for member in (0..31).rev() {
        last = Some(node.collect(node.federation.vote(member, data)).await.unwrap());
    }
    assert!(matches!(last, Some(Collected::Certified { .. })), "{last:?}");
}
