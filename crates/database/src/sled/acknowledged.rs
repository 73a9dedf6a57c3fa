//! How many commits were acknowledged, in a file beside sled's.
//!
//! sled takes a damaged message in its log for the place where a crash cut it, and forgets all that
//! came later. The tree it then shows is consistent and old: nothing in it tells. So each commit
//! carries its number in the tree, and after it is synced the number is written here too. A tree
//! that is behind this file has lost acknowledged commits, and opening it says so.
//!
//! The file is not synced: after a power cut it may be behind the tree, which proves nothing and is
//! fine; it is never ahead of what was synced. Two slots, written in turn, let one be torn.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};

use crate::DatabaseError;
use crate::checksum;
use crate::folder::Folder;

const FILE: &str = "acknowledged";
/// Number (u64) and checksum (u32), big-endian.
const SLOT: usize = 12;

/// The open file.
#[derive(Debug)]
pub(super) struct Acknowledged {
    file: File,
}

impl Acknowledged {
    /// Opens the file and compares it with the tree, whose last commit is `committed`.
    pub(super) fn open(folder: &Folder, committed: u64) -> Result<Self, DatabaseError> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.data().join(FILE))
            .map_err(|e| folder.io(&e))?;
        let mut bytes = Vec::with_capacity(2 * SLOT);
        Read::by_ref(&mut file).take(2 * SLOT as u64).read_to_end(&mut bytes).map_err(|e| folder.io(&e))?;
        let seen = bytes.chunks(SLOT).filter_map(parse).max().unwrap_or(0);
        if seen > committed {
            return Err(folder.corrupt(format!(
                "{seen} commits were acknowledged, but the log now ends after {committed}; \
                 its end is damaged. Restore a backup, or move the folder away and sync again"
            )));
        }
        Ok(Self { file })
    }

    /// Notes that commit `number` is on the disk.
    pub(super) fn set(&mut self, number: u64) -> io::Result<()> {
        let mut slot = [0u8; SLOT];
        slot[..8].copy_from_slice(&number.to_be_bytes());
        slot[8..].copy_from_slice(&checksum::of(&[], &number.to_be_bytes()).to_be_bytes());
        write_at(&mut self.file, &slot, (number % 2) * SLOT as u64)
    }
}

#[cfg(unix)]
fn write_at(file: &mut File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn write_at(file: &mut File, bytes: &[u8], offset: u64) -> io::Result<()> {
    use std::io::{Seek, SeekFrom, Write};
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

fn parse(slot: &[u8]) -> Option<u64> {
    let (number, sum) = slot.split_first_chunk::<8>()?;
    (sum == checksum::of(&[], number).to_be_bytes()).then(|| u64::from_be_bytes(*number))
}
