//! Opening storage: the database and the promise record, each on a thread of its own.
//!
//! A [`StorageSetup`] lives as long as the child spec. The threads it opens outlive the actor; after
//! one has ended by a failure, opening it again opens what it owned again.

use std::sync::Arc;

use alys_bus::{Worker, WorkerLimits, WorkerMode};
use alys_database::{Backend, Database, MemoryDisk, open};

use crate::cache::BlockCache;
use crate::config::StorageConfig;
use crate::error::OpenError;
use crate::messages::Promises;
use crate::moving;
use crate::promises::{MemorySlots, PromiseError, PromiseRecord, fresh};
use crate::store::Store;
use crate::threads::{BlockThread, PromiseThread};

pub use crate::threads::{BlockJob, PromiseJob};

/// How storage is opened, again and again.
#[derive(Debug, Clone)]
pub struct StorageSetup {
    config: StorageConfig,
    limits: WorkerLimits,
    mode: WorkerMode,
    cache: BlockCache,
    /// Where a storage in memory lies; it outlives its threads as a disk does.
    memory: (MemoryDisk, MemorySlots),
    /// Whether a record that is missing is lost, also where there is no database beside it.
    has_promised: bool,
}

impl StorageSetup {
    /// A setup for `config`; opens nothing yet.
    ///
    /// # Errors
    /// [`OpenError::Config`].
    pub fn new(config: StorageConfig) -> Result<Self, OpenError> {
        config.validate()?;
        Ok(Self {
            cache: BlockCache::new(config.block_cache_bytes),
            limits: WorkerLimits::default(),
            mode: WorkerMode::Thread,
            memory: (MemoryDisk::new(), MemorySlots::new(fresh(&Promises::default()))),
            has_promised: false,
            config,
        })
    }

    /// Other limits for the queues; no less than the address'.
    #[must_use]
    pub fn limits(mut self, limits: WorkerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Another mode: [`WorkerMode::Inline`] for tests with paused time.
    #[must_use]
    pub fn mode(mut self, mode: WorkerMode) -> Self {
        self.mode = mode;
        self
    }

    /// Other memory for a storage in memory: tests inject faults there.
    #[must_use]
    pub fn memory(mut self, disk: MemoryDisk, slots: MemorySlots) -> Self {
        self.memory = (disk, slots);
        self
    }

    /// This member may have promised before: no new record is made, and one that is missing is an error
    /// ([`PromiseError::Lost`]) even where there is no database either, as on a new disk.
    ///
    /// Storage cannot know that: it knows neither the chain's slots nor whether there are keys. Has no
    /// effect in memory, where every record is new.
    #[must_use]
    pub fn has_promised(mut self) -> Self {
        self.has_promised = true;
        self
    }

    /// Whether there is neither a record nor a database yet: this member has promised nothing, or what it
    /// promised is not known here. In memory always so.
    #[must_use]
    pub fn is_new(&self) -> bool {
        let is_there = self.config.promises_path().exists() || self.config.database_path().exists();
        self.config.backend == Backend::Memory || !is_there
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &StorageConfig {
        &self.config
    }

    /// The cache that the actor reads.
    #[must_use]
    pub fn cache(&self) -> BlockCache {
        self.cache.clone()
    }

    /// Opens the store, without a thread.
    ///
    /// # Errors
    /// As [`Store::open`], and those of the promise record, which is made first where both are new.
    pub fn open_store(&self) -> Result<Store, OpenError> {
        let database: Arc<dyn Database> = match self.config.backend {
            Backend::Memory => Arc::new(self.memory.0.open()?),
            Backend::Sled | Backend::Redb => {
                if let Some(interrupted) = moving::unfinished(&self.config) {
                    return Err(OpenError::InterruptedMove(interrupted));
                }
                self.make_promises()?;
                open(&self.config.database())?
            }
        };
        Store::open(database, self.cache.clone())
    }

    /// Opens the promise record, without a thread.
    ///
    /// # Errors
    /// [`OpenError::Promises`].
    pub fn open_record(&self) -> Result<PromiseRecord, OpenError> {
        Ok(match self.config.backend {
            Backend::Memory => PromiseRecord::open(Box::new(self.memory.1.reopen()))?,
            Backend::Sled | Backend::Redb => {
                self.make_promises()?;
                PromiseRecord::open_file(&self.config.promises_path())?
            }
        })
    }

    /// Makes the promise record of a new storage. It comes before the database, so that a database
    /// without a record is one whose record was lost.
    fn make_promises(&self) -> Result<(), OpenError> {
        let path = self.config.promises_path();
        if path.exists() {
            return Ok(());
        }
        if self.config.database_path().exists() {
            return Err(PromiseError::Missing { place: path.display().to_string() }.into());
        }
        if self.has_promised {
            return Err(PromiseError::Lost { place: path.display().to_string() }.into());
        }
        create_folder(&self.config.path)
            .map_err(|source| PromiseError::Io { place: path.display().to_string(), source })?;
        Ok(PromiseRecord::create_file(&path)?)
    }

    /// Opens the store on a thread of its own.
    ///
    /// # Errors
    /// As [`StorageSetup::open_store`]; [`OpenError::Thread`].
    pub fn open_blocks(&self) -> Result<Worker<BlockJob>, OpenError> {
        let mut thread = BlockThread::new(self.open_store()?);
        let max_batch = self.config.max_batch;
        let work = move |jobs| thread.run(jobs);
        Ok(Worker::batched("storage", self.limits, self.mode, max_batch, work)?)
    }

    /// Opens the promise record on a thread of its own.
    ///
    /// # Errors
    /// As [`StorageSetup::open_record`]; [`OpenError::Thread`].
    pub fn open_promises(&self) -> Result<Worker<PromiseJob>, OpenError> {
        let mut thread = PromiseThread::new(self.open_record()?);
        let work = move |job, _ctx| thread.run(job);
        Ok(Worker::spawn("storage-promises", self.limits, self.mode, work)?)
    }
}

/// Makes a folder and what is missing above it; each new name is on the disk when it returns.
fn create_folder(path: &std::path::Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(std::path::Path::new("."));
    create_folder(parent)?;
    std::fs::create_dir(path)?;
    if cfg!(unix) {
        std::fs::File::open(parent)?.sync_all()?;
    }
    Ok(())
}
