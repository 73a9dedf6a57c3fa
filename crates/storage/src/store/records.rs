//! What lies under the keys: SSZ, except for single numbers and hashes.

use alys_bus::protocol::storage::{BlockRef, StorageError};
use alys_primitives::{
    B256, Certificate, Slot,
    ssz::{self, Decode, Encode},
    ssz_derive::{Decode, Encode},
};

/// A [`BlockRef`] as it is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Place {
    height: u64,
    slot: Slot,
    hash: B256,
}

impl From<BlockRef> for Place {
    fn from(block: BlockRef) -> Self {
        Self { height: block.height, slot: block.slot, hash: block.hash }
    }
}

impl From<Place> for BlockRef {
    fn from(place: Place) -> Self {
        Self { height: place.height, slot: place.slot, hash: place.hash }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct ChainBytes {
    head: Place,
    finalized: Place,
    oldest: u64,
    /// Empty or one.
    finalization: Vec<Certificate>,
    /// Empty or one.
    notarization: Vec<Certificate>,
}

/// Where the chain stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) head: BlockRef,
    pub(super) finalized: BlockRef,
    /// The lowest height whose block is there.
    pub(super) oldest: u64,
    pub(super) finalization: Option<Certificate>,
    pub(super) notarization: Option<Certificate>,
}

impl Chain {
    pub(super) fn encode(&self) -> Vec<u8> {
        ChainBytes {
            head: self.head.into(),
            finalized: self.finalized.into(),
            oldest: self.oldest,
            finalization: self.finalization.iter().cloned().collect(),
            notarization: self.notarization.iter().cloned().collect(),
        }
        .as_ssz_bytes()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StorageError> {
        let bytes: ChainBytes = decode(bytes, || "the record of the chain".to_owned())?;
        Ok(Self {
            head: bytes.head.into(),
            finalized: bytes.finalized.into(),
            oldest: bytes.oldest,
            finalization: bytes.finalization.into_iter().next(),
            notarization: bytes.notarization.into_iter().next(),
        })
    }
}

/// Decodes SSZ; `what` names it where it is damaged.
pub(super) fn decode<T: Decode>(bytes: &[u8], what: impl FnOnce() -> String) -> Result<T, StorageError> {
    T::from_ssz_bytes(bytes)
        .map_err(|error| StorageError::Corrupt(format!("{} cannot be decoded: {error:?}", what())))
}
