//! One correlation id goes from whoever begins a request to the thread that ends it, through real actors.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    thread,
};

use alys_node::Node;
use alys_primitives::Address;
use alys_testkit::wallet::Unsigned;
use parking_lot::Mutex;
use reqwest::{Client, header::CONTENT_TYPE};
use tokio::time::timeout;
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    Layer as _, filter::filter_fn, layer, layer::SubscriberExt as _, registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::{
    chain::{CHAIN_ID, in_memory, new_chain},
    watch::{PATIENCE, Watch},
};

/// What chain asks of others, and the thread on which it is done in the end.
const OF_CHAIN: [(&str, &str); 5] = [
    ("PersistBlock", "storage"),
    ("ApplyHead", "storage"),
    ("PersistPromises", "storage-promises"),
    ("SignVote", "federation"),
    ("ValidatePayload", "engine"),
];

const OF_WALLETS: [(&str, &str); 1] = [("SubmitTransaction", "engine-lookups")];

const REQUEST: &str = "eth_sendRawTransaction";

/// A request or a message, and the id that it carries.
#[derive(Debug, Clone, Default)]
struct Work {
    name: String,
    id: u64,
}

impl Visit for Work {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "id" {
            self.id = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if matches!(field.name(), "request" | "message") {
            value.clone_into(&mut self.name);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Which work was done on which thread, under which id.
type Seen = Arc<Mutex<BTreeSet<(String, String, u64)>>>;

struct Capture(Seen);

impl<S: Subscriber + for<'a> LookupSpan<'a>> layer::Layer<S> for Capture {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, ctx: layer::Context<'_, S>) {
        let mut work = Work::default();
        attributes.record(&mut work);
        if let Some(span) = ctx.span(id) {
            span.extensions_mut().insert(work);
        }
    }

    fn on_enter(&self, id: &span::Id, ctx: layer::Context<'_, S>) {
        let Some(work) = ctx.span(id).and_then(|span| span.extensions().get::<Work>().cloned()) else {
            return;
        };
        let watched = OF_CHAIN.iter().chain(&OF_WALLETS).any(|(message, _)| *message == work.name);
        if watched || work.name == REQUEST {
            let thread = thread::current().name().unwrap_or_default().to_owned();
            self.0.lock().insert((work.name, thread, work.id));
        }
    }
}

/// One subscriber for the whole process: tracing caches per call site who listens.
fn subscribe() -> &'static Seen {
    static SEEN: OnceLock<Seen> = OnceLock::new();
    SEEN.get_or_init(|| {
        let seen = Seen::default();
        let ours = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("alys"));
        tracing_subscriber::registry().with(Capture(Arc::clone(&seen)).with_filter(ours)).init();
        seen
    })
}

/// The ids under which `name` was worked on, on threads that `which` takes.
fn ids(name: &str, which: impl Fn(&str) -> bool) -> BTreeSet<u64> {
    let seen = subscribe().lock();
    let of = seen.iter().filter(|(work, thread, _)| work == name && which(thread));
    of.map(|(_, _, id)| *id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_goes_from_the_request_to_the_engines_thread_and_from_chain_to_disk_and_keys() {
    subscribe();
    let (spec, keys) = new_chain();
    let builder = Node::builder(in_memory(), spec).keys(keys).without_signals();
    let mut watch = Watch::over(builder.start().await.unwrap()).await;
    let raw = Unsigned::transfer(CHAIN_ID, 0, Address::repeat_byte(9), 1).sign();
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{REQUEST}","params":["{raw}"]}}"#);
    let url = format!("http://{}", watch.node.rpc_address().get().unwrap());
    let answer = async {
        let sent = Client::new().post(url).header(CONTENT_TYPE, "application/json").body(body).send();
        sent.await.unwrap().text().await.unwrap()
    };
    let answer = timeout(PATIENCE, answer).await.unwrap();
    assert!(answer.contains("result"), "{answer}");
    watch.next_final().await;
    watch.next_final().await;

    // One transaction was sent in this process: one id, and the engine's thread had it.
    let request = ids(REQUEST, |_| true);
    assert_eq!(request.len(), 1, "{request:?}");
    let (message, at) = OF_WALLETS[0];
    assert_eq!(ids(message, |thread| thread == at), request, "{message} on {at}");

    // The id with which an actor took chain's message is that with which its thread did the work.
    for (message, at) in OF_CHAIN {
        let (done, taken) = (ids(message, |thread| thread == at), ids(message, |thread| thread != at));
        assert!(!done.is_empty(), "{message} on {at}: nothing was seen");
        assert!(!done.contains(&0), "{message} on {at}: without an id");
        assert!(done.is_subset(&taken), "{message} on {at}: {done:?}, taken by the actor as {taken:?}");
    }
    // And all of it is done for one block under one id: keeping it, judging it, promising, signing, following it.
    let done = OF_CHAIN.map(|(message, at)| ids(message, |thread| thread == at));
    let of_all = done.iter().skip(1).fold(done[0].clone(), |common, ids| &common & ids);
    assert!(!of_all.is_empty(), "no id went through all: {done:?}");
    watch.node.supervisor().stop("seen enough");
    let report = watch.node.stopped().await;
    assert!(report.is_success(), "{report}");
}
