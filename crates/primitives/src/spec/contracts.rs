//! The contracts that Prague's system calls go to. An execution client finds a block invalid where
//! one of the request contracts has no code, so every spec must allocate them.

use std::collections::BTreeMap;

use alloy_eips::{
    eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE},
    eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE},
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_PREDEPLOY_CODE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_PREDEPLOY_CODE},
};
use alloy_primitives::{Address, Bytes};

use super::GenesisAccount;

/// Beacon roots (EIP-4788), parent hashes (EIP-2935), withdrawal requests (EIP-7002) and
/// consolidation requests (EIP-7251), with the nonce 1 that they have on other chains.
#[must_use]
pub fn system_contracts() -> BTreeMap<Address, GenesisAccount> {
    let contracts = [
        (BEACON_ROOTS_ADDRESS, &BEACON_ROOTS_CODE),
        (HISTORY_STORAGE_ADDRESS, &HISTORY_STORAGE_CODE),
        (WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, &WITHDRAWAL_REQUEST_PREDEPLOY_CODE),
        (CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, &CONSOLIDATION_REQUEST_PREDEPLOY_CODE),
    ];
    let account = |code: &Bytes| GenesisAccount { nonce: 1, code: code.clone(), ..GenesisAccount::default() };
    contracts.into_iter().map(|(address, code)| (address, account(code))).collect()
}
