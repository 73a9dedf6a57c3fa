//! The embedded engine, twice: one builds and takes what it built, the other judges payloads only.

use std::collections::BTreeMap;

use alloy_consensus::Header;
use alloy_primitives::{Address, B256};
use alys_database::{MemoryDatabase, MemoryDisk};
use alys_engine::execute::RecoveredTransaction;
use alys_engine::{
    BlockId, BuildAttributes, BuiltPayload, EmbeddedEngine, EngineLimits, Forkchoice, GenesisBlock,
    ImportError, LeftOut, StateView, TransactionSource,
};
use eyre::{OptionExt, ensure};

use crate::generate::{Attributes, Planned};
use crate::genesis::{self, GAS_LIMIT};
use crate::sealed::{Sealed, Verdict};

/// How many blocks stay above the base: reorganisations may go back so far.
const WINDOW: u64 = 40;

/// Both engines.
#[derive(Debug)]
pub struct Embedded {
    builder: EmbeddedEngine<MemoryDatabase>,
    judge: EmbeddedEngine<MemoryDatabase>,
}

/// Transactions in their order; what is left out is kept with the reason.
struct Source {
    next: std::vec::IntoIter<RecoveredTransaction>,
    left_out: BTreeMap<B256, LeftOut>,
}

impl TransactionSource for Source {
    fn next(&mut self) -> Option<RecoveredTransaction> {
        Iterator::next(&mut self.next)
    }

    fn left_out(&mut self, transaction: &RecoveredTransaction, why: LeftOut) {
        self.left_out.insert(*transaction.tx_hash(), why);
    }
}

impl Embedded {
    /// Both at genesis, in memory.
    ///
    /// # Errors
    /// None for the genesis of this crate.
    pub fn new(block: &GenesisBlock) -> eyre::Result<Self> {
        let limits = EngineLimits { window: WINDOW, ..EngineLimits::default() };
        let open = || -> eyre::Result<_> {
            Ok(EmbeddedEngine::open(MemoryDisk::new().open()?, block, genesis::rules(), limits.clone())?)
        };
        Ok(Self { builder: open()?, judge: open()? })
    }

    /// The chain's end.
    #[must_use]
    pub fn head(&self) -> B256 {
        self.builder.head().hash
    }

    /// A block's header.
    ///
    /// # Errors
    /// Where the block is not known.
    pub fn header(&self, hash: B256) -> eyre::Result<Header> {
        let block = self.builder.reads().block(BlockId::Hash(hash))?;
        Ok(block.ok_or_eyre("the block is known")?.header.clone())
    }

    /// The block that is so many steps above `hash`, or the lowest that can be built on: not below the
    /// height `lowest`, nor what is in the database for good.
    ///
    /// # Errors
    /// Where the block is not known.
    pub fn ancestor(&self, hash: B256, steps: u64, lowest: u64) -> eyre::Result<B256> {
        let lowest = self.builder.reads().base().number.max(lowest);
        let mut at = hash;
        for _ in 0..steps {
            let header = self.header(at)?;
            if header.number <= lowest {
                break;
            }
            at = header.parent_hash;
        }
        Ok(at)
    }

    /// The state after a block.
    ///
    /// # Errors
    /// Where it is out of reach.
    pub fn state(&self, hash: B256) -> eyre::Result<StateView> {
        Ok(self.builder.reads().state(BlockId::Hash(hash))?)
    }

    /// The nonce of an account after a block.
    ///
    /// # Errors
    /// Where the state is out of reach.
    pub fn nonce(&self, state: &StateView, address: Address) -> eyre::Result<u64> {
        Ok(state.account(address)?.map_or(0, |account| account.nonce))
    }

    /// The base fee of a block on `parent`, in wei.
    ///
    /// # Errors
    /// Where the block is not known.
    pub fn next_base_fee(&self, parent: B256) -> eyre::Result<u64> {
        let header = self.header(parent)?;
        Ok(header.next_block_base_fee(alloy_eips::eip1559::BaseFeeParams::ethereum()).unwrap_or_default())
    }

    /// Builds a block, keeps it in the builder, and has the judge judge its payload.
    ///
    /// # Errors
    /// Where the builder cannot build, or the judge refuses what it built.
    pub fn build(
        &mut self,
        parent: B256,
        attributes: &Attributes,
        planned: &[Planned],
    ) -> eyre::Result<(BuiltPayload, Sealed, BTreeMap<B256, LeftOut>)> {
        let attributes = BuildAttributes {
            parent,
            timestamp: attributes.timestamp,
            prev_randao: attributes.prev_randao,
            fee_recipient: attributes.fee_recipient,
            withdrawals: attributes.withdrawals.clone(),
            parent_beacon_block_root: attributes.parent_beacon_block_root,
            gas_limit: GAS_LIMIT,
            max_bytes: usize::MAX,
            extra_data: attributes.extra_data.clone(),
        };
        let transactions: Vec<_> = planned.iter().map(|planned| planned.transaction.clone()).collect();
        let mut source = Source { next: transactions.into_iter(), left_out: BTreeMap::new() };
        let built = self.builder.reads().build(attributes, &mut source, &mut || false)?;
        let sealed = Sealed::built(&built)?;
        self.builder.adopt(&built)?;
        let verdict = self.judge(&sealed)?;
        ensure!(verdict == Verdict::Valid, "the embedded engine refuses its own payload: {verdict}");
        Ok((built, sealed, source.left_out))
    }

    /// Has the judge judge a payload.
    ///
    /// # Errors
    /// Where the engine fails, which says nothing about the payload.
    pub fn judge(&mut self, block: &Sealed) -> eyre::Result<Verdict> {
        verdict(self.judge.import(&block.payload, block.parent_beacon_block_root, &block.requests))
    }

    /// Takes somebody else's payload into both engines.
    ///
    /// # Errors
    /// Where the engine fails, which says nothing about the payload.
    pub fn import(&mut self, block: &Sealed) -> eyre::Result<Verdict> {
        let judged = self.judge(block)?;
        let taken =
            verdict(self.builder.import(&block.payload, block.parent_beacon_block_root, &block.requests))?;
        ensure!(judged == taken, "two embedded engines say {judged} and {taken}");
        Ok(judged)
    }

    /// Makes `head` the head of both; blocks 40 below it go to the database.
    ///
    /// # Errors
    /// Where the head is not known.
    pub fn set_head(&mut self, head: B256) -> eyre::Result<()> {
        for engine in [&mut self.builder, &mut self.judge] {
            engine.forkchoice(Forkchoice { head, ..Forkchoice::default() })?;
        }
        Ok(())
    }
}

fn verdict(done: Result<alys_engine::Imported, ImportError>) -> eyre::Result<Verdict> {
    match done {
        Ok(_) => Ok(Verdict::Valid),
        Err(ImportError::Invalid(reason)) => Ok(Verdict::Invalid(reason.to_string())),
        Err(ImportError::UnknownParent(_)) => Ok(Verdict::Unknown),
        Err(error) => Err(error.into()),
    }
}
