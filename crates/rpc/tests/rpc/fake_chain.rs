//! A chain that a test lengthens and turns, as an engine tells of it.

use std::{collections::BTreeMap, sync::Arc};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, Log as PrimitiveLog};
use alloy_rpc_types_eth as eth;
use alys_bus::protocol::{EngineMessage, engine::EngineHead};
use parking_lot::Mutex;
use serde_json::{Value, json, value::RawValue};

use crate::{actor::Answers, answers};

/// Which contract's logs the chain has.
pub(crate) const EMITTER: Address = Address::repeat_byte(0x77);

#[derive(Clone)]
struct FakeBlock {
    number: u64,
    hash: B256,
    transactions: Vec<B256>,
    logs: u64,
}

#[derive(Default)]
struct Inner {
    chain: Vec<FakeBlock>,
    /// All that there ever were, on the chain or not.
    known: BTreeMap<B256, FakeBlock>,
    pool: Vec<B256>,
}

/// The handle of the test; the engine has another.
#[derive(Clone, Default)]
pub(crate) struct FakeChain(Arc<Mutex<Inner>>);

/// A hash of that block on that branch.
pub(crate) fn hash(branch: u8, number: u64) -> B256 {
    let mut hash = B256::repeat_byte(branch);
    hash[24..].copy_from_slice(&number.to_be_bytes());
    hash
}

impl FakeChain {
    /// With blocks `0..length` of branch 1.
    pub(crate) fn of(length: u64) -> Self {
        let chain = Self::default();
        (0..length).for_each(|_| {
            chain.grow(1, &[], 0);
        });
        chain
    }

    /// One block more; its hash.
    pub(crate) fn grow(&self, branch: u8, transactions: &[B256], logs: u64) -> B256 {
        let mut inner = self.0.lock();
        let number = inner.chain.len() as u64;
        let block =
            FakeBlock { number, hash: hash(branch, number), transactions: transactions.to_vec(), logs };
        inner.known.insert(block.hash, block.clone());
        inner.pool.retain(|waiting| !transactions.contains(waiting));
        let hash = block.hash;
        inner.chain.push(block);
        hash
    }

    /// Leaves the last blocks.
    pub(crate) fn drop_last(&self, count: usize) {
        let mut inner = self.0.lock();
        let left = inner.chain.len() - count;
        inner.chain.truncate(left);
    }

    /// Something waits.
    pub(crate) fn wait(&self, transaction: B256) {
        self.0.lock().pool.push(transaction);
    }

    /// The engine, with typed answers.
    pub(crate) fn engine(&self) -> impl Answers<EngineMessage> {
        let inner = Arc::clone(&self.0);
        move |message| inner.lock().answer(message)
    }

    /// The engine as an external client: all that wallets may ask is its own JSON-RPC. `Head` is consensus' alone.
    pub(crate) fn client(&self) -> impl Answers<EngineMessage> {
        let inner = Arc::clone(&self.0);
        move |message| match message {
            EngineMessage::Forward { method, params, reply } => {
                let answer = inner.lock().forwarded(&method, &params.unwrap());
                reply.send(Ok(RawValue::from_string(answer.to_string()).unwrap()));
            }
            other => alys_bus::unsupported(other),
        }
    }
}

impl Inner {
    fn answer(&self, message: EngineMessage) {
        match message {
            EngineMessage::Head { reply } => {
                let head = self.chain.last().unwrap();
                reply.send(Ok(EngineHead { number: head.number, hash: head.hash, durable: 0 }));
            }
            EngineMessage::BlockBy { at, reply, .. } => {
                reply.send(Ok(self.block(at).map(Box::new)));
            }
            EngineMessage::Logs { filter, reply } => reply.send(Ok(self.logs(&filter))),
            other => alys_bus::unsupported(other),
        }
    }

    fn forwarded(&self, method: &str, params: &RawValue) -> Value {
        let params: Value = serde_json::from_str(params.get()).unwrap();
        match method {
            "eth_getBlockByNumber" if params[0] == "pending" => {
                // As Geth shows it.
                json!({ "number": "0x9", "hash": null, "nonce": null, "transactions": self.pool })
            }
            "eth_getBlockByNumber" => {
                let at: BlockNumberOrTag = serde_json::from_value(params[0].clone()).unwrap();
                serde_json::to_value(self.block(BlockId::Number(at))).unwrap()
            }
            "eth_getLogs" => {
                let filter: eth::Filter = serde_json::from_value(params[0].clone()).unwrap();
                serde_json::to_value(self.logs(&filter)).unwrap()
            }
            other => panic!("nobody should ask {other}"),
        }
    }

    fn block(&self, at: BlockId) -> Option<eth::Block> {
        let mut block = answers::block(false);
        let BlockId::Number(at) = at else { panic!("asked by number: {at:?}") };
        match at {
            BlockNumberOrTag::Pending => {
                block.transactions = eth::BlockTransactions::Hashes(self.pool.clone());
            }
            BlockNumberOrTag::Latest | BlockNumberOrTag::Number(_) => {
                let number = at.as_number().map(|number| usize::try_from(number).unwrap());
                let found = self.chain.get(number.unwrap_or(self.chain.len() - 1))?;
                block.header.hash = found.hash;
                block.header.inner.number = found.number;
                block.transactions = eth::BlockTransactions::Hashes(found.transactions.clone());
            }
            other => panic!("asked by number: {other}"),
        }
        Some(block)
    }

    fn logs(&self, filter: &eth::Filter) -> Vec<eth::Log> {
        let blocks: Vec<&FakeBlock> = match filter.block_option {
            eth::FilterBlockOption::AtBlockHash(hash) => vec![&self.known[&hash]],
            eth::FilterBlockOption::Range { from_block, to_block } => {
                let from = from_block.and_then(|block| block.as_number()).unwrap_or(0);
                let to = to_block.and_then(|block| block.as_number()).unwrap_or(u64::MAX);
                self.chain.iter().filter(|block| (from..=to).contains(&block.number)).collect()
            }
        };
        let logs = blocks.into_iter().flat_map(|block| (0..block.logs).map(move |index| log(block, index)));
        logs.filter(|log| filter.address.matches(&log.inner.address)).collect()
    }
}

fn log(block: &FakeBlock, index: u64) -> eth::Log {
    eth::Log {
        inner: PrimitiveLog::new_unchecked(EMITTER, Vec::new(), Bytes::new()),
        block_hash: Some(block.hash),
        block_number: Some(block.number),
        log_index: Some(index),
        ..answers::log()
    }
}
