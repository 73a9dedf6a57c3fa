//! Figures of a client behind the Engine API. Names shared with the embedded engine mean the same.

use std::time::Duration;

use alys_engine_api::{ApiError, BreakerState, Health};
use metrics::{Counter, Gauge, counter, gauge};
use parking_lot::Mutex;

use crate::messages::{EngineHead, PayloadVerdict, TransactionRefusal};
use crate::metrics::Done;

/// Figures of one client.
///
/// | metric | labels | unit |
/// |---|---|---|
/// | `alys_engine_head` | | height, as last read back |
/// | `alys_engine_validated_total` | verdict: valid, invalid, unavailable | payloads |
/// | `alys_engine_built_total`, `_built_transactions_total` | | payloads, transactions |
/// | `alys_engine_validate_seconds` | quantile | seconds, receipts included |
/// | `alys_engine_pool_added_total`, `_pool_refused_total` | | transactions |
/// | `alys_engine_client_health` | | 0 synced, 1 syncing, 2 offline, 3 token refused |
/// | `alys_engine_client_questions` | | 1: wallets' questions are passed on, 0: their port is not this chain's or away |
/// | `alys_engine_client_breaker` | | 0 closed, 1 half open, 2 open |
/// | `alys_engine_client_failures_total` | kind: timeout, refused, broken, auth, http, answer | requests |
/// | `alys_engine_client_wipes_total` | | wipes of a managed client |
pub(super) struct RemoteMetrics {
    done: Done,
    wipes: Counter,
    health: Gauge,
    questions: Gauge,
    head: Mutex<EngineHead>,
}

impl RemoteMetrics {
    pub(super) fn new() -> Self {
        Self {
            done: Done::default(),
            wipes: counter!("alys_engine_client_wipes_total"),
            health: gauge!("alys_engine_client_health"),
            questions: gauge!("alys_engine_client_questions"),
            head: Mutex::default(),
        }
    }

    pub(super) fn validated(&self, took: Duration, verdict: &PayloadVerdict) {
        self.done.validated(took, verdict);
    }

    pub(super) fn built(&self, transactions: usize) {
        self.done.built(transactions);
    }

    pub(super) fn submitted(&self, refusal: Option<&TransactionRefusal>) {
        self.done.submitted(refusal);
    }

    pub(super) fn wiped(&self) {
        self.wipes.increment(1);
    }

    pub(super) fn stands(&self, head: EngineHead) {
        *self.head.lock() = head;
    }

    pub(super) fn health(&self, health: Health) {
        self.health.set(match health {
            Health::Synced => 0.0,
            Health::Syncing => 1.0,
            Health::Offline => 2.0,
            Health::AuthFailed => 3.0,
        });
    }

    pub(super) fn questions(&self, passed_on: bool) {
        self.questions.set(f64::from(u8::from(passed_on)));
    }

    pub(super) fn failed(&self, error: &ApiError) {
        let kind = match error {
            ApiError::Timeout { .. } => "timeout",
            ApiError::Refused { .. } => "refused",
            ApiError::Broken { .. } => "broken",
            ApiError::Auth { .. } => "auth",
            ApiError::Http { .. } => "http",
            _ => "answer",
        };
        // A few fixed labels; the recorder keeps the handles.
        counter!("alys_engine_client_failures_total", "kind" => kind).increment(1);
    }

    /// Publishes what is not counted as it happens.
    pub(super) fn publish(&self, breaker: BreakerState) {
        gauge!("alys_engine_head").set(self.head.lock().number as f64);
        gauge!("alys_engine_client_breaker").set(match breaker {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        });
        self.done.publish();
    }
}
