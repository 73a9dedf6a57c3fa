//! Who answers, on which chain: `web3_*`, `net_*`, `eth_chainId`, `eth_accounts`.

use alloy_primitives::{Address, B256, Bytes, U64, keccak256};
use jsonrpsee::core::RegisterMethodError;

use crate::{
    api::{Call, Register},
    call_error::CallError,
};

pub(super) fn register(methods: &mut Register) -> Result<(), RegisterMethodError> {
    methods.add("web3_clientVersion", client_version)?;
    methods.add("web3_sha3", sha3)?;
    methods.add("net_version", net_version)?;
    methods.add("net_listening", listening)?;
    methods.add("net_peerCount", peer_count)?;
    methods.add("eth_chainId", chain_id)?;
    methods.add("eth_accounts", accounts)
}

async fn client_version(call: Call) -> Result<String, CallError> {
    call.params.finish()?;
    Ok(call.api.client_version.clone())
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
