//! What the execution client's own JSON-RPC answers, where it has one.
//!
//! A list, and no rule about prefixes: a method that a later client brings must not be reachable before somebody has
//! looked at it. Not in it, on purpose:
//! - what uses or lists keys: `eth_accounts` (answered here: none), `eth_sign*`, `eth_sendTransaction`,
//!   `eth_fillTransaction`, `personal_*`;
//! - what administers the client: `admin_*`, `miner_*`, `engine_*`, `les_*`, `clique_*`, `debug_*` that set, write
//!   files or profile;
//! - what the node knows better: `eth_chainId`, `eth_syncing`, `net_*`, `web3_*`;
//! - `debug_traceChain` and `eth_subscribe`, whose answers come by a connection of the client.

use jsonrpsee::core::RegisterMethodError;

use crate::api::Register;

/// Blocks, and what is in them.
const BLOCKS: [&str; 16] = [
    "eth_blockNumber",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getBlockReceipts",
    "eth_getBlockTransactionCountByHash",
    "eth_getBlockTransactionCountByNumber",
    "eth_getHeaderByHash",
    "eth_getHeaderByNumber",
    "eth_getTransactionByBlockHashAndIndex",
    "eth_getTransactionByBlockNumberAndIndex",
    "eth_getRawTransactionByBlockHashAndIndex",
    "eth_getRawTransactionByBlockNumberAndIndex",
    "eth_getUncleByBlockHashAndIndex",
    "eth_getUncleByBlockNumberAndIndex",
    "eth_getUncleCountByBlockHash",
    "eth_getUncleCountByBlockNumber",
];

/// Transactions: sending them signed, and finding them.
const TRANSACTIONS: [&str; 5] = [
    "eth_sendRawTransaction",
    "eth_sendRawTransactionSync",
    "eth_getTransactionByHash",
    "eth_getRawTransactionByHash",
    "eth_getTransactionReceipt",
];

/// State, and execution that leaves no trace.
const STATE: [&str; 9] = [
    "eth_getBalance",
    "eth_getCode",
    "eth_getProof",
    "eth_getStorageAt",
    "eth_getTransactionCount",
    "eth_call",
    "eth_createAccessList",
    "eth_estimateGas",
    "eth_simulateV1",
];

/// Fees, logs, filters.
const FEES_AND_LOGS: [&str; 14] = [
    "eth_baseFee",
    "eth_blobBaseFee",
    "eth_config",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_maxPriorityFeePerGas",
    "eth_getLogs",
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_newBlockFilter",
    "eth_newFilter",
    "eth_newPendingTransactionFilter",
    "eth_protocolVersion",
    "eth_uninstallFilter",
];

/// How many transactions the pool holds.
const POOL: [&str; 1] = ["txpool_status"];

/// Blocks and transactions as they are encoded: no dearer than those in JSON.
const ENCODINGS: [&str; 4] =
    ["debug_getRawBlock", "debug_getRawHeader", "debug_getRawReceipts", "debug_getRawTransaction"];

/// What only reads, and may take a client minutes, or answer with all it has: a trace executes a block again with a
/// program of the caller's at each step. Open where `rpc.debug` says so.
const COSTLY: [&str; 9] = [
    "debug_storageRangeAt",
    "debug_traceBlock",
    "debug_traceBlockByHash",
    "debug_traceBlockByNumber",
    "debug_traceCall",
    "debug_traceTransaction",
    "txpool_content",
    "txpool_contentFrom",
    "txpool_inspect",
];

pub(super) fn register(methods: &mut Register, debug: bool) -> Result<(), RegisterMethodError> {
    let open = [&BLOCKS[..], &TRANSACTIONS, &STATE, &FEES_AND_LOGS, &POOL, &ENCODINGS];
    open.into_iter().flatten().try_for_each(|name| methods.add_forwarded(name))?;
    COSTLY.iter().try_for_each(|name| match debug {
        true => methods.add_forwarded(name),
        false => methods.add_closed(name),
    })
}
