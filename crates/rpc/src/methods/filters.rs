//! Filters, which a client installs and asks again and again: `eth_newFilter`, `eth_newBlockFilter`,
//! `eth_newPendingTransactionFilter`, `eth_getFilterChanges`, `eth_getFilterLogs`, `eth_uninstallFilter`.

use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, Log, Transaction};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

use crate::{
    api::{Call, Register},
    call_error::{CallError, code},
    filters::{SharedWatch, WatchId},
    watch::{Change, Kind, Look, Watch},
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("eth_newFilter", new_filter)?;
    methods.add("eth_newBlockFilter", new_block_filter)?;
    methods.add("eth_newPendingTransactionFilter", new_transaction_filter)?;
    methods.add("eth_getFilterChanges", changes)?;
    methods.add("eth_getFilterLogs", logs)?;
    methods.add("eth_uninstallFilter", uninstall)
}

/// Something new, in the form in which filters tell it.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Told {
    Hash(B256),
    Log(Box<Log>),
    Transaction(Box<Transaction>),
}

impl From<Change> for Told {
    fn from(change: Change) -> Self {
        match change {
            Change::Block(block) => Self::Hash(block.header.hash),
            Change::Log(log) => Self::Log(log),
            Change::Transaction(transaction) => Self::Transaction(transaction),
            Change::TransactionHash(hash) => Self::Hash(hash),
        }
    }
}

async fn new_filter(mut call: Call) -> Result<String, CallError> {
    let filter: Filter = call.params.required("filter")?;
    install(call, Kind::Logs(Box::new(filter))).await
}

async fn new_block_filter(call: Call) -> Result<String, CallError> {
    install(call, Kind::Blocks).await
}

async fn new_transaction_filter(mut call: Call) -> Result<String, CallError> {
    let full = call.params.optional("full transactions")?.unwrap_or(false);
    install(call, Kind::Transactions { full }).await
}

async fn install(call: Call, kind: Kind) -> Result<String, CallError> {
    call.params.finish()?;
    let watch = Watch::begin(kind, &Look { api: &call.api, ctx: call.ctx }).await?;
    Ok(call.api.filters.add(call.api.clock.now(), watch)?.to_string())
}

fn find(call: &mut Call) -> Result<SharedWatch, CallError> {
    let id: WatchId = call.params.required("filter id")?;
    call.params.finish()?;
    call.api.filters.get(call.api.clock.now(), id).ok_or_else(not_found)
}

/// In Geth's words; clients install the filter anew.
fn not_found() -> CallError {
    CallError::new(code::REFUSED, "filter not found")
}

/// What is new since the filter was installed, or was asked last.
async fn changes(mut call: Call) -> Result<Vec<Told>, CallError> {
    let watch = find(&mut call)?;
    let until = tokio::time::timeout(call.ctx.remaining(), watch.lock());
    let mut watch = until.await.map_err(|_| CallError::timeout())?;
    let mut next = watch.clone();
    let changes = next.changes(&Look { api: &call.api, ctx: call.ctx }).await?;
    *watch = next;
    Ok(changes.into_iter().map(Told::from).collect())
}

/// All logs that match, new or not.
async fn logs(mut call: Call) -> Result<Vec<Log>, CallError> {
    let watch = find(&mut call)?;
    let until = tokio::time::timeout(call.ctx.remaining(), watch.lock());
    let filter = until.await.map_err(|_| CallError::timeout())?.filter().cloned();
    super::logs::find(&call, filter.ok_or_else(not_found)?).await
}

/// Whether there was one.
async fn uninstall(mut call: Call) -> Result<bool, CallError> {
    let id: WatchId = call.params.required("filter id")?;
    call.params.finish()?;
    Ok(call.api.filters.remove(call.api.clock.now(), id))
}
