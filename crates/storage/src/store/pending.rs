//! The blocks above the last final one, in memory, and what a move of the head does to them.
//!
//! Pure: made from the disk at opening, changed only after a commit.

use std::collections::{BTreeMap, BTreeSet};

use alys_bus::protocol::storage::{BlockRef, StorageError};
use alys_primitives::B256;

/// Height and hash.
pub(super) type Spot = (u64, B256);

/// What is known of a block that is not final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PendingBlock {
    pub(super) parent: B256,
    pub(super) slot: u64,
    /// On the chain of the head.
    pub(super) canonical: bool,
    /// Its change set is on the disk.
    pub(super) changed: bool,
}

/// All blocks that are not final, and in an empty storage all blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pending {
    blocks: BTreeMap<Spot, PendingBlock>,
    heights: BTreeMap<B256, u64>,
}

impl Pending {
    pub(super) fn insert(&mut self, spot: Spot, block: PendingBlock) {
        self.heights.insert(spot.1, spot.0);
        self.blocks.insert(spot, block);
    }

    pub(super) fn get(&self, spot: &Spot) -> Option<&PendingBlock> {
        self.blocks.get(spot)
    }

    pub(super) fn height(&self, hash: &B256) -> Option<u64> {
        self.heights.get(hash).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// All of them, lowest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Spot, &PendingBlock)> {
        self.blocks.iter()
    }

    /// After a commit: what `plan` and the stored change sets make of it.
    pub(super) fn apply(&mut self, plan: &Plan, finalized: u64, changed: &BTreeSet<B256>) {
        for spot in plan.settle.iter().chain(&plan.sweep) {
            self.blocks.remove(spot);
            self.heights.remove(&spot.1);
        }
        for spot in &plan.leave {
            self.blocks.entry(*spot).and_modify(|block| block.canonical = false);
        }
        for spot in &plan.join {
            self.blocks.entry(*spot).and_modify(|block| block.canonical = true);
        }
        for (spot, block) in &mut self.blocks {
            block.changed |= spot.0 > finalized && changed.contains(&spot.1);
        }
    }
}

/// What a move of head and finality does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// From above the old final block to the head, lowest first; in an empty storage from the final one.
    pub(super) path: Vec<Spot>,
    /// No longer on the chain of the head.
    pub(super) leave: Vec<Spot>,
    /// Now on the chain of the head.
    pub(super) join: Vec<Spot>,
    /// Now final.
    pub(super) settle: Vec<Spot>,
    /// Can never be final any more: they go.
    pub(super) sweep: Vec<Spot>,
}

/// Plans a move to `head` and `finalized`, from the last final block `floor` (`None`: empty storage).
///
/// # Errors
/// [`StorageError::UnknownBlock`], [`StorageError::NotAnAncestor`], and
/// [`StorageError::Refused`] where a block is named with another height or slot than its own.
pub(super) fn plan(
    pending: &Pending,
    floor: Option<BlockRef>,
    head: BlockRef,
    finalized: BlockRef,
) -> Result<Plan, StorageError> {
    for block in [finalized, head] {
        check_named(pending, floor, block)?;
    }
    let path = walk(pending, floor, head, finalized)?;
    let on_path = path.binary_search(&(finalized.height, finalized.hash)).is_ok();
    if !on_path && floor != Some(finalized) {
        return Err(StorageError::NotAnAncestor { ancestor: finalized.hash, block: head.hash });
    }
    let is_canonical = |spot: &Spot| pending.get(spot).is_some_and(|block| block.canonical);
    let in_path = |spot: &Spot| path.binary_search(spot).is_ok();
    let all = || pending.iter().map(|(spot, _)| *spot);
    Ok(Plan {
        leave: all().filter(|spot| is_canonical(spot) && !in_path(spot)).collect(),
        join: path.iter().copied().filter(|spot| !is_canonical(spot)).collect(),
        settle: path.iter().copied().filter(|spot| spot.0 <= finalized.height).collect(),
        sweep: all().filter(|spot| spot.0 <= finalized.height && !in_path(spot)).collect(),
        path,
    })
}

/// Whether a block is here under the height and slot it is named with, and not below the last final one.
///
/// The height decides first: up to the last final block nothing else can be named, and what lay there beside the chain is gone.
fn check_named(pending: &Pending, floor: Option<BlockRef>, named: BlockRef) -> Result<(), StorageError> {
    let known = match floor {
        Some(floor) if floor.hash == named.hash => floor,
        Some(floor) if named.height <= floor.height => {
            return Err(StorageError::NotAnAncestor { ancestor: floor.hash, block: named.hash });
        }
        _ => {
            let hash = named.hash;
            let height = pending.height(&hash).ok_or(StorageError::UnknownBlock(hash))?;
            let slot = pending.get(&(height, hash)).map_or(0, |block| block.slot);
            BlockRef { height, slot, hash }
        }
    };
    if known == named {
        return Ok(());
    }
    Err(StorageError::Refused(format!(
        "block {} has height {} and slot {}, not height {} and slot {}",
        known.hash, known.height, known.slot, named.height, named.slot
    )))
}

/// From `head` down to the block above `floor`, or to `finalized` itself; returned lowest first.
fn walk(
    pending: &Pending,
    floor: Option<BlockRef>,
    head: BlockRef,
    finalized: BlockRef,
) -> Result<Vec<Spot>, StorageError> {
    let mut path = Vec::new();
    let mut spot = (head.height, head.hash);
    loop {
        if let Some(floor) = floor
            && spot.0 <= floor.height
        {
            if spot.1 != floor.hash {
                return Err(StorageError::NotAnAncestor { ancestor: floor.hash, block: head.hash });
            }
            break;
        }
        let block = pending.get(&spot).ok_or(StorageError::UnknownBlock(spot.1))?;
        path.push(spot);
        if floor.is_none() && spot.0 <= finalized.height {
            break;
        }
        // Above another block, so above zero.
        spot = (spot.0.saturating_sub(1), block.parent);
    }
    path.reverse();
    Ok(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn hash(n: u8) -> B256 {
        B256::repeat_byte(n)
    }

    fn spot(height: u64, n: u8) -> Spot {
        (height, hash(n))
    }

    fn named(height: u64, n: u8) -> BlockRef {
        BlockRef { height, slot: height, hash: hash(n) }
    }

    /// Floor 0 at height 0; 1-2-3 on top; 11-12 beside it from height 1 (canonical: 1, 2).
    fn fork() -> Pending {
        let mut pending = Pending::default();
        let mut add = |height, n, parent, canonical| {
            let block = PendingBlock { parent: hash(parent), slot: height, canonical, changed: false };
            pending.insert(spot(height, n), block);
        };
        add(1, 1, 0, true);
        add(2, 2, 1, true);
        add(3, 3, 2, false);
        add(1, 11, 0, false);
        add(2, 12, 11, false);
        pending
    }

    #[test]
    fn a_reorg_leaves_the_old_branch_joins_the_new_one_and_sweeps_nothing_before_finality() {
        let plan = plan(&fork(), Some(named(0, 0)), named(2, 12), named(0, 0)).unwrap();
        assert_eq!(plan.path, [spot(1, 11), spot(2, 12)]);
        assert_eq!(plan.join, plan.path);
        assert_eq!(plan.leave, [spot(1, 1), spot(2, 2)]);
        assert!(plan.settle.is_empty() && plan.sweep.is_empty());
    }

    #[test]
    fn finality_settles_its_branch_and_sweeps_the_other_up_to_its_height() {
        let plan = plan(&fork(), Some(named(0, 0)), named(3, 3), named(1, 1)).unwrap();
        assert_eq!((plan.join, plan.settle), (vec![spot(3, 3)], vec![spot(1, 1)]));
        assert_eq!((plan.leave, plan.sweep), (vec![], vec![spot(1, 11)]));
    }

    #[test]
    fn what_is_not_on_one_line_is_refused_by_name() {
        let pending = fork();
        let floor = Some(named(0, 0));
        let refused = |head, finalized| plan(&pending, floor, head, finalized).unwrap_err();
        let not = |a, b| StorageError::NotAnAncestor { ancestor: hash(a), block: hash(b) };
        assert_eq!(refused(named(2, 12), named(1, 1)), not(1, 12));
        assert_eq!(refused(named(1, 1), named(2, 2)), not(2, 1));
        assert_eq!(refused(named(4, 9), named(0, 0)), StorageError::UnknownBlock(hash(9)));
        assert!(matches!(refused(named(7, 2), named(0, 0)), StorageError::Refused(_)));
        let other = plan(&pending, Some(named(0, 77)), named(2, 2), named(0, 77)).unwrap_err();
        assert_eq!(other, not(77, 2));
    }

    #[test]
    fn nothing_up_to_the_last_final_block_can_be_named_but_that_block_whether_it_is_known_or_not() {
        let (pending, floor) = (fork(), named(1, 1));
        let refused = |head, finalized| plan(&pending, Some(floor), head, finalized).unwrap_err();
        let not = |block| StorageError::NotAnAncestor { ancestor: hash(1), block: hash(block) };
        for gone in [named(0, 0), named(0, 77), named(1, 11), named(1, 77)] {
            let name = gone.hash[0];
            assert_eq!(refused(gone, floor), not(name), "as head");
            assert_eq!(refused(named(3, 3), gone), not(name), "as final block");
        }
        assert_eq!(refused(named(2, 77), floor), StorageError::UnknownBlock(hash(77)));
        let misnamed = BlockRef { slot: 9, ..floor };
        assert!(matches!(refused(named(3, 3), misnamed), StorageError::Refused(_)));
    }

    #[test]
    fn the_first_move_in_an_empty_storage_begins_at_its_final_block() {
        let plan = plan(&fork(), None, named(3, 3), named(2, 2)).unwrap();
        assert_eq!(plan.path, [spot(2, 2), spot(3, 3)]);
        assert_eq!(plan.sweep, [spot(1, 1), spot(1, 11), spot(2, 12)]);
    }
}
