//! Outages of the client, and what came of them.

use std::{collections::BTreeMap, fmt, time::Duration};

/// How a client goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// `kill -9`.
    Killed,
    /// SIGINT, and its own end.
    Stopped,
    /// Killed, and its chain thrown away.
    Wiped,
}

/// One time that a client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outage {
    /// How it goes.
    pub(crate) how: How,
    /// For how long.
    pub(crate) seconds: u64,
}

/// What came of an outage.
pub(crate) struct Row {
    pub(crate) outage: Outage,
    /// From the client's answer to a new final block.
    pub(crate) resumed: Duration,
    /// How many blocks the client had forgotten and was given again, as the node's log says. 0 where it came back
    /// with the head that it had.
    pub(crate) forgotten: u64,
}

/// What came of all.
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    /// Final blocks that were seen, and found again after every outage.
    pub(crate) blocks: usize,
    /// Receipts in them.
    pub(crate) receipts: usize,
}

impl Report {
    /// That of several nodes.
    pub(crate) fn of(reports: Vec<Self>) -> Self {
        let mut all = Self { rows: Vec::new(), blocks: 0, receipts: 0 };
        for report in reports {
            all.rows.extend(report.rows);
            all.blocks += report.blocks;
            all.receipts += report.receipts;
        }
        all
    }

    /// Nodes resumed by themselves within `bound`, and were under load.
    pub(crate) fn check(&self, bound: Duration) {
        assert!(self.slowest() <= bound, "a node did not go on by itself within {bound:?}");
        let count = self.rows.len();
        assert!(self.blocks > 3 * count && self.receipts > 3 * count, "there was no load");
    }

    /// Some clients that went this way came back with an older head, and were given what they had forgotten: without
    /// that, nothing was seen of the replay.
    pub(crate) fn check_replays(&self, how: How) {
        let forgot = self.rows.iter().any(|row| row.outage.how == how && row.forgotten > 0);
        assert!(forgot, "no client that was {how:?} came back with an older head");
    }

    /// The longest that a node took.
    fn slowest(&self) -> Duration {
        self.rows.iter().map(|row| row.resumed).max().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: BTreeMap<Outage, Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            kinds.entry(row.outage).or_default().push(row);
        }
        writeln!(
            f,
            "| Geth was | for | times | a new final block after its return: median | most | came back with an older head \
             | blocks replayed, most |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for (Outage { how, seconds }, rows) in kinds {
            let mut times: Vec<_> = rows.iter().map(|row| row.resumed.as_secs_f64()).collect();
            times.sort_by(f64::total_cmp);
            let older = rows.iter().filter(|row| row.forgotten > 0).count();
            let replayed = rows.iter().map(|row| row.forgotten).max().unwrap_or_default();
            let how = match how {
                How::Killed => "killed (-9)",
                How::Stopped => "stopped (SIGINT)",
                How::Wiped => "killed and wiped",
            };
            let (count, median) = (times.len(), times[times.len() / 2]);
            let most = times.last().copied().unwrap_or_default();
            writeln!(
                f,
                "| {how} | {seconds} s | {count} | {median:.1} s | {most:.1} s | {older} | {replayed} |"
            )?;
        }
        let Self { blocks, receipts, .. } = self;
        let late = self.rows.iter().filter(|row| row.resumed > super::RESUMES).count();
        writeln!(f, "{late} of {} took longer than {} s", self.rows.len(), super::RESUMES.as_secs())?;
        write!(f, "{blocks} final blocks and {receipts} receipts acknowledged, all there after every outage")
    }
}
