//! What `alys dev` prints before the first block.

use std::{fmt, path::Path};

use alys_primitives::ChainSpec;

use crate::accounts::{Account, Listing, title};

/// The chain and its accounts.
pub(super) struct Banner<'a> {
    /// The chain.
    pub(super) spec: &'a ChainSpec,
    /// Its accounts whose keys are known.
    pub(super) accounts: &'a [Account],
    /// The words from which they come.
    pub(super) words: &'a str,
    /// Where it is kept, if it is.
    pub(super) kept: Option<&'a Path>,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spec, accounts, words, kept } = *self;
        writeln!(f, "\nAlys {}: a development chain\n", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "{}", Listing { accounts, words })?;
        title(f, "Chain")?;
        writeln!(f, "Chain ID:          {}", spec.chain_id)?;
        writeln!(f, "Slot:              {} s", spec.blocks.slot_ms / 1000)?;
        writeln!(f, "Gas Limit:         {}", spec.blocks.gas_limit)?;
        writeln!(f, "Base Fee:          {} wei", spec.execution_genesis.base_fee)?;
        writeln!(f, "Genesis Timestamp: {}", spec.blocks.genesis_ms / 1000)?;
        writeln!(f, "Genesis:           {}", spec.genesis().block.hash())?;
        match kept {
            Some(folder) => writeln!(f, "Data:              {}", folder.display()),
            None => writeln!(f, "Data:              in memory, gone when this program ends"),
        }
    }
}
