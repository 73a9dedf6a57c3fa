//! Storage's metrics. How long messages wait and take is measured by the bus.

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use crate::messages::StorageStatistics;

/// Handles, registered once.
pub(crate) struct StorageMetrics {
    persisted: Counter,
    batches: Counter,
    heads: Counter,
    pruned: Counter,
    promises: Counter,
    damage: Counter,
    head: Gauge,
    finalized: Gauge,
    cache_hits: Counter,
    cache_misses: Counter,
}

impl StorageMetrics {
    pub(crate) fn register() -> Self {
        describe_counter!("alys_storage_blocks_persisted_total", "Blocks made durable.");
        describe_counter!("alys_storage_block_batches_total", "Batches they were made durable in.");
        describe_counter!("alys_storage_heads_applied_total", "Moves of the head or of finality.");
        describe_counter!("alys_storage_blocks_pruned_total", "Old blocks dropped.");
        describe_counter!("alys_storage_promises_total", "Promise records made durable.");
        describe_counter!("alys_storage_damage_total", "Reads refused because of damage.");
        describe_gauge!("alys_storage_head_height", "The height of the head on the disk.");
        describe_gauge!("alys_storage_final_height", "The last final height on the disk.");
        describe_counter!("alys_storage_cache_hits_total", "Blocks served from memory.");
        describe_counter!("alys_storage_cache_misses_total", "Blocks looked for on the disk.");
        Self {
            persisted: counter!("alys_storage_blocks_persisted_total"),
            batches: counter!("alys_storage_block_batches_total"),
            heads: counter!("alys_storage_heads_applied_total"),
            pruned: counter!("alys_storage_blocks_pruned_total"),
            promises: counter!("alys_storage_promises_total"),
            damage: counter!("alys_storage_damage_total"),
            head: gauge!("alys_storage_head_height"),
            finalized: gauge!("alys_storage_final_height"),
            cache_hits: counter!("alys_storage_cache_hits_total"),
            cache_misses: counter!("alys_storage_cache_misses_total"),
        }
    }

    pub(crate) fn persisted(&self, blocks: usize) {
        self.persisted.increment(blocks as u64);
        self.batches.increment(1);
    }

    pub(crate) fn head_applied(&self, head: u64, finalized: u64) {
        self.heads.increment(1);
        self.head.set(head as f64);
        self.finalized.set(finalized as f64);
    }

    pub(crate) fn pruned(&self, blocks: u64) {
        self.pruned.increment(blocks);
    }

    pub(crate) fn promised(&self) {
        self.promises.increment(1);
    }

    pub(crate) fn damage_found(&self) {
        self.damage.increment(1);
    }

    pub(crate) fn cache(&self, statistics: &StorageStatistics) {
        self.cache_hits.absolute(statistics.cache_hits);
        self.cache_misses.absolute(statistics.cache_misses);
    }
}
