//! Clients' refusals in the words of this node's protocol.
//!
//! Codes say little (-32000 is everything), so texts are read; they are Geth's, which most clients repeat.
//! What depends on the transaction alone is found out here before the client is asked. A text that is not
//! known stays as it came.

use alloy_consensus::{Transaction as _, transaction::SignerRecoverable as _};
use alloy_eips::{BlockId, Decodable2718};
use alloy_primitives::{Bytes, U256};
use alys_engine_api::{RpcError, RpcErrorKind};
use serde_json::value::RawValue;

use crate::execute::Transaction;
use crate::messages::{QueryError, TransactionRefusal};

/// The EIP-2718 type byte of a blob transaction.
const BLOB: u8 = 3;

/// What can be seen from the transaction itself.
///
/// # Errors
/// What every node of this chain would refuse it for.
pub(super) fn examine(raw: &Bytes, chain_id: u64) -> Result<Transaction, TransactionRefusal> {
    if raw.first() == Some(&BLOB) {
        return Err(TransactionRefusal::TypeNotSupported);
    }
    let transaction = Transaction::decode_2718_exact(raw)
        .map_err(|error| TransactionRefusal::Malformed(error.to_string()))?;
    if transaction.chain_id() != Some(chain_id) {
        return Err(TransactionRefusal::WrongChain { have: transaction.chain_id(), want: chain_id });
    }
    if transaction.recover_signer().is_err() {
        return Err(TransactionRefusal::InvalidSender);
    }
    Ok(transaction)
}

/// Whether the first of these parameters is a blob transaction, in hex. Whatever else it is, is the client's to judge.
pub(super) fn is_blob(params: &RawValue) -> bool {
    let Ok(params) = serde_json::from_str::<Vec<&RawValue>>(params.get()) else { return false };
    let first = params.first().and_then(|first| serde_json::from_str::<String>(first.get()).ok());
    first.is_some_and(|hex| {
        let digits = hex.strip_prefix("0x").or_else(|| hex.strip_prefix("0X")).unwrap_or(&hex);
        digits.starts_with("03")
    })
}

/// Whether a refusal says that the block asked about is not there.
pub(super) fn is_no_block(error: &RpcError) -> bool {
    let text = error.message.to_ascii_lowercase();
    let absent = ["not found", "unknown block", "could not find", "header for hash"];
    (text.contains("header") || text.contains("block")) && absent.iter().any(|absent| text.contains(absent))
}

/// A block as an error names it.
pub(super) fn name_of(at: BlockId) -> String {
    match at {
        BlockId::Hash(hash) => hash.block_hash.to_string(),
        BlockId::Number(number) => number.as_number().map_or_else(|| number.to_string(), |n| n.to_string()),
    }
}

/// A refusal of a question.
pub(super) fn query(error: RpcError) -> QueryError {
    let reverted = error.kind() == RpcErrorKind::Reverted || error.message.starts_with("execution reverted");
    let output = error.data.as_deref().and_then(|data| serde_json::from_str::<Bytes>(data).ok());
    if reverted && (output.is_some() || error.data.is_none()) {
        let reason = error.message.split_once("execution reverted: ").map(|(_, reason)| reason.to_owned());
        return QueryError::Reverted { output: output.unwrap_or_default(), reason };
    }
    let code = i32::try_from(error.code).unwrap_or(-32000);
    QueryError::Client { code, message: error.message, data: error.data }
}

/// A refusal of a transaction.
pub(super) fn transaction(error: &RpcError, sent: &Transaction) -> TransactionRefusal {
    let text = error.message.as_str();
    let number = |after: &str| number_after(text, after);
    let is = |part: &str| text.contains(part);
    let small = |value: Option<U256>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or_default();
    let price = |value: Option<U256>| value.and_then(|value| u128::try_from(value).ok()).unwrap_or_default();
    if is("already known") || is("already imported") || is("already in the TxPool") {
        TransactionRefusal::AlreadyKnown
    } else if is("replacement transaction underpriced") {
        TransactionRefusal::ReplacementUnderpriced
    } else if is("nonce too low") {
        TransactionRefusal::NonceTooLow { next: small(number("next nonce ")), nonce: sent.nonce() }
    } else if is("insufficient funds") || is("insufficient balance") {
        let cost = U256::from(sent.gas_limit()).saturating_mul(U256::from(sent.max_fee_per_gas()));
        let cost = number("tx cost ").unwrap_or_else(|| cost.saturating_add(sent.value()));
        TransactionRefusal::InsufficientFunds { balance: number("balance ").unwrap_or_default(), cost }
    } else if is("intrinsic gas too low") || is("floor data gas") {
        TransactionRefusal::IntrinsicGas { gas: sent.gas_limit(), needed: small(number("minimum needed ")) }
    } else if is("exceeds block gas limit") {
        TransactionRefusal::ExceedsBlockGasLimit { gas: sent.gas_limit(), limit: small(number("limit ")) }
    } else if is("max priority fee per gas higher than max fee per gas") {
        let tip = sent.max_priority_fee_per_gas().unwrap_or_default();
        TransactionRefusal::TipAboveFeeCap { tip, cap: sent.max_fee_per_gas() }
    } else if is("less than block base fee") {
        TransactionRefusal::FeeCapTooLow { cap: sent.max_fee_per_gas(), base: small(number("baseFee: ")) }
    } else if is("transaction underpriced") {
        let tip = sent.max_priority_fee_per_gas().unwrap_or_else(|| sent.max_fee_per_gas());
        TransactionRefusal::Underpriced { tip, needed: price(number("needed ")) }
    } else if is("max initcode size exceeded") {
        TransactionRefusal::InitCodeTooLarge { size: sent.input().len(), limit: large(number("limit ")) }
    } else if is("txpool is full") {
        TransactionRefusal::PoolFull
    } else if is("oversized data") {
        let size = alloy_eips::Encodable2718::encode_2718_len(sent);
        TransactionRefusal::Oversized { size, limit: large(number("limit ")) }
    } else if is("transaction type not supported") {
        TransactionRefusal::TypeNotSupported
    } else if is("invalid sender") {
        TransactionRefusal::InvalidSender
    } else {
        TransactionRefusal::Invalid(text.to_owned())
    }
}

fn large(value: Option<U256>) -> usize {
    value.and_then(|value| usize::try_from(value).ok()).unwrap_or_default()
}

/// The decimal number that follows `after` in `text`.
fn number_after(text: &str, after: &str) -> Option<U256> {
    let (_, rest) = text.split_once(after)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    U256::from_str_radix(digits, 10).ok().filter(|_| !digits.is_empty())
}

#[cfg(test)]
mod tests;
