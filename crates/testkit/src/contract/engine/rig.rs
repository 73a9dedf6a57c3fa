//! The part of chain that makes and follows blocks with an engine.

use std::{sync::Arc, time::Duration};

use alloy_eips::{BlockId, eip4895::Withdrawal};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use alys_bus::{
    AskError, Context, Reply,
    protocol::{
        engine::{
            EngineError, EngineHead, EngineMessage, Forkchoice, PayloadId, PayloadVerdict, SealedPayload,
        },
        query::{AccountInfo, PoolStatus, QueryError, TransactionRefusal},
    },
};
use alys_primitives::{
    Block, Body, ChainSpec, ExecutionFacts, Header,
    block::RequestBytes,
    payload::{PayloadRules, block_hash},
};
use tokio::time::sleep;

use super::genesis::spec;
use crate::{
    PATIENCE,
    contract::{Subject, answered, refusal, supported},
    wallet::{Unsigned, payer},
};

pub(super) type Outcome<T, E> = Result<T, AskError<E>>;

/// Between two looks at a pool.
const LOOK: Duration = Duration::from_millis(20);

/// An engine, and where its chain stands.
pub(super) struct Rig<S> {
    pub(super) subject: S,
    spec: ChainSpec,
    /// The payload hash of the head.
    pub(super) head: B256,
    pub(super) height: u64,
    /// Where the rig took over: its first height, and the payer's first nonce. Genesis and 0 for an
    /// engine with nothing in it; a client that goes through one sentence after the other stands higher.
    pub(super) first_height: u64,
    first_nonce: u64,
}

/// A client's own JSON-RPC does not have a method.
const METHOD_NOT_FOUND: i32 = -32601;

/// Blocks that may be needed to empty a pool.
const SETTLING: usize = 16;

impl<S: Subject<EngineMessage>> Rig<S> {
    pub(super) async fn new(subject: S) -> Self {
        let mut rig =
            Self { subject, spec: spec(), head: B256::ZERO, height: 0, first_height: 0, first_nonce: 0 };
        rig.catch_up().await;
        rig.settle().await;
        rig.first_height = rig.height;
        rig.first_nonce = answered(rig.account(payer(), BlockId::latest()).await).nonce;
        rig
    }

    /// Makes blocks until nothing waits in the pool.
    async fn settle(&mut self) {
        for _ in 0..SETTLING {
            match self.pool().await {
                Some(pool) if pool.pending == 0 => return,
                Some(_) => {}
                // Where the client does not say, one block takes what a sentence may have left.
                None if self.height == 0 => return,
                None => {
                    self.next_block().await;
                    return;
                }
            }
            self.next_block().await;
        }
        panic!("the pool is not empty after {SETTLING} blocks");
    }

    /// What waits in the pool; `None` where the client does not say.
    pub(super) async fn pool(&self) -> Option<PoolStatus> {
        match self.ask(|reply| EngineMessage::PoolStatus { reply }).await {
            Err(AskError::Actor(QueryError::Client { code: METHOD_NOT_FOUND, .. })) => None,
            outcome => supported(outcome),
        }
    }

    /// Waits until so many wait in the pool, where the client says how many: a pool may follow the head a moment
    /// later, and till then would take what has an old nonce for a replacement.
    pub(super) async fn pool_holds(&self, pending: u64) {
        let mut looks = PATIENCE.as_millis() / LOOK.as_millis();
        while let Some(pool) = self.pool().await {
            if (pool.pending, pool.queued) == (pending, 0) {
                return;
            }
            assert!(looks > 0, "{pool:?} in the pool, and not {pending} pending");
            looks -= 1;
            sleep(LOOK).await;
        }
    }

    /// The payer's nonce that is `ahead` of its first on this rig.
    pub(super) const fn nonce(&self, ahead: u64) -> u64 {
        self.first_nonce + ahead
    }

    /// A transfer of the payer, with its nonce counted from the rig's start.
    pub(super) fn transfer(&self, ahead: u64, to: Address, wei: u64) -> Unsigned {
        super::genesis::transfer(self.nonce(ahead), to, wei)
    }

    /// Takes over where the engine says it stands.
    pub(super) async fn catch_up(&mut self) -> EngineHead {
        let head = self.engine_head().await;
        (self.head, self.height) = (head.hash, head.number);
        head
    }

    pub(super) async fn ask<T, E>(&self, make: impl FnOnce(Reply<T, E>) -> EngineMessage) -> Outcome<T, E> {
        self.subject.address().ask(Context::root(PATIENCE), make).await
    }

    pub(super) async fn engine_head(&self) -> EngineHead {
        answered(self.ask(|reply| EngineMessage::Head { reply }).await)
    }

    /// What the block at `height` on `parent` must say. Another `variant` is a rival in the same slot.
    pub(super) fn rules(&self, parent: B256, height: u64, variant: u8) -> PayloadRules {
        PayloadRules {
            parent_hash: parent,
            block_number: height,
            timestamp: self.spec.blocks.genesis_ms / 1000 + 2 * height,
            prev_randao: B256::repeat_byte(variant),
            fee_recipient: self.spec.blocks.fee_sink,
            gas_limit: self.spec.blocks.gas_limit,
            parent_beacon_block_root: keccak256(parent),
            withdrawals: Vec::new(),
        }
    }

    pub(super) fn next_rules(&self) -> PayloadRules {
        self.rules(self.head, self.height + 1, 0)
    }

    pub(super) async fn build(&self, rules: &PayloadRules) -> Outcome<PayloadId, EngineError> {
        let rules = Box::new(rules.clone());
        self.ask(|reply| EngineMessage::BuildExecutionPayload { rules, reply }).await
    }

    pub(super) async fn seal(&self, id: PayloadId) -> Outcome<Box<SealedPayload>, EngineError> {
        self.ask(|reply| EngineMessage::SealPayload { id, reply }).await
    }

    /// A block with a payload built here; the engine is not told to follow.
    pub(super) async fn propose(&self, rules: &PayloadRules) -> Block {
        let id = answered(self.build(rules).await);
        block_of(*answered(self.seal(id).await), rules.parent_beacon_block_root)
    }

    pub(super) async fn judge(&self, block: &Block) -> PayloadVerdict {
        let block = Arc::new(block.clone());
        answered(self.ask(|reply| EngineMessage::ValidatePayload { block, reply }).await)
    }

    /// The facts of a block that must be valid.
    pub(super) async fn valid(&self, block: &Block) -> ExecutionFacts {
        match self.judge(block).await {
            PayloadVerdict::Valid(facts) => facts,
            other => panic!("block {} must be valid: {other:?}", block.header.height),
        }
    }

    pub(super) async fn choose(&self, head: B256, safe: B256) -> Outcome<EngineHead, EngineError> {
        let choice = Forkchoice { head, safe, finalized: B256::ZERO };
        self.ask(|reply| EngineMessage::ForkchoiceUpdate { choice, reply }).await
    }

    /// Judges a block and makes it the head.
    pub(super) async fn follow(&mut self, block: &Block) -> ExecutionFacts {
        let facts = self.valid(block).await;
        let head = answered(self.choose(block.header.payload_hash, B256::ZERO).await);
        assert_eq!((head.hash, head.number), (block.header.payload_hash, block.header.height));
        (self.head, self.height) = (head.hash, head.number);
        facts
    }

    /// Makes the next block from the pool, and follows it.
    pub(super) async fn next_block(&mut self) -> (Block, ExecutionFacts) {
        let block = self.propose(&self.next_rules()).await;
        let facts = self.follow(&block).await;
        (block, facts)
    }

    pub(super) async fn submit(&self, raw: Bytes) -> Outcome<B256, TransactionRefusal> {
        self.ask(|reply| EngineMessage::SubmitTransaction { raw, reply }).await
    }

    /// Puts a transaction into the pool; its hash.
    pub(super) async fn send(&self, send: &Unsigned) -> B256 {
        answered(self.submit(send.sign()).await)
    }

    pub(super) async fn refused(&self, raw: Bytes) -> TransactionRefusal {
        refusal(self.submit(raw).await)
    }

    pub(super) async fn account(&self, address: Address, at: BlockId) -> Outcome<AccountInfo, QueryError> {
        self.ask(|reply| EngineMessage::Account { address, at, reply }).await
    }
}

/// A block of this chain around a payload.
pub(super) fn block_of(sealed: SealedPayload, parent: B256) -> Block {
    let payload = sealed.payload;
    let inner = &payload.payload_inner.payload_inner;
    let requests: Vec<RequestBytes> = sealed
        .requests
        .iter()
        .map(|request| request.to_vec().try_into().expect("a request of the client fits into a block"))
        .collect();
    let body = Body::default();
    Block {
        header: Header {
            height: inner.block_number,
            payload_hash: inner.block_hash,
            parent,
            body_root: body.root(),
            ..Header::default()
        },
        body,
        payload,
        execution_requests: requests.try_into().expect("the requests of the client fit into a block"),
    }
}

/// The same block with something else in its payload, named by its true hash again.
pub(super) fn altered(block: &Block, alter: impl FnOnce(&mut Block)) -> Block {
    let mut block = block.clone();
    alter(&mut block);
    let hash = block_hash(&block.payload, block.header.parent, &block.execution_requests);
    let hash = hash.expect("an altered payload is still well formed");
    block.payload.payload_inner.payload_inner.block_hash = hash;
    block.header.payload_hash = hash;
    block
}

pub(super) fn withdrawal(index: u64, gwei: u64) -> Withdrawal {
    Withdrawal { index, validator_index: 0, address: Address::repeat_byte(0xaa), amount: gwei }
}
