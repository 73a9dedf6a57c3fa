//! A thread of an actor panics: the actor is started again over a new one, and the chain goes on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use alys_bus::{Worker, WorkerLimits, WorkerMode};
use alys_federation::{FederationActor, FederationConfig, FederationSetup};
use alys_node::Node;
use alys_supervisor::{ChildSpec, KeptWorker};

use crate::{
    chain::{in_memory, new_chain},
    watch::Watch,
};

/// The keys were read once, with a password; they are not gone with the thread that used them.
#[tokio::test(flavor = "multi_thread")]
async fn panic_abort() {
    let (spec, keys) = new_chain();
    let bad = Arc::new(AtomicBool::new(false));
    let panics = Arc::clone(&bad);
    let of = Arc::new(spec.clone());
    let builder = Node::builder(in_memory(), spec).without_signals().federation(move |wiring| {
        let config = FederationConfig::default();
        let setup = FederationSetup::new(of, Some(keys), config, wiring.clock.clone()).unwrap();
        let thread = KeptWorker::new();
        let kept = thread.clone();
        ChildSpec::with_setup(&wiring.federation, move |feed| {
            let open = || {
                let (mut federation, panics) = (setup.federation().unwrap(), Arc::clone(&panics));
                let work = move |job, _ctx| {
                    assert!(!panics.swap(false, SeqCst), "a panic on the federation's thread");
                    federation.handle(job);
                };
                Worker::spawn("federation", WorkerLimits::default(), WorkerMode::Thread, work)
            };
            let opened = thread.get_or_open(open).map(|worker| setup.args(worker));
            async move { opened.map(|args| (FederationActor, (feed, args))) }
        })
        .keeps(&kept)
    });
    let mut watch = Watch::over(builder.start().await.unwrap()).await;
    watch.next_final().await;
    for restarts in 1..=3 {
        bad.store(true, SeqCst);
        watch.next_final().await;
        watch.next_final().await;
        let health = watch.node.supervisor().health();
        let federation = health.iter().find(|actor| actor.actor == "federation").unwrap();
        assert_eq!(federation.restarts, restarts, "{federation:?}");
        // By the panic itself, or by the next message that finds no thread: whichever the actor hears of first.
        let end = federation.last_end.as_ref().unwrap();
        assert!(end.contains("the federation's thread"), "{end}");
    }
    watch.nothing_is_lost().await;
    watch.node.supervisor().stop("seen enough");
    let report = watch.node.stopped().await;
    assert!(report.is_success(), "{report}");
}
