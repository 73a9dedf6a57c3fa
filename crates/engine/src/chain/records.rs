//! What the database says beside the state: its layout, its chain, the base, and the blocks.

use std::ops::Bound;
use std::sync::Arc;

use alloy_primitives::B256;
use alloy_rlp::{RlpDecodable, RlpEncodable};
use alys_database::{Batch, Order, Reader, Snapshots};

use super::block::{self, BlockRef, ExecutedBlock};
use super::summary::BlockSummary;
use super::world::World;
use crate::error::StateError;
use crate::genesis::GenesisBlock;
use crate::state::{Base, Table, key, keyed_by_height, write_genesis};

/// The number of this layout; another number is refused.
const LAYOUT: u64 = 2;

const META_LAYOUT: &[u8] = b"layout";
const META_GENESIS: &[u8] = b"genesis";
const META_TIP: &[u8] = b"tip";

/// Where the database stands. Written in the same batch as the state it speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Tip {
    /// The block whose state is in the flat tables.
    pub(crate) base: BlockRef,
    /// Final by the federation; may lie above the base.
    pub(crate) safe: BlockRef,
    /// Anchored in Bitcoin.
    pub(crate) finalized: BlockRef,
    /// The oldest height whose state can be read.
    pub(crate) oldest: u64,
    /// The oldest height at which there are trie nodes.
    pub(crate) proofs: u64,
}

/// A transaction's place in the canonical chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct StoredTransaction {
    /// The height of its block.
    pub(crate) block: u64,
    /// Its place in the block, from 0.
    pub(crate) index: u64,
}

impl Tip {
    pub(super) fn write(&self, batch: &mut Batch) {
        batch.put(key(Table::Meta, &[META_TIP]), alloy_rlp::encode(self));
    }
}

/// Writes a block and its indexes.
pub(super) fn write_block(batch: &mut Batch, block: &ExecutedBlock) {
    let (body, receipts) = block::encode(block);
    let number = block.header.number;
    batch.put(key(Table::Block, &[block.hash.as_slice()]), body);
    batch.put(key(Table::Receipts, &[block.hash.as_slice()]), receipts);
    batch.put(keyed_by_height(Table::Canonical, number), block.hash.to_vec());
    batch.put(keyed_by_height(Table::Summary, number), alloy_rlp::encode(BlockSummary::of(block)));
    for (tx, index) in block.transactions.iter().zip(0u64..) {
        let place = StoredTransaction { block: number, index };
        batch.put(key(Table::Transaction, &[tx.inner().tx_hash().as_slice()]), alloy_rlp::encode(place));
    }
}

/// Takes a block and its indexes out.
pub(super) fn remove_block(batch: &mut Batch, block: &ExecutedBlock) {
    batch.delete(key(Table::Block, &[block.hash.as_slice()]));
    batch.delete(key(Table::Receipts, &[block.hash.as_slice()]));
    batch.delete(keyed_by_height(Table::Canonical, block.header.number));
    batch.delete(keyed_by_height(Table::Summary, block.header.number));
    for tx in &block.transactions {
        batch.delete(key(Table::Transaction, &[tx.inner().tx_hash().as_slice()]));
    }
}

/// The stored block with this hash.
pub(super) fn read_block(reader: &dyn Reader, hash: &B256) -> Result<Option<ExecutedBlock>, StateError> {
    let Some(body) = reader.get(&key(Table::Block, &[hash.as_slice()]))? else {
        return Ok(None);
    };
    let receipts = reader
        .get(&key(Table::Receipts, &[hash.as_slice()]))?
        .ok_or_else(|| StateError::bad(format!("receipts of block {hash}"), "not there"))?;
    block::decode(*hash, &body, &receipts).map(Some)
}

/// The summaries of stored canonical blocks from `from` to `to`, lowest first, at most `limit` of them.
pub(super) fn read_summaries(
    reader: &dyn Reader,
    from: u64,
    to: u64,
    limit: usize,
) -> Result<Vec<BlockSummary>, StateError> {
    let (low, high) = (keyed_by_height(Table::Summary, from), keyed_by_height(Table::Summary, to));
    let range = (Bound::Included(low.as_slice()), Bound::Included(high.as_slice()));
    let entries = reader.scan(range, Order::Ascending, limit)?;
    let heights = from..=to;
    heights.zip(entries).map(|(height, (_, bytes))| BlockSummary::decode(height, &bytes)).collect()
}

/// The hash of the stored canonical block at `height`.
pub(super) fn read_canonical(reader: &dyn Reader, height: u64) -> Result<Option<B256>, StateError> {
    let Some(bytes) = reader.get(&keyed_by_height(Table::Canonical, height))? else {
        return Ok(None);
    };
    B256::try_from(bytes.as_slice())
        .map(Some)
        .map_err(|_| StateError::bad(format!("canonical hash at {height}"), "not 32 bytes"))
}

/// Where a stored transaction stands.
pub(super) fn read_transaction(
    reader: &dyn Reader,
    hash: &B256,
) -> Result<Option<StoredTransaction>, StateError> {
    let bytes = reader.get(&key(Table::Transaction, &[hash.as_slice()]))?;
    bytes
        .map(|bytes| {
            alloy_rlp::decode_exact(&bytes)
                .map_err(|error| StateError::bad(format!("index of transaction {hash}"), error))
        })
        .transpose()
}

/// Opens the database: makes the genesis where it is empty, else finds the base.
///
/// # Errors
/// [`StateError::OtherLayout`], [`StateError::OtherChain`], or damage.
pub(crate) fn open<D: Snapshots>(database: &D, genesis: &GenesisBlock) -> Result<World, StateError> {
    if read_layout(database)?.is_none() {
        let mut batch = Batch::new();
        batch.put(key(Table::Meta, &[META_LAYOUT]), LAYOUT.to_be_bytes());
        batch.put(key(Table::Meta, &[META_GENESIS]), genesis.block.hash.to_vec());
        let base = genesis.block.reference();
        let oldest = base.number;
        Tip { base, safe: base, finalized: base, oldest, proofs: oldest }.write(&mut batch);
        write_genesis(&mut batch, &genesis.overlay);
        write_block(&mut batch, &genesis.block);
        database.commit(batch)?;
    }
    let found = database.get(&key(Table::Meta, &[META_GENESIS]))?.unwrap_or_default();
    let found =
        B256::try_from(found.as_slice()).map_err(|_| StateError::bad("the genesis hash", "not 32 bytes"))?;
    if found != genesis.block.hash {
        return Err(StateError::OtherChain { found, expected: genesis.block.hash });
    }
    world(database)
}

fn read_layout<D: Snapshots>(database: &D) -> Result<Option<()>, StateError> {
    let Some(bytes) = database.get(&key(Table::Meta, &[META_LAYOUT]))? else {
        return Ok(None);
    };
    let found = <[u8; 8]>::try_from(bytes.as_slice())
        .map(u64::from_be_bytes)
        .map_err(|_| StateError::bad("the layout number", "not 8 bytes"))?;
    if found != LAYOUT {
        return Err(StateError::OtherLayout { found, expected: LAYOUT });
    }
    Ok(Some(()))
}

/// The world as the database alone knows it: the head is the base.
fn world<D: Snapshots>(database: &D) -> Result<World, StateError> {
    let base = Base::new(database.snapshot()?);
    let tip = base
        .reader()
        .get(&key(Table::Meta, &[META_TIP]))?
        .ok_or_else(|| StateError::bad("the tip record", "not there"))?;
    let tip: Tip = alloy_rlp::decode_exact(&tip).map_err(|error| StateError::bad("the tip record", error))?;
    let block = read_block(base.reader(), &tip.base.hash)?
        .ok_or_else(|| StateError::bad(format!("base block {}", tip.base.hash), "not there"))?;
    if block.header.number != tip.base.number {
        return Err(StateError::bad("the tip record", "its height is not its block's"));
    }
    Ok(World::at_base(base, Arc::new(block), tip))
}
