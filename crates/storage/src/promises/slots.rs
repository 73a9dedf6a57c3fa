//! Where the two slots of the promise record lie: in a file, or in memory for tests and simulations.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{SLOT_BYTES, SLOTS};

/// Two slots of [`SLOT_BYTES`] bytes.
pub trait Slots: Send {
    /// The bytes of both, one after the other; fewer where the file was cut.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read(&mut self) -> io::Result<Vec<u8>>;

    /// Overwrites one slot. Not yet durable; a crash may leave any part of it.
    ///
    /// # Errors
    /// Those of the operating system.
    fn write(&mut self, slot: usize, bytes: &[u8; SLOT_BYTES]) -> io::Result<()>;

    /// Brings what was written to the disk.
    ///
    /// # Errors
    /// Those of the operating system.
    fn sync(&mut self) -> io::Result<()>;

    /// Where they are, for error messages.
    fn place(&self) -> String;
}

/// A file of two slots.
#[derive(Debug)]
pub struct FileSlots {
    file: File,
    place: String,
}

impl Drop for FileSlots {
    fn drop(&mut self) {
        // Closing it is not enough: a process that another thread is just starting holds a copy until its exec.
        // What cannot be unlocked is unlocked by then.
        let _ = self.file.unlock();
    }
}

impl FileSlots {
    /// Opens an existing file, and locks it.
    ///
    /// # Errors
    /// Those of the operating system; [`io::ErrorKind::ResourceBusy`] where another process has it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, place: path.display().to_string() }),
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::ResourceBusy, "it is in use by another process; stop it"))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Writes a new file with these contents: whole and durable under its name, or not there.
    ///
    /// # Errors
    /// Those of the operating system; [`io::ErrorKind::AlreadyExists`].
    pub fn create(path: &Path, contents: &[u8]) -> io::Result<()> {
        if path.exists() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file already"));
        }
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let new = path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&new)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        if cfg!(unix) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Slots for FileSlots {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(SLOTS * SLOT_BYTES);
        self.file.seek(SeekFrom::Start(0))?;
        Read::by_ref(&mut self.file).take((SLOTS * SLOT_BYTES) as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, slot: usize, bytes: &[u8; SLOT_BYTES]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start((slot * SLOT_BYTES) as u64))?;
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

/// What happens to the next write of [`MemorySlots`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotFault {
    /// The power goes while it is written: this many bytes of the slot are new, the rest old. After it
    /// all writes fail, until the slots are opened again.
    Torn(usize),
    /// The write fails and nothing of it is there.
    Refused,
    /// The write succeeds, the sync after it fails.
    SyncRefused,
}

/// Slots in memory that survive the record that uses them. Clones are the same slots.
#[derive(Debug, Clone, Default)]
pub struct MemorySlots {
    inner: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    bytes: Vec<u8>,
    fault: Option<SlotFault>,
    dead: bool,
}

impl MemorySlots {
    /// Slots with these contents.
    #[must_use]
    pub fn new(contents: Vec<u8>) -> Self {
        Self { inner: Arc::new(Mutex::new(Memory { bytes: contents, ..Memory::default() })) }
    }

    /// Lets `fault` happen to the next write.
    pub fn inject(&self, fault: SlotFault) {
        self.inner.lock().fault = Some(fault);
    }

    /// Changes a bit, as a failing medium does.
    pub fn damage(&self, at: usize) {
        if let Some(byte) = self.inner.lock().bytes.get_mut(at) {
            *byte ^= 1;
        }
    }

    /// The slots as a restarted process finds them.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let mut memory = self.inner.lock();
        memory.dead = false;
        memory.fault = None;
        drop(memory);
        self.clone()
    }
}

fn injected(what: &str) -> io::Error {
    io::Error::other(format!("{what} (injected)"))
}

impl Slots for MemorySlots {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.inner.lock().bytes.clone())
    }

    fn write(&mut self, slot: usize, bytes: &[u8; SLOT_BYTES]) -> io::Result<()> {
        let mut memory = self.inner.lock();
        if memory.dead {
            return Err(injected("the power was cut"));
        }
        let kept = match memory.fault {
            Some(SlotFault::Refused) => 0,
            Some(SlotFault::Torn(kept)) => kept.min(SLOT_BYTES),
            Some(SlotFault::SyncRefused) | None => SLOT_BYTES,
        };
        let start = slot * SLOT_BYTES;
        let least = memory.bytes.len().max(start + SLOT_BYTES);
        memory.bytes.resize(least, 0);
        memory.bytes[start..start + kept].copy_from_slice(&bytes[..kept]);
        match memory.fault {
            Some(SlotFault::Refused) => Err(injected("input/output error")),
            Some(SlotFault::Torn(_)) => {
                memory.dead = true;
                Err(injected("the power was cut"))
            }
            _ => Ok(()),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let memory = self.inner.lock();
        match memory.fault {
            Some(SlotFault::SyncRefused) => Err(injected("input/output error")),
            _ if memory.dead => Err(injected("the power was cut")),
            _ => Ok(()),
        }
    }

    fn place(&self) -> String {
        "(memory)".to_owned()
    }
}
