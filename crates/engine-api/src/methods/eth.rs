//! `eth_*` that consensus needs. Wallets' questions go through [`EngineApi::eth`] and [`EngineApi::call`].

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::Log;
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use super::receipts::BATCH;
use super::types::{HeadBlock, Identity, Syncing};
use super::{EngineApi, NONE};
use crate::error::{ApiError, RpcError};
use crate::timeouts::RECEIPTS;
use crate::transport::{Call, Transport, read_result};

impl EngineApi {
    /// The EVM chain id.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn chain_id(&self) -> Result<u64, ApiError> {
        let method = "eth_chainId";
        let id: U64 = self.eth(method, &NONE, self.inner.timeouts.of(method)).await?;
        Ok(id.to())
    }

    /// Which chain the client belongs to, by its engine port. In single calls: a client need not take batches.
    ///
    /// # Errors
    /// [`ApiError`]; [`BadResult`](ApiError::BadResult) where block 0 is missing.
    pub async fn identity(&self) -> Result<Identity, ApiError> {
        self.identity_of(self.engine_port()).await
    }

    /// The same by the public port, which may be another client's; `None` where there is none.
    ///
    /// # Errors
    /// As [`identity`](Self::identity).
    pub async fn public_identity(&self) -> Result<Option<Identity>, ApiError> {
        match self.has_public_port() {
            true => self.identity_of(self.eth_port()).await.map(Some),
            false => Ok(None),
        }
    }

    async fn identity_of(&self, port: &Transport) -> Result<Identity, ApiError> {
        let within = |method| self.inner.timeouts.of(method);
        let method = "eth_chainId";
        let chain_id: U64 = port.call(method, &NONE, within(method)).await?;
        let method = "eth_getBlockByNumber";
        let first = (BlockNumberOrTag::Number(0), false);
        let genesis: Option<HeadBlock> = port.call(method, &first, within(method)).await?;
        let genesis = genesis
            .ok_or_else(|| ApiError::BadResult { method: method.into(), reason: "no block 0".into() })?;
        Ok(Identity { chain_id: chain_id.to(), genesis: genesis.hash })
    }

    /// The client's own latest block: what it really follows, whatever it answered to a forkchoice. Over the
    /// engine port.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn head(&self) -> Result<HeadBlock, ApiError> {
        let method = "eth_getBlockByNumber";
        let block: Option<HeadBlock> = self.engine(method, &(BlockNumberOrTag::Latest, false)).await?;
        block.ok_or_else(|| ApiError::BadResult { method: method.into(), reason: "no latest block".into() })
    }

    /// The header fields of a block, canonical or not where it is named by its hash; `None` where the client
    /// has it not. Over the engine port.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn block(&self, at: BlockId) -> Result<Option<HeadBlock>, ApiError> {
        match at {
            BlockId::Hash(hash) => self.engine("eth_getBlockByHash", &(hash.block_hash, false)).await,
            BlockId::Number(number) => self.engine("eth_getBlockByNumber", &(number, false)).await,
        }
    }

    /// Whether the client syncs, as it sees it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn syncing(&self) -> Result<Syncing, ApiError> {
        let method = "eth_syncing";
        self.eth(method, &NONE, self.inner.timeouts.of(method)).await
    }

    /// All logs of each block, in batches, named by their hashes. Over the engine port.
    ///
    /// # Errors
    /// [`ApiError`]; also where one of the blocks is refused.
    pub async fn logs_of(&self, blocks: &[B256]) -> Result<Vec<Vec<Log>>, ApiError> {
        let mut logs = Vec::with_capacity(blocks.len());
        for some in blocks.chunks(BATCH) {
            let calls: Vec<_> =
                some.iter().map(|hash| Call::new("eth_getLogs", json!([{ "blockHash": hash }]))).collect();
            let within = self.inner.timeouts.scaled(RECEIPTS);
            for answer in self.engine_port().batch(&calls, within).await? {
                logs.push(one("eth_getLogs", Some(answer))?);
            }
        }
        Ok(logs)
    }
}

/// One answer of a batch in its type.
pub(super) fn one<R: DeserializeOwned>(
    method: &str,
    answer: Option<Result<Box<RawValue>, RpcError>>,
) -> Result<R, ApiError> {
    match answer {
        Some(Ok(raw)) => read_result(method, &raw),
        Some(Err(error)) => Err(ApiError::Rpc { method: method.into(), error }),
        None => Err(ApiError::BadResult { method: method.into(), reason: "no answer".into() }),
    }
}
