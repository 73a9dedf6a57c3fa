//! Answers to wallets: blocks, transactions, receipts, logs, fees, accounts, calls.
//!
//! Everything here reads one published [`World`](crate::chain::World) per question, so an answer never
//! mixes two heads, and runs on a reading thread. Shapes are alloy's, which serialize as Ethereum's
//! JSON-RPC says.
//!
//! The tag `pending` means the block that this node would build next. State is read at the head, nonces
//! count the pool's, and the pending block shows the ready transactions, not executed: nobody can know
//! more before a proposer has built it.

mod accounts;
mod at;
mod blocks;
mod calls;
mod errors;
mod fees;
mod logs;
mod transactions;

use alloy_rpc_types_eth::state::EvmOverrides;
use alys_bus::{Context, Reply, unsupported};

use crate::embedded::Opened;
use crate::messages::{EngineMessage, QueryError};

/// How long a question may keep its thread; those of one kind wait for each other alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// A few reads: microseconds.
    Lookup,
    /// Many blocks, or many nodes of the trie.
    Search,
    /// The EVM runs: as long as its asker is allowed.
    Execution,
}

/// What answering `message` takes.
pub(crate) fn effort(message: &EngineMessage) -> Effort {
    match message {
        EngineMessage::Call { .. }
        | EngineMessage::EstimateGas { .. }
        | EngineMessage::CallOverridden { .. }
        | EngineMessage::EstimateOverridden { .. }
        | EngineMessage::AccessList { .. } => Effort::Execution,
        EngineMessage::Proof { .. } | EngineMessage::Logs { .. } => Effort::Search,
        EngineMessage::FeeHistory { count, .. } if *count > fees::SHORT_HISTORY => Effort::Search,
        _ => Effort::Lookup,
    }
}

/// Answers one question.
pub(crate) fn answer(opened: &Opened, ctx: Context, message: EngineMessage) {
    match message {
        EngineMessage::SubmitTransaction { raw, reply } => {
            // Also where the asker has gone: it was sent to be mined.
            reply.send(opened.submit(&raw));
        }
        EngineMessage::Account { address, at, reply } => {
            respond(reply, || accounts::account(opened, address, at));
        }
        EngineMessage::Code { address, at, reply } => {
            respond(reply, || accounts::code(opened, address, at));
        }
        EngineMessage::Storage { address, slot, at, reply } => {
            respond(reply, || accounts::storage(opened, address, slot, at));
        }
        EngineMessage::Call { request, at, reply } => {
            calls::execute(opened, ctx, reply, |until| {
                calls::call(opened, until, &request, at, EvmOverrides::default())
            });
        }
        EngineMessage::EstimateGas { request, at, reply } => {
            calls::execute(opened, ctx, reply, |until| {
                calls::estimate_gas(opened, until, &request, at, EvmOverrides::default())
            });
        }
        EngineMessage::CallOverridden { request, at, overrides, reply } => {
            calls::execute(opened, ctx, reply, |until| calls::call(opened, until, &request, at, *overrides));
        }
        EngineMessage::EstimateOverridden { request, at, overrides, reply } => {
            calls::execute(opened, ctx, reply, |until| {
                calls::estimate_gas(opened, until, &request, at, *overrides)
            });
        }
        EngineMessage::AccessList { request, at, overrides, reply } => {
            calls::execute(opened, ctx, reply, |until| {
                calls::access_list(opened, until, &request, at, *overrides)
            });
        }
        EngineMessage::Proof { address, slots, at, reply } => {
            respond(reply, || accounts::proof(opened, address, &slots, at));
        }
        EngineMessage::BlockBy { at, full, reply } => {
            respond(reply, || blocks::block(opened, at, full));
        }
        EngineMessage::Transaction { hash, reply } => {
            respond(reply, || transactions::transaction(opened, &hash));
        }
        EngineMessage::Receipt { hash, reply } => {
            respond(reply, || transactions::receipt(opened, &hash));
        }
        EngineMessage::BlockReceipts { at, reply } => {
            respond(reply, || transactions::block_receipts(opened, at));
        }
        EngineMessage::Logs { filter, reply } => {
            respond(reply, || logs::logs(opened, ctx, &filter));
        }
        EngineMessage::FeeHistory { count, newest, percentiles, reply } => {
            respond(reply, || fees::fee_history(opened, ctx, count, newest, &percentiles));
        }
        EngineMessage::SuggestedTip { reply } => {
            respond(reply, || fees::suggested_tip(opened));
        }
        EngineMessage::PoolStatus { reply } => {
            respond(reply, || Ok(opened.pool.lock().pool.status()));
        }
        other => unsupported(other),
    }
}

/// Answers, unless nobody waits for it any more.
fn respond<T>(reply: Reply<T, QueryError>, work: impl FnOnce() -> Result<T, QueryError>) {
    if !reply.is_abandoned() {
        reply.send(work());
    }
}

/// Stops a long search whose asker will have given up.
fn check_deadline(ctx: Context) -> Result<(), QueryError> {
    if ctx.is_expired() {
        return Err(QueryError::TimedOut);
    }
    Ok(())
}
