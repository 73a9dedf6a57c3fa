//! Log lines: short and readable on a terminal, on standard error, so that output stays output.

use std::{
    fmt,
    io::{ErrorKind, IsTerminal as _, Write as _},
};

use alys_bus::Clock;
use eyre::WrapErr as _;
use tracing_subscriber::{
    EnvFilter,
    fmt::{format::Writer, time::FormatTime},
};

/// Starts logging by `filter`.
pub(crate) fn start(filter: &str) -> eyre::Result<()> {
    let wrong = || format!("`{filter}` is no log filter; write error, warn, info, debug or trace");
    // ractor's own spans say less than the bus' and stand in every line; a filter that names it wins.
    let quiet = if filter.contains("ractor") { filter.to_owned() } else { format!("{filter},ractor=warn") };
    let filter = EnvFilter::try_new(quiet).wrap_err_with(wrong)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .with_timer(TimeOfDay(Clock::system()))
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

/// Prints a line to standard output. Whoever reads only its beginning, such as `head`, ends nothing.
pub(crate) fn print(text: &str) -> eyre::Result<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
