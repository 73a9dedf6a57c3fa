//! Reading the state at one block, wherever that block lies.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::TrieAccount;
use nybbles::Nibbles;

use super::Base;
use super::overlay::{NodeUndo, Overlay};
use crate::error::StateError;
use crate::trie::{NodeKey, NodeSource, prove};

/// The state after one block. Cheap to clone; may be used from any thread for as long as wanted.
#[derive(Debug, Clone)]
pub struct StateView {
    base: Base,
    at: Place,
}

/// Where the view's block lies.
#[derive(Debug, Clone)]
enum Place {
    /// At or above the base; overlays from the block down to the base.
    Above(Arc<[Arc<Overlay>]>),
    /// Below it.
    Below(Arc<Below>),
}

/// A block below the base.
#[derive(Debug)]
struct Below {
    height: u64,
    base: u64,
    /// The oldest height at which there are trie nodes.
    proofs: u64,
    /// The trie nodes before each block from the next one to the base; read when first asked for.
    undo: OnceLock<Vec<NodeUndo>>,
}

/// The proof of one account and of some of its slots (EIP-1186).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountProof {
    /// The account, or `None` where the proof shows that there is none.
    pub account: Option<TrieAccount>,
    /// The nodes from the state root to the account.
    pub nodes: Vec<Bytes>,
    /// The slots, in the order they were asked for.
    pub slots: Vec<SlotProof>,
}

/// The proof of one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotProof {
    /// The slot.
    pub slot: U256,
    /// Its value.
    pub value: U256,
    /// The nodes from the account's storage root to the slot.
    pub nodes: Vec<Bytes>,
}

impl StateView {
    pub(crate) fn above(base: Base, overlays: Vec<Arc<Overlay>>) -> Self {
        Self { base, at: Place::Above(overlays.into()) }
    }

    pub(crate) fn below(base: Base, height: u64, base_height: u64, proofs: u64) -> Self {
        let below = Below { height, base: base_height, proofs, undo: OnceLock::new() };
        Self { base, at: Place::Below(Arc::new(below)) }
    }

    /// The account with this address.
    ///
    /// # Errors
    /// [`StateError`] where the database fails or holds damage; so for all readers here.
    pub fn account(&self, address: Address) -> Result<Option<TrieAccount>, StateError> {
        self.hashed_account(&keccak256(address))
    }

    /// The value of a storage slot; zero where there is none.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.hashed_slot(&keccak256(address), &keccak256(slot.to_be_bytes::<32>()))
    }

    /// The code of an account; empty where there is none.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn code(&self, address: Address) -> Result<Bytes, StateError> {
        match self.account(address)? {
            Some(account) => self.code_by_hash(&account.code_hash),
            None => Ok(Bytes::new()),
        }
    }

    /// Code by its hash.
    ///
    /// # Errors
    /// [`StateError::MissingCode`] where no account ever had it; as [`StateView::account`].
    pub fn code_by_hash(&self, hash: &B256) -> Result<Bytes, StateError> {
        if *hash == KECCAK256_EMPTY || hash.is_zero() {
            return Ok(Bytes::new());
        }
        if let Place::Above(overlays) = &self.at
            && let Some(code) = overlays.iter().find_map(|overlay| overlay.code.get(hash))
        {
            return Ok(code.clone());
        }
        self.base.code(hash)?.ok_or(StateError::MissingCode(*hash))
    }

    /// The account with this hashed address.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn hashed_account(&self, account: &B256) -> Result<Option<TrieAccount>, StateError> {
        match &self.at {
            Place::Above(overlays) => {
                match overlays.iter().find_map(|overlay| overlay.accounts.get(account)) {
                    Some(change) => Ok(change.after),
                    None => self.base.account(account),
                }
            }
            Place::Below(below) => self.base.account_at(below.height, account),
        }
    }

    /// The value of a slot by the hashes of address and slot.
    ///
    /// # Errors
    /// As [`StateView::account`].
    pub fn hashed_slot(&self, account: &B256, slot: &B256) -> Result<U256, StateError> {
        match &self.at {
            Place::Above(overlays) => {
                let key = (*account, *slot);
                match overlays.iter().find_map(|overlay| overlay.slots.get(&key)) {
                    Some(change) => Ok(change.after),
                    None => self.base.slot(account, slot),
                }
            }
            Place::Below(below) => self.base.slot_at(below.height, account, slot),
        }
    }

    /// All slots of an account, in the order of their hashes; only at or above the base. For a
    /// wipe: its work is that of the slots there are.
    pub(crate) fn hashed_slots(&self, account: &B256) -> Result<Vec<(B256, U256)>, StateError> {
        let mut slots: BTreeMap<B256, U256> = self.base.slots(account)?.into_iter().collect();
        if let Place::Above(overlays) = &self.at {
            for overlay in overlays.iter().rev() {
                let range = (*account, B256::ZERO)..=(*account, B256::repeat_byte(0xff));
                for ((_, slot), change) in overlay.slots.range(range) {
                    slots.insert(*slot, change.after);
                }
            }
        }
        slots.retain(|_, value| !value.is_zero());
        Ok(slots.into_iter().collect())
    }

    /// The nodes that prove an account and some of its slots.
    ///
    /// # Errors
    /// [`StateError::ProofOutOfReach`] where the block lies further below the base than trie nodes
    /// are kept; as [`StateView::account`].
    pub fn proof(&self, address: Address, slots: &[U256]) -> Result<AccountProof, StateError> {
        let owner = keccak256(address);
        let account = self.hashed_account(&owner)?;
        let nodes = prove(&self.trie(None), owner)?;
        let storage = self.trie(Some(owner));
        let slots = slots
            .iter()
            .map(|slot| {
                let hash = keccak256(slot.to_be_bytes::<32>());
                Ok(SlotProof {
                    slot: *slot,
                    value: self.hashed_slot(&owner, &hash)?,
                    nodes: prove(&storage, hash)?,
                })
            })
            .collect::<Result<_, StateError>>()?;
        Ok(AccountProof { account, nodes, slots })
    }

    /// The trie of accounts, or of one account's storage.
    pub(crate) fn trie(&self, owner: Option<B256>) -> Trie<'_> {
        Trie { view: self, owner }
    }

    fn node(&self, key: &NodeKey) -> Result<Option<Bytes>, StateError> {
        match &self.at {
            Place::Above(overlays) => match overlays.iter().find_map(|overlay| overlay.nodes.get(key)) {
                Some(change) => Ok(change.after.clone()),
                None => self.base.node(key),
            },
            Place::Below(below) => {
                let undo = below.undo(&self.base)?;
                match undo.iter().find_map(|undo| undo.0.get(key)) {
                    Some(before) => Ok(before.clone()),
                    None => self.base.node(key),
                }
            }
        }
    }
}

impl Below {
    fn undo(&self, base: &Base) -> Result<&[NodeUndo], StateError> {
        if self.height < self.proofs {
            return Err(StateError::ProofOutOfReach { asked: self.height, oldest: self.proofs });
        }
        if let Some(undo) = self.undo.get() {
            return Ok(undo);
        }
        let undo: Vec<_> =
            (self.height + 1..=self.base).map(|height| base.undo(height)).collect::<Result<_, _>>()?;
        Ok(self.undo.get_or_init(|| undo))
    }
}

/// One trie of a view.
pub(crate) struct Trie<'a> {
    view: &'a StateView,
    owner: Option<B256>,
}

impl NodeSource for Trie<'_> {
    fn node(&self, path: &Nibbles) -> Result<Option<Bytes>, StateError> {
        self.view.node(&NodeKey { owner: self.owner, path: *path })
    }

    fn owner(&self) -> Option<B256> {
        self.owner
    }
}
