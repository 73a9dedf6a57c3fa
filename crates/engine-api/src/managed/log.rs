//! What Geth prints: JSON lines, told as events of this node, and the last of them kept for errors.

use std::{collections::VecDeque, fmt::Write as _, io};

use serde_json::{Map, Value};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::ChildStderr,
};

/// A longer line is cut: what Geth prints may contain what others sent it.
const MAX_LINE: usize = 4096;
/// How many lines an error quotes.
const QUOTED: usize = 8;
/// How many of Geth's errors a second are told as warnings or errors; more are counted.
const LOUD: u32 = 20;

/// Reads a Geth's lines. Dropping a read loses nothing.
#[derive(Debug)]
pub(super) struct Log {
    reader: BufReader<ChildStderr>,
    line: Vec<u8>,
    last: VecDeque<String>,
    loud: u32,
    ended: bool,
}

impl Log {
    pub(super) fn new(output: ChildStderr) -> Self {
        Self {
            reader: BufReader::new(output),
            line: Vec::new(),
            last: VecDeque::new(),
            loud: 0,
            ended: false,
        }
    }

    /// Tells lines until Geth closes its output. Safe to be dropped at any await.
    pub(super) async fn forward(&mut self) {
        while !self.ended {
            if let Err(error) = self.some().await {
                tracing::warn!(%error, "what Geth prints cannot be read any more");
                self.ended = true;
            }
        }
    }

    /// Whether Geth has closed its output.
    pub(super) fn is_over(&self) -> bool {
        self.ended
    }

    /// Another second has begun.
    pub(super) fn second(&mut self) {
        let unsaid = self.loud.saturating_sub(LOUD);
        if unsaid > 0 {
            tracing::warn!(target: "geth", "{unsaid} more errors, which are told at level debug");
        }
        self.loud = 0;
    }

    /// The last lines.
    pub(super) fn last(&self) -> String {
        last_lines(self.last.iter().cloned())
    }

    async fn some(&mut self) -> io::Result<()> {
        let bytes = self.reader.fill_buf().await?;
        if bytes.is_empty() {
            self.ended = true;
        }
        let (part, whole, used) = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => (&bytes[..end], true, end + 1),
            None => (bytes, self.ended, bytes.len()),
        };
        let room = MAX_LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        self.reader.consume(used);
        if whole && !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.tell(&String::from_utf8_lossy(&line));
        }
        Ok(())
    }

    fn tell(&mut self, line: &str) {
        let Line { level, text } = read(line);
        // A node's operator hears of what the node suffers from the node itself. Geth warns of lacking peers,
        // and informs of each block.
        match level {
            Level::Fatal | Level::Error if self.loud >= LOUD => {
                self.loud = self.loud.saturating_add(1);
                tracing::debug!(target: "geth", "{text}");
            }
            Level::Fatal => {
                self.loud += 1;
                tracing::error!(target: "geth", "{text}");
            }
            Level::Error => {
                self.loud += 1;
                tracing::warn!(target: "geth", "{text}");
            }
            Level::Warning | Level::Information => tracing::debug!(target: "geth", "{text}"),
            Level::Detail => tracing::trace!(target: "geth", "{text}"),
        }
        if self.last.len() == QUOTED {
            self.last.pop_front();
        }
        self.last.push_back(text);
    }
}

/// At most the last eight lines, on one.
pub(super) fn last_lines(lines: impl DoubleEndedIterator<Item = String>) -> String {
    let last: VecDeque<_> = lines.rev().take(QUOTED).collect();
    let last: Vec<_> = last.into_iter().rev().collect();
    if last.is_empty() { "nothing".to_owned() } else { last.join(" | ") }
}

/// A line as a person reads it.
pub(super) fn text_of(line: &str) -> String {
    read(line).text
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Fatal,
    Error,
    Warning,
    Information,
    Detail,
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    level: Level,
    text: String,
}

/// Reads `{"t":…,"lvl":"info","msg":"…",…}`. What is no such line is a fatal error, or a panic with its
/// stacks: Geth prints these as they are.
fn read(line: &str) -> Line {
    let Ok(fields) = serde_json::from_str::<Map<String, Value>>(line) else {
        let fatal = ["Fatal", "panic", "fatal error"].iter().any(|word| line.starts_with(word));
        let level = if fatal { Level::Fatal } else { Level::Error };
        return Line { level, text: line.trim_end().to_owned() };
    };
    let level = match fields.get("lvl").and_then(Value::as_str) {
        Some("crit") => Level::Fatal,
        Some("eror" | "error") => Level::Error,
        Some("warn") => Level::Warning,
        Some("info") => Level::Information,
        _ => Level::Detail,
    };
    let mut text = fields.get("msg").and_then(Value::as_str).unwrap_or_default().to_owned();
    for (name, value) in fields.iter().filter(|(name, _)| !["t", "lvl", "msg"].contains(&name.as_str())) {
        // Writing to a string does not fail.
        let _ = match value.as_str() {
            Some(value) => write!(text, " {name}={value}"),
            None => write!(text, " {name}={value}"),
        };
    }
    Line { level, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_geth_is_read_with_its_level_and_fields() {
        let line = r#"{"t":"2026-11-22T10:00:00Z","lvl":"warn","msg":"Head lags","number":7,"hash":"0x12"}"#;
        let text = "Head lags hash=0x12 number=7".to_owned();
        assert_eq!(read(line), Line { level: Level::Warning, text });
    }

    #[test]
    fn what_is_no_json_is_told_as_it_is() {
        let fatal = read("Fatal: Error starting protocol stack: listen tcp 127.0.0.1:1: bind\n");
        assert_eq!(fatal.level, Level::Fatal);
        assert!(fatal.text.ends_with("bind"));
        assert_eq!(read("goroutine 1 [running]:").level, Level::Error);
    }

    #[test]
    fn an_error_quotes_the_last_lines_in_their_order() {
        let lines = (1..=20).map(|n| n.to_string());
        assert_eq!(last_lines(lines), "13 | 14 | 15 | 16 | 17 | 18 | 19 | 20");
    }
}
