//! Recovering senders once.

use alloy_consensus::transaction::SignerRecoverable;
use alloy_primitives::map::B256Map;
use alloy_primitives::{Address, B256};
use parking_lot::Mutex;

use alys_bus::in_parallel;

use super::{RecoveredTransaction, Transaction};

/// So many recoveries are worth a thread: about 1.5 ms.
const LEAST_FOR_A_THREAD: usize = 32;

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
        let known = self.halves.lock().get(&hash);
        let sender = match known {
            Some(sender) => sender,
            None => {
                let sender = transaction.recover_signer().ok()?;
                self.halves.lock().remember(self.half, hash, sender);
                sender
            }
        };
        Some(RecoveredTransaction::new_unchecked(transaction, sender))
    }

    /// All transactions of a block with their senders. Those that are not known are recovered on several threads.
    ///
    /// # Errors
    /// The place of the first transaction whose signature gives none.
    pub fn recover_all(&self, transactions: Vec<Transaction>) -> Result<Vec<RecoveredTransaction>, usize> {
        let known: Vec<Option<Address>> = {
            let halves = self.halves.lock();
            transactions.iter().map(|transaction| halves.get(transaction.tx_hash())).collect()
        };
        let unknown = transactions.iter().zip(&known).filter(|(_, sender)| sender.is_none());
        let unknown: Vec<&Transaction> = unknown.map(|(transaction, _)| transaction).collect();
        let recovered = in_parallel("engine-senders", &unknown, LEAST_FOR_A_THREAD, |transaction| {
            transaction.recover_signer().ok()
        });
        let mut recovered = recovered.into_iter();
        let mut halves = self.halves.lock();
        let with_sender = |(index, (transaction, known)): (usize, (Transaction, Option<Address>))| {
            let sender = match known {
                Some(sender) => sender,
                None => {
                    let sender = recovered.next().flatten().ok_or(index)?;
                    halves.remember(self.half, *transaction.tx_hash(), sender);
                    sender
                }
            };
            Ok(RecoveredTransaction::new_unchecked(transaction, sender))
        };
        transactions.into_iter().zip(known).enumerate().map(with_sender).collect()
    }
}

impl Halves {
    fn get(&self, hash: &B256) -> Option<Address> {
        self.young.get(hash).or_else(|| self.old.get(hash)).copied()
    }

    fn remember(&mut self, half: usize, hash: B256, sender: Address) {
        if self.young.len() >= half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, sender);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use alloy_consensus::{SignableTransaction, TxLegacy};
    use alloy_primitives::{Signature, U256};
    use alloy_signer::SignerSync;
    use alloy_signer_local::PrivateKeySigner;

    use super::*;

    fn signed(count: u64) -> (Vec<Transaction>, Vec<Address>) {
        let one = |nonce: u64| {
            let key = PrivateKeySigner::from_bytes(&B256::with_last_byte(1 + (nonce % 7) as u8)).unwrap();
            let tx = TxLegacy { nonce, ..TxLegacy::default() };
            let signature = key.sign_hash_sync(&tx.signature_hash()).unwrap();
            (Transaction::from(tx.into_signed(signature)), key.address())
        };
        (0..count).map(one).unzip()
    }

    /// With an `s` above half of the order, which EIP-2 forbids.
    fn unsigned() -> Transaction {
        let tx = TxLegacy::default();
        Transaction::from(tx.into_signed(Signature::new(U256::from(1), U256::MAX, false)))
    }

    #[test]
    fn a_block_is_recovered_like_its_transactions_one_by_one_whatever_is_known_already() {
        let (transactions, expected) = signed(200);
        for known in [0, 1, 60, 199, 200] {
            let cache = SenderCache::new(1_000);
            for transaction in transactions.iter().rev().take(known) {
                cache.recover(transaction.clone()).unwrap();
            }
            for _ in 0..2 {
                let all = cache.recover_all(transactions.clone()).unwrap();
                assert!(all.iter().map(|tx| tx.inner()).eq(&transactions));
                assert!(all.iter().map(|tx| tx.signer()).eq(expected.iter().copied()), "{known} known");
            }
        }
    }

    #[test]
    fn the_first_bad_signature_of_a_block_is_named_by_its_place() {
        for bad in [vec![0], vec![57], vec![199], vec![30, 150]] {
            let (mut transactions, _) = signed(200);
            for index in &bad {
                transactions[*index] = unsigned();
            }
            assert_eq!(SenderCache::new(1_000).recover_all(transactions).err(), bad.first().copied());
        }
    }

    #[test]
    fn what_was_recovered_is_not_recovered_again() {
        let (transactions, _) = signed(3);
        let cache = SenderCache::new(1_000);
        let marked = Address::repeat_byte(9);
        cache.halves.lock().remember(500, *transactions[1].tx_hash(), marked);
        let all = cache.recover_all(transactions).unwrap();
        assert_eq!(all[1].signer(), marked);
        assert!(all[0].signer() != marked && all[2].signer() != marked);
        assert_eq!(cache.halves.lock().young.len(), 3);
    }
}
