//! What somebody who owns a client's process can do for whoever uses the client.

use std::future::Future;
use std::pin::Pin;

/// An execution client whose process and data are in this node's hands.
///
/// Object safe, so that whoever uses a client need not know by what it is run.
pub trait ManagedProcess: Send + Sync + 'static {
    /// Ends the client, throws its data away, and starts it again at genesis on the same ports with the same
    /// secret. Ready when its port answers.
    ///
    /// What is not awaited to its end must leave a client that can be asked for again.
    ///
    /// # Errors
    /// Why it was not done. [`WipeError::Exhausted`] before anything was touched.
    fn wipe_and_restart(&self) -> Pin<Box<dyn Future<Output = Result<(), WipeError>> + Send + '_>>;
}

/// Why a client was not begun anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WipeError {
    /// It has been done so often that once more would only wear the disk; an operator has to look. The text says
    /// at what.
    #[error("{0}")]
    Exhausted(String),
    /// It could not be done this time.
    #[error("{0}")]
    Failed(String),
}
