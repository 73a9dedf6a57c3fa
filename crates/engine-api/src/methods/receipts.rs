//! Receipts by block, in batches.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionReceipt;
use serde_json::json;

use super::EngineApi;
use super::eth::one;
use crate::error::{ApiError, RpcError, RpcErrorKind};
use crate::transport::{Call, Transport};

/// How many calls go into one batch. Geth takes 2,000 on its engine port and 1,000 on its public one.
pub(super) const BATCH: usize = 500;

/// A block whose receipts are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockTransactions {
    /// Its hash.
    pub hash: B256,
    /// Its transactions' hashes, in order: for clients that have receipts by transaction only.
    pub transactions: Vec<B256>,
}

impl EngineApi {
    /// The receipts of each block, in the order of its transactions; `None` where the client has not all of
    /// them, as some have them of canonical blocks only. In batches by `eth_getBlockReceipts`, or, where
    /// the client does not know that, by `eth_getTransactionReceipt`. Over the engine port; over the public
    /// one, where there is one, of a client that has neither method there (EthereumJS): what fails there is a
    /// refusal all the same, because the client itself is well.
    ///
    /// What comes is the client's word: check it against the block's receipts root.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn receipts(
        &self,
        blocks: &[BlockTransactions],
    ) -> Result<Vec<Option<Vec<TransactionReceipt>>>, ApiError> {
        match receipts_over(self, self.engine_port(), blocks).await {
            Err(ApiError::Rpc { method, error }) if error.kind() == RpcErrorKind::MethodNotFound => {
                if !self.has_public_port() {
                    return Err(ApiError::Rpc { method, error });
                }
                receipts_over(self, self.eth_port(), blocks).await.map_err(|other| {
                    let message = format!("{}; and at the public port: {other}", error.message);
                    ApiError::Rpc { method, error: RpcError { message, ..error } }
                })
            }
            other => other,
        }
    }
}

type Found = Result<Vec<Option<Vec<TransactionReceipt>>>, ApiError>;

async fn receipts_over(api: &EngineApi, port: &Transport, blocks: &[BlockTransactions]) -> Found {
    let method = "eth_getBlockReceipts";
    let mut receipts = Vec::with_capacity(blocks.len());
    for some in blocks.chunks(BATCH) {
        let calls: Vec<_> = some.iter().map(|block| Call::new(method, json!([block.hash]))).collect();
        let answers = port.batch(&calls, api.timeouts().of(method)).await?;
        for (answer, block) in answers.into_iter().zip(some) {
            let found: Result<Option<Vec<TransactionReceipt>>, _> = one(method, Some(answer));
            match found {
                Ok(found) => receipts.push(found.filter(|all| all.len() == block.transactions.len())),
                Err(error) if error.is_missing_method() => return by_transaction(api, port, blocks).await,
                // "Unknown block", in several wordings: some clients refuse where others answer null.
                Err(error) if is_absence(&error) => receipts.push(None),
                Err(error) => return Err(error),
            }
        }
    }
    // EthereumJS answers null for blocks whose receipts it has, and tells them by transaction.
    let absent = receipts.iter().zip(blocks).filter(|(found, _)| found.is_none());
    let absent: Vec<_> = absent.map(|(_, block)| block.clone()).collect();
    if !absent.is_empty() {
        match by_transaction(api, port, &absent).await {
            Ok(found) => {
                let places = receipts.iter_mut().filter(|place| place.is_none());
                places.zip(found).for_each(|(place, found)| *place = found);
            }
            // Refused, they stay absent.
            Err(error) if error.rpc().is_some() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(receipts)
}

async fn by_transaction(api: &EngineApi, port: &Transport, blocks: &[BlockTransactions]) -> Found {
    let method = "eth_getTransactionReceipt";
    let wanted: Vec<B256> = blocks.iter().flat_map(|block| block.transactions.iter().copied()).collect();
    let mut found = BTreeMap::new();
    for some in wanted.chunks(BATCH) {
        let calls: Vec<_> = some.iter().map(|hash| Call::new(method, json!([hash]))).collect();
        let answers = port.batch(&calls, api.timeouts().of(method)).await?;
        for (answer, hash) in answers.into_iter().zip(some) {
            let receipt: Option<TransactionReceipt> = match one(method, Some(answer)) {
                Err(error) if is_absence(&error) => None,
                other => other?,
            };
            // A transaction may be in two rival blocks; a client knows the canonical one's receipt.
            if let Some(receipt) = receipt {
                found.insert((receipt.block_hash, *hash), receipt);
            }
        }
    }
    let of_block = |block: &BlockTransactions| -> Option<Vec<_>> {
        block.transactions.iter().map(|hash| found.get(&(Some(block.hash), *hash)).cloned()).collect()
    };
    Ok(blocks.iter().map(of_block).collect())
}

/// Whether a refusal means that the thing is not there.
fn is_absence(error: &ApiError) -> bool {
    let unknown = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.contains("not found") || text.contains("unknown") || text.contains("could not find")
    };
    match error.rpc() {
        Some(refusal) => refusal.kind() != RpcErrorKind::MethodNotFound && unknown(&refusal.message),
        None => false,
    }
}
