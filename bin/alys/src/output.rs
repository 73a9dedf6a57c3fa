//! What the program says: answers on standard output, the rest on standard error.
//!
//! Whoever reads only the beginning, such as `head`, ends nothing: a pipe that was closed is no failure, and a node goes
//! on running. The macros of std panic there, so they are denied in this program.

use std::io::{self, ErrorKind, Write};

use eyre::WrapErr as _;

/// Prints a text and a line end to standard output.
///
/// # Errors
/// Where it cannot be written for another reason than that nobody reads any more: the disk behind it is full.
pub(crate) fn print(text: &str) -> eyre::Result<()> {
    line(&mut io::stdout().lock(), text).wrap_err("cannot write to standard output")
}

/// Prints a text and a line end to standard error. There is nobody to tell where that fails.
pub(crate) fn complain(text: &str) {
    let _ = line(&mut io::stderr().lock(), text);
}

fn line(out: &mut impl Write, text: &str) -> io::Result<()> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refuses every byte, in its own way.
    struct Refusing(ErrorKind);

    impl Write for Refusing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
        assert!(line(&mut Refusing(ErrorKind::BrokenPipe), "x").is_ok());
        assert!(line(&mut Refusing(ErrorKind::StorageFull), "x").is_err());
        let mut out = Vec::new();
        line(&mut out, "said").unwrap();
        assert_eq!(out, b"said\n");
    }
}
