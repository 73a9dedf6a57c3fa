//! Hexadecimal text: data of fixed and any length, and quantities.

use alloy_primitives::{B256, Bytes, U256};
use alloy_serde::JsonStorageKey;
use serde_json::value::RawValue;

use super::{Param, by_serde, string};

/// Digits of a 64-bit quantity that are read at most, leading zeros included.
const QUANTITY_DIGITS: usize = 64;

/// The digits after `0x`.
fn digits(text: &str) -> Result<&str, String> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).ok_or_else(|| {
        if text.is_empty() {
            "empty hex string".to_owned()
        } else {
            "hex string without 0x prefix".to_owned()
        }
    })
}

/// Exactly `N` bytes.
pub(super) fn fixed<const N: usize>(json: &str) -> Result<[u8; N], String> {
    let text = string(json)?;
    let digits = digits(&text)?;
    if digits.len() != 2 * N {
        return Err(format!("hex string has length {}, want {}", digits.len(), 2 * N));
    }
    let mut bytes = [0; N];
    alloy_primitives::hex::decode_to_slice(digits, &mut bytes)
        .map_err(|_| "invalid hex string".to_owned())?;
    Ok(bytes)
}

/// Any number of bytes.
pub(super) fn data(json: &str) -> Result<Bytes, String> {
    let text = string(json)?;
    let digits = digits(&text)?;
    if digits.len() % 2 == 1 {
        return Err("hex string of odd length".to_owned());
    }
    alloy_primitives::hex::decode(digits).map(Bytes::from).map_err(|_| "invalid hex string".to_owned())
}

/// A quantity of at most 64 bits. Leading zeros are taken, though the specification has none.
pub(super) fn quantity(text: &str) -> Result<u64, String> {
    let digits = digits(text)?;
    if digits.is_empty() {
        return Err("hex string \"0x\"".to_owned());
    }
    if digits.len() > QUANTITY_DIGITS {
        return Err("hex number > 64 bits".to_owned());
    }
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err("invalid hex string".to_owned());
    }
    u64::from_str_radix(digits, 16).map_err(|_| "hex number > 64 bits".to_owned())
}

/// A place in a list, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Index(pub(crate) usize);

impl Param for Index {
    fn read(json: &str) -> Result<Self, String> {
        let value = quantity(&string(json)?)?;
        // A place beyond any list is no mistake: nothing is there.
        Ok(Self(usize::try_from(value).unwrap_or(usize::MAX)))
    }
}

/// How many blocks: a quantity, or for older clients a decimal number, bare or as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockCount(pub(crate) u64);

impl Param for BlockCount {
    fn read(json: &str) -> Result<Self, String> {
        if json.bytes().all(|digit| digit.is_ascii_digit()) {
            return json.parse().map(Self).map_err(|_| too_large());
        }
        let text = string(json)?;
        if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
            return text.parse().map(Self).map_err(|_| too_large());
        }
        quantity(&text).map(Self)
    }
}

fn too_large() -> String {
    "number > 64 bits".to_owned()
}

/// A storage slot: up to 32 bytes, as a quantity or as data, with or without `0x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorageSlot(pub(crate) U256);

impl Param for StorageSlot {
    fn read(json: &str) -> Result<Self, String> {
        let text = string(json)?;
        let digits = digits(&text).unwrap_or(&text);
        if digits.len() > 2 * B256::len_bytes() {
            return Err(format!(
                "storage key too long (want at most 32 bytes): hex string has length {}",
                digits.len()
            ));
        }
        if digits.is_empty() {
            return Ok(Self(U256::ZERO));
        }
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err("invalid hex in storage key".to_owned());
        }
        U256::from_str_radix(digits, 16).map(Self).map_err(|_| "invalid hex in storage key".to_owned())
    }
}

/// The slots of a proof, which are written back in the form they came in: words as words, the rest as quantities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProofKeys(pub(crate) Vec<JsonStorageKey>);

/// How many slots one proof may have. Geth's bound.
const MOST_PROOF_KEYS: usize = 1024;

impl Param for ProofKeys {
    fn read(json: &str) -> Result<Self, String> {
        let keys: Vec<Box<RawValue>> = by_serde(json)?;
        if keys.len() > MOST_PROOF_KEYS {
            return Err(format!("too many slots (max {MOST_PROOF_KEYS})"));
        }
        let keys = keys.iter().map(|json| {
            let StorageSlot(slot) = StorageSlot::read(json.get())?;
            // With its quotes and its 0x.
            let is_word = json.get().len() == 2 * B256::len_bytes() + 4;
            Ok(if is_word { JsonStorageKey::Hash(slot.into()) } else { JsonStorageKey::Number(slot) })
        });
        keys.collect::<Result<_, String>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_may_have_leading_zeros_and_must_have_a_prefix_and_digits() {
        assert_eq!(quantity("0x10"), Ok(16));
        assert_eq!(quantity("0x0010"), Ok(16));
        assert_eq!(quantity("0X1f"), Ok(31));
        assert_eq!(quantity("0xffffffffffffffff"), Ok(u64::MAX));
        for wrong in ["10", "", "0x", "0x1g", "0x+1", "0x10000000000000000", "-0x1"] {
            assert!(quantity(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_block_count_may_be_a_bare_number_as_older_clients_send_it() {
        for (json, count) in [("4", 4), ("\"4\"", 4), ("\"0x4\"", 4), ("\"0x04\"", 4)] {
            assert_eq!(BlockCount::read(json), Ok(BlockCount(count)));
        }
        for wrong in ["4.5", "-4", "\"\"", "\"four\"", "[4]", "99999999999999999999"] {
            assert!(BlockCount::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_storage_slot_is_a_quantity_or_a_word() {
        let word = format!("\"0x{:064x}\"", 5);
        for json in ["\"0x5\"", "\"0x05\"", "\"5\"", word.as_str()] {
            assert_eq!(StorageSlot::read(json), Ok(StorageSlot(U256::from(5))));
        }
        let long = format!("\"0x{:066x}\"", 5);
        for wrong in [long.as_str(), "\"0xzz\"", "5", "\"0x_5\""] {
            assert!(StorageSlot::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn data_has_whole_bytes_and_addresses_their_length() {
        assert_eq!(data("\"0x\""), Ok(Bytes::new()));
        assert_eq!(data("\"0xAbcd\""), Ok(Bytes::from_static(&[0xab, 0xcd])));
        assert!(data("\"0xabc\"").is_err());
        assert!(data("\"abcd\"").is_err());
        assert_eq!(fixed::<20>("\"0xab\""), Err("hex string has length 2, want 40".to_owned()));
    }
}
