//! Which execution fork a payload belongs to, and with it the version of the methods that carry it.

/// An execution fork, as far as the Engine API differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fork {
    /// `engine_getPayloadV3`, `engine_newPayloadV3`.
    Cancun,
    /// `engine_getPayloadV4`, `engine_newPayloadV4`: with execution requests (EIP-7685).
    Prague,
}

/// From which timestamp on which fork is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForkSchedule {
    /// The first second of Prague, `None` where it never comes. Before it is Cancun.
    pub prague: Option<u64>,
}

impl ForkSchedule {
    /// Alys: Prague from genesis on (protocol.md 2).
    pub const ALYS: Self = Self { prague: Some(0) };

    /// The fork of a payload with this timestamp.
    #[must_use]
    pub fn at(&self, timestamp: u64) -> Fork {
        match self.prague {
            Some(prague) if timestamp >= prague => Fork::Prague,
            _ => Fork::Cancun,
        }
    }
}

impl Default for ForkSchedule {
    fn default() -> Self {
        Self::ALYS
    }
}

impl Fork {
    /// The method that hands out a payload.
    #[must_use]
    pub fn get_payload(self) -> &'static str {
        match self {
            Self::Cancun => "engine_getPayloadV3",
            Self::Prague => "engine_getPayloadV4",
        }
    }

    /// The method that takes a payload.
    #[must_use]
    pub fn new_payload(self) -> &'static str {
        match self {
            Self::Cancun => "engine_newPayloadV3",
            Self::Prague => "engine_newPayloadV4",
        }
    }

    /// The method that sets the head: the same in both forks.
    #[must_use]
    pub fn forkchoice_updated(self) -> &'static str {
        match self {
            Self::Cancun | Self::Prague => "engine_forkchoiceUpdatedV3",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_follows_the_timestamp_to_the_second() {
        let schedule = ForkSchedule { prague: Some(100) };
        let version = |at| schedule.at(at).new_payload();
        assert_eq!((version(99), version(100)), ("engine_newPayloadV3", "engine_newPayloadV4"));
        let version = |at| schedule.at(at).get_payload();
        assert_eq!((version(99), version(100)), ("engine_getPayloadV3", "engine_getPayloadV4"));
        assert_eq!(schedule.at(0).forkchoice_updated(), schedule.at(100).forkchoice_updated());
    }

    #[test]
    fn alys_is_prague_from_genesis_and_a_chain_without_prague_stays_in_cancun() {
        assert_eq!(ForkSchedule::default().at(0), Fork::Prague);
        assert_eq!(ForkSchedule { prague: None }.at(u64::MAX), Fork::Cancun);
    }
}
