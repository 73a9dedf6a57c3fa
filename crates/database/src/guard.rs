//! Backends panic on files they did not expect; here a panic becomes an error.
//!
//! Damage on the disk comes from outside, so it may end no thread. Both backends leave their own
//! state behind locks that a panic poisons or frees; after one, nothing of the handle is trusted:
//! [`Health`] refuses all further work until the database is opened again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::DatabaseError;
use crate::folder::Folder;

/// Runs `work`; a panic comes back as its message.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| text_of(panic.as_ref()))
}

/// Runs `work` on the files of `folder` while they are opened: a panic is damage, and of an error `map` makes ours.
pub(crate) fn opening<T, E>(
    folder: &Folder,
    map: impl FnOnce(&Folder, &E) -> DatabaseError,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, DatabaseError> {
    guarded(work).map_err(|panic| folder.corrupt(panic))?.map_err(|error| map(folder, &error))
}

/// Closes a backend by dropping it; on damaged files, or after a failure of the disk, that may panic.
pub(crate) fn close<T>(name: &'static str, backend: T) {
    if let Err(panic) = guarded(|| drop(backend)) {
        tracing::error!(%panic, "closing the {name} database failed");
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("the backend panicked: {text}")
}

/// Whether a handle may still be used.
#[derive(Debug, Default)]
pub(crate) struct Health {
    poisoned: AtomicBool,
}

impl Health {
    /// Marks the handle: no further commit.
    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
    }

    /// Whether an earlier commit failed, or a call panicked.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }
}
