//! The chain's metrics. How long messages wait and take is measured by the bus.

use alys_bus::protocol::chain::{ChainEvent, ChainStatus};
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

/// Handles, registered once an incarnation.
pub(crate) struct ChainMetrics {
    slot: Gauge,
    head: Gauge,
    finalized: Gauge,
    stride: Gauge,
    promises: Counter,
    reorgs: Counter,
    missed: Counter,
    blamed: Counter,
    alarms: Counter,
}

impl ChainMetrics {
    pub(crate) fn register() -> Self {
        const HEIGHT: &str = "alys_chain_height";
        describe_gauge!("alys_chain_slot", "The slot now, by this node's clock.");
        describe_gauge!(HEIGHT, "Heights, by what they are of: the notarized head, the last final block.");
        describe_gauge!("alys_chain_stride", "The stride: 1, or more in a slow federation.");
        describe_counter!("alys_chain_promises_total", "Proposals and votes that were made durable.");
        describe_counter!("alys_chain_reorgs_total", "Moves of the head to another branch.");
        describe_counter!("alys_chain_slots_missed_total", "Own slots that passed without a block.");
        describe_counter!(
            "alys_chain_blamed_total",
            "Members that contradicted themselves or sent false shares."
        );
        describe_counter!(
            "alys_chain_alarms_total",
            "What honest members and a sound client cannot have done."
        );
        Self {
            slot: gauge!("alys_chain_slot"),
            head: gauge!(HEIGHT, "of" => "head"),
            finalized: gauge!(HEIGHT, "of" => "finalized"),
            stride: gauge!("alys_chain_stride"),
            promises: counter!("alys_chain_promises_total"),
            reorgs: counter!("alys_chain_reorgs_total"),
            missed: counter!("alys_chain_slots_missed_total"),
            blamed: counter!("alys_chain_blamed_total"),
            alarms: counter!("alys_chain_alarms_total"),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float; heights stay below 2^53")]
    pub(crate) fn status(&self, status: &ChainStatus) {
        self.slot.set(status.slot as f64);
        self.head.set(status.head.height as f64);
        self.finalized.set(status.finalized.height as f64);
        self.stride.set(status.stride as f64);
    }

    pub(crate) fn promised(&self) {
        self.promises.increment(1);
    }

    pub(crate) fn event(&self, event: &ChainEvent) {
        match event {
            ChainEvent::HeadMoved { reorged_from: Some(_), .. } => self.reorgs.increment(1),
            ChainEvent::SlotMissed { .. } => self.missed.increment(1),
            ChainEvent::Blamed { .. } => self.blamed.increment(1),
            ChainEvent::Alarm { .. } => self.alarms.increment(1),
            _ => {}
        }
    }
}
