//! A client's judgement of a payload or of a head.

use alloy_primitives::B256;
use serde::Deserialize;

/// `PayloadStatusV1`.
///
/// Not alloy's type: that has no INVALID_BLOCK_HASH, and an INVALID without a text cannot be read by it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PayloadStatus {
    /// The judgement.
    pub status: Status,
    /// The newest valid block among payload and ancestors. Zero where none is valid.
    #[serde(default)]
    pub latest_valid_hash: Option<B256>,
    /// Why it is invalid, in the client's words.
    #[serde(default)]
    pub validation_error: Option<String>,
}

/// The judgements. What each proves is in protocol.md 4: less than its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Executed and true, or the head was set.
    Valid,
    /// The client says no.
    Invalid,
    /// The payload does not hash to its name. Paris's; since Shanghai clients answer INVALID.
    InvalidBlockHash,
    /// Ancestors are missing.
    Syncing,
    /// Well formed, not executed: it does not extend the canonical chain.
    Accepted,
}

impl PayloadStatus {
    /// Why it is invalid, with what is valid, in one line.
    #[must_use]
    pub fn reason(&self) -> String {
        let said = match (self.status, self.validation_error.as_deref()) {
            (_, Some(text)) if !text.is_empty() => text.to_owned(),
            (Status::InvalidBlockHash, _) => "the payload does not hash to its block hash".to_owned(),
            _ => "no reason given".to_owned(),
        };
        match self.latest_valid_hash {
            Some(hash) => format!("{said} (latestValidHash {hash})"),
            None => format!("{said} (no latestValidHash)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> PayloadStatus {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_status_is_read_with_and_without_its_details() {
        for (name, status) in [
            ("VALID", Status::Valid),
            ("INVALID", Status::Invalid),
            ("INVALID_BLOCK_HASH", Status::InvalidBlockHash),
            ("SYNCING", Status::Syncing),
            ("ACCEPTED", Status::Accepted),
        ] {
            assert_eq!(read(&format!(r#"{{"status":"{name}"}}"#)).status, status);
            let null = format!(r#"{{"status":"{name}","latestValidHash":null,"validationError":null}}"#);
            assert_eq!(read(&null).latest_valid_hash, None);
        }
        assert!(serde_json::from_str::<PayloadStatus>(r#"{"status":"MAYBE"}"#).is_err());
    }

    #[test]
    fn a_reason_says_what_is_valid_and_is_never_empty() {
        let hash = B256::repeat_byte(7);
        let status = read(&format!(
            r#"{{"status":"INVALID","latestValidHash":"{hash}","validationError":"bad root"}}"#
        ));
        assert_eq!(status.reason(), format!("bad root (latestValidHash {hash})"));
        assert_eq!(read(r#"{"status":"INVALID"}"#).reason(), "no reason given (no latestValidHash)");
        assert!(read(r#"{"status":"INVALID_BLOCK_HASH"}"#).reason().contains("block hash"));
    }
}
