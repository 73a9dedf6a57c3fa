//! Random histories of asks, kills, stops and panics: every ask has exactly one outcome, and all
//! credits come back.

use std::{sync::Arc, time::Duration};

use alys_bus::{Address, AskError, Context, Lane, Limits};
use proptest::{prelude::*, test_runner::Config};
use rand_like::Random;
use tokio::{
    runtime::Builder,
    sync::mpsc,
    time::{Instant, timeout},
};

use super::support::{Outcome, PATIENCE, Restarter, Victim, VictimRef};

/// A small generator, so that a history follows from its seed alone.
mod rand_like {
    pub(super) struct Random(pub(super) u64);

    impl Random {
        pub(super) fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }
    }
}

const ASKERS: u64 = 16;
const ASKS: u64 = 400;

/// What to do to the actor after so many outcomes.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Kill,
    Stop,
    Panic,
    PanicInTask,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    ok: u64,
    no_reply: u64,
    timeout: u64,
    overloaded: u64,
    unavailable: u64,
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Ok(_) => self.ok += 1,
            Err(AskError::NoReply(_)) => self.no_reply += 1,
            Err(AskError::Timeout(_)) => self.timeout += 1,
            Err(AskError::Overloaded(_)) => self.overloaded += 1,
            Err(AskError::Unavailable(_)) => self.unavailable += 1,
            Err(other) => panic!("the victim gives no such outcome: {other:?}"),
        }
    }

    fn total(self) -> u64 {
        self.ok + self.no_reply + self.timeout + self.overloaded + self.unavailable
    }
}

async fn ask_at_random(address: &Address<Victim>, random: &mut Random) -> Outcome {
    let ctx = Context::root(Duration::from_micros(200 + random.below(20_000)));
    let yields = random.below(40);
    match random.below(5) {
        0 => address.ask(ctx, |reply| Victim::Slow { yields, reply }).await,
        1 => address.ask(ctx, |reply| Victim::Away { yields, reply }).await,
        2 => address.ask(ctx, |reply| Victim::Log { n: yields, reply }).await,
        3 => {
            let _ = address.try_tell(ctx, Victim::Note { n: yields });
            address.ask(ctx, |reply| Victim::Echo { n: 1, reply }).await
        }
        _ => {
            // One who gives up before the end: its place and its credit must come back too.
            let gone = address.ask(ctx, |reply| Victim::Slow { yields: 40, reply });
            let _ = timeout(Duration::ZERO, gone).await;
            address.ask(ctx, |reply| Victim::Echo { n: 2, reply }).await
        }
    }
}

async fn asker(address: Address<Victim>, seed: u64, outcomes: mpsc::Sender<()>) -> Tally {
    let mut random = Random(seed);
    let mut tally = Tally::default();
    for _ in 0..ASKS {
        tally.count(&ask_at_random(&address, &mut random).await);
        // The channel holds all there will ever be.
        outcomes.try_send(()).expect("place for every outcome");
    }
    tally
}

fn commit(fault: Fault, address: &Address<Victim>, actor: &VictimRef) {
    let ctx = Context::root(PATIENCE);
    let told = match fault {
        Fault::Kill => return actor.kill(),
        Fault::Stop => return actor.stop(None),
        Fault::Panic => address.control().try_tell(ctx, Victim::Panic { text: "random" }),
        Fault::PanicInTask => address.try_tell(ctx, Victim::PanicInTask { text: "random" }),
    };
    if told.is_err() {
        // The lane is full: some fault must happen.
        actor.kill();
    }
}

async fn history(seed: u64, limits: Limits, every: u64, faults: Vec<Fault>) {
    let address = Address::<Victim>::new(limits);
    let (mut incarnations, args, restarter) = Restarter::start(&address).await;
    let mut actor = incarnations.recv().await.unwrap();
    let (sender, mut outcomes) = mpsc::channel((ASKERS * ASKS) as usize);
    let askers: Vec<_> = (0..ASKERS)
        .map(|i| {
            let address = if i % 4 == 0 { address.control() } else { address.clone() };
            tokio::spawn(asker(address, seed ^ (i << 40), sender.clone()))
        })
        .collect();
    drop(sender);
    let mut seen = 0u64;
    let mut faults = faults.into_iter().cycle();
    while outcomes.recv().await.is_some() {
        seen += 1;
        while let Ok(newer) = incarnations.try_recv() {
            actor = newer;
        }
        if seen.is_multiple_of(every) {
            commit(faults.next().expect("a cycle"), &address, &actor);
        }
    }
    let mut tally = Tally::default();
    for asker in askers {
        let part = asker.await.expect("no asker panics");
        assert_eq!(part.total(), ASKS);
        tally.ok += part.ok;
    }
    assert_eq!(seen, ASKERS * ASKS, "every ask has exactly one outcome");
    assert!(tally.ok > 0, "some got through");
    all_credits_return(&address, &limits).await;
    assert!(!args.ends.lock().is_empty(), "something was killed");
    restarter.stop(None);
}

/// What was told or abandoned may still be under way: it ends by itself.
async fn all_credits_return(address: &Address<Victim>, limits: &Limits) {
    let until = Instant::now() + PATIENCE;
    loop {
        let stats = address.stats();
        if stats.in_flight() == 0 {
            assert_eq!(stats.lane(Lane::Normal).capacity, limits.normal);
            assert!(stats.lanes.iter().all(|lane| lane.waiting == 0), "{stats:?}");
            return;
        }
        assert!(Instant::now() < until, "credits are lost: {stats:?}");
        tokio::task::yield_now().await;
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Kill), Just(Fault::Stop), Just(Fault::Panic), Just(Fault::PanicInTask)]
}

/// Panics on purpose are not news.
fn silence_expected_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let default = Arc::new(std::panic::take_hook());
        std::panic::set_hook(Box::new(move |info| {
            if info.payload_as_str() != Some("random") {
                default(info);
            }
        }));
    });
}

proptest! {
    #![proptest_config(Config {
        cases: 48,
        failure_persistence: None,
        max_shrink_iters: 8,
        ..Config::default()
    })]

    #[test]
    fn every_ask_has_exactly_one_outcome_and_all_credits_come_back(
        seed: u64,
        normal in 1usize..32,
        control in 1usize..8,
        waiters in 0usize..16,
        every in 5u64..60,
        faults in prop::collection::vec(fault(), 1..6),
        one_thread: bool,
    ) {
        silence_expected_panics();
        let mut builder =
            if one_thread { Builder::new_current_thread() } else { Builder::new_multi_thread() };
        let runtime = builder.enable_all().worker_threads(2).build().unwrap();
        let limits = Limits { normal, control, waiters };
        runtime.block_on(async {
            timeout(PATIENCE, history(seed, limits, every, faults)).await.expect("it ends");
        });
    }
}
