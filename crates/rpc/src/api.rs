//! Whom the methods ask, and what one call is made of.

use std::{sync::Arc, time::Duration};

use alys_bus::{
    Address, Clock, Context, Owner, Reply,
    protocol::{ChainMessage, EngineMessage, SupervisorMessage},
};
use jsonrpsee::{Extensions, PendingSubscriptionSink, RpcModule, core::RegisterMethodError, types::Params};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;

use crate::{
    Execution,
    call_error::{CallError, code},
    filters::Filters,
    params::Positional,
};

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
    /// How the execution client is used.
    pub(crate) execution: Execution,
    /// The EVM's chain id.
    pub(crate) chain_id: u64,
    /// What `web3_clientVersion` says.
    pub(crate) client_version: String,
    /// How long a look of a subscription may take.
    pub(crate) timeout: Duration,
    /// How long a client may keep what it subscribed to waiting.
    pub(crate) patience: Duration,
    pub(crate) clock: Clock,
    /// Whose failure a panic in a subscription is.
    pub(crate) owner: Owner,
    /// What clients have installed.
    pub(crate) filters: Filters,
    /// Places for subscriptions.
    pub(crate) subscriptions: Arc<Semaphore>,
}

/// One call of a method.
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    pub(crate) ctx: Context,
    pub(crate) params: Positional,
}

impl Api {
    /// Asks the engine.
    pub(crate) async fn engine<T, E: Into<CallError>>(
        &self,
        ctx: Context,
        make: impl FnOnce(Reply<T, E>) -> EngineMessage,
    ) -> Result<T, CallError> {
        let answer = self.neighbours.engine.ask(ctx.child(), make).await;
        answer.map_err(CallError::from)
    }

    /// Asks the execution client's own JSON-RPC. `params` is an array or an object, if anything.
    pub(crate) async fn forward(
        &self,
        ctx: Context,
        method: &str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>, CallError> {
        let method = method.to_owned();
        self.engine(ctx, |reply| EngineMessage::Forward { method, params, reply }).await
    }
}

impl Call {
    /// Asks the engine.
    pub(crate) async fn engine<T, E: Into<CallError>>(
        &self,
        make: impl FnOnce(Reply<T, E>) -> EngineMessage,
    ) -> Result<T, CallError> {
        self.api.engine(self.ctx, make).await
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

    /// Serves `name` by the execution client's own JSON-RPC. The parameters go there as they came, and the result
    /// or the refusal comes back as it is; the deadline and the bounds are those of every call.
    pub(crate) fn add_forwarded(&mut self, name: &'static str) -> Result<(), RegisterMethodError> {
        self.module.register_async_method(
            name,
            move |params: Params<'static>, api: Arc<Api>, extensions: Extensions| async move {
                let params = whole(params.as_str())?;
                api.forward(context(&extensions)?, name, params).await
            },
        )?;
        Ok(())
    }

    /// Says of `name` which option opens it.
    pub(crate) fn add_closed(&mut self, name: &'static str) -> Result<(), RegisterMethodError> {
        self.module.register_async_method(name, move |_, _, _| async move {
            Err::<Box<RawValue>, _>(CallError::closed(name))
        })?;
        Ok(())
    }

    /// Serves a subscription: `begin` gets the client that waits for its answer, and must not block.
    pub(crate) fn add_subscription(
        &mut self,
        subscribe: &'static str,
        notification: &'static str,
        unsubscribe: &'static str,
        begin: fn(Arc<Api>, Result<Positional, CallError>, PendingSubscriptionSink),
    ) -> Result<(), RegisterMethodError> {
        self.module.register_subscription_raw(
            subscribe,
            notification,
            unsubscribe,
            move |params: Params<'_>, pending, api, _: &Extensions| {
                begin(api, Positional::parse(params.as_str()), pending);
            },
        )?;
        Ok(())
    }

    pub(crate) fn finish(self) -> RpcModule<Api> {
        self.module
    }
}

/// The parameters of a request that is forwarded, unread.
fn whole(json: Option<&str>) -> Result<Option<Box<RawValue>>, CallError> {
    match json.map_or("", str::trim) {
        "" | "null" => Ok(None),
        json if json.starts_with(['[', '{']) => {
            let unreadable = |_| CallError::new(code::INVALID_PARAMS, "invalid params");
            RawValue::from_string(json.to_owned()).map(Some).map_err(unreadable)
        }
        _ => Err(CallError::new(code::INVALID_PARAMS, "non-array args")),
    }
}

/// The context that the guard put beside the request.
fn context(extensions: &Extensions) -> Result<Context, CallError> {
    extensions.get::<Context>().copied().ok_or_else(|| {
        tracing::error!("a request came past the guard");
        CallError::internal()
    })
}
