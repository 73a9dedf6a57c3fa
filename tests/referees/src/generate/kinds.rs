//! What transactions do.

use std::fmt;

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS;
use alloy_eips::eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::envelope::Draft;
use super::{Generator, Planned};
use crate::program::{Scope, call_data, init_code};
use crate::{asm, contracts, pick};

/// The contract that takes withdrawal requests (EIP-7002).
pub(super) const WITHDRAWAL_REQUESTS: Address = WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS;
/// The contract that takes consolidation requests (EIP-7251).
pub(super) const CONSOLIDATION_REQUESTS: Address = CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS;

/// What a transaction is meant to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Coins to an account, there or not, to a contract, to a precompile.
    Transfer,
    /// Random init code.
    Deploy,
    /// Random code, called with random data.
    Call,
    /// Many slots written, many cleared.
    Churn,
    /// Contracts made by contracts, by salt and by nonce.
    Factory,
    /// A contract that destroys itself: now, or in the transaction that made it.
    Destroy,
    /// A precompile, called by the transaction or by a contract.
    Precompile,
    /// Many logs, and long ones.
    Logs,
    /// Hashes of blocks and beacon roots.
    History,
    /// Calls of calls, until the gas or the depth ends; guards against coming in again.
    Recursion,
    /// Code run as another's, by delegate call.
    Proxy,
    /// Authorisations (EIP-7702).
    SetCode,
    /// Less gas than it needs.
    OutOfGas,
    /// Reverts.
    Revert,
    /// More call data than execution: the floor of EIP-7623.
    CallData,
    /// Requests to the consensus layer (EIP-7002, EIP-7251).
    Request,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Transfer,
        Self::Deploy,
        Self::Call,
        Self::Churn,
        Self::Factory,
        Self::Destroy,
        Self::Precompile,
        Self::Logs,
        Self::History,
        Self::Recursion,
        Self::Proxy,
        Self::SetCode,
        Self::OutOfGas,
        Self::Revert,
        Self::CallData,
        Self::Request,
    ];

    /// How often each is made, of 100.
    fn random(rng: &mut ChaCha8Rng) -> Self {
        match rng.random_range(0..100) {
            0..10 => Self::Transfer,
            10..25 => Self::Deploy,
            25..45 => Self::Call,
            45..51 => Self::Churn,
            51..57 => Self::Factory,
            57..61 => Self::Destroy,
            61..69 => Self::Precompile,
            69..72 => Self::Logs,
            72..75 => Self::History,
            75..78 => Self::Recursion,
            78..81 => Self::Proxy,
            81..90 => Self::SetCode,
            90..93 => Self::OutOfGas,
            93..95 => Self::Revert,
            95..97 => Self::CallData,
            _ => Self::Request,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A word of call data.
fn word(value: u64) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}

/// An address as a word of call data.
fn address_word(address: Address) -> [u8; 32] {
    address.into_word().0
}

impl Generator {
    /// One transaction of the key `from`; `next` holds the next nonce of each key.
    pub(super) fn transaction(
        &mut self,
        from: usize,
        next: &mut [u64],
        base_fee: u64,
    ) -> eyre::Result<Planned> {
        let kind = Kind::random(&mut self.rng);
        let mut draft = Draft::new(from, next[from]);
        // The sender's nonce is counted before its authorisations are looked at (EIP-7702).
        next[from] += 1;
        self.fill(kind, &mut draft, next);
        if self.rng.random_bool(0.25) {
            draft.access_list = self.access_list();
        }
        let created = draft.to.is_create().then(|| self.keys[from].address().create(draft.nonce));
        let transaction = self.sign(draft, base_fee)?;
        created.into_iter().for_each(|contract| self.remember(contract));
        Ok(Planned { kind, transaction })
    }

    fn fill(&mut self, kind: Kind, draft: &mut Draft, next: &mut [u64]) {
        match kind {
            Kind::Transfer => self.transfer(draft),
            Kind::Deploy => {
                draft.create(self.init_code(3), self.gas());
                draft.value = U256::from(u64::from(self.rng.random_bool(0.2)));
            }
            Kind::Call => {
                let to = self.contract();
                draft.call(to, call_data(&mut self.rng), self.gas());
                draft.value = U256::from(*pick(&mut self.rng, &[0u64, 0, 0, 1, 1_000_000]));
            }
            Kind::Churn => draft.call(contracts::STORE, self.slots(), 600_000),
            Kind::Factory => self.factory(draft),
            Kind::Destroy => self.destroy(draft),
            Kind::Precompile => self.precompile(draft),
            Kind::Logs => {
                let (rounds, bytes) = (self.rng.random_range(0..12u64), self.rng.random_range(0..600u64));
                draft.call(contracts::LOGGER, [word(rounds), word(bytes)].concat(), 700_000);
            }
            Kind::History => {
                let number = self.rng.random_range(0..self.times.len() as u64 + 3);
                let time = match self.times.len() {
                    0 => crate::genesis::GENESIS_TIME,
                    // The ring of beacon roots is as long as 8,191 seconds: some are gone.
                    _ => *pick(&mut self.rng, &self.times),
                };
                draft.call(contracts::HISTORIAN, [word(number), word(time)].concat(), 200_000);
            }
            Kind::Recursion => {
                let to = *pick(&mut self.rng, &[contracts::RECURSIVE, contracts::GUARD]);
                let inner = if self.rng.random_bool(0.5) { contracts::GUARD } else { contracts::RECURSIVE };
                if self.rng.random_bool(0.5) {
                    draft.call(to, Bytes::new(), self.gas());
                } else {
                    draft.call(contracts::CALLER, address_word(inner).to_vec(), self.gas());
                }
            }
            Kind::Proxy => {
                let target = self.contract();
                let data = [&address_word(target)[..], &call_data(&mut self.rng)].concat();
                draft.call(contracts::PROXY, data, self.gas());
            }
            Kind::SetCode => self.set_code(draft, next),
            Kind::OutOfGas => {
                let rounds = self.rng.random_range(2_000..20_000u64);
                draft.call(contracts::BURNER, word(rounds).to_vec(), 60_000);
            }
            Kind::Revert => {
                draft.call(contracts::REVERTER, call_data(&mut self.rng), 60_000);
                draft.value = U256::from(1);
            }
            Kind::CallData => {
                let mut data = vec![0; self.rng.random_range(1..6_000)];
                if self.rng.random_bool(0.5) {
                    self.rng.fill(&mut data[..]);
                }
                let to = self.contract();
                draft.call(to, data, 600_000);
            }
            Kind::Request => self.request(draft),
        }
    }

    fn gas(&mut self) -> u64 {
        self.rng.random_range(100_000..=self.profile.gas)
    }

    fn scope(&self, depth: u8) -> (ChaCha8Rng, Scope<'_>) {
        // The generator's own randomness cannot be lent while its parts are; it is put back by the caller.
        (self.rng.clone(), Scope { accounts: &self.accounts, inputs: &self.inputs, depth })
    }

    pub(super) fn init_code(&mut self, depth: u8) -> Bytes {
        let (mut rng, scope) = self.scope(depth);
        let code = init_code(&mut rng, &scope);
        self.rng = rng;
        code
    }

    fn transfer(&mut self, draft: &mut Draft) {
        let to = match self.rng.random_range(0..4) {
            0 => Address::from_slice(&self.rng.random::<[u8; 20]>()),
            _ => *pick(&mut self.rng, &self.accounts),
        };
        draft.call(to, Bytes::new(), *pick(&mut self.rng, &[21_000, 100_000]));
        draft.value = U256::from(*pick(&mut self.rng, &[0u64, 1, 1_000_000_000]));
    }

    /// Pairs for the store: some slots get a value, some lose theirs, some twice.
    fn slots(&mut self) -> Vec<u8> {
        let mut data = Vec::new();
        for _ in 0..self.rng.random_range(1..25) {
            let value = *pick(&mut self.rng, &[0u64, 0, 1, u64::MAX]);
            data.extend(word(self.rng.random_range(0..24u64)));
            data.extend(word(value));
        }
        data
    }

    fn factory(&mut self, draft: &mut Draft) {
        if self.rng.random_bool(0.3) {
            draft.call(contracts::FACTORY, self.init_code(2), self.gas());
            return;
        }
        let code = if self.rng.random_bool(0.3) {
            // The same code under few salts: made, made again in vain.
            asm::deployer(Bytes::from_static(&[0x5f, 0x5f, 0xf3]))
        } else {
            self.init_code(2)
        };
        let salt = B256::with_last_byte(self.rng.random_range(0..3));
        let made = contracts::FACTORY2.create2(salt, keccak256(&code));
        draft.call(contracts::FACTORY2, [salt.as_slice(), &code].concat(), self.gas());
        draft.value = U256::from(u64::from(self.rng.random_bool(0.2)));
        self.remember(made);
    }

    fn destroy(&mut self, draft: &mut Draft) {
        let heir = *pick(&mut self.rng, &self.accounts);
        match self.rng.random_range(0..3) {
            0 => draft.call(contracts::DESTROYER, address_word(heir).to_vec(), 100_000),
            // The heir is the contract itself: the coins stay (EIP-6780).
            1 => {
                let own = address_word(contracts::DESTROYER);
                draft.call(contracts::DESTROYER, own.to_vec(), 100_000);
            }
            // Init code that destroys itself: account, coins, storage go.
            _ => {
                let mut asm = asm::Asm::new();
                use revm::bytecode::opcode as op;
                asm.push(7u64).push(1u64).op(op::SSTORE).push_address(heir).op(op::SELFDESTRUCT);
                draft.create(asm.finish(), 200_000);
            }
        }
        draft.value = U256::from(*pick(&mut self.rng, &[0u64, 5]));
    }

    fn precompile(&mut self, draft: &mut Draft) {
        let (address, input) = self.inputs.random(&mut self.rng);
        if self.rng.random_bool(0.2) {
            draft.call(address, input, 500_000);
        } else {
            let data = [&address_word(address)[..], &input].concat();
            draft.call(contracts::CALLER, data, 700_000);
        }
        draft.value = U256::from(u64::from(self.rng.random_bool(0.1)));
    }

    /// Requests right and wrong: by length, by fee.
    fn request(&mut self, draft: &mut Draft) {
        let (to, length) =
            *pick(&mut self.rng, &[(WITHDRAWAL_REQUESTS, 56usize), (CONSOLIDATION_REQUESTS, 96)]);
        let mut data = vec![0; if self.rng.random_bool(0.9) { length } else { 0 }];
        self.rng.fill(&mut data[..]);
        draft.call(to, data, 400_000);
        draft.value = U256::from(*pick(&mut self.rng, &[0u64, 1, 1, 1, 10]));
    }

    /// A few accounts and slots, some twice, some that nobody touches.
    fn access_list(&mut self) -> AccessList {
        let items = (0..self.rng.random_range(0..5)).map(|_| {
            let address = *pick(&mut self.rng, &self.accounts);
            let slots = self.rng.random_range(0..5);
            let storage_keys =
                (0..slots).map(|_| B256::with_last_byte(self.rng.random_range(0..8))).collect();
            AccessListItem { address, storage_keys }
        });
        AccessList(items.collect())
    }

    /// Code for an authorised account to point to: something that is there.
    pub(super) fn delegate(&mut self) -> Address {
        match self.rng.random_range(0..10) {
            // Clears the delegation.
            0 | 1 => Address::ZERO,
            // Another key, delegated or not; itself, perhaps.
            2 => self.keys[self.rng.random_range(0..self.keys.len())].address(),
            // A precompile: it counts as no code there.
            3 => crate::inputs::precompile(self.rng.random_range(1..=crate::inputs::LAST_PRECOMPILE)),
            _ => self.contract(),
        }
    }
}
