//! Who is let in at the client's Engine API, and what is offered there.
//!
//! Whoever commands the engine commands the chain's state: a client that takes any token is no validator's. The
//! methods are those of protocol.md 4 that a node cannot do without.

use std::{sync::Arc, time::Duration};

use alys_bus::Clock;
use alys_engine::RemoteConfig;
use alys_engine_api::{ApiError, EngineApi, Fork, JwtKey, Transport, TransportConfig, UnixSeconds};
use eyre::WrapErr as _;

/// For one request. Nothing is executed for these.
const PATIENCE: Duration = Duration::from_secs(10);

/// Clients take tokens that are at most 60 s old (execution-apis, authentication.md).
const STALE: Duration = Duration::from_secs(600);

/// A secret that the client does not have.
const ANOTHER_SECRET: &[u8; 32] = b"alys engine check: another key!!";

/// What a node calls for every block: Alys is Prague from genesis on.
fn needed() -> [&'static str; 3] {
    [Fork::Prague.new_payload(), Fork::Prague.forkchoice_updated(), Fork::Prague.get_payload()]
}

/// Examines every sentence, and tells of each whether it holds, or why it does not. How many were examined, and
/// how many did not hold.
///
/// # Errors
/// Where the URL is none.
pub(super) async fn examine(
    config: &RemoteConfig,
    api: &EngineApi,
    mut tell: impl FnMut(&str, Result<(), &str>),
) -> eyre::Result<(usize, usize)> {
    let now = Clock::system().now_ms() / 1000;
    let with = |key: JwtKey, issued: u64| {
        let clock: UnixSeconds = Arc::new(move || issued);
        TransportConfig::engine(&config.url, key, clock)
    };
    let another = JwtKey::new(*ANOTHER_SECRET);
    let strangers = [
        ("a request without a token is refused with 401", TransportConfig::public(&config.url)),
        ("a token of another secret is refused with 401", with(another, now)),
        ("a stale token is refused with 401", with(config.jwt.clone(), now.saturating_sub(STALE.as_secs()))),
    ];
    let (mut examined, mut failed) = (0, 0);
    let mut count = |sentence: &str, outcome: Result<(), String>| {
        examined += 1;
        failed += usize::from(outcome.is_err());
        tell(sentence, outcome.as_ref().copied().map_err(String::as_str));
    };
    for (sentence, transport) in strangers {
        let transport = Transport::new(transport).wrap_err_with(|| config.url.clone())?;
        count(sentence, refused(&transport).await);
    }
    count("the methods that a node needs are offered", offered(api).await);
    Ok((examined, failed))
}

async fn refused(stranger: &Transport) -> Result<(), String> {
    match stranger.call_raw("eth_chainId", &[(); 0], PATIENCE).await {
        Err(ApiError::Auth { status: 401, .. }) => Ok(()),
        Ok(_) => Err("it is let in: whoever reaches the port commands the client".to_owned()),
        Err(ApiError::Auth { status, .. } | ApiError::Http { status, .. }) => {
            Err(format!("it is refused with HTTP {status}"))
        }
        Err(other) => Err(format!("it ends in another way: {other}")),
    }
}

async fn offered(api: &EngineApi) -> Result<(), String> {
    let offered = api.exchange_capabilities().await.map_err(|error| error.to_string())?;
    let missing: Vec<_> =
        needed().into_iter().filter(|needed| !offered.iter().any(|one| one == needed)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("it does not offer {}", missing.join(", "))) }
}
