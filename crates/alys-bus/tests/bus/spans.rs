//! One id from the root request to wherever it leads.

use std::sync::{Arc, OnceLock};

use alys_bus::{
    Address, Context, Feed, Inbox, Limits, Reply, Work, pipe, protocol_kinds, root_request, spawn_actor,
};
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tracing::{
    Instrument, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};
use tracing_subscriber::{Layer, layer::Context as LayerContext, prelude::*, registry::LookupSpan};

use super::support::PATIENCE;

/// Two actors in a row, each of which logs what it does.
enum Hop {
    Down { reply: Reply<u64, ()> },
    Wait { go: tokio::sync::oneshot::Receiver<()> },
}
protocol_kinds!(Hop, "hop", [Down, Wait]);

struct HopActor;

impl Actor for HopActor {
    type Msg = Inbox<Hop, (Reply<u64, ()>, u64)>;
    type State = (Feed<Hop>, Option<Address<Hop>>);
    type Arguments = (Feed<Hop>, Option<Address<Hop>>);

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        args: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(args)
    }

    async fn handle(
        &self,
        me: ActorRef<Self::Msg>,
        message: Self::Msg,
        (feed, below): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let mut message = Some(message);
        while let Some(work) = feed.next(&mut message).await {
            let span = feed.span();
            match work {
                Work::Public(Hop::Down { reply }, ctx) => {
                    let (below, me) = (below.clone(), me.clone());
                    let work = async move {
                        tracing::info!(id = ctx.id, "handled");
                        match below {
                            None => reply.send(Ok(1)),
                            Some(below) => {
                                let ask =
                                    async move { below.ask(ctx.child(), |reply| Hop::Down { reply }).await };
                                pipe(&me, ask, |outcome| (reply, outcome.unwrap_or(0)));
                            }
                        }
                    };
                    work.instrument(span).await;
                }
                Work::Public(Hop::Wait { go }, _) => drop(go.await),
                Work::Private((reply, depth)) => reply.send(Ok(depth + 1)),
            }
        }
        Ok(())
    }
}

/// What was logged: the id in the event, and the names and ids of the spans around it, outermost first.
type Seen = Arc<Mutex<Vec<(u64, Vec<(&'static str, u64)>)>>>;

struct Capture(Seen);

#[derive(Default)]
struct Id(u64);

impl Visit for Id {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "id" {
            self.0 = value;
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: LayerContext<'_, S>) {
        let mut found = Id::default();
        attributes.record(&mut found);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(found);
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, ctx: LayerContext<'_, S>) {
        let mut found = Id::default();
        event.record(&mut found);
        let spans = ctx.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
        let around =
            spans.map(|span| (span.name(), span.extensions().get::<Id>().map_or(0, |id| id.0))).collect();
        if found.0 != 0 {
            self.0.lock().push((found.0, around));
        }
    }
}

/// What was logged for these requests. One subscriber for the whole process: tracing caches per call
/// site who listens, so subscribers of tests that run side by side would disturb each other.
fn logged(ids: &[u64]) -> Vec<(u64, Vec<(&'static str, u64)>)> {
    subscribe().lock().iter().filter(|(id, _)| ids.contains(id)).cloned().collect()
}

fn subscribe() -> &'static Seen {
    static SEEN: OnceLock<Seen> = OnceLock::new();
    SEEN.get_or_init(|| {
        let seen = Seen::default();
        let capture = Capture(Arc::clone(&seen));
        tracing_subscriber::registry().with(LevelFilter::DEBUG).with(capture).init();
        seen
    })
}

async fn two_in_a_row() -> (Address<Hop>, Address<Hop>) {
    let below = Address::<Hop>::new(Limits::default());
    let above = Address::<Hop>::new(Limits::default());
    spawn_actor(&below, None, HopActor, |feed| (feed, None)).await.unwrap();
    spawn_actor(&above, None, HopActor, |feed| (feed, Some(below.clone()))).await.unwrap();
    (above, below)
}

#[tokio::test]
async fn one_id_goes_from_the_root_request_through_every_actor_and_each_hop_has_its_span() {
    subscribe();
    let (above, _below) = two_in_a_row().await;
    let (id, outcome) = root_request("eth_getBalance", PATIENCE, |ctx| async move {
        (ctx.id, above.ask(ctx, |reply| Hop::Down { reply }).await)
    })
    .await;
    assert_eq!(outcome, Ok(2));
    let (request, hop) = (("request", id), ("hop", id));
    assert_eq!(logged(&[id]), [(id, vec![request, hop]), (id, vec![request, hop, hop])]);
}

#[tokio::test]
async fn control_work_that_overtakes_keeps_its_own_span() {
    subscribe();
    let (_above, below) = two_in_a_row().await;
    let (go, go_rx) = tokio::sync::oneshot::channel();
    below.try_tell(Context::root(PATIENCE), Hop::Wait { go: go_rx }).unwrap();
    let ask = |name, address: Address<Hop>| {
        tokio::spawn(root_request(name, PATIENCE, move |ctx| async move {
            address.ask(ctx, |reply| Hop::Down { reply }).await.unwrap();
            ctx.id
        }))
    };
    let normal = ask("normal", below.clone());
    let control = ask("control", below.control());
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    go.send(()).unwrap();
    let (normal, control) = (normal.await.unwrap(), control.await.unwrap());
    let expected = [control, normal].map(|id| (id, vec![("request", id), ("hop", id)]));
    assert_eq!(
        logged(&[normal, control]),
        expected,
        "each under its own request, though both ran in one turn"
    );
}
