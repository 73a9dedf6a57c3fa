//! Damage is found, named and never served, and a block can be brought back from a peer.

use std::ops::Bound;
use std::sync::Arc;

use alloy_primitives::keccak256;
use alys_database::{
    Batch, Database, DatabaseError, Entry, MemoryDatabase, MemoryDisk, Order, Reader, Verified, Verifying,
};
use alys_primitives::{B256, SignedProposal};
use alys_storage::store::{Integrity, Step};
use alys_storage::{BlockCache, BlockQuery, StorageError, Store};

use crate::blocks::{child, dump, hash};
use crate::serving::chain_of;

fn key(table: u8, parts: &[&[u8]]) -> Vec<u8> {
    [&[table], parts.concat().as_slice()].concat()
}

fn at(table: u8, block: &SignedProposal) -> Vec<u8> {
    key(table, &[&block.block.header.height.to_be_bytes(), hash(block).as_slice()])
}

/// A store without a cache on a disk that tests can damage.
fn store() -> (MemoryDisk, Arc<dyn Database>, Store, Vec<Arc<SignedProposal>>) {
    let disk = MemoryDisk::new();
    let db: Arc<dyn Database> = Arc::new(disk.open().unwrap());
    let mut store = Store::open(Arc::clone(&db), BlockCache::new(0)).unwrap();
    let blocks = chain_of(&mut store, 40, 5);
    (disk, db, store, blocks)
}

/// What the check in steps finds, as the actor does it.
fn findings(store: &Store) -> Vec<String> {
    let mut work = Integrity::new(store);
    loop {
        if let Step::Done(report) = work.step(store).unwrap() {
            return report.damage;
        }
    }
}

#[test]
fn damage_to_any_entry_is_found_by_the_integrity_check_and_named() {
    let (_, db, _, _) = store();
    for (key, _) in dump(db.as_ref()) {
        let (disk, _db, store, _) = self::store();
        assert!(findings(&store).is_empty());
        assert!(disk.damage(&key));
        // The format is read at opening only; it is covered below.
        if key == b"\x00format" || key == b"\x00chain" || key == b"\x00count" {
            drop((store, _db));
            assert!(Store::open(Arc::new(disk.open().unwrap()), BlockCache::new(0)).is_err());
            continue;
        }
        // By the store's own check, and again by the database's.
        let damage = findings(&store);
        assert!(damage.len() > 1, "damage to {key:02x?} was not found: {damage:?}");
    }
}

/// A database that has lost what nobody reads: only it can know.
struct Leaky(MemoryDatabase);

impl Reader for Leaky {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.0.get(key)
    }

    fn scan(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
        order: Order,
        limit: usize,
    ) -> Result<Vec<Entry>, DatabaseError> {
        self.0.scan(range, order, limit)
    }
}

impl Database for Leaky {
    fn commit(&self, batch: Batch) -> Result<(), DatabaseError> {
        self.0.commit(batch)
    }

    fn size_on_disk(&self) -> Result<u64, DatabaseError> {
        self.0.size_on_disk()
    }

    fn backend(&self) -> &'static str {
        self.0.backend()
    }

    fn verify_some(&self, progress: &mut Verifying, limit: usize) -> Result<Option<Verified>, DatabaseError> {
        let lost = |_| DatabaseError::Corrupt {
            backend: self.backend(),
            path: "here".to_owned(),
            message: "a part of the log was lost".to_owned(),
        };
        self.0.verify_some(progress, limit)?.map_or(Ok(None), |all| Err(lost(all)))
    }
}

#[test]
fn the_check_in_steps_verifies_the_database_below_too_and_lets_commits_go_on() {
    let db: Arc<dyn Database> = Arc::new(Leaky(MemoryDisk::new().open().unwrap()));
    let mut store = Store::open(db, BlockCache::new(0)).unwrap();
    let blocks = chain_of(&mut store, 40, 5);
    let mut work = Integrity::new(&store);
    let (mut steps, mut parent) = (0, Arc::clone(&blocks[40]));
    let report = loop {
        if let Step::Done(report) = work.step(&store).unwrap() {
            break report;
        }
        steps += 1;
        parent = child(&parent, 100 + steps, vec![]);
        store.persist(&[Arc::clone(&parent)]).remove(0).unwrap();
    };
    assert!(steps > 8, "{steps} steps");
    assert_eq!(report.damage.len(), 1, "{:?}", report.damage);
    assert!(report.damage[0].contains("a part of the log was lost"), "{:?}", report.damage);
}

#[test]
fn an_entry_that_vanished_is_found_whichever_it_is() {
    let (_, db, _, _) = store();
    for (key, _) in dump(db.as_ref()) {
        if key == b"\x00format" || key == b"\x00chain" || key == b"\x00count" {
            continue;
        }
        let (_, db, store, _) = self::store();
        let mut batch = Batch::new();
        batch.delete(key.clone());
        db.commit(batch).unwrap();
        let damage = findings(&store);
        assert!(!damage.is_empty(), "{key:02x?} vanished unnoticed");
    }
}

#[test]
fn entries_that_must_not_be_there_are_found() {
    let (_, _, _, blocks) = store();
    let rival = child(&blocks[10], 500, vec![]);
    let nobody = B256::repeat_byte(9);
    for (key, value) in [
        (key(2, &[hash(&rival).as_slice()]), 11u64.to_be_bytes().to_vec()),
        (key(3, &[&41u64.to_be_bytes()]), nobody.to_vec()),
        (key(4, &[nobody.as_slice()]), 7u64.to_be_bytes().to_vec()),
        (at(6, &blocks[3]), vec![1; 40]),
    ] {
        let (_, db, store, _) = self::store();
        let mut batch = Batch::new();
        batch.put(key.clone(), value);
        db.commit(batch).unwrap();
        let damage = findings(&store);
        assert!(!damage.is_empty(), "{key:02x?} was not noticed");
    }
}

#[test]
fn a_damaged_block_is_never_served_by_any_index_and_comes_back_from_a_peer() {
    let (disk, _db, mut store, blocks) = store();
    let block = &blocks[17];
    assert!(disk.damage(&at(1, block)));
    let id = keccak256(&block.block.payload.payload_inner.payload_inner.transactions[1]);
    for query in [
        BlockQuery::Hash(hash(block)),
        BlockQuery::Height(17),
        BlockQuery::Transaction(id),
        BlockQuery::Range { from: 15, count: 5 },
    ] {
        let refusal = store.retrieve(query).unwrap_err();
        assert!(matches!(refusal, StorageError::Corrupt(_)), "{query:?}: {refusal}");
    }
    // Its neighbours are served.
    assert_eq!(store.retrieve(BlockQuery::Range { from: 18, count: 5 }).unwrap().len(), 5);

    let mut altered = SignedProposal::clone(block);
    altered.block.payload.payload_inner.payload_inner.gas_used += 1;
    let refusal = store.persist(&[Arc::new(altered)]).remove(0).unwrap_err();
    assert!(refusal.to_string().contains("cannot replace it"), "{refusal}");
    store.persist(&[Arc::clone(block)]).remove(0).unwrap();
    let back = store.retrieve(BlockQuery::Height(17)).unwrap();
    assert_eq!(back[0].block, **block);
    assert!(back[0].facts.is_some());
    assert!(store.check_integrity().unwrap().damage.is_empty());
}

#[test]
fn a_sound_copy_is_not_replaced_by_another_with_the_same_header() {
    let (_, _db, mut store, blocks) = store();
    for block in [&blocks[17], &blocks[38]] {
        let mut altered = SignedProposal::clone(block);
        altered.block.payload.payload_inner.payload_inner.gas_used += 1;
        store.persist(&[Arc::new(altered)]).remove(0).unwrap();
        let found = store.retrieve(BlockQuery::Hash(hash(block))).unwrap();
        assert_eq!(found[0].block, **block);
    }
}

#[test]
fn bytes_that_are_sound_but_of_another_block_are_not_served() {
    let (_, db, store, blocks) = store();
    let mut batch = Batch::new();
    batch.put(at(1, &blocks[17]), db.get(&at(1, &blocks[18])).unwrap().unwrap());
    db.commit(batch).unwrap();
    let refusal = store.retrieve(BlockQuery::Height(17)).unwrap_err().to_string();
    assert!(refusal.contains("lies block") && refusal.contains("of height 18"), "{refusal}");
}
