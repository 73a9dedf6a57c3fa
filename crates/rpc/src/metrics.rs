//! What the server counts. Labels are fixed: the names of the served methods, and a few outcomes.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use alys_bus::{Histogram, QUANTILES};
use metrics::{counter, gauge};

use crate::call_error::code;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With a result.
    Ok,
    /// The client's mistake.
    Invalid,
    /// The node understood and refused, or the call reverted.
    Refused,
    /// A limit was reached.
    Limited,
    /// The deadline passed, or an actor was not there.
    Unavailable,
    /// A fault of the node.
    Internal,
}

impl Outcome {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Ok, "ok"),
        (Self::Invalid, "invalid"),
        (Self::Refused, "refused"),
        (Self::Limited, "limited"),
        (Self::Unavailable, "unavailable"),
        (Self::Internal, "internal"),
    ];

    /// By the code of the answer, if it is an error.
    pub(crate) fn of(error: Option<i32>) -> Self {
        match error {
            None => Self::Ok,
            Some(code::REVERTED | code::REFUSED) => Self::Refused,
            Some(code::LIMIT) => Self::Limited,
            Some(code::UNAVAILABLE) => Self::Unavailable,
            Some(code::INTERNAL) => Self::Internal,
            Some(_) => Self::Invalid,
        }
    }
}

/// The figures of one method.
#[derive(Debug, Default)]
pub(crate) struct MethodMeter {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    took: Histogram,
}

impl MethodMeter {
    pub(crate) fn record(&self, outcome: Outcome, took: Duration) {
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.fetch_add(1, Relaxed);
        }
        self.took.record(took);
    }
}

/// The figures of the server.
#[derive(Debug)]
pub(crate) struct RpcMetrics {
    methods: BTreeMap<&'static str, MethodMeter>,
    /// Calls of methods that are not served.
    pub(crate) unknown: AtomicU64,
    /// Connections refused because there were too many.
    pub(crate) connections_refused: AtomicU64,
    /// Requests refused for their `Host` or `Origin`.
    pub(crate) strangers_refused: AtomicU64,
    /// Panics in methods.
    pub(crate) panics: AtomicU64,
}

impl RpcMetrics {
    pub(crate) fn new(methods: impl Iterator<Item = &'static str>) -> Self {
        Self {
            methods: methods.map(|name| (name, MethodMeter::default())).collect(),
            unknown: AtomicU64::new(0),
            connections_refused: AtomicU64::new(0),
            strangers_refused: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        }
    }

    /// The served method of that name.
    pub(crate) fn method(&self, name: &str) -> Option<(&'static str, &MethodMeter)> {
        self.methods.get_key_value(name).map(|(name, meter)| (*name, meter))
    }

    /// Hands the figures to the `metrics` recorder of this process.
    ///
    /// | metric | labels | unit |
    /// |---|---|---|
    /// | `alys_rpc_requests_total` | method, outcome | requests |
    /// | `alys_rpc_request_seconds` | method, quantile | seconds |
    /// | `alys_rpc_unknown_methods_total`, `alys_rpc_panics_total` | | requests |
    /// | `alys_rpc_connections_refused_total` | | connections |
    /// | `alys_rpc_strangers_refused_total` | | requests |
    /// | `alys_rpc_connections` | | connections |
    pub(crate) fn publish(&self, connections: usize) {
        for (name, meter) in &self.methods {
            for (outcome, label) in Outcome::ALL {
                let count = meter.outcomes.get(outcome as usize).map_or(0, |counter| counter.load(Relaxed));
                // A method never called has no series.
                if count > 0 {
                    counter!("alys_rpc_requests_total", "method" => *name, "outcome" => label)
                        .absolute(count);
                }
            }
            let took = meter.took.snapshot();
            if took.count() > 0 {
                for (quantile, label) in QUANTILES {
                    gauge!("alys_rpc_request_seconds", "method" => *name, "quantile" => label)
                        .set(took.quantile(quantile).as_secs_f64());
                }
            }
        }
        for (name, count) in [
            ("alys_rpc_unknown_methods_total", &self.unknown),
            ("alys_rpc_panics_total", &self.panics),
            ("alys_rpc_connections_refused_total", &self.connections_refused),
            ("alys_rpc_strangers_refused_total", &self.strangers_refused),
        ] {
            counter!(name).absolute(count.load(Relaxed));
        }
        gauge!("alys_rpc_connections").set(connections as f64);
    }
}
