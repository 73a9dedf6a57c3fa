//! Who answers, on which chain: `web3_*`, `net_*`, `eth_chainId`, `eth_accounts`.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U64, keccak256};
use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::{Call, Register},
    call_error::CallError,
};

/// How long the execution client may take to say its name.
const CLIENT_SAYS_WITHIN: Duration = Duration::from_secs(2);

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("web3_clientVersion", client_version)?;
    methods.add("web3_sha3", sha3)?;
    methods.add("net_version", net_version)?;
    methods.add("net_listening", listening)?;
    methods.add("net_peerCount", peer_count)?;
    methods.add("eth_chainId", chain_id)?;
    methods.add("eth_accounts", accounts)
}

/// The node's name and version; where the execution client is another program, then its own as well, so that whoever
/// works around a client's peculiarities finds its name. A client that does not say in time is left out.
async fn client_version(call: Call) -> Result<String, CallError> {
    call.params.finish()?;
    let node = &call.api.client_version;
    if !call.api.execution.forward {
        return Ok(node.clone());
    }
    let asked = call.api.forward(call.ctx.within(CLIENT_SAYS_WITHIN), "web3_clientVersion", None).await;
    let client = asked.ok().and_then(|json| serde_json::from_str::<String>(json.get()).ok());
    Ok(client.map_or_else(|| node.clone(), |client| format!("{node} {client}")))
}

/// Keccak-256, whatever its name says.
async fn sha3(mut call: Call) -> Result<B256, CallError> {
    let data: Bytes = call.params.required("data")?;
    call.params.finish()?;
    Ok(keccak256(data))
}

/// The chain id in decimal.
async fn net_version(call: Call) -> Result<String, CallError> {
    call.params.finish()?;
    Ok(call.api.chain_id.to_string())
}

/// Clients ask this to learn whether they are connected at all; so the answer is yes, as Geth's.
async fn listening(call: Call) -> Result<bool, CallError> {
    call.params.finish()?;
    Ok(true)
}

/// None, until there is a network actor to ask.
async fn peer_count(call: Call) -> Result<U64, CallError> {
    call.params.finish()?;
    Ok(U64::ZERO)
}

async fn chain_id(call: Call) -> Result<U64, CallError> {
    call.params.finish()?;
    Ok(U64::from(call.api.chain_id))
}

/// The node holds no keys of users.
async fn accounts(call: Call) -> Result<Vec<Address>, CallError> {
    call.params.finish()?;
    Ok(Vec::new())
}
