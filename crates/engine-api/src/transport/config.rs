//! Where a client is, and how far it is trusted.

use std::fmt;

use crate::jwt::{JwtKey, UnixSeconds};

/// Where a client is, and how far it is trusted.
#[derive(Clone)]
pub struct TransportConfig {
    /// `http://host:port`. Plain HTTP: the port is on this machine or in a private network.
    pub url: String,
    /// The secret and the clock of the tokens; `None` for a public port.
    pub auth: Option<(JwtKey, UnixSeconds)>,
    /// The same clock, read from the system at once: asked when a token is refused, for `auth`'s may be one that
    /// follows a step of the system's clock only after a while. `None`: a refusal is the end.
    pub anew: Option<UnixSeconds>,
    /// The most bytes of one answer, a batch's together.
    pub max_response: usize,
}

impl TransportConfig {
    /// 128 MiB: four times a payload of 30 M gas in the worst case (calldata at 10 gas a byte, twice as hex,
    /// and its receipts).
    pub const MAX_RESPONSE: usize = 128 << 20;

    /// An engine port.
    #[must_use]
    pub fn engine(url: impl Into<String>, key: JwtKey, now: UnixSeconds) -> Self {
        Self { auth: Some((key, now)), ..Self::public(url) }
    }

    /// A public port, without a token.
    #[must_use]
    pub fn public(url: impl Into<String>) -> Self {
        Self { url: url.into(), auth: None, anew: None, max_response: Self::MAX_RESPONSE }
    }
}

impl fmt::Debug for TransportConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportConfig")
            .field("url", &self.url)
            .field("auth", &self.auth.is_some())
            .field("anew", &self.anew.is_some())
            .field("max_response", &self.max_response)
            .finish()
    }
}
