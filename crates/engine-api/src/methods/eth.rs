//! `eth_*` that consensus needs. Wallets' questions go through [`EngineApi::eth`] and [`EngineApi::call`].

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use super::types::{HeadBlock, Identity, Syncing};
use super::{EngineApi, NONE};
use crate::error::{ApiError, RpcError};
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

    /// Which chain the client belongs to. Asked of each port that is used: they may be of two clients.
    ///
    /// # Errors
    /// [`ApiError`]; [`BadResult`](ApiError::BadResult) where the ports are of two chains, or block 0 is
    /// missing.
    pub async fn identity(&self) -> Result<Identity, ApiError> {
        let identity = self.identity_of(self.engine_port()).await?;
        if let Some(public) = &self.inner.public {
            let other = self.identity_of(public).await?;
            if other != identity {
                let reason =
                    format!("{} is of {identity:?}, {} of {other:?}", self.engine_port().url(), public.url());
                return Err(ApiError::BadResult { method: "eth_chainId".into(), reason });
            }
        }
        Ok(identity)
    }

    async fn identity_of(&self, port: &Transport) -> Result<Identity, ApiError> {
        let calls = [
            Call::new("eth_chainId", json!([])),
            Call::new("eth_getBlockByNumber", json!([BlockNumberOrTag::Number(0), false])),
        ];
        let mut answers = port.batch(&calls, self.inner.timeouts.of("eth_chainId")).await?.into_iter();
        let chain_id: U64 = one("eth_chainId", answers.next())?;
        let genesis: Option<HeadBlock> = one("eth_getBlockByNumber", answers.next())?;
        let Some(genesis) = genesis else {
            return Err(ApiError::BadResult {
                method: "eth_getBlockByNumber".into(),
                reason: "no block 0".into(),
            });
        };
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

    /// All logs of each block, in one batch, named by their hashes.
    ///
    /// # Errors
    /// [`ApiError`]; also where one of the blocks is refused.
    pub async fn logs_of(&self, blocks: &[B256]) -> Result<Vec<Vec<alloy_rpc_types_eth::Log>>, ApiError> {
        let calls: Vec<_> =
            blocks.iter().map(|hash| Call::new("eth_getLogs", json!([{ "blockHash": hash }]))).collect();
        let answers =
            self.engine_port().batch(&calls, self.inner.timeouts.of("eth_getBlockReceipts")).await?;
        answers.into_iter().map(|answer| one("eth_getLogs", Some(answer))).collect()
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
