//! From a kill to the address being bound to the next incarnation.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use alys_bus::{Address, Limits};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::mpsc;

use super::{
    actors::{Message, Ref, ctx, start},
    table::{goal, quantile},
};

const KILLS: usize = 2_000;

struct Restarter;

struct Restarting {
    address: Address<Message>,
    bound: mpsc::Sender<Ref>,
}

impl Actor for Restarter {
    type Msg = ();
    type State = Restarting;
    type Arguments = Restarting;

    async fn pre_start(&self, me: ActorRef<()>, args: Restarting) -> Result<Restarting, ActorProcessingErr> {
        let actor = start(&args.address, None, Some(me.get_cell())).await;
        args.bound.try_send(actor)?;
        Ok(args)
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<()>,
        event: SupervisionEvent,
        state: &mut Restarting,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorTerminated(..) | SupervisionEvent::ActorFailed(..) = event {
            state.address.unbind();
            let actor = start(&state.address, None, Some(me.get_cell())).await;
            state.bound.try_send(actor)?;
        }
        Ok(())
    }
}

pub(crate) async fn run() {
    println!("\nkill to bound again: {KILLS} kills");
    for askers in [0, 32] {
        kills(askers).await;
    }
}

/// Kills the actor again and again while `askers` ask it as fast as they can.
async fn kills(askers: usize) {
    let address = Address::<Message>::new(Limits::default());
    let (bound, mut incarnations) = mpsc::channel(4);
    let args = Restarting { address: address.clone(), bound };
    let (restarter, _) = Restarter::spawn(None, Restarter, args).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> =
        (0..askers).map(|_| tokio::spawn(ask_on(address.clone(), Arc::clone(&stop)))).collect();
    let mut times = Vec::with_capacity(KILLS);
    let mut actor = incarnations.recv().await.unwrap();
    for _ in 0..KILLS {
        let answer = address.ask(ctx(Duration::from_secs(5)), |reply| Message::Get { n: 1, reply }).await;
        assert_eq!(answer.unwrap(), 2);
        let killed = Instant::now();
        actor.kill();
        actor = incarnations.recv().await.unwrap();
        times.push(killed.elapsed().as_nanos() as u64);
    }
    stop.store(true, Relaxed);
    let busy = askers.len();
    for asker in askers {
        asker.await.unwrap();
    }
    restarter.stop(None);
    let p50 = quantile(&mut times, 0.5) / 1e3;
    let what = format!("{busy} askers: p50 {p50:.3} ms; p99");
    goal(&what, quantile(&mut times, 0.99) / 1e3, 100.0, true, "ms");
}

async fn ask_on(address: Address<Message>, stop: Arc<AtomicBool>) {
    while !stop.load(Relaxed) {
        // Whatever comes of it: the actor is being killed.
        let _ = address.ask(ctx(Duration::from_millis(5)), |reply| Message::Get { n: 1, reply }).await;
    }
}
