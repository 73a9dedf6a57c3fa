//! JSON-RPC for wallets and operators.
