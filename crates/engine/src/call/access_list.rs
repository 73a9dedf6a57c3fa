//! Which accounts and slots a transaction touches (EIP-2930): `eth_createAccessList`, by Geth's rules.

use std::collections::{BTreeMap, BTreeSet};

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, TxKind};
use revm::Inspector;
use revm::bytecode::opcode::{
    BALANCE, CALL, CALLCODE, DELEGATECALL, EXTCODECOPY, EXTCODEHASH, EXTCODESIZE, SELFDESTRUCT, SLOAD,
    SSTORE, STATICCALL,
};
use revm::interpreter::Interpreter;
use revm::interpreter::interpreter::EthInterpreter;
use revm::interpreter::interpreter_types::{InputsTr as _, Jumps as _};
use revm::precompile::{PrecompileSpecId, Precompiles};

use super::{CallError, CallRequest, CallSite, refused};

/// The gas that each authorization takes before anything runs (EIP-7702): those beyond the limit are never read.
const AUTHORIZATION_GAS: u64 = 25_000;

/// What a transaction touches, and how it goes with that list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Accounts and slots in ascending order. Not in it: what is warm for every transaction (its sender, its receiver,
    /// precompiles, the authorities of its delegations), unless slots of it are touched.
    pub access_list: AccessList,
    /// Gas used after refunds, with the list.
    pub gas_used: u64,
    /// Why it fails, where it does: the list is of what it touched up to there.
    pub fault: Option<String>,
}

/// Runs until the list names all that a run with it touches: with other gas costs it may go another way.
///
/// # Errors
/// [`CallError`]; a transaction that fails is none.
pub(crate) fn access_list(site: &CallSite<'_>, request: &CallRequest) -> Result<Touched, CallError> {
    let gas = request.gas.map_or(site.gas_cap, |gas| gas.min(site.gas_cap));
    let mut touches = Touches { warm: warm(site, request, gas)?, slots: BTreeMap::new() };
    touches.add(&request.access_list);
    loop {
        let access_list = touches.list();
        let request = CallRequest { access_list: access_list.clone(), ..request.clone() };
        let run = site.run_inspected(&request, gas, &mut touches)?.map_err(refused)?;
        // What was found is kept from run to run, so this ends.
        if touches.list() == access_list {
            let (gas_used, fault) = (run.result.tx_gas_used(), run.fault());
            return Ok(Touched { access_list, gas_used, fault });
        }
    }
}

/// What costs no more when it is touched for the first time.
fn warm(site: &CallSite<'_>, request: &CallRequest, gas: u64) -> Result<BTreeSet<Address>, CallError> {
    let spec = site.rules.forks.spec_at(site.block.header.timestamp);
    let precompiles = Precompiles::new(PrecompileSpecId::from_spec_id(spec));
    let mut warm: BTreeSet<Address> = precompiles.addresses().copied().collect();
    warm.insert(request.from);
    warm.insert(match request.to {
        TxKind::Call(to) => to,
        TxKind::Create => {
            let sender = site.world.state(&site.block.hash)?.account(request.from)?;
            request.from.create(sender.map_or(0, |sender| sender.nonce))
        }
    });
    let ours = |chain_id: u64| chain_id == 0 || chain_id == site.rules.chain_id;
    let most = usize::try_from(gas / AUTHORIZATION_GAS).unwrap_or(usize::MAX);
    let read = request.authorizations.iter().take(most);
    let valid = read.filter(|a| ours(a.chain_id.saturating_to()) && a.nonce < u64::MAX);
    warm.extend(valid.filter_map(|authorization| authorization.recover_authority().ok()));
    Ok(warm)
}

/// Notes what opcodes touch.
struct Touches {
    warm: BTreeSet<Address>,
    slots: BTreeMap<Address, BTreeSet<B256>>,
}

impl Touches {
    fn add(&mut self, list: &AccessList) {
        for AccessListItem { address, storage_keys } in &list.0 {
            self.account(*address);
            for slot in storage_keys {
                self.slots.entry(*address).or_default().insert(*slot);
            }
        }
    }

    fn account(&mut self, address: Address) {
        if !self.warm.contains(&address) {
            self.slots.entry(address).or_default();
        }
    }

    fn list(&self) -> AccessList {
        let item = |(address, slots): (&Address, &BTreeSet<B256>)| AccessListItem {
            address: *address,
            storage_keys: slots.iter().copied().collect(),
        };
        AccessList(self.slots.iter().map(item).collect())
    }
}

impl<CTX> Inspector<CTX> for Touches {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, _: &mut CTX) {
        // From the top of the stack.
        let word = |at| interpreter.stack.peek(at).ok().map(B256::from);
        match interpreter.bytecode.opcode() {
            SLOAD | SSTORE => {
                if let Some(slot) = word(0) {
                    let address = interpreter.input.target_address();
                    self.slots.entry(address).or_default().insert(slot);
                }
            }
            BALANCE | EXTCODECOPY | EXTCODEHASH | EXTCODESIZE | SELFDESTRUCT => {
                if let Some(address) = word(0) {
                    self.account(Address::from_word(address));
                }
            }
            CALL | CALLCODE | DELEGATECALL | STATICCALL if interpreter.stack.len() >= 5 => {
                if let Some(address) = word(1) {
                    self.account(Address::from_word(address));
                }
            }
            _ => {}
        }
    }
}
