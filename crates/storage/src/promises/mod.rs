//! The promise record: what this member must remember across a crash, in a file of its own.
//!
//! Two slots of 4 KiB are written in turn, each with a rising number and a checksum; a write is
//! followed by an `fdatasync`. A crash can tear only the slot that was being written, whose promise
//! nobody has seen; the other holds the one before. Blocks and imports never touch this file.
//!
//! ```text
//! "alyspromise" version (u8) ‖ number (u64) ‖ length (u32) ‖ SSZ of the promises ‖ zeros ‖ crc32c (u32)
//! ```
//!
//! Numbers are big-endian; the slot of a record is its number modulo 2.
//!
//! A slot that rots after its promise was seen looks like a torn one: then the other slot, with the
//! promise before, counts, and a warning says so. Two slots cannot tell these apart.
//!
//! **There is no empty answer to damage.** A member that forgot a vote may cast a second one, and two
//! members that do so can fork the chain. A missing or unreadable record is an error that says what to
//! do; the way out is [`PromiseRecord::reset`], which starts again from a slot in which this member
//! surely has not voted yet: with the lock on that slot it waits for a newer notarized block before it
//! votes at all.

mod slots;

use std::io;
use std::path::Path;

use alys_bus::protocol::storage::Promises;
use alys_primitives::{
    SignedVote, Slot,
    envelope::SignedHeader,
    ssz::{self, Decode as _, Encode as _},
    ssz_derive::{Decode, Encode},
};

pub use slots::{FileSlots, MemorySlots, SlotFault, Slots};

/// Bytes of a slot: a sector of today's drives.
pub const SLOT_BYTES: usize = 4096;
/// How many there are.
pub const SLOTS: usize = 2;

/// Magic and version of the layout.
const MAGIC: &[u8; 12] = b"alyspromise\x01";
const NUMBER: usize = MAGIC.len();
const LENGTH: usize = NUMBER + 8;
const CONTENT: usize = LENGTH + 4;
const CHECKSUM: usize = SLOT_BYTES - 4;

/// Why the promises cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromiseError {
    /// The operating system refused. What is on the disk is known again after opening.
    #[error("the promise record {place}: {source}")]
    Io {
        /// The file.
        place: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Neither slot can be read.
    #[error(
        "both copies in the promise record {place} are damaged, so what this member has voted is not \
         known and it must not vote. Choose a slot in which it has surely not voted yet (the present \
         one, once the old process is stopped) and reset the record to that slot"
    )]
    Damaged {
        /// The file.
        place: String,
    },
    /// There is a database and no record beside it.
    #[error(
        "the promise record {place} is missing beside an existing database (a checkpoint has none), so \
         what this member has voted is not known and it must not vote. Choose a slot in which it has \
         surely not voted yet (the present one, once the old process is stopped) and reset the record \
         to that slot"
    )]
    Missing {
        /// The file.
        place: String,
    },
    /// There is neither a record nor a database, and this member may have voted before.
    #[error(
        "there is no promise record {place} and no database beside it, so this is a new disk or not the \
         folder of before; what this member has voted is not known and it must not vote. Name the folder \
         of before (storage.path), or choose a slot in which this member has surely not voted yet (the \
         present one, once the old process is stopped) and reset the record to that slot"
    )]
    Lost {
        /// The file.
        place: String,
    },
    /// The promises do not fit: not possible with the types of this version.
    #[error("the promises take {bytes} bytes and a slot has room for {limit}")]
    TooLarge {
        /// Their length.
        bytes: usize,
        /// The room.
        limit: usize,
    },
    /// An earlier write failed; open the record again.
    #[error("an earlier write of the promise record {place} failed; open it again")]
    Failed {
        /// The file.
        place: String,
    },
}

#[derive(Debug, Default, Encode, Decode)]
struct PromiseBytes {
    proposal: Vec<SignedHeader>,
    notarize: Vec<SignedVote>,
    finalize: Vec<SignedVote>,
    lock: Slot,
}

/// The open record.
pub struct PromiseRecord {
    slots: Box<dyn Slots>,
    number: u64,
    promises: Promises,
    failed: bool,
}

impl PromiseRecord {
    /// Opens the record in `slots`: the newer of the slots that can be read.
    ///
    /// # Errors
    /// [`PromiseError::Damaged`] where neither can, [`PromiseError::Io`].
    pub fn open(mut slots: Box<dyn Slots>) -> Result<Self, PromiseError> {
        let place = slots.place();
        let bytes = slots.read().map_err(|source| PromiseError::Io { place: place.clone(), source })?;
        let readable = bytes.chunks(SLOT_BYTES).take(SLOTS).enumerate().filter_map(|(slot, bytes)| {
            let found = parse(bytes).filter(|(number, _)| *number % SLOTS as u64 == slot as u64);
            if found.is_none() {
                tracing::warn!(place, slot, "a slot of the promise record is torn; the other one counts");
            }
            found
        });
        let (number, promises) =
            readable.max_by_key(|(number, _)| *number).ok_or(PromiseError::Damaged { place })?;
        Ok(Self { slots, number, promises, failed: false })
    }

    /// Opens the record in a file.
    ///
    /// # Errors
    /// As [`PromiseRecord::open`]; [`PromiseError::Missing`] where there is no such file.
    pub fn open_file(path: &Path) -> Result<Self, PromiseError> {
        let place = path.display().to_string();
        match FileSlots::open(path) {
            Ok(slots) => Self::open(Box::new(slots)),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Err(PromiseError::Missing { place }),
            Err(source) => Err(PromiseError::Io { place, source }),
        }
    }

    /// Makes the file of a member that has promised nothing yet: only beside a new database.
    ///
    /// # Errors
    /// [`PromiseError::Io`], also where there is a file.
    pub fn create_file(path: &Path) -> Result<(), PromiseError> {
        write_new(path, &fresh(&Promises::default()))
    }

    /// Replaces a missing or damaged file: this member goes on as if it had promised all it could up to
    /// and with slot `lock`. It votes for nothing in slots up to `lock`, nor for a block whose parent is
    /// older than it.
    ///
    /// The old file is kept with the ending `.damaged`. Only sound where `lock` is no less than every
    /// slot in which the member may have voted, and while no other process runs with its keys.
    ///
    /// # Errors
    /// [`PromiseError::Io`].
    pub fn reset(path: &Path, lock: Slot) -> Result<(), PromiseError> {
        let io = |source| PromiseError::Io { place: path.display().to_string(), source };
        if path.exists() {
            // Nobody may be using it.
            drop(FileSlots::open(path).map_err(io)?);
            std::fs::rename(path, path.with_extension("damaged")).map_err(io)?;
        }
        write_new(path, &fresh(&Promises { lock, ..Promises::default() }))
    }

    /// What was made durable last.
    #[must_use]
    pub fn promises(&self) -> &Promises {
        &self.promises
    }

    /// Replaces the promises; durable when it returns.
    ///
    /// # Errors
    /// [`PromiseError::Io`], after which the record must be opened again: nobody knows what is on the
    /// disk. Until then [`PromiseError::Failed`].
    pub fn persist(&mut self, promises: &Promises) -> Result<(), PromiseError> {
        if self.failed {
            return Err(PromiseError::Failed { place: self.slots.place() });
        }
        let number = self.number + 1;
        let bytes = encode(number, promises)?;
        let slot = usize::from(!number.is_multiple_of(SLOTS as u64));
        if let Err(source) = self.slots.write(slot, &bytes).and_then(|()| self.slots.sync()) {
            self.failed = true;
            return Err(PromiseError::Io { place: self.slots.place(), source });
        }
        self.number = number;
        self.promises = promises.clone();
        Ok(())
    }
}

impl std::fmt::Debug for PromiseRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PromiseRecord").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The contents of a new record: both slots, so that the first write can be torn too.
#[must_use]
pub fn fresh(promises: &Promises) -> Vec<u8> {
    // Two empty records, or two with a lock, always fit.
    let slots = (0..SLOTS as u64).filter_map(|number| encode(number, promises).ok());
    slots.flatten().collect()
}

fn write_new(path: &Path, contents: &[u8]) -> Result<(), PromiseError> {
    FileSlots::create(path, contents)
        .map_err(|source| PromiseError::Io { place: path.display().to_string(), source })
}

fn encode(number: u64, promises: &Promises) -> Result<[u8; SLOT_BYTES], PromiseError> {
    let content = PromiseBytes {
        proposal: promises.proposal.iter().cloned().collect(),
        notarize: promises.notarize.iter().cloned().collect(),
        finalize: promises.finalize.iter().cloned().collect(),
        lock: promises.lock,
    }
    .as_ssz_bytes();
    let limit = CHECKSUM - CONTENT;
    let too_large = PromiseError::TooLarge { bytes: content.len(), limit };
    let (Ok(length), true) = (u32::try_from(content.len()), content.len() <= limit) else {
        return Err(too_large);
    };
    let mut slot = [0; SLOT_BYTES];
    slot[..NUMBER].copy_from_slice(MAGIC);
    slot[NUMBER..LENGTH].copy_from_slice(&number.to_be_bytes());
    slot[LENGTH..CONTENT].copy_from_slice(&length.to_be_bytes());
    slot[CONTENT..CONTENT + content.len()].copy_from_slice(&content);
    let sum = crc32c::crc32c(&slot[..CHECKSUM]);
    slot[CHECKSUM..].copy_from_slice(&sum.to_be_bytes());
    Ok(slot)
}

/// Number and promises of a slot; `None` where it is torn.
fn parse(slot: &[u8]) -> Option<(u64, Promises)> {
    let slot: &[u8; SLOT_BYTES] = slot.try_into().ok()?;
    let (body, sum) = slot.split_at(CHECKSUM);
    if sum != crc32c::crc32c(body).to_be_bytes() || !body.starts_with(MAGIC) {
        return None;
    }
    let number = u64::from_be_bytes(body.get(NUMBER..LENGTH)?.try_into().ok()?);
    let length = u32::from_be_bytes(body.get(LENGTH..CONTENT)?.try_into().ok()?);
    let content = body.get(CONTENT..CONTENT + usize::try_from(length).ok()?)?;
    let bytes = PromiseBytes::from_ssz_bytes(content).ok()?;
    let promises = Promises {
        proposal: bytes.proposal.into_iter().next(),
        notarize: bytes.notarize.into_iter().next(),
        finalize: bytes.finalize.into_iter().next(),
        lock: bytes.lock,
    };
    Some((number, promises))
}
