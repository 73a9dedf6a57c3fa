//! Metrics: reading what all actors measure, handing it out, and alerts. The actor comes with its own issue.
//!
//! Actors record by themselves, without a message: metrics reads. It asks nobody, and nobody waits for it to
//! go on; what it cannot do costs a figure and never a block.

use serde::{Deserialize, Serialize};

use crate::{Reply, protocol_kinds};

/// What metrics can be told and asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum MetricsMessage {
    /// Read every series of the process now. Sent by rpc for the status page, and by operators' tools.
    ///
    /// Answered at once. Idempotent: reading changes no series.
    CollectMetrics {
        /// Only series whose names begin so; empty for all.
        prefix: String,
        /// The series, ordered by name and labels.
        reply: Reply<Vec<Sample>, MetricsError>,
    },
    /// The same in the words of a monitoring system. Sent by whoever serves scrapes.
    ///
    /// Answered at once. Idempotent. [`MetricsError::TooManySeries`] rather than a part: a scrape that lacks
    /// series looks like a node that lacks actors.
    ExportMetrics {
        /// In which words.
        format: ExportFormat,
        /// The document.
        reply: Reply<String, MetricsError>,
    },
    /// Something that an operator should know. Told by anyone; a refusal drops it: whoever tells it tells
    /// it again while it lasts, so it shows a little later.
    ///
    /// Idempotent by rule and subject: the same again renews it, another state replaces it. One that is
    /// not renewed for as long as its rule says is over.
    Alert {
        /// The alert.
        alert: Box<Alert>,
    },
}

protocol_kinds!(MetricsMessage, "metrics", [CollectMetrics, ExportMetrics, Alert]);

/// One series at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The name, `alys_<actor>_<what>_<unit>`.
    pub name: String,
    /// Labels in the order of their names.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

/// In which words metrics are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ExportFormat {
    /// Prometheus' text format, version 0.0.4.
    Prometheus,
    /// One JSON array of [`Sample`]s.
    Json,
}

/// Something that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Which rule: the name in the rules file, fixed.
    pub rule: String,
    /// What it is about, such as an actor's or a member's name; empty where there is only one.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it holds or is over.
    pub state: AlertState,
    /// What is wrong and what to do, for people.
    pub text: String,
    /// Since when it is in this state, Unix ms.
    pub since_ms: u64,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look by day.
    Warning,
    /// Somebody has to come now.
    Critical,
}

/// Whether an alert holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// It holds.
    Firing,
    /// It is over.
    Cleared,
}

/// Why metrics could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// Nothing records yet: the node is starting, or was built without a recorder.
    #[error("nothing records metrics in this process; install a recorder before the actors start")]
    NoRecorder,
    /// There are more series than an answer may hold.
    #[error("there are {found} series and an answer holds {most}; name a longer prefix")]
    TooManySeries {
        /// How many there are.
        found: usize,
        /// How many an answer holds.
        most: usize,
    },
}
