//! The bridge predeploy through the EVM: signed transactions into blocks, and what the blocks' facts say.
//!
//! The contract's interface is read from its artifact, so what is tested is what is shipped.

mod facts;
mod nothing;
mod random;
mod rules;
mod script;
mod through;

use std::collections::BTreeMap;

use alloy_eips::eip4895::Withdrawal;
use alloy_genesis::{Genesis, GenesisAccount};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_sol_types::{SolCall, SolInterface, sol};
use alys_engine::execute::{Receipt, RecoveredTransaction};
use alys_engine::{BlockId, CallError, CallRequest, burns, cancellations};
use alys_primitives::{
    Burn, Cancellation,
    spec::{BRIDGE, bridge_account},
};

use crate::common::{Engine, Send, build_with, engine, finalize, genesis_with, import, signer};

sol!(
    #[sol(all_derives)]
    Bridge,
    "../../contracts/artifacts/Bridge.json"
);

use Bridge::{BridgeErrors, cancelPegOutCall as Cancel};
use Bridge::{requestPegOut_0Call as RequestBytes, requestPegOut_1Call as RequestText};

/// `peg.min_payout` of these tests, in sat.
const MIN_PAYOUT: u64 = 10_000;

/// An address as anyone would give it: P2WPKH of BIP-173's examples.
const ADDRESS: &str = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";

fn sats(sat: u64) -> U256 {
    U256::from(sat) * U256::from(10_000_000_000u64)
}

/// Call data: without a bound on the fee.
fn request(address: &[u8]) -> Bytes {
    RequestBytes { bitcoinAddress: Bytes::copy_from_slice(address) }.abi_encode().into()
}

/// Call data: with a bound on the fee, in wei.
fn bounded(address: &str, max_fee: U256) -> Bytes {
    RequestText { bitcoinAddress: address.to_owned(), maxFee: max_fee }.abi_encode().into()
}

/// Call data: a cancellation.
fn cancel(id: u64) -> Bytes {
    Cancel { id: U256::from(id) }.abi_encode().into()
}

/// A transaction of a key, whose nonce the rig fills in.
fn send(from: u64, to: impl Into<TxKind>, wei: U256, input: Bytes) -> Send {
    let plain = Send::transfer(from, 0, Address::ZERO, 0);
    Send { to: to.into(), value: wei, input, gas: 1_000_000, ..plain }
}

/// A transaction of a key to the bridge.
fn to_bridge(from: u64, wei: U256, input: Bytes) -> Send {
    send(from, BRIDGE, wei, input)
}

/// A transaction that makes a contract.
fn create(from: u64, wei: U256, code: Bytes) -> Send {
    send(from, TxKind::Create, wei, code)
}

/// What a block did.
struct Mined {
    receipts: Vec<Receipt>,
    burns: Vec<Burn>,
    cancellations: Vec<Cancellation>,
    gas: Vec<u64>,
}

impl Mined {
    fn succeeded(&self) -> Vec<bool> {
        self.receipts.iter().map(|receipt| receipt.success).collect()
    }

    /// The facts hold neither burns nor cancellations.
    fn is_quiet(&self) -> bool {
        self.burns.is_empty() && self.cancellations.is_empty()
    }

    fn values(&self) -> Vec<U256> {
        self.burns.iter().map(|burn| burn.value).collect()
    }
}

/// A chain with a bridge and five rich keys.
struct Rig {
    engine: Engine,
    nonces: BTreeMap<u64, u64>,
}

impl Rig {
    fn new() -> Self {
        Self::at(genesis())
    }

    fn at(genesis: Genesis) -> Self {
        Self { engine: engine(&genesis), nonces: BTreeMap::new() }
    }

    /// Signs, builds a block, executes it once more as another node would, and follows it.
    fn block(&mut self, sends: Vec<Send>) -> Mined {
        let signed = sends.into_iter().map(|send| Send { nonce: self.nonce(send.from), ..send }.sign());
        let signed = signed.collect();
        self.mine(signed, Vec::new())
    }

    fn mine(&mut self, signed: Vec<RecoveredTransaction>, withdrawals: Vec<Withdrawal>) -> Mined {
        let count = signed.len();
        let built = build_with(&self.engine, self.engine.head().hash, signed, withdrawals);
        import(&mut self.engine, &built);
        finalize(&mut self.engine, built.block().hash);
        let receipts = built.block().receipts.clone();
        assert_eq!(receipts.len(), count, "a transaction was left out");
        let totals = receipts.iter().map(|receipt| receipt.cumulative_gas_used);
        let gas = totals.scan(0, |before, total| Some(total - std::mem::replace(before, total))).collect();
        Mined { burns: burns(&receipts), cancellations: cancellations(&receipts), receipts, gas }
    }

    /// The next nonce of a key.
    fn nonce(&mut self, key: u64) -> u64 {
        let next = self.nonces.entry(key).or_default();
        *next += 1;
        *next - 1
    }

    /// Makes a contract, and says where.
    fn deploy(&mut self, code: Bytes) -> Address {
        let at = self.next_contract(0);
        let mined = self.block(vec![create(0, U256::ZERO, code)]);
        assert_eq!(mined.succeeded(), [true]);
        at
    }

    /// Where the next contract of a key will stand.
    fn next_contract(&self, key: u64) -> Address {
        signer(key).address().create(self.nonces.get(&key).copied().unwrap_or_default())
    }

    fn balance(&self, address: Address) -> U256 {
        let state = self.engine.reads().state(BlockId::Head).unwrap();
        state.account(address).unwrap().map(|account| account.balance).unwrap_or_default()
    }

    fn call(&self, send: &Send) -> Result<Bytes, CallError> {
        let from = signer(send.from).address();
        let request = CallRequest {
            from,
            to: send.to,
            value: send.value,
            input: send.input.clone(),
            ..CallRequest::default()
        };
        self.engine.reads().call(BlockId::Head, &request).map(|success| success.output)
    }

    /// Asks the bridge by a call, as a wallet does before it signs.
    fn ask<C: SolCall>(&self, call: &C) -> C::Return {
        let output = self.call(&to_bridge(0, U256::ZERO, call.abi_encode().into())).unwrap();
        C::abi_decode_returns(&output).unwrap()
    }

    /// The data of the revert that meets a call and, mined, a transaction, which then changes nothing.
    fn reverted(&mut self, send: Send) -> Bytes {
        let Err(CallError::Reverted { data, .. }) = self.call(&send) else {
            panic!("a call that must revert did not: {send:?}");
        };
        let before = self.balance(BRIDGE);
        let mined = self.block(vec![send]);
        assert_eq!((mined.succeeded(), mined.receipts[0].logs.len()), (vec![false], 0));
        assert!(mined.is_quiet());
        assert_eq!(self.balance(BRIDGE), before);
        data
    }

    /// The named error that meets a transaction.
    fn refused(&mut self, send: Send) -> BridgeErrors {
        BridgeErrors::abi_decode(&self.reverted(send)).unwrap()
    }
}

/// A genesis with the bridge of a spec.
fn genesis() -> Genesis {
    let mut genesis = genesis_with(5, true);
    let bridge = bridge_account(MIN_PAYOUT);
    let account = GenesisAccount::default()
        .with_nonce(Some(bridge.nonce))
        .with_code(Some(bridge.code))
        .with_storage(Some(bridge.storage));
    genesis.alloc.insert(BRIDGE, account);
    genesis
}
