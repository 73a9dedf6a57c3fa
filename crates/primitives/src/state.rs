//! The peg state: a function of the chain, committed to by every header's `peg_root`.
//!
//! `peg state = f(chain)`: [`PegState::next`] is the only way it moves, used by proposer and verifier.
//! The rule sets for the relay, deposits, payouts, merged mining and governance are not in force in
//! this version: a body with such items is invalid, and their parts of the state stay empty.

use std::collections::BTreeMap;

use alloy_primitives::{B256, U256};
use ssz::Encode as _;
use ssz_derive::{Decode, Encode};
use ssz_types::VariableList;
use tree_hash::TreeHash as _;
use tree_hash_derive::TreeHash;

use crate::{
    Body, ExecutionFacts,
    block::{DecodeError, decode},
    limits::MaxWaitingCredits,
    slots::Slot,
    withdrawals::{Credit, Dues, expected_withdrawals},
};

/// The block up to which Bitcoin work commits to this chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct Anchor {
    /// Its height; 0 for genesis.
    pub height: u64,
    /// Its hash.
    pub block: B256,
    /// The target it was anchored with, in Bitcoin's compact form.
    pub bits: u32,
    /// The slot of the block that carried the proof.
    pub slot: Slot,
}

/// The peg state after some block's body, and before that block's own payload is counted.
///
/// SSZ field order is the order of `peg_root`'s leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, TreeHash)]
pub struct PegState {
    /// Root of the confirmed UTXO set; zero while deposits are not in force.
    pub utxos: B256,
    /// Root of the set of credited outpoints; zero while deposits are not in force.
    pub credited: B256,
    /// Root of unclaimed and partial deposits; zero while deposits are not in force.
    pub unclaimed: B256,
    /// Root of the burn queue; zero while payouts are not in force.
    pub burns: B256,
    /// Root of payouts in flight; zero while payouts are not in force.
    pub payouts: B256,
    /// The relay's best Bitcoin header; the spec's checkpoint at genesis.
    pub relay_tip: B256,
    /// Fees collected and not yet paid out, in wei.
    pub fee_pot: U256,
    /// What Bitcoin has anchored.
    pub anchor: Anchor,
    /// The epoch of the set that decides.
    pub epoch: u64,
    /// The index of the next withdrawal, counted from genesis.
    pub next_withdrawal: u64,
    /// Deposits that wait for their withdrawal, oldest first.
    pub deposits_due: VariableList<Credit, MaxWaitingCredits>,
    /// Re-mints that wait for their withdrawal, oldest first.
    pub remints_due: VariableList<Credit, MaxWaitingCredits>,
    /// Burned and not yet re-minted or paid, in wei.
    pub burned: U256,
}

/// Why a body cannot be applied to a peg state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The body carries items whose rules no activation height of the spec has put in force.
    #[error("body.{0} is not empty, and its rules are not in force")]
    NotInForce(&'static str),
    /// A sum left its range, which no honest chain can reach.
    #[error("{0} overflows")]
    Overflow(&'static str),
}

impl PegState {
    /// What is owed before a block with `body`.
    #[must_use]
    pub fn dues(&self, _body: &Body) -> Dues {
        Dues { deposits: self.deposits_due.to_vec(), remints: self.remints_due.to_vec(), ..Dues::default() }
    }

    /// The state after a block: this state (the parent's), the facts of the *parent's* payload, and
    /// the block's own body. A proposer can so sign before its own payload is executed.
    ///
    /// # Errors
    /// [`StateError`]: the block is invalid.
    pub fn next(
        &self,
        parent_facts: &ExecutionFacts,
        body: &Body,
        max_withdrawals: usize,
    ) -> Result<Self, StateError> {
        refuse_what_is_not_in_force(body)?;
        let mut next = self.clone();
        next.fee_pot =
            self.fee_pot.checked_add(parent_facts.fees).ok_or(StateError::Overflow("the fee pot"))?;
        for burn in &parent_facts.burns {
            next.burned =
                next.burned.checked_add(burn.value).ok_or(StateError::Overflow("the sum of burns"))?;
        }
        let paid = expected_withdrawals(self, body, max_withdrawals);
        next.next_withdrawal = self
            .next_withdrawal
            .checked_add(paid.withdrawals.len() as u64)
            .ok_or(StateError::Overflow("the withdrawal index"))?;
        next.deposits_due = rest(&self.deposits_due, paid.deposits);
        next.remints_due = rest(&self.remints_due, paid.remints);
        Ok(next)
    }

    /// The root that headers commit to.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.tree_hash_root()
    }

    /// The SSZ bytes, as storage keeps them.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.as_ssz_bytes()
    }

    /// Decodes what [`PegState::encode`] wrote.
    ///
    /// # Errors
    /// Where the bytes are no peg state.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        decode(bytes)
    }
}

fn rest(
    credits: &VariableList<Credit, MaxWaitingCredits>,
    paid: usize,
) -> VariableList<Credit, MaxWaitingCredits> {
    // A list that is no longer than one within the limit is within the limit.
    VariableList::new(credits[paid.min(credits.len())..].to_vec()).unwrap_or_default()
}

fn refuse_what_is_not_in_force(body: &Body) -> Result<(), StateError> {
    let items = BTreeMap::from([
        ("handover", body.handover.len()),
        ("bitcoin_headers", body.bitcoin_headers.len()),
        ("deposits", body.deposits.len()),
        ("payouts", body.payouts.len()),
        ("settlements", body.settlements.len()),
        ("auxpow", body.auxpow.len()),
        ("governance", body.governance.len()),
    ]);
    match items.into_iter().find(|(_, count)| *count > 0) {
        Some((name, _)) => Err(StateError::NotInForce(name)),
        None => Ok(()),
    }
}
