//! From what a transaction does to a signed one, of any type.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2930::AccessList;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_signer::SignerSync;
use alys_engine::execute::{RecoveredTransaction, Transaction};
use rand::Rng;

use super::Generator;
use crate::genesis::CHAIN_ID;
use crate::pick;

/// A transaction that has no type and no price yet.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub(super) from: usize,
    pub(super) nonce: u64,
    pub(super) to: TxKind,
    pub(super) value: U256,
    pub(super) input: Bytes,
    pub(super) gas: u64,
    pub(super) access_list: AccessList,
    /// Not empty: it is of type 4.
    pub(super) authorizations: Vec<SignedAuthorization>,
}

impl Draft {
    pub(super) fn new(from: usize, nonce: u64) -> Self {
        Self {
            from,
            nonce,
            to: TxKind::Create,
            value: U256::ZERO,
            input: Bytes::new(),
            gas: 0,
            access_list: AccessList::default(),
            authorizations: Vec::new(),
        }
    }

    pub(super) fn call(&mut self, to: Address, input: impl Into<Bytes>, gas: u64) {
        (self.to, self.input, self.gas) = (TxKind::Call(to), input.into(), gas);
    }

    pub(super) fn create(&mut self, code: Bytes, gas: u64) {
        (self.to, self.input, self.gas) = (TxKind::Create, code, gas);
    }

    /// What it costs before it runs, at least (EIP-2028, EIP-2930, EIP-3860, EIP-7623, EIP-7702): a limit
    /// below this would keep it out of every block.
    fn least_gas(&self) -> u64 {
        let bytes = self.input.len() as u64;
        let slots: usize = self.access_list.iter().map(|item| item.storage_keys.len()).sum();
        let lists = 2_400 * self.access_list.len() as u64 + 1_900 * slots as u64;
        let create = if self.to.is_create() { 32_000 + 2 * bytes.div_ceil(32) } else { 0 };
        let execution = 16 * bytes + lists + create + 25_000 * self.authorizations.len() as u64;
        21_000 + execution.max(40 * bytes)
    }
}

impl Generator {
    /// Gives a draft its type and price, and signs it.
    pub(super) fn sign(&mut self, draft: Draft, base_fee: u64) -> eyre::Result<RecoveredTransaction> {
        let Draft { from, nonce, to, value, input, access_list, .. } = draft.clone();
        let gas_limit = draft.gas.max(draft.least_gas());
        let tip = (*pick(&mut self.rng, &[0, 1, 1_000_000_000, 5_000_000_000])).max(self.profile.least_tip);
        // The next block's base fee may be an eighth higher; a cap of just the base fee leaves no tip.
        let exact = self.profile.least_tip == 0 && self.rng.random_bool(0.1);
        let max_fee = u128::from(base_fee) * if exact { 1 } else { 2 } + if exact { 0 } else { tip };
        let tip = tip.min(max_fee);
        let price = u128::from(base_fee) + tip.max(1);
        let chain_id = CHAIN_ID;
        if let (false, TxKind::Call(to)) = (draft.authorizations.is_empty(), to) {
            let tx = TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: max_fee,
                max_priority_fee_per_gas: tip,
                to,
                value,
                access_list,
                authorization_list: draft.authorizations,
                input,
            };
            let signature = self.signature(from, &tx)?;
            return Ok(self.recovered(from, tx.into_signed(signature).into()));
        }
        let listed = !access_list.is_empty();
        let transaction: Transaction = match self.rng.random_range(0..4) {
            0 if !listed => {
                let bare = self.profile.unprotected && self.rng.random_bool(0.3);
                let chain_id = (!bare).then_some(chain_id);
                let tx = TxLegacy { chain_id, nonce, gas_price: price, gas_limit, to, value, input };
                let signature = self.signature(from, &tx)?;
                tx.into_signed(signature).into()
            }
            1 => {
                let tx =
                    TxEip2930 { chain_id, nonce, gas_price: price, gas_limit, to, value, access_list, input };
                let signature = self.signature(from, &tx)?;
                tx.into_signed(signature).into()
            }
            _ => {
                let tx = TxEip1559 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: max_fee,
                    max_priority_fee_per_gas: tip,
                    to,
                    value,
                    access_list,
                    input,
                };
                let signature = self.signature(from, &tx)?;
                tx.into_signed(signature).into()
            }
        };
        Ok(self.recovered(from, transaction))
    }

    fn signature(&self, from: usize, tx: &impl SignableTransaction<Signature>) -> eyre::Result<Signature> {
        Ok(self.keys[from].sign_hash_sync(&tx.signature_hash())?)
    }
}
