//! The bridge predeploy: where coins are burned to be paid out on Bitcoin.
//!
//! Its source is `contracts/Bridge.sol`; the code here is the compiled artifact beside it, which
//! `cargo xtask contracts --check` compares. A predeploy runs no constructor: what the contract must
//! know (`peg.min_payout`) stands in its storage at genesis, and [`ChainSpec::check`](super::ChainSpec::check)
//! ties the two.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, address, hex::const_decode_to_array};

use super::GenesisAccount;

/// The bridge's account. A burn is a log of this address and of no other.
pub const BRIDGE: Address = address!("bBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB");

/// The storage slot that holds `peg.min_payout` in sat, big endian; the contract never writes it.
pub const BRIDGE_MIN_PAYOUT_SLOT: B256 = B256::ZERO;

/// `0x` and the code in hex; the file ends with a newline.
const HEX: &[u8] = include_bytes!("../../../../contracts/artifacts/Bridge.hex").trim_ascii();

static CODE: [u8; HEX.len() / 2 - 1] = match const_decode_to_array(HEX) {
    Ok(code) => code,
    Err(_) => panic!("contracts/artifacts/Bridge.hex is not hex"),
};

/// The code that the bridge's account has, exactly.
#[must_use]
pub const fn bridge_code() -> Bytes {
    Bytes::from_static(&CODE)
}

/// The bridge's account at genesis: its code, no coins, and `min_payout` (sat) in its storage.
#[must_use]
pub fn bridge_account(min_payout: u64) -> GenesisAccount {
    GenesisAccount {
        // As contracts have that a transaction created (EIP-161).
        nonce: 1,
        code: bridge_code(),
        storage: BTreeMap::from([(BRIDGE_MIN_PAYOUT_SLOT, B256::from(U256::from(min_payout)))]),
        ..GenesisAccount::default()
    }
}
