//! The engine's own figures.

use std::time::Duration;

use alys_bus::protocol::query::{PoolStatus, TransactionRefusal};
use alys_bus::{Histogram, QUANTILES};
use metrics::{Counter, counter, gauge};

use crate::messages::{EngineHead, PayloadVerdict};
use crate::pool::Dropped;

/// Figures of one engine. Handles are registered once; durations go to fixed-size histograms.
///
/// | metric | labels | unit |
/// |---|---|---|
/// | `alys_engine_head`, `_durable` | | height |
/// | `alys_engine_validated_total` | verdict: valid, invalid, unavailable | payloads |
/// | `alys_engine_built_total`, `_built_transactions_total` | | payloads, transactions |
/// | `alys_engine_validate_seconds`, `_build_seconds` | quantile | seconds |
/// | `alys_engine_pool_pending`, `_pool_queued`, `_pool_bytes` | | transactions, bytes |
/// | `alys_engine_pool_added_total`, `_pool_refused_total` | | transactions |
/// | `alys_engine_pool_dropped_total` | reason | transactions |
#[derive(Default)]
pub(crate) struct EngineMetrics {
    done: Done,
    build: Histogram,
}

impl std::fmt::Debug for EngineMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EngineMetrics")
    }
}

impl EngineMetrics {
    pub(crate) fn validated(&self, took: Duration, verdict: &PayloadVerdict) {
        self.done.validated(took, verdict);
    }

    pub(crate) fn built(&self, took: Duration, transactions: usize) {
        self.build.record(took);
        self.done.built(transactions);
    }

    pub(crate) fn submitted(&self, refusal: Option<&TransactionRefusal>) {
        self.done.submitted(refusal);
    }

    pub(crate) fn dropped(&self, dropped: &[Dropped]) {
        for one in dropped {
            // A few fixed labels; the recorder keeps the handles.
            counter!("alys_engine_pool_dropped_total", "reason" => one.reason.label()).increment(1);
        }
    }

    /// Publishes what is not counted as it happens.
    pub(crate) fn publish(&self, head: EngineHead, pool: PoolStatus, pool_bytes: usize) {
        gauge!("alys_engine_head").set(head.number as f64);
        gauge!("alys_engine_durable").set(head.durable as f64);
        gauge!("alys_engine_pool_pending").set(pool.pending as f64);
        gauge!("alys_engine_pool_queued").set(pool.queued as f64);
        gauge!("alys_engine_pool_bytes").set(pool_bytes as f64);
        self.done.publish();
        quantiles("alys_engine_build_seconds", &self.build);
    }
}

/// What every engine counts, wherever its client runs.
pub(crate) struct Done {
    valid: Counter,
    invalid: Counter,
    unavailable: Counter,
    built: Counter,
    built_transactions: Counter,
    added: Counter,
    refused: Counter,
    validate: Histogram,
}

impl Default for Done {
    fn default() -> Self {
        Self {
            valid: counter!("alys_engine_validated_total", "verdict" => "valid"),
            invalid: counter!("alys_engine_validated_total", "verdict" => "invalid"),
            unavailable: counter!("alys_engine_validated_total", "verdict" => "unavailable"),
            built: counter!("alys_engine_built_total"),
            built_transactions: counter!("alys_engine_built_transactions_total"),
            added: counter!("alys_engine_pool_added_total"),
            refused: counter!("alys_engine_pool_refused_total"),
            validate: Histogram::default(),
        }
    }
}

impl Done {
    pub(crate) fn validated(&self, took: Duration, verdict: &PayloadVerdict) {
        self.validate.record(took);
        match verdict {
            PayloadVerdict::Valid(_) => self.valid.increment(1),
            PayloadVerdict::Invalid { .. } => self.invalid.increment(1),
            PayloadVerdict::Unavailable { .. } => self.unavailable.increment(1),
        }
    }

    pub(crate) fn built(&self, transactions: usize) {
        self.built.increment(1);
        self.built_transactions.increment(u64::try_from(transactions).unwrap_or(u64::MAX));
    }

    pub(crate) fn submitted(&self, refusal: Option<&TransactionRefusal>) {
        match refusal {
            None => self.added.increment(1),
            Some(_) => self.refused.increment(1),
        }
    }

    /// Publishes what is not counted as it happens.
    pub(crate) fn publish(&self) {
        quantiles("alys_engine_validate_seconds", &self.validate);
    }
}

fn quantiles(name: &'static str, histogram: &Histogram) {
    let snapshot = histogram.snapshot();
    if snapshot.count() == 0 {
        return;
    }
    for (quantile, label) in QUANTILES {
        gauge!(name, "quantile" => label).set(snapshot.quantile(quantile).as_secs_f64());
    }
}
