//! The few questions by which filters and subscriptions look at the chain: typed ones, or those of an external
//! client's own JSON-RPC, read into the same types.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::{Block, BlockTransactions, Filter, Log, Transaction};
use alys_bus::{Context, protocol::EngineMessage};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::to_raw_value;

use crate::{api::Api, call_error::CallError};

/// One look, which ends by its deadline.
pub(crate) struct Look<'a> {
    pub(crate) api: &'a Api,
    pub(crate) ctx: Context,
}

/// Where the chain ends: of a whole block no more is read.
#[derive(Deserialize)]
struct End {
    number: U64,
    hash: B256,
}

/// What is of interest in a block under construction: it has no hash, so it is no [`Block`].
#[derive(Deserialize)]
struct Contents {
    transactions: BlockTransactions<Transaction>,
}

impl Look<'_> {
    /// The chain's end, by the client's word. An external client is asked by its own JSON-RPC here too: what
    /// `Head` asks is consensus' own question, and a wallet that gets no answer to that in time would take the
    /// client for away, and this node's votes with it.
    pub(super) async fn head(&self) -> Result<(u64, B256), CallError> {
        if self.api.execution.forward {
            let found: Option<End> =
                self.client("eth_getBlockByNumber", &(BlockNumberOrTag::Latest, false)).await?;
            let end = found.ok_or_else(CallError::unavailable)?;
            return Ok((end.number.to(), end.hash));
        }
        let head = self.api.engine(self.ctx, |reply| EngineMessage::Head { reply }).await?;
        Ok((head.number, head.hash))
    }

    /// The block of that number on the chain; `None` above its end.
    pub(super) async fn block(&self, number: u64, full: bool) -> Result<Option<Box<Block>>, CallError> {
        let at = BlockNumberOrTag::Number(number);
        if self.api.execution.forward {
            return self.client("eth_getBlockByNumber", &(at, full)).await;
        }
        let at = BlockId::Number(at);
        self.api.engine(self.ctx, |reply| EngineMessage::BlockBy { at, full, reply }).await
    }

    /// What the next block would hold, of what waits.
    pub(super) async fn waiting(&self, full: bool) -> Result<BlockTransactions<Transaction>, CallError> {
        let at = BlockNumberOrTag::Pending;
        if self.api.execution.forward {
            let found: Option<Contents> = self.client("eth_getBlockByNumber", &(at, full)).await?;
            return Ok(
                found.map_or_else(|| BlockTransactions::Hashes(Vec::new()), |found| found.transactions)
            );
        }
        let at = BlockId::Number(at);
        let found = self.api.engine(self.ctx, |reply| EngineMessage::BlockBy { at, full, reply }).await?;
        Ok(found.map_or_else(|| BlockTransactions::Hashes(Vec::new()), |block| block.transactions))
    }

    /// The logs that match.
    pub(super) async fn logs(&self, filter: Filter) -> Result<Vec<Log>, CallError> {
        if self.api.execution.forward {
            return self.client("eth_getLogs", &[filter]).await;
        }
        let filter = Box::new(filter);
        self.api.engine(self.ctx, |reply| EngineMessage::Logs { filter, reply }).await
    }

    async fn client<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, CallError> {
        let unreadable = |error: serde_json::Error| {
            tracing::warn!(%error, method, "what the execution client answered cannot be read");
            CallError::unavailable()
        };
        let params = to_raw_value(params).map_err(unreadable)?;
        let answer = self.api.forward(self.ctx, method, Some(params)).await?;
        serde_json::from_str(answer.get()).map_err(unreadable)
    }
}
