//! A transaction on its way into the pool, and the checks that need no state.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::{EIP4844_TX_TYPE_ID, Eip2718Error};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, U256};
use alys_bus::protocol::query::TransactionRefusal;
use revm::context_interface::cfg::gas::calculate_initial_tx_gas;
use revm::primitives::hardfork::SpecId;

use crate::execute::{RecoveredTransaction, SenderCache, Transaction};

/// The largest transaction that is taken, in bytes of its EIP-2718 encoding: 128 KiB, as Geth's.
pub(super) const MAX_TRANSACTION_BYTES: usize = 128 << 10;

/// The longest creation code, in bytes (EIP-3860).
const MAX_INIT_CODE: usize = 2 * 24_576;

/// What a transaction must be, whatever the state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionRules {
    /// The chain's id.
    pub chain_id: u64,
    /// The fork whose gas costs hold.
    pub spec: SpecId,
    /// A block's gas limit.
    pub gas_limit: u64,
    /// The least tip per gas, in wei.
    pub min_tip: u128,
}

/// A transaction with what the pool looks at again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PooledTransaction {
    transaction: RecoveredTransaction,
    hash: B256,
    size: usize,
    cost: U256,
    /// Recovered when they are first asked for: each costs as much as the sender, and nobody has paid for any yet.
    authorities: OnceLock<Vec<Address>>,
}

impl PooledTransaction {
    /// Decodes the EIP-2718 bytes of a signed transaction and makes every check that needs no state.
    /// The sender is recovered here, once; `senders` remembers it for the block.
    ///
    /// # Errors
    /// The first rule that it breaks, in the order in which Geth looks.
    pub fn decode(
        raw: &[u8],
        rules: &TransactionRules,
        senders: &SenderCache,
    ) -> Result<Self, TransactionRefusal> {
        if raw.len() > MAX_TRANSACTION_BYTES {
            return Err(TransactionRefusal::Oversized { size: raw.len(), limit: MAX_TRANSACTION_BYTES });
        }
        // The network form of a blob transaction carries its blobs, and would not decode.
        if raw.first() == Some(&EIP4844_TX_TYPE_ID) {
            return Err(TransactionRefusal::TypeNotSupported);
        }
        let transaction = Transaction::decode_2718_exact(raw).map_err(|error| match error {
            Eip2718Error::UnexpectedType(_) => TransactionRefusal::TypeNotSupported,
            other => TransactionRefusal::Malformed(other.to_string()),
        })?;
        check(&transaction, rules)?;
        let recovered = senders.recover(transaction).ok_or(TransactionRefusal::InvalidSender)?;
        Ok(Self::trusted(recovered))
    }

    /// A transaction that needs no check any more: it was in a block that was reorged out.
    #[must_use]
    pub fn trusted(transaction: RecoveredTransaction) -> Self {
        let inner = transaction.inner();
        let gas = U256::from(inner.gas_limit()).saturating_mul(U256::from(inner.max_fee_per_gas()));
        let cost = gas.saturating_add(inner.value());
        Self {
            hash: *inner.tx_hash(),
            size: inner.encode_2718_len(),
            cost,
            authorities: OnceLock::new(),
            transaction,
        }
    }

    /// The transaction with its sender.
    #[must_use]
    pub fn transaction(&self) -> &RecoveredTransaction {
        &self.transaction
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.hash
    }

    /// Who signed it.
    #[must_use]
    pub fn sender(&self) -> Address {
        self.transaction.signer()
    }

    /// Its nonce.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.transaction.inner().nonce()
    }

    /// The length of its EIP-2718 encoding, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The most it can cost its sender: gas limit times fee cap, and the value, in wei.
    #[must_use]
    pub fn cost(&self) -> U256 {
        self.cost
    }

    /// The most it pays per gas, in wei.
    #[must_use]
    pub fn fee_cap(&self) -> u128 {
        self.transaction.inner().max_fee_per_gas()
    }

    /// The most of it that is a tip, in wei per gas.
    #[must_use]
    pub fn tip_cap(&self) -> u128 {
        self.transaction.inner().priority_fee_or_price()
    }

    /// The tip per gas at `base_fee`, in wei; `None` where the fee cap does not reach the base fee.
    #[must_use]
    pub fn tip(&self, base_fee: u64) -> Option<u128> {
        self.transaction.inner().effective_tip_per_gas(base_fee)
    }

    #[cfg(test)]
    pub(super) fn has_recovered_authorities(&self) -> bool {
        self.authorities.get().is_some()
    }

    /// Whose authorizations it carries (EIP-7702), each once. The first time it recovers them all, about 40 µs each.
    #[must_use]
    pub fn authorities(&self) -> &[Address] {
        self.authorities.get_or_init(|| {
            let list = self.transaction.inner().authorization_list().unwrap_or_default();
            // An authorization whose signature is none changes nothing when it is executed.
            let recovered = list.iter().filter_map(|authorization| authorization.recover_authority().ok());
            recovered.collect::<BTreeSet<_>>().into_iter().collect()
        })
    }
}

fn check(tx: &Transaction, rules: &TransactionRules) -> Result<(), TransactionRefusal> {
    if tx.chain_id() != Some(rules.chain_id) {
        return Err(TransactionRefusal::WrongChain { have: tx.chain_id(), want: rules.chain_id });
    }
    if tx.is_create() && tx.input().len() > MAX_INIT_CODE {
        return Err(TransactionRefusal::InitCodeTooLarge { size: tx.input().len(), limit: MAX_INIT_CODE });
    }
    if tx.gas_limit() > rules.gas_limit {
        return Err(TransactionRefusal::ExceedsBlockGasLimit { gas: tx.gas_limit(), limit: rules.gas_limit });
    }
    // EIP-2681.
    if tx.nonce() == u64::MAX {
        return Err(TransactionRefusal::Invalid("nonce has max value".into()));
    }
    let (tip, cap) = (tx.priority_fee_or_price(), tx.max_fee_per_gas());
    if tip > cap {
        return Err(TransactionRefusal::TipAboveFeeCap { tip, cap });
    }
    let needed = needed_gas(tx, rules.spec);
    if tx.gas_limit() < needed {
        return Err(TransactionRefusal::IntrinsicGas { gas: tx.gas_limit(), needed });
    }
    if tip < rules.min_tip {
        return Err(TransactionRefusal::Underpriced { tip, needed: rules.min_tip });
    }
    if tx.is_eip7702() && tx.authorization_list().is_none_or(<[_]>::is_empty) {
        return Err(TransactionRefusal::SetCode("set code tx with empty auth list".into()));
    }
    Ok(())
}

/// The gas without which a transaction may not stand in a block: intrinsic, or the floor (EIP-7623).
fn needed_gas(tx: &Transaction, spec: SpecId) -> u64 {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let (accounts, slots) = tx.access_list().map_or((0, 0), |list| {
        let slots = list.iter().map(|item| item.storage_keys.len()).sum();
        (count(list.len()), count(slots))
    });
    let authorizations = count(tx.authorization_list().map_or(0, <[_]>::len));
    let gas =
        calculate_initial_tx_gas(spec, tx.input(), tx.is_create(), accounts, slots, authorizations, None);
    gas.initial_total_gas().max(gas.floor_gas)
}
