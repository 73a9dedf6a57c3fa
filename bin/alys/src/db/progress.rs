//! Saying how far long work is: on standard error, not before it is long, and not too often.

use alys_bus::Clock;

use crate::output::complain;

/// Nothing is said more often than this.
const EVERY_MS: u64 = 2_000;

/// One piece of work.
pub(super) struct Progress {
    what: &'static str,
    clock: Clock,
    begun_ms: u64,
    said_ms: u64,
}

impl Progress {
    /// Work that begins now; `what` says what is being done.
    pub(super) fn new(what: &'static str) -> Self {
        Self::with(what, Clock::system())
    }

    fn with(what: &'static str, clock: Clock) -> Self {
        let now = clock.now_ms();
        Self { what, clock, begun_ms: now, said_ms: now }
    }

    /// To be called between two steps; `how_far` is asked when something is said.
    pub(super) fn tick(&mut self, how_far: impl FnOnce() -> String) {
        if let Some(line) = self.line(self.clock.now_ms(), how_far) {
            complain(&line);
        }
    }

    fn line(&mut self, now_ms: u64, how_far: impl FnOnce() -> String) -> Option<String> {
        if now_ms.saturating_sub(self.said_ms) < EVERY_MS {
            return None;
        }
        self.said_ms = now_ms;
        let how_far = how_far();
        let between = if how_far.is_empty() { "" } else { ": " };
        let seconds = now_ms.saturating_sub(self.begun_ms) / 1000;
        Some(format!("{}{between}{how_far} ({seconds} s)", self.what))
    }
}

/// Bytes as people say them.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    UNITS.iter().find(|(_, shift)| bytes >> shift > 0).map_or_else(
        || format!("{bytes} bytes"),
        |(unit, shift)| {
            let tenths = (bytes >> (shift - 10)) * 10 / 1024;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_with_one_decimal() {
        let said = [0, 1023, 1024, 1536, 5 << 20, (3 << 30) + (512 << 20)].map(size);
        assert_eq!(said, ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.5 GiB"]);
    }

    #[test]
    fn nothing_is_said_of_short_work_and_long_work_speaks_every_two_seconds() {
        let mut progress = Progress::with("checking", Clock::system());
        let begun = progress.begun_ms;
        assert_eq!(progress.line(begun + 1_999, String::new), None);
        assert_eq!(progress.line(begun + 2_000, String::new).as_deref(), Some("checking (2 s)"));
        assert_eq!(progress.line(begun + 3_000, String::new), None);
        let far = progress.line(begun + 4_500, || "half".to_owned());
        assert_eq!(far.as_deref(), Some("checking: half (4 s)"));
    }
}
