//! Random bytes from the operating system.

use rand::{TryRngCore as _, rngs::OsRng};

/// Fills `bytes`, or says what the operating system answered.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), String> {
    OsRng.try_fill_bytes(bytes).map_err(|error| error.to_string())
}
