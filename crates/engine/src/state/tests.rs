//! The whole state against a model: roots, no garbage in the database, and the way back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::ops::Bound;

use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::TrieAccount;
use alloy_trie::root::{state_root, storage_root};
use alys_database::{Batch, Database, Entry, MemoryDatabase, MemoryDisk, Order, Reader, Snapshots};
use proptest::prelude::*;

use super::{
    AccountChange, Base, Basics, Change, StateChanges, StateView, Table, prune_history, revert, seal_overlay,
    write_overlay,
};

/// One step for one account: gone, or there with a balance; perhaps wiped; new slots.
type Step = (Option<u64>, bool, BTreeMap<u8, u64>);
type Model = BTreeMap<B256, (Basics, BTreeMap<B256, U256>)>;

fn hash(index: u8) -> B256 {
    keccak256([index])
}

fn basics(balance: u64) -> Basics {
    Basics { balance: U256::from(balance), nonce: 1, ..Basics::default() }
}

fn root(model: &Model) -> B256 {
    state_root(model.iter().map(|(hash, (basics, slots))| {
        let account = TrieAccount {
            nonce: basics.nonce,
            balance: basics.balance,
            storage_root: storage_root(slots.iter().map(|(slot, value)| (*slot, *value))),
            code_hash: basics.code_hash,
        };
        (*hash, account)
    }))
}

/// The changes of a block, applied to the model as well.
fn changes(steps: &BTreeMap<u8, Step>, view: &StateView, model: &mut Model) -> StateChanges {
    let mut changes = StateChanges::default();
    for (index, (balance, wiped, slots)) in steps {
        let account = hash(*index);
        let before = view.hashed_account(&account).unwrap();
        let slots: BTreeMap<_, _> = slots
            .iter()
            .map(|(slot, after)| {
                let before = view.hashed_slot(&account, &hash(*slot)).unwrap();
                (hash(*slot), Change { before, after: U256::from(*after) })
            })
            .collect();
        match balance {
            None => {
                model.remove(&account);
            }
            Some(balance) => {
                let entry = model.entry(account).or_default();
                entry.0 = basics(*balance);
                if *wiped {
                    entry.1.clear();
                }
                entry.1.extend(slots.iter().map(|(slot, change)| (*slot, change.after)));
                entry.1.retain(|_, value| !value.is_zero());
            }
        }
        let change = AccountChange { before, basics: balance.map(basics), wiped: *wiped, slots };
        changes.accounts.insert(account, change);
    }
    changes
}

fn tables(database: &MemoryDatabase, tables: &[Table]) -> Vec<Entry> {
    let all = database.scan((Bound::Unbounded, Bound::Unbounded), Order::Ascending, usize::MAX);
    let wanted = |entry: &Entry| tables.iter().any(|table| entry.0[0] == *table as u8);
    all.unwrap().into_iter().filter(wanted).collect()
}

const STATE: [Table; 4] = [Table::Account, Table::Slot, Table::AccountNode, Table::SlotNode];
const HISTORY: [Table; 3] = [Table::AccountHistory, Table::SlotHistory, Table::Touched];

fn view(database: &MemoryDatabase) -> StateView {
    StateView::above(Base::new(database.snapshot().unwrap()), Vec::new())
}

/// The state of a database that was filled with the model in one go.
fn fresh(model: &Model) -> Vec<Entry> {
    let database = MemoryDisk::new().open().unwrap();
    let mut filled = StateChanges::default();
    for (account, (basics, slots)) in model {
        let slots = slots.iter().map(|(slot, value)| (*slot, Change { before: U256::ZERO, after: *value }));
        let change =
            AccountChange { before: None, basics: Some(*basics), wiped: false, slots: slots.collect() };
        filled.accounts.insert(*account, change);
    }
    let (_, overlay) = seal_overlay(&view(&database), filled).unwrap();
    let mut batch = Batch::new();
    write_overlay(&mut batch, 1, &overlay);
    database.commit(batch).unwrap();
    tables(&database, &STATE)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_changes_wipes_and_deletions_leave_what_a_fresh_state_has_and_can_be_taken_back(
        blocks in prop::collection::vec(
            prop::collection::btree_map(
                0u8..12,
                (
                    prop::option::weighted(0.8, 0u64..4),
                    prop::bool::weighted(0.2),
                    prop::collection::btree_map(0u8..12, 0u64..4, 0..8),
                ),
                0..6,
            ),
            1..12,
        ),
        pruned in 0u64..4,
    ) {
        let database = MemoryDisk::new().open().unwrap();
        let mut model = Model::new();
        let mut states = vec![(root(&model), tables(&database, &STATE))];
        for (height, steps) in (1u64..).zip(&blocks) {
            let parent = view(&database);
            let (found, overlay) = seal_overlay(&parent, changes(steps, &parent, &mut model)).unwrap();
            prop_assert_eq!(found, root(&model));
            let mut batch = Batch::new();
            write_overlay(&mut batch, height, &overlay);
            database.commit(batch).unwrap();
            let state = tables(&database, &STATE);
            prop_assert_eq!(&state, &fresh(&model), "garbage, or a hole");
            states.push((found, state));
        }
        let head = blocks.len() as u64;
        let pruned = pruned.min(head);
        for height in 1..=pruned {
            let mut batch = Batch::new();
            prune_history(&database, &mut batch, height).unwrap();
            database.commit(batch).unwrap();
        }
        for height in (pruned + 1..=head).rev() {
            let mut batch = Batch::new();
            let base = Base::new(database.snapshot().unwrap());
            let found = revert(&base, &mut batch, height).unwrap();
            database.commit(batch).unwrap();
            let (wanted, state) = &states[height as usize - 1];
            prop_assert_eq!(found, *wanted);
            prop_assert_eq!(&tables(&database, &STATE), state);
        }
        prop_assert!(tables(&database, &HISTORY).is_empty(), "history that nobody can reach");
    }
}
