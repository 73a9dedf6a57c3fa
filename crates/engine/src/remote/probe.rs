//! Finding out whether the client is there, and whether it is this chain's.
//!
//! A client that was out of reach may come back as another: its data wiped, its genesis another chain's, its
//! secret changed. So each outage ends with the same questions as the start: chain id, block 0,
//! capabilities. While they are not answered as they must be, nothing else is asked.
//!
//! They go to the engine port, which is all that consensus needs. A public port is looked at beside it, and may be
//! away, or of another client than the engine port: then wallets' questions are refused, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use alys_engine_api::{Admission, ApiError, BreakerState, Identity, Observation};

use super::config::RemoteConfig;
use super::link::Link;

/// What this client calls, and cannot do without.
const NEEDED: [&str; 3] = ["engine_forkchoiceUpdatedV3", "engine_getPayloadV4", "engine_newPayloadV4"];

/// Looks in a row that a known client may leave unanswered: executing a full block may take it longer than a
/// look-up's timeout.
const SLOW_LOOKS: u32 = 3;

/// Between the looks of a half-open breaker: three of them close it.
const HALF_OPEN: Duration = Duration::from_millis(50);

/// What a look found.
pub(super) enum Found {
    /// This chain's client.
    Known,
    /// Another chain's, or one that cannot do what is needed; the text says both sides.
    Stranger(String),
    /// None, for now.
    Nobody(ApiError),
}

/// Looks at the client once, and records what it sees.
pub(super) async fn look(link: &Link, slow: &mut u32) -> Found {
    let found = examine(link).await;
    match &found {
        Found::Known => {
            *slow = 0;
            // In a closed breaker only consensus counts: a client may answer looks and no payload.
            if link.breaker() != BreakerState::Closed {
                link.answered();
            }
            if !link.is_known() {
                // What takes no batches may have been another program.
                link.api.engine_port().expect_batches();
                link.look_at_public.notify_one();
            }
            if !link.api.has_public_port() {
                link.questions();
            }
            link.seen(Observation::Identified, String::new);
        }
        Found::Stranger(why) => {
            link.answered();
            link.seen(Observation::Stranger, || why.clone());
        }
        Found::Nobody(ApiError::Timeout { .. }) if link.is_known() && *slow + 1 < SLOW_LOOKS => {
            *slow += 1;
            link.slow();
        }
        Found::Nobody(error) => {
            *slow = 0;
            link.failed(error);
        }
    }
    found
}

async fn examine(link: &Link) -> Found {
    let (api, expected) = (&link.api, link.expected);
    let url = api.engine_port().url();
    let shown = match api.identity().await {
        Ok(shown) => shown,
        // No block 0: an operator's mistake.
        Err(ApiError::BadResult { reason, .. }) => return Found::Stranger(reason),
        Err(error) => return Found::Nobody(error),
    };
    if let Some(why) = difference(url, shown, expected) {
        return Found::Stranger(why);
    }
    if link.is_known() {
        return Found::Known;
    }
    match api.exchange_capabilities().await {
        Ok(has) => {
            let lacks: Vec<_> =
                NEEDED.iter().filter(|needed| !has.iter().any(|one| one == *needed)).collect();
            if lacks.is_empty() {
                return Found::Known;
            }
            Found::Stranger(format!("the execution client at {url} does not support {lacks:?}"))
        }
        // It has no such method: what it lacks shows when it is asked.
        Err(error) if error.is_missing_method() => Found::Known,
        Err(error) => Found::Nobody(error),
    }
}

/// What keeps the client at `url` from being this chain's.
fn difference(url: &str, shown: Identity, expected: Identity) -> Option<String> {
    if shown.chain_id != expected.chain_id {
        return Some(format!(
            "the execution client at {url} is of chain id {}, this chain's is {}",
            shown.chain_id, expected.chain_id
        ));
    }
    (shown.genesis != expected.genesis).then(|| {
        format!(
            "the execution client at {url} has block 0 {}, this chain's is {}: it was made with another \
             genesis file",
            shown.genesis, expected.genesis
        )
    })
}

/// Looks at the public port once, where there is one, and records whether wallets may ask there.
pub(super) async fn look_at_public(link: &Link, slow: &mut u32) {
    let url = link.api.eth_port().url();
    let why = match link.api.public_identity().await {
        Ok(None) => return,
        Ok(Some(shown)) => match difference(url, shown, link.expected) {
            None => {
                *slow = 0;
                if !link.takes_questions() {
                    link.api.eth_port().expect_batches();
                }
                return link.questions();
            }
            Some(why) => format!(
                "{why}; its engine port {} is of another client: execution.http_url and execution.url must be \
                 ports of one",
                link.api.engine_port().url()
            ),
        },
        // Busy with wallets' questions, perhaps.
        Err(ApiError::Timeout { .. }) if link.takes_questions() && *slow + 1 < SLOW_LOOKS => {
            *slow += 1;
            return;
        }
        Err(error) => format!("its public port does not answer: {error}"),
    };
    *slow = 0;
    link.no_questions(why);
}

/// Looks at the public port again and again, as long as the actor lives.
pub(super) async fn keep_looking_at_public(link: Arc<Link>, config: RemoteConfig) {
    let mut slow = 0;
    loop {
        let pause = if link.takes_questions() { config.probe_online } else { config.probe_offline };
        tokio::select! {
            () = link.clock.sleep(pause) => {}
            () = link.look_at_public.notified() => {}
        }
        look_at_public(&link, &mut slow).await;
    }
}

/// Looks again and again, as long as the actor lives.
pub(super) async fn keep_looking(link: Arc<Link>, config: RemoteConfig) {
    let mut slow = 0;
    // As long as the breaker wants it; no pause comes on top, or a client that is back would wait for both.
    let mut breaker = None;
    loop {
        let pause = breaker.take().unwrap_or_else(|| match (link.breaker(), link.is_known()) {
            (BreakerState::HalfOpen, _) => HALF_OPEN,
            (_, true) => config.probe_online,
            (_, false) => config.probe_offline,
        });
        tokio::select! {
            () = link.clock.sleep(pause) => {}
            () = link.look.notified() => {}
        }
        match link.may_look() {
            Admission::Go => {
                look(&link, &mut slow).await;
            }
            Admission::Wait(left) => breaker = Some(left),
        }
    }
}
