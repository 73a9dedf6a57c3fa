//! Wallets' questions, as `eth_*` calls of the client's own JSON-RPC.

use std::time::Duration;

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes, U64, U128, U256, keccak256};
use alloy_rpc_types_eth as eth;
use alys_bus::{Context, Reply, unsupported};
use alys_engine_api::{ApiError, Call, HeadBlock, RpcError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use super::Inner;
use super::link::LinkError;
use super::refusals;
use crate::messages::{AccountInfo, EngineMessage, PoolStatus, QueryError, TransactionRefusal};

/// Methods that command the client rather than ask it: never forwarded, whoever asks.
const COMMANDS: [&str; 4] = ["engine_", "admin_", "miner_", "personal_"];

/// Methods whose first parameter is a signed transaction.
const SENDING: [&str; 2] = ["eth_sendRawTransaction", "eth_sendRawTransactionSync"];

/// Geth's words for: ask me again later.
const INDEXING: &str = "transaction indexing is in progress";
/// How often it is asked again, and after which pause.
const INDEXING_TRIES: u32 = 20;
const INDEXING_PAUSE: Duration = Duration::from_millis(100);

/// Answers one question.
pub(super) async fn answer(inner: &Inner, ctx: Context, message: EngineMessage) {
    match message {
        EngineMessage::SubmitTransaction { raw, reply } => {
            let outcome = submit(inner, ctx, &raw).await;
            inner.link.metrics.submitted(outcome.as_ref().err());
            reply.send(outcome);
        }
        EngineMessage::Account { address, at, reply } => {
            let calls = [
                Call::new("eth_getBalance", json!([address, at])),
                Call::new("eth_getTransactionCount", json!([address, at])),
                Call::new("eth_getCode", json!([address, at])),
            ];
            reply.send(account(inner, ctx, at, &calls).await);
        }
        EngineMessage::Code { address, at, reply } => {
            reply.send(state(inner, ctx, "eth_getCode", &(address, at), at).await);
        }
        EngineMessage::Storage { address, slot, at, reply } => {
            // EthereumJS leaves leading zeros away.
            let value = state::<U256>(inner, ctx, "eth_getStorageAt", &(address, slot, at), at).await;
            reply.send(value.map(B256::from));
        }
        EngineMessage::Call { request, at, reply } => {
            reply.send(state(inner, ctx, "eth_call", &(request, at), at).await);
        }
        EngineMessage::EstimateGas { request, at, reply } => {
            let gas = state::<U64>(inner, ctx, "eth_estimateGas", &(request, at), at).await;
            reply.send(gas.map(|gas| gas.to()));
        }
        EngineMessage::CallOverridden { request, at, overrides, reply } => {
            let params = overridden(&request, at, *overrides);
            reply.send(state(inner, ctx, "eth_call", &params, at).await);
        }
        EngineMessage::EstimateOverridden { request, at, overrides, reply } => {
            let params = overridden(&request, at, *overrides);
            let gas = state::<U64>(inner, ctx, "eth_estimateGas", &params, at).await;
            reply.send(gas.map(|gas| gas.to()));
        }
        EngineMessage::AccessList { request, at, overrides, reply } => {
            let method = "eth_createAccessList";
            // Clients take a changed state here, and no changed block.
            reply.send(match overrides.state {
                None => state(inner, ctx, method, &(request, at), at).await,
                Some(changed) => state(inner, ctx, method, &(request, at, changed), at).await,
            });
        }
        EngineMessage::Proof { address, slots, at, reply } => {
            let slots: Vec<B256> = slots.into_iter().map(B256::from).collect();
            reply.send(state(inner, ctx, "eth_getProof", &(address, slots, at), at).await);
        }
        // Chain's, for which the engine port must do.
        EngineMessage::BlockBy { at, full: false, reply } => respond(reply, block_at_engine(inner, at)).await,
        EngineMessage::BlockBy { at, full: true, reply } => respond(reply, block(inner, ctx, at)).await,
        EngineMessage::Transaction { hash, reply } => {
            respond(reply, by_hash(inner, ctx, "eth_getTransactionByHash", hash)).await;
        }
        EngineMessage::Receipt { hash, reply } => {
            respond(reply, by_hash(inner, ctx, "eth_getTransactionReceipt", hash)).await;
        }
        EngineMessage::BlockReceipts { at, reply } => {
            respond(reply, absent_is_none(ask(inner, ctx, "eth_getBlockReceipts", [at]))).await;
        }
        EngineMessage::Logs { filter, reply } => {
            respond(reply, ask(inner, ctx, "eth_getLogs", [filter])).await
        }
        EngineMessage::FeeHistory { count, newest, percentiles, reply } => {
            respond(reply, fee_history(inner, ctx, count, newest, percentiles)).await;
        }
        EngineMessage::SuggestedTip { reply } => {
            let tip = ask::<U128>(inner, ctx, "eth_maxPriorityFeePerGas", json!([])).await;
            reply.send(tip.map(|tip| tip.to()));
        }
        EngineMessage::PoolStatus { reply } => respond(reply, pool_status(inner, ctx)).await,
        EngineMessage::Forward { method, params, reply } => {
            reply.send(forward(inner, ctx, &method, params.as_deref()).await);
        }
        other => unsupported(other),
    }
}

/// What is changed of the state, and what of the block, are two parameters; the latter is left away where
/// nothing is, for not every client knows it.
fn overridden(
    request: &eth::TransactionRequest,
    at: BlockId,
    overrides: eth::state::EvmOverrides,
) -> Vec<serde_json::Value> {
    let mut params = vec![json!(request), json!(at), json!(overrides.state.unwrap_or_default())];
    params.extend(overrides.block.map(|block| json!(block)));
    params
}

async fn respond<T>(reply: Reply<T, QueryError>, work: impl Future<Output = Result<T, QueryError>>) {
    if !reply.is_abandoned() {
        reply.send(work.await);
    }
}

/// Asks `method`, and reads its answer.
async fn ask<R: DeserializeOwned>(
    inner: &Inner,
    ctx: Context,
    method: &str,
    params: impl Serialize,
) -> Result<R, QueryError> {
    // Boxed: a request is large, and questions nest.
    let request = Box::pin(inner.link.api.eth(method, &params, ctx.remaining()));
    inner.link.question(request).await.map_err(query_error)
}

/// Asks about a transaction. A Geth that has just started does not know yet which ones it has not, and says
/// so: for about a second, in which it is asked again. At genesis it says so for ever, and there is nothing
/// to be found.
async fn by_hash<R: DeserializeOwned>(
    inner: &Inner,
    ctx: Context,
    method: &str,
    hash: B256,
) -> Result<Option<R>, QueryError> {
    for _ in 0..INDEXING_TRIES {
        match ask(inner, ctx, method, [hash]).await {
            Err(QueryError::Client { message, .. }) if message.contains(INDEXING) => {
                let latest = (BlockNumberOrTag::Latest, false);
                let head: Option<HeadBlock> = ask(inner, ctx, "eth_getBlockByNumber", latest).await?;
                if head.is_some_and(|head| head.number == 0) {
                    return Ok(None);
                }
                inner.link.clock.sleep(INDEXING_PAUSE.min(ctx.remaining())).await;
            }
            other => return other,
        }
    }
    Err(QueryError::Unavailable(format!("the execution client says: {INDEXING}")))
}

/// Asks for something of the state after block `at`: where there is no such block, the refusal says so.
async fn state<R: DeserializeOwned>(
    inner: &Inner,
    ctx: Context,
    method: &str,
    params: &impl Serialize,
    at: BlockId,
) -> Result<R, QueryError> {
    let answer = inner.link.question(inner.link.api.eth(method, params, ctx.remaining())).await;
    answer.map_err(|error| at_block(error, at))
}

fn at_block(error: LinkError, at: BlockId) -> QueryError {
    match &error {
        LinkError::Api(ApiError::Rpc { error, .. }) if refusals::is_no_block(error) => {
            QueryError::BlockNotFound(refusals::name_of(at))
        }
        _ => query_error(error),
    }
}

fn query_error(error: LinkError) -> QueryError {
    match error {
        LinkError::Api(ApiError::Rpc { error, .. }) => refusals::query(error),
        LinkError::Api(error @ ApiError::Request { .. }) => QueryError::InvalidQuery(error.to_string()),
        LinkError::Api(ApiError::TooLarge { limit, .. }) => {
            QueryError::LimitExceeded(format!("response too large, at most {limit} bytes; ask for less"))
        }
        other => QueryError::Unavailable(other.to_string()),
    }
}

async fn submit(inner: &Inner, ctx: Context, raw: &Bytes) -> Result<B256, TransactionRefusal> {
    let read = refusals::examine(raw, inner.config.chain_id)?;
    let api = &inner.link.api;
    let sent = inner.link.question(api.eth::<B256>("eth_sendRawTransaction", &[raw], ctx.remaining())).await;
    match sent {
        // The hash is ours to compute; a client that names another has another transaction.
        Ok(hash) if hash == keccak256(raw) => Ok(hash),
        Ok(hash) => Err(TransactionRefusal::Unavailable(format!("the client names another hash: {hash}"))),
        Err(LinkError::Api(ApiError::Rpc { error, .. })) => Err(refusals::transaction(&error, &read)),
        Err(other) => Err(TransactionRefusal::Unavailable(other.to_string())),
    }
}

async fn account(
    inner: &Inner,
    ctx: Context,
    at: BlockId,
    calls: &[Call; 3],
) -> Result<AccountInfo, QueryError> {
    let link = &inner.link;
    let within = ctx.remaining().min(link.api.timeouts().of("eth_getBalance"));
    let mut answers =
        link.question(link.api.eth_port().batch(calls, within)).await.map_err(query_error)?.into_iter();
    let balance: U256 = read(answers.next(), at)?;
    let nonce: U64 = read(answers.next(), at)?;
    let code: Bytes = read(answers.next(), at)?;
    let nonce = nonce.to::<u64>();
    // All zero where there is no such account.
    let code_hash =
        if balance.is_zero() && nonce == 0 && code.is_empty() { B256::ZERO } else { keccak256(&code) };
    Ok(AccountInfo { nonce, balance, code_hash })
}

/// One answer of a batch.
fn read<R: DeserializeOwned>(
    answer: Option<Result<Box<RawValue>, RpcError>>,
    at: BlockId,
) -> Result<R, QueryError> {
    match answer {
        Some(Ok(raw)) => serde_json::from_str(raw.get())
            .map_err(|error| QueryError::Unavailable(format!("the client's answer cannot be read: {error}"))),
        Some(Err(error)) if refusals::is_no_block(&error) => {
            Err(QueryError::BlockNotFound(refusals::name_of(at)))
        }
        Some(Err(error)) => Err(refusals::query(error)),
        None => Err(QueryError::Unavailable("the client's answer is incomplete".into())),
    }
}

/// A block with its transactions.
async fn block(inner: &Inner, ctx: Context, at: BlockId) -> Result<Option<Box<eth::Block>>, QueryError> {
    let (method, params) = block_call(at, true);
    absent_is_none(ask(inner, ctx, method, params)).await
}

/// A block with its transactions' hashes, over the engine port, in the time of a look-up. What cannot be read is
/// no outage: it was an answer.
async fn block_at_engine(inner: &Inner, at: BlockId) -> Result<Option<Box<eth::Block>>, QueryError> {
    let (method, params) = block_call(at, false);
    let api = &inner.link.api;
    let request = Box::pin(api.engine_port().call_raw(method, &params, api.timeouts().of(method)));
    let asked = async { inner.link.ask(request).await.map_err(query_error) };
    let raw = absent_is_none(async { asked.await.map(Some) }).await?;
    raw.map_or(Ok(None), |raw| read(Some(Ok(raw)), at))
}

fn block_call(at: BlockId, full: bool) -> (&'static str, serde_json::Value) {
    match at {
        BlockId::Hash(hash) => ("eth_getBlockByHash", json!([hash.block_hash, full])),
        BlockId::Number(number) => ("eth_getBlockByNumber", json!([number, full])),
    }
}

/// Some clients refuse what they have not, where others answer null.
async fn absent_is_none<T>(
    asked: impl Future<Output = Result<Option<T>, QueryError>>,
) -> Result<Option<T>, QueryError> {
    match asked.await {
        Err(QueryError::Client { code, message, data }) => {
            let error = RpcError { code: code.into(), message, data };
            if refusals::is_no_block(&error) { Ok(None) } else { Err(refusals::query(error)) }
        }
        other => other,
    }
}

async fn fee_history(
    inner: &Inner,
    ctx: Context,
    count: u64,
    newest: BlockNumberOrTag,
    percentiles: Vec<f64>,
) -> Result<Box<eth::FeeHistory>, QueryError> {
    ask(inner, ctx, "eth_feeHistory", (U64::from(count), newest, percentiles)).await
}

async fn pool_status(inner: &Inner, ctx: Context) -> Result<PoolStatus, QueryError> {
    #[derive(serde::Deserialize)]
    struct Counts {
        pending: U64,
        queued: U64,
    }
    let counts: Counts = ask(inner, ctx, "txpool_status", json!([])).await?;
    Ok(PoolStatus { pending: counts.pending.to(), queued: counts.queued.to() })
}

async fn forward(
    inner: &Inner,
    ctx: Context,
    method: &str,
    params: Option<&RawValue>,
) -> Result<Box<RawValue>, QueryError> {
    if COMMANDS.iter().any(|command| method.starts_with(command)) {
        return Err(QueryError::InvalidQuery(format!("the method {method} does not exist/is not available")));
    }
    // Clients keep a pool of them, and no block of this chain may hold one.
    if SENDING.contains(&method) && params.is_some_and(refusals::is_blob) {
        return Err(TransactionRefusal::TypeNotSupported.into());
    }
    inner.link.question(inner.link.api.call(method, params, ctx.remaining())).await.map_err(query_error)
}
