//! What came of a run: counts, for a table.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::generate::Kind;
use crate::specs::Coverage;

/// How transactions of one kind ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// With success.
    pub succeeded: u64,
    /// Reverted, out of gas, or another error.
    pub failed: u64,
    /// In no block: a nonce had moved, coins were missing.
    pub left_out: u64,
}

impl Outcomes {
    /// How many are in blocks.
    #[must_use]
    pub const fn included(&self) -> u64 {
        self.succeeded + self.failed
    }
}

/// What one referee did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// Blocks of others that it found valid, as they are.
    pub valid: u64,
    /// Wrong blocks that it found invalid.
    pub invalid: u64,
    /// Blocks that it built, which all others found valid.
    pub built: u64,
    /// Transactions in those.
    pub transactions: u64,
    /// How long it took over all of that.
    pub time: Duration,
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Blocks in all.
    pub blocks: u64,
    /// Of them, how many were not built on the head.
    pub side_branches: u64,
    /// Chains, each from genesis.
    pub chains: u64,
    /// Gas used.
    pub gas: u64,
    /// Logs emitted.
    pub logs: u64,
    /// Withdrawals paid.
    pub withdrawals: u64,
    /// The most of them in one block.
    pub most_withdrawals: usize,
    /// Blocks with execution requests.
    pub with_requests: u64,
    /// Transactions of the embedded engine's blocks, by kind.
    pub kinds: BTreeMap<Kind, Outcomes>,
    /// Transactions by type (EIP-2718).
    pub types: BTreeMap<u8, u64>,
    /// Wrong blocks by what was wrong with them.
    pub forgeries: BTreeMap<&'static str, u64>,
    /// By name.
    pub referees: BTreeMap<&'static str, Judged>,
    /// What the specs executed, where they were there.
    pub coverage: Coverage,
}

impl Report {
    /// Adds another run's.
    pub fn add(&mut self, other: Self) {
        self.blocks += other.blocks;
        self.side_branches += other.side_branches;
        self.chains += other.chains;
        self.gas += other.gas;
        self.logs += other.logs;
        self.withdrawals += other.withdrawals;
        self.most_withdrawals = self.most_withdrawals.max(other.most_withdrawals);
        self.with_requests += other.with_requests;
        for (kind, outcomes) in other.kinds {
            let sum = self.kinds.entry(kind).or_default();
            sum.succeeded += outcomes.succeeded;
            sum.failed += outcomes.failed;
            sum.left_out += outcomes.left_out;
        }
        add_counts(&mut self.types, other.types);
        add_counts(&mut self.forgeries, other.forgeries);
        for (name, judged) in other.referees {
            let sum = self.referees.entry(name).or_default();
            sum.valid += judged.valid;
            sum.invalid += judged.invalid;
            sum.built += judged.built;
            sum.transactions += judged.transactions;
            sum.time += judged.time;
        }
        add_counts(&mut self.coverage.opcodes, other.coverage.opcodes);
        add_counts(&mut self.coverage.precompiles, other.coverage.precompiles);
    }

    /// Transactions in the embedded engine's blocks.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.kinds.values().map(Outcomes::included).sum()
    }

    /// How those transactions of a kind ended that are in blocks, or were left out of them.
    #[must_use]
    pub fn outcomes(&self, kind: Kind) -> Outcomes {
        self.kinds.get(&kind).copied().unwrap_or_default()
    }
}

fn add_counts<K: Ord>(sum: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, count) in more {
        *sum.entry(key).or_default() += count;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} blocks in {} chains, {} of them on side branches; {} transactions, {:.1} M gas, {} logs, \
             {} withdrawals (at most {} in a block), {} blocks with requests",
            self.blocks,
            self.chains,
            self.side_branches,
            self.transactions(),
            self.gas as f64 / 1e6,
            self.logs,
            self.withdrawals,
            self.most_withdrawals,
            self.with_requests
        )?;
        writeln!(
            f,
            "\n{:<12} {:>9} {:>9} {:>9} {:>9}",
            "kind", "in blocks", "succeeded", "failed", "left out"
        )?;
        for (kind, outcomes) in &self.kinds {
            let Outcomes { succeeded, failed, left_out } = outcomes;
            let (kind, included) = (kind.to_string(), outcomes.included());
            writeln!(f, "{kind:<12} {included:>9} {succeeded:>9} {failed:>9} {left_out:>9}")?;
        }
        let types: Vec<_> = self.types.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
        writeln!(f, "by type      {}", types.join(", "))?;
        writeln!(
            f,
            "\n{:<12} {:>7} {:>8} {:>7} {:>13} {:>10}",
            "referee", "valid", "invalid", "built", "transactions", "ms a block"
        )?;
        for (name, judged) in &self.referees {
            let each = judged.time.as_secs_f64() * 1000.0 / (judged.valid + judged.invalid).max(1) as f64;
            let Judged { valid, invalid, built, transactions, .. } = judged;
            writeln!(f, "{name:<12} {valid:>7} {invalid:>8} {built:>7} {transactions:>13} {each:>10.1}")?;
        }
        if !self.forgeries.is_empty() {
            let total: u64 = self.forgeries.values().sum();
            writeln!(f, "\n{total} wrong blocks, of {} kinds, invalid to all", self.forgeries.len())?;
        }
        if !self.coverage.opcodes.is_empty() {
            let count = self.coverage.opcodes.values().sum::<u64>();
            writeln!(f, "\n{} opcodes executed, {count} times", self.coverage.opcodes.len())?;
            let calls: Vec<_> = self
                .coverage
                .precompiles
                .iter()
                .map(|(number, count)| format!("{number:#04x}: {count}"))
                .collect();
            writeln!(f, "precompiles  {}", calls.join(", "))?;
        }
        Ok(())
    }
}
