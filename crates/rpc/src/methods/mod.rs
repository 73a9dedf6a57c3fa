//! The methods, one function each, by what they are about.

mod alys;
mod blocks;
mod execution;
mod fees;
mod filters;
mod forwarded;
mod logs;
mod network;
mod raw;
mod state;
mod subscribe;
mod syncing;
mod transactions;

pub(crate) use subscribe::MOST as MOST_SUBSCRIPTIONS;

use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::api::{Api, Register};

/// Everything that is served: what the node knows itself, and about the execution either typed answers or the
/// client's own; `debug` opens what is costly there.
pub(crate) fn all(api: Api, debug: bool) -> Result<RpcModule<Api>, RegisterMethodError> {
    let forward = api.execution.forward;
    let mut methods = Register::new(api);
    network::register(&mut methods)?;
    syncing::register(&mut methods)?;
    alys::register(&mut methods)?;
    subscribe::register(&mut methods)?;
    if forward {
        forwarded::register(&mut methods, debug)?;
    } else {
        typed(&mut methods)?;
    }
    Ok(methods.finish())
}

/// What is answered by typed messages.
fn typed(methods: &mut Register) -> Result<(), RegisterMethodError> {
    syncing::register_block_number(methods)?;
    blocks::register(methods)?;
    state::register(methods)?;
    execution::register(methods)?;
    transactions::register(methods)?;
    raw::register(methods)?;
    fees::register(methods)?;
    logs::register(methods)?;
    filters::register(methods)
}
