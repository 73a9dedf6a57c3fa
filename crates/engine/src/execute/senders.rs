//! Recovering senders once.

use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::map::B256Map;
use alloy_primitives::{Address, B256};
use parking_lot::Mutex;

use super::{RecoveredTransaction, Transaction};

/// Senders by transaction hash, so that a transaction that came through the pool costs no second
/// recovery (about 40 µs) when its block is built, proposed by another, or imported again.
///
/// A transaction hash commits to the signature, so an entry is never wrong. Bounded: two halves of
/// half the capacity each; when the young one is full it becomes the old one.
#[derive(Debug)]
pub struct SenderCache {
    half: usize,
    halves: Mutex<Halves>,
}

#[derive(Debug, Default)]
struct Halves {
    young: B256Map<Address>,
    old: B256Map<Address>,
}

impl SenderCache {
    /// A cache of at most `capacity` senders.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { half: (capacity / 2).max(1), halves: Mutex::default() }
    }

    /// The transaction with its sender, or `None` where its signature gives none (EIP-2: low `s`
    /// only).
    #[must_use]
    pub fn recover(&self, transaction: Transaction) -> Option<RecoveredTransaction> {
        let hash = *transaction.tx_hash();
        let known = {
            let halves = self.halves.lock();
            halves.young.get(&hash).or_else(|| halves.old.get(&hash)).copied()
        };
        let sender = match known {
            Some(sender) => sender,
            None => {
                let sender = transaction.recover_signer().ok()?;
                self.remember(hash, sender);
                sender
            }
        };
        Some(RecoveredTransaction::new_unchecked(transaction, sender))
    }

    fn remember(&self, hash: B256, sender: Address) {
        let mut halves = self.halves.lock();
        if halves.young.len() >= self.half {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(hash, sender);
    }
}
