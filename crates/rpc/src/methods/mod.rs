//! The methods, one function each, by what they are about.

mod alys;
mod blocks;
mod execution;
mod fees;
mod logs;
mod network;
mod state;
mod syncing;
mod transactions;

use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::api::{Api, Register};

/// Everything that is served.
pub(crate) fn all(api: Api) -> Result<RpcModule<Api>, RegisterMethodError> {
    let mut methods = Register::new(api);
    network::register(&mut methods)?;
    syncing::register(&mut methods)?;
    blocks::register(&mut methods)?;
    state::register(&mut methods)?;
    execution::register(&mut methods)?;
    transactions::register(&mut methods)?;
    fees::register(&mut methods)?;
    logs::register(&mut methods)?;
    alys::register(&mut methods)?;
    Ok(methods.finish())
}
