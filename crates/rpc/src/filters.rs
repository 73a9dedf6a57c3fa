//! The filters that clients have installed: bounded in number, and gone when nobody asks for them.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{
    call_error::CallError,
    params::{Param, string},
    watch::Watch,
};

/// How many filters there may be. One of logs may name 5,000 addresses and topics, of 32 bytes.
pub(crate) const MOST: usize = 512;

/// How long a filter is kept that nobody asks for. Geth's time.
pub(crate) const IDLE: Duration = Duration::from_secs(300);

/// The name of a filter, or of a subscription: random, so that nobody else's is met by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WatchId(u128);

impl WatchId {
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for WatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#034x}", self.0)
    }
}

impl Param for WatchId {
    fn read(json: &str) -> Result<Self, String> {
        let text = string(json)?;
        let digits = text.strip_prefix("0x").ok_or("hex string without 0x prefix")?;
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err("invalid hex string".to_owned());
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| "hex number > 128 bits".to_owned())
    }
}

/// One filter. Whoever asks for its changes has it for that time, so that nothing is told twice.
pub(crate) type SharedWatch = Arc<tokio::sync::Mutex<Watch>>;

#[derive(Debug)]
struct Entry {
    used: Instant,
    watch: SharedWatch,
}

/// All filters.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    open: Mutex<BTreeMap<WatchId, Entry>>,
}

impl Filters {
    /// Takes a filter in; refused where there are too many that are in use.
    pub(crate) fn add(&self, now: Instant, watch: Watch) -> Result<WatchId, CallError> {
        let mut open = self.open.lock();
        open.retain(|_, entry| now.saturating_duration_since(entry.used) < IDLE);
        if open.len() >= MOST {
            return Err(CallError::limit(format!("too many filters, at most {MOST}; uninstall some")));
        }
        let id = WatchId::random();
        open.insert(id, Entry { used: now, watch: Arc::new(tokio::sync::Mutex::new(watch)) });
        Ok(id)
    }

    /// The filter of that name, which counts as used by that.
    pub(crate) fn get(&self, now: Instant, id: WatchId) -> Option<SharedWatch> {
        let mut open = self.open.lock();
        let entry = open.get_mut(&id)?;
        if now.saturating_duration_since(entry.used) >= IDLE {
            open.remove(&id);
            return None;
        }
        entry.used = now;
        Some(Arc::clone(&entry.watch))
    }

    /// Whether there was one.
    pub(crate) fn remove(&self, now: Instant, id: WatchId) -> bool {
        let entry = self.open.lock().remove(&id);
        entry.is_some_and(|entry| now.saturating_duration_since(entry.used) < IDLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        let id = WatchId::random();
        assert_eq!(id.to_string().len(), 34);
        assert_eq!(WatchId::read(&format!("\"{id}\"")), Ok(id));
        for wrong in ["\"0x\"", "\"1\"", "1", "\"0x+1\"", "\"0x100000000000000000000000000000000\""] {
            assert!(WatchId::read(wrong).is_err(), "{wrong}");
        }
    }
}
