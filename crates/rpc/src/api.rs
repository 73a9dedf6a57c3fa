//! Whom the methods ask, and what one call is made of.

use std::sync::Arc;

use alys_bus::{
    Address, Context, Reply,
    protocol::{ChainMessage, EngineMessage, SupervisorMessage},
};
use jsonrpsee::{Extensions, RpcModule, core::RegisterMethodError, types::Params};
use serde::Serialize;

use crate::{call_error::CallError, params::Positional};

/// Whom the server asks.
#[derive(Debug, Clone)]
pub struct Neighbours {
    /// State, blocks, transactions, fees.
    pub engine: Address<EngineMessage>,
    /// Where the chain stands.
    pub chain: Address<ChainMessage>,
    /// How the actors are; without one `alys_health` is not served.
    pub supervisor: Option<Address<SupervisorMessage>>,
}

/// What all methods share.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) neighbours: Neighbours,
    /// The EVM's chain id.
    pub(crate) chain_id: u64,
    /// What `web3_clientVersion` says.
    pub(crate) client_version: String,
    /// How many blocks one fee history may cover.
    pub(crate) max_fee_history: u64,
}

/// One call of a method.
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    pub(crate) ctx: Context,
    pub(crate) params: Positional,
}

impl Call {
    /// Asks the engine.
    pub(crate) async fn engine<T, E: Into<CallError>>(
        &self,
        make: impl FnOnce(Reply<T, E>) -> EngineMessage,
    ) -> Result<T, CallError> {
        let answer = self.api.neighbours.engine.ask(self.ctx.child(), make).await;
        answer.map_err(CallError::from)
    }

    /// Asks the chain.
    pub(crate) async fn chain<T, E: Into<CallError>>(
        &self,
        make: impl FnOnce(Reply<T, E>) -> ChainMessage,
    ) -> Result<T, CallError> {
        let answer = self.api.neighbours.chain.ask(self.ctx.child(), make).await;
        answer.map_err(CallError::from)
    }
}

/// The methods that are served, as they are gathered.
pub(crate) struct Register {
    module: RpcModule<Api>,
}

impl Register {
    pub(crate) fn new(api: Api) -> Self {
        Self { module: RpcModule::new(api) }
    }

    /// Serves `name` by `method`.
    pub(crate) fn add<F, Fut, T>(&mut self, name: &'static str, method: F) -> Result<(), RegisterMethodError>
    where
        F: Fn(Call) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<T, CallError>> + Send,
        T: Serialize + Clone + 'static,
    {
        self.module.register_async_method(
            name,
            move |params: Params<'static>, api: Arc<Api>, extensions: Extensions| async move {
                let call =
                    Call { api, ctx: context(&extensions)?, params: Positional::parse(params.as_str())? };
                method(call).await
            },
        )?;
        Ok(())
    }

    pub(crate) fn finish(self) -> RpcModule<Api> {
        self.module
    }
}

/// The context that the guard put beside the request.
fn context(extensions: &Extensions) -> Result<Context, CallError> {
    extensions.get::<Context>().copied().ok_or_else(|| {
        tracing::error!("a request came past the guard");
        CallError::internal()
    })
}
