//! Log lines: short and readable on a terminal, on standard error, so that output stays output.

use std::{fmt, io::IsTerminal as _};

use alys_bus::Clock;
use eyre::WrapErr as _;
use tracing_subscriber::{
    EnvFilter,
    fmt::{format::Writer, time::FormatTime},
};

/// Reads a filter, without using it yet.
pub(crate) fn filter(text: &str) -> eyre::Result<EnvFilter> {
    let wrong = || {
        format!("log.filter (or --log): `{text}` is no log filter; write error, warn, info, debug or trace")
    };
    // ractor's own spans say less than the bus' and stand in every line; a filter that names it wins.
    let quiet = if text.contains("ractor") { text.to_owned() } else { format!("{text},ractor=warn") };
    EnvFilter::try_new(quiet).wrap_err_with(wrong)
}

/// Starts logging by `text`, a filter.
pub(crate) fn start(text: &str) -> eyre::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(filter(text)?)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_timer(TimeOfDay(Clock::system()))
        // A line that cannot be written would be reported where it could not be written, and that panics.
        .log_internal_errors(false)
        .compact()
        .try_init()
        .map_err(|error| eyre::eyre!("logging cannot start: {error}"))
}

/// Hours, minutes, seconds and milliseconds, UTC: the day is known to who watches, and journals add it.
struct TimeOfDay(Clock);

impl FormatTime for TimeOfDay {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        let ms = self.0.now_ms() % 86_400_000;
        write!(w, "{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
    }
}
