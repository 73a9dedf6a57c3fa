//! Asking again: by the asker only, for idempotent requests only, within the same deadline.

use std::{future::Future, time::Duration};

use tokio::time::sleep;

use crate::{AskError, Context};

/// How often and how soon a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The longest pause after the first failure; it doubles with each further one.
    pub first: Duration,
    /// The longest pause at all.
    pub max: Duration,
    /// How many times the request is made altogether, at least once.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    /// Pauses of up to 10 ms, 20 ms, … 500 ms, as often as the deadline allows.
    fn default() -> Self {
        Self { first: Duration::from_millis(10), max: Duration::from_millis(500), attempts: u32::MAX }
    }
}

impl RetryPolicy {
    /// At most `attempts` requests, with the default pauses.
    pub fn attempts(attempts: u32) -> Self {
        Self { attempts, ..Self::default() }
    }

    /// The pause after failure number `failure` (from 0): between a half and the whole of the doubled
    /// first one, so that askers who were refused together do not come back together. The request's id
    /// decides, so runs can be repeated.
    fn pause(&self, failure: u32, id: u64) -> Duration {
        let whole = self.first.saturating_mul(2u32.saturating_pow(failure.min(30))).min(self.max);
        let thousandths = mix(id ^ (u64::from(failure) << 56)) % 1000;
        whole / 2 + (whole / 2000).saturating_mul(thousandths as u32)
    }
}

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): spreads consecutive numbers evenly.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Makes a request until it succeeds, the actor itself refuses it, the attempts are used up, or the
/// deadline of `ctx` is too near for another pause. The last failure is the outcome.
///
/// Only for idempotent requests: after `Timeout` and `NoReply` the work may have been done. Give each
/// attempt a shorter deadline with [`Context::within`] where one attempt must not use up all of it.
pub async fn retry<T, E, F>(
    policy: RetryPolicy,
    ctx: Context,
    mut request: impl FnMut() -> F,
) -> Result<T, AskError<E>>
where
    F: Future<Output = Result<T, AskError<E>>>,
{
    let mut failures = 0;
    loop {
        let error = match request().await {
            Err(error) if error.is_transient() => error,
            outcome => return outcome,
        };
        let pause = policy.pause(failures, ctx.id);
        failures = failures.saturating_add(1);
        if failures >= policy.attempts || pause >= ctx.remaining() {
            return Err(error);
        }
        sleep(pause).await;
    }
}
