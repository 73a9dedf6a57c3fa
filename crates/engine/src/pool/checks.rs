//! The checks of a new transaction against its account, and against what waits already.

use alloy_primitives::{Address, U256};
use alys_bus::protocol::query::TransactionRefusal;

use super::account::Account;
use super::{PoolConfig, PooledTransaction, SenderAccount, SenderCode};

/// What the new transaction meets: its account's state, and what of the account is in the pool.
pub(super) struct Against<'a> {
    pub(super) config: &'a PoolConfig,
    pub(super) state: SenderAccount,
    /// `None` where nothing of the account is in the pool.
    pub(super) account: Option<&'a Account>,
    /// Whether an authorization of the sender waits in the pool (EIP-7702).
    pub(super) authorized: bool,
}

impl Against<'_> {
    /// Checks `tx`, in the order in which Geth does.
    pub(super) fn check(&self, tx: &PooledTransaction) -> Result<(), TransactionRefusal> {
        if self.state.code == SenderCode::Contract {
            return Err(TransactionRefusal::SenderNotEoa(tx.sender()));
        }
        let nonce = tx.nonce();
        if nonce < self.state.nonce {
            return Err(TransactionRefusal::NonceTooLow { next: self.state.nonce, nonce });
        }
        self.check_funds(tx)?;
        self.check_delegation(nonce)?;
        self.check_distance(nonce)?;
        match self.account.and_then(|account| account.get(nonce)) {
            Some(old) if !self.outbids(tx, &old.tx) => Err(TransactionRefusal::ReplacementUnderpriced),
            _ => Ok(()),
        }
    }

    /// The account must afford all that is in the pool, each at its most.
    fn check_funds(&self, tx: &PooledTransaction) -> Result<(), TransactionRefusal> {
        let others = self.account.map_or(U256::ZERO, |account| {
            let replaced = account.get(tx.nonce()).map_or(U256::ZERO, |old| old.tx.cost());
            account.cost().saturating_sub(replaced)
        });
        let (balance, cost) = (self.state.balance, others.saturating_add(tx.cost()));
        if cost > balance {
            return Err(TransactionRefusal::InsufficientFunds { balance, cost });
        }
        Ok(())
    }

    /// One transaction at a time where others may empty the account.
    fn check_delegation(&self, nonce: u64) -> Result<(), TransactionRefusal> {
        if self.state.code != SenderCode::Delegated && !self.authorized {
            return Ok(());
        }
        let refused = |reason: &str| Err(TransactionRefusal::Invalid(reason.into()));
        match self.account {
            None if nonce != self.state.nonce => refused("gapped-nonce tx from delegated accounts"),
            Some(account) if account.get(nonce).is_none() => {
                refused("in-flight transaction limit reached for delegated accounts")
            }
            _ => Ok(()),
        }
    }

    fn check_distance(&self, nonce: u64) -> Result<(), TransactionRefusal> {
        let (first, next) = (self.state.nonce, self.account.map_or(self.state.nonce, Account::next_nonce));
        let refused = |ahead| Err(TransactionRefusal::NonceTooFarAhead { next, nonce, ahead });
        if nonce.saturating_sub(first) >= self.config.max_per_account {
            return refused(self.config.max_per_account);
        }
        if nonce > next && nonce.saturating_sub(next) > self.config.max_ahead {
            return refused(self.config.max_ahead);
        }
        Ok(())
    }

    /// Whether both caps rise by the percentage of the configuration, and by one wei at least.
    fn outbids(&self, new: &PooledTransaction, old: &PooledTransaction) -> bool {
        let factor = U256::from(self.config.replacement_bump).saturating_add(U256::from(100));
        let raised = |new: u128, old: u128| {
            new > old
                && U256::from(new).saturating_mul(U256::from(100)) >= U256::from(old).saturating_mul(factor)
        };
        raised(new.fee_cap(), old.fee_cap()) && raised(new.tip_cap(), old.tip_cap())
    }
}

/// An authorization of an account with several transactions could void all but one of them.
pub(super) fn check_authority(
    authority: Address,
    account: Option<&Account>,
) -> Result<(), TransactionRefusal> {
    if account.is_some_and(|account| account.len() > 1) {
        return Err(TransactionRefusal::SetCode(format!("authority already reserved: {authority}")));
    }
    Ok(())
}
