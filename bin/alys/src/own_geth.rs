//! How an operator starts a Geth of its own: shell commands, made of the very flags that a node's Geth has and that all
//! tests are run with ([`GethFlags`]), so that they cannot drift.

use std::{ffi::OsString, path::Path};

use alys_peers::GethFlags;
use alys_primitives::ChainSpec;

/// Where Geth's Engine API is without other wishes: the `url` of a new configuration.
const ENGINE_PORT: u16 = 8551;
/// Where its JSON-RPC is.
const PUBLIC_PORT: u16 = 8545;
/// As a managed Geth has.
const CACHE_MB: u32 = 256;
/// The longest line, in characters.
const WIDTH: usize = 110;

/// Commands that start a Geth which has nothing in it yet, with the genesis of `spec` in the file `genesis`. `DIR` and
/// `JWT` are for the reader to replace.
pub(crate) fn commands(spec: &ChainSpec, genesis: &Path) -> String {
    let flags = GethFlags {
        folder: "DIR".into(),
        network_id: spec.chain_id,
        gas_limit: spec.blocks.gas_limit,
        jwt: "JWT".into(),
        engine_port: ENGINE_PORT,
        public_port: PUBLIC_PORT,
        cache_mb: CACHE_MB,
    };
    let settings = format!("printf {} > {}", quoted(GethFlags::SETTINGS), flags.settings().display());
    let lines = [
        command("mkdir", &["-p".into(), flags.folder.clone().into()]),
        command("geth", &flags.init(genesis)),
        settings.replace('\n', "\\n"),
        command("geth", &flags.run()),
    ];
    lines.map(|line| format!("  {line}\n")).concat()
}

/// A command line that a shell reads as these arguments, broken before flags.
fn command(program: &str, arguments: &[OsString]) -> String {
    let mut text = program.to_owned();
    let mut column = text.len();
    let mut words = arguments.iter().map(|argument| quoted(&argument.to_string_lossy())).peekable();
    while let Some(word) = words.next() {
        let mut piece = word;
        // A flag and its value stay together.
        if piece.starts_with("--")
            && let Some(value) = words.next_if(|next| !next.starts_with("--"))
        {
            piece = format!("{piece} {value}");
        }
        if column + 1 + piece.len() > WIDTH {
            text += " \\\n   ";
            column = 3;
        }
        column += 1 + piece.len();
        text = format!("{text} {piece}");
    }
    text
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;
    use crate::{
        cli::{ChainArgs, FundArgs},
        new_chain,
    };

    #[test]
    fn a_shell_reads_the_commands_as_the_flags_of_a_node_s_own_geth() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let spec = new_chain::make("own", &ChainArgs::default(), &FundArgs::default()).unwrap().spec;
        let genesis = Path::new("a genesis; it's mine.json");
        let text = commands(&spec, genesis);
        // Instead of Geth, something that tells what it is given, a line for each.
        let told = format!("geth() {{ printf '%s\\n' \"$@\"; }}\nset -e\n{text}");
        let ran = Command::new("sh").args(["-c", &told]).current_dir(folder).output().unwrap();
        assert!(ran.status.success(), "{text}\n{}", String::from_utf8_lossy(&ran.stderr));
        let flags = GethFlags {
            folder: "DIR".into(),
            network_id: spec.chain_id,
            gas_limit: spec.blocks.gas_limit,
            jwt: "JWT".into(),
            engine_port: 8551,
            public_port: 8545,
            cache_mb: 256,
        };
        let expected: String = [flags.init(genesis), flags.run()]
            .concat()
            .iter()
            .map(|argument| format!("{}\n", argument.to_str().unwrap()))
            .collect();
        assert_eq!(String::from_utf8(ran.stdout).unwrap(), expected);
        assert_eq!(fs::read_to_string(folder.join(flags.settings())).unwrap(), GethFlags::SETTINGS);
        assert!(text.lines().all(|line| line.len() <= WIDTH + 4), "{text}");
    }
}
