//! The Ethereum execution specs (`t8n`'s transition function) as a referee.
//!
//! `t8n` as a program takes the whole state in and gives it out again, for seconds a block. Here one
//! Python process serves a whole run: [`referee.py`](./referee.py) imports the function that `t8n` calls, keeps
//! the state of recent blocks, and compares every field of each header with what it computes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use alloy_genesis::Genesis;
use alloy_primitives::{Bytes, hex};
use alys_engine::GenesisBlock;
use eyre::{OptionExt, WrapErr, bail};
use serde::Deserialize;
use serde_json::json;

use crate::sealed::{Sealed, Verdict};

const SCRIPT: &str = include_str!("referee.py");

/// The specs in a Python process, which ends with this.
#[derive(Debug)]
pub struct Specs {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Blocks whose verdicts have not been read yet.
    waiting: usize,
}

#[derive(Debug, Deserialize)]
struct Answer {
    valid: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    unknown_parent: bool,
}

/// What the specs executed: how often, by name.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Coverage {
    /// Opcodes by the specs' names.
    pub opcodes: BTreeMap<String, u64>,
    /// Precompiles by number.
    pub precompiles: BTreeMap<u64, u64>,
}

/// The Python beside an installed `t8n`.
///
/// # Errors
/// Where there is none: `program` is not in an environment of its own.
pub fn python_of(program: &Path) -> eyre::Result<PathBuf> {
    let folder = program.parent().ok_or_eyre("t8n stands in a folder")?;
    let candidates = [folder.join("bin/python"), folder.join("python"), folder.join("python3")];
    let shown = program.display();
    candidates
        .into_iter()
        .find(|python| python.is_file())
        .ok_or_else(|| eyre::eyre!("no Python beside {shown}"))
}

impl Specs {
    /// Starts Python and hands it the genesis.
    ///
    /// # Errors
    /// Where it does not start, or computes another genesis.
    pub fn start(python: &Path, genesis: &Genesis, block: &GenesisBlock) -> eyre::Result<Self> {
        let mut child = Command::new(python)
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .wrap_err_with(|| format!("cannot start {}", python.display()))?;
        let input = child.stdin.take().ok_or_eyre("the input is a pipe")?;
        let output = child.stdout.take().ok_or_eyre("the output is a pipe")?;
        let mut specs = Self { child, input, output: BufReader::new(output), waiting: 0 };
        let header = hex::encode(alloy_rlp::encode(block.header()));
        let alloc = serde_json::to_value(&genesis.alloc)?;
        let message = json!({"chain_id": genesis.config.chain_id, "header": header, "alloc": alloc});
        specs.write(&json!({ "genesis": message }))?;
        specs.read::<Answer>()?;
        Ok(specs)
    }

    /// Hands a block over, without waiting: others may judge it meanwhile.
    ///
    /// # Errors
    /// Where the process has ended.
    pub fn hand(&mut self, block: &Sealed) -> eyre::Result<()> {
        let transactions: Vec<_> =
            block.payload.payload_inner.payload_inner.transactions.iter().map(hex::encode).collect();
        let withdrawals = &block.payload.payload_inner.withdrawals;
        let withdrawals: Vec<_> = withdrawals.iter().map(|one| hex::encode(alloy_rlp::encode(one))).collect();
        let header = hex::encode(alloy_rlp::encode(block.header()?));
        let message = json!({"header": header, "transactions": transactions, "withdrawals": withdrawals});
        self.write(&json!({ "block": message }))?;
        self.waiting += 1;
        Ok(())
    }

    /// The verdict on the oldest block that waits for one.
    ///
    /// # Errors
    /// Where the process ends: it does so when a block takes it minutes.
    pub fn verdict(&mut self) -> eyre::Result<Verdict> {
        if self.waiting == 0 {
            bail!("no block waits for a verdict");
        }
        self.waiting -= 1;
        let answer: Answer = self.read()?;
        Ok(match answer {
            Answer { valid: true, .. } => Verdict::Valid,
            Answer { unknown_parent: true, .. } => Verdict::Unknown,
            Answer { error, .. } => Verdict::Invalid(error),
        })
    }

    /// What has been executed so far.
    ///
    /// # Errors
    /// Where the process has ended.
    pub fn coverage(&mut self) -> eyre::Result<Coverage> {
        self.write(&json!({"coverage": true}))?;
        self.read()
    }

    fn write(&mut self, message: &serde_json::Value) -> eyre::Result<()> {
        let line = serde_json::to_string(message)?;
        writeln!(self.input, "{line}")
            .and_then(|()| self.input.flush())
            .wrap_err("the specs' process has ended")
    }

    fn read<T: for<'a> Deserialize<'a>>(&mut self) -> eyre::Result<T> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the specs' process has ended: {}", self.child.wait()?);
        }
        serde_json::from_str(&line).wrap_err_with(|| format!("the specs answered {line}"))
    }
}

impl Drop for Specs {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bytes of a transaction, for whoever looks at a disagreement.
#[must_use]
pub fn shown(transactions: &[Bytes]) -> Vec<String> {
    transactions.iter().map(hex::encode).collect()
}
