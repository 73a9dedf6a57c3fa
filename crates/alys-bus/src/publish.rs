//! The bus' own figures, handed to the `metrics` facade when somebody collects them.
//!
//! The bus counts by itself, because a histogram of the facade costs ten times more per entry and grows
//! without upkeep.

use std::time::Duration;

use metrics::{counter, gauge};

use crate::{HistogramSnapshot, Observer};

/// The quantiles that are published of each histogram. Each is the upper end of a bucket: at most twice
/// the true value.
pub const QUANTILES: [(f64, &str); 3] = [(0.5, "0.5"), (0.99, "0.99"), (1.0, "1")];

impl Observer {
    /// Publishes the actor's present figures to the `metrics` recorder of this process.
    ///
    /// | metric | labels | unit |
    /// |---|---|---|
    /// | `alys_bus_in_flight`, `alys_bus_waiting` | actor, lane | messages |
    /// | `alys_bus_queued` | actor | messages |
    /// | `alys_bus_running_seconds`, `alys_bus_stalled_seconds` | actor | seconds |
    /// | `alys_bus_{refused,expired,late,unanswered,unsupported}_total` | actor | messages |
    /// | `alys_bus_{latency,wait,work}_seconds` | actor, message, quantile | seconds |
    /// | the same with `_count` | actor, message | messages |
    pub fn publish(&self) {
        let stats = self.stats();
        let actor = stats.actor;
        for lane in stats.lanes {
            let label = lane.lane.label();
            gauge!("alys_bus_in_flight", "actor" => actor, "lane" => label).set(lane.in_flight as f64);
            gauge!("alys_bus_waiting", "actor" => actor, "lane" => label).set(lane.waiting as f64);
        }
        gauge!("alys_bus_queued", "actor" => actor).set(stats.queued as f64);
        let running = stats.running.map_or(Duration::ZERO, |running| running.age);
        gauge!("alys_bus_running_seconds", "actor" => actor).set(running.as_secs_f64());
        gauge!("alys_bus_stalled_seconds", "actor" => actor).set(stats.stalled.as_secs_f64());
        counter!("alys_bus_refused_total", "actor" => actor).absolute(stats.refused);
        counter!("alys_bus_expired_total", "actor" => actor).absolute(stats.expired);
        counter!("alys_bus_late_total", "actor" => actor).absolute(stats.late);
        counter!("alys_bus_unanswered_total", "actor" => actor).absolute(stats.unanswered);
        counter!("alys_bus_unsupported_total", "actor" => actor).absolute(stats.unsupported);
        for kind in self.kinds() {
            publish_histogram(
                ["alys_bus_latency_seconds", "alys_bus_latency_seconds_count"],
                actor,
                kind.message,
                &kind.latency,
            );
            publish_histogram(
                ["alys_bus_wait_seconds", "alys_bus_wait_seconds_count"],
                actor,
                kind.message,
                &kind.wait,
            );
            publish_histogram(
                ["alys_bus_work_seconds", "alys_bus_work_seconds_count"],
                actor,
                kind.message,
                &kind.work,
            );
        }
    }
}

/// Kinds never seen are left out: a series without entries says nothing.
fn publish_histogram(
    [name, count]: [&'static str; 2],
    actor: &'static str,
    message: &'static str,
    histogram: &HistogramSnapshot,
) {
    let entries = histogram.count();
    if entries == 0 {
        return;
    }
    counter!(count, "actor" => actor, "message" => message).absolute(entries);
    for (q, label) in QUANTILES {
        let value = histogram.quantile(q).as_secs_f64();
        gauge!(name, "actor" => actor, "message" => message, "quantile" => label).set(value);
    }
}
