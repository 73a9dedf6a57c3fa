//! Which withdrawals a payload must contain: entry for entry, in order.
//!
//! Withdrawals (EIP-4895) are how this side of the chain creates coins on the EVM side. One function
//! decides them for proposer and verifier alike (`merge-or-not`, `free-mint`).

use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::Address;
use ssz_derive::{Decode, Encode};
use tree_hash_derive::TreeHash;

use crate::{Body, PegState, limits::MAX_MEMBERS};

/// What a withdrawal is for; its number stands in `validator_index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u64)]
pub enum WithdrawalKind {
    /// The miner's share of the fees.
    Miner = 0,
    /// A member's share of the fees.
    Member = 1,
    /// A deposit of bitcoin.
    Deposit = 2,
    /// A burn that could not be paid, given back.
    Remint = 3,
    /// A decision of the members.
    Governance = 4,
}

/// An amount owed to an address, in gwei.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, TreeHash)]
pub struct Credit {
    /// Who gets it.
    pub address: Address,
    /// How much, in gwei.
    pub gwei: u64,
}

/// All that is owed before a block, each list in the order in which it became due.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dues {
    /// The miner's fee: none or one.
    pub miner: Vec<Credit>,
    /// The members' fees, by index.
    pub members: Vec<Credit>,
    /// Deposits.
    pub deposits: Vec<Credit>,
    /// Re-mints.
    pub remints: Vec<Credit>,
    /// Governance payments.
    pub governance: Vec<Credit>,
}

/// What one block pays, and how many credits of each waiting list that settles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paid {
    /// The payload's withdrawals.
    pub withdrawals: Vec<Withdrawal>,
    /// Deposits paid, from the front.
    pub deposits: usize,
    /// Re-mints paid, from the front.
    pub remints: usize,
    /// Governance payments paid, from the front.
    pub governance: usize,
}

/// The least `max_withdrawals` a spec may have for `members`: all fee entries, and 16 more.
#[must_use]
pub const fn least_max_withdrawals(members: usize) -> usize {
    members + 17
}

/// The withdrawals that the payload of a block with `body` must contain, where `state` is the peg
/// state before the block and `max` is the spec's `max_withdrawals`.
#[must_use]
pub fn expected_withdrawals(state: &PegState, body: &Body, max: usize) -> Paid {
    pay(&state.dues(body), state.next_withdrawal, max)
}

/// Pays `dues` with at most `max` entries, numbered from `first_index`.
///
/// Fees come first and always fit, since a spec's `max` is at least
/// [`least_max_withdrawals`]. Of the room left, re-mints may take at most half; what they do not
/// need, deposits may have; governance takes what both leave. Within a list it is first come first
/// served, and entries of one address merge, so a credit whose address already has an entry of its
/// kind needs no room. Credits of nothing are settled without an entry. What does not fit waits.
#[must_use]
pub fn pay(dues: &Dues, first_index: u64, max: usize) -> Paid {
    let mut entries = Vec::new();
    fill(&mut entries, WithdrawalKind::Miner, &dues.miner, max);
    let room = max.saturating_sub(entries.len());
    fill(&mut entries, WithdrawalKind::Member, &dues.members, room.min(MAX_MEMBERS));

    let room = max.saturating_sub(entries.len());
    let mut remint_entries = Vec::new();
    let remints = fill(&mut remint_entries, WithdrawalKind::Remint, &dues.remints, room / 2);
    let deposit_room = room - remint_entries.len();
    let deposits = fill(&mut entries, WithdrawalKind::Deposit, &dues.deposits, deposit_room);
    entries.append(&mut remint_entries);
    let room = max.saturating_sub(entries.len());
    let governance = fill(&mut entries, WithdrawalKind::Governance, &dues.governance, room);

    let withdrawals = (0u64..)
        .zip(entries)
        .map(|(at, (kind, credit))| Withdrawal {
            // 2^64 withdrawals are out of reach; `PegState::next` refuses the block that would.
            index: first_index.saturating_add(at),
            validator_index: kind as u64,
            address: credit.address,
            amount: credit.gwei,
        })
        .collect();
    Paid { withdrawals, deposits, remints, governance }
}

/// Appends entries of one kind, at most `room` new ones, and says how many credits they settle.
fn fill(
    entries: &mut Vec<(WithdrawalKind, Credit)>,
    kind: WithdrawalKind,
    credits: &[Credit],
    room: usize,
) -> usize {
    let start = entries.len();
    let mut settled = 0;
    for credit in credits {
        if credit.gwei > 0 {
            let same = entries[start..].iter().position(|(_, e)| e.address == credit.address);
            // A sum that would overflow takes an entry of its own; 2^64 gwei is 800 times all bitcoin.
            let sum = same.and_then(|at| {
                let (_, entry) = entries.get(start + at)?;
                Some((start + at, entry.gwei.checked_add(credit.gwei)?))
            });
            match sum {
                Some((at, sum)) => entries[at].1.gwei = sum,
                None if entries.len() - start < room => entries.push((kind, *credit)),
                None => break,
            }
        }
        settled += 1;
    }
    settled
}
