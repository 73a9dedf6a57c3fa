//! The checksum that travels with every stored value.
//!
//! It covers the key too, so that a value which turns up under another key is damage as well.

/// Length of a checksum, in bytes.
pub(crate) const LEN: usize = 4;

/// CRC-32C over the key and the value.
pub(crate) fn of(key: &[u8], value: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), value)
}

/// A key as an error message shows it: hex, cut after 64 bytes.
pub(crate) fn show(key: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(2 * key.len().min(64) + 2);
    for byte in key.iter().take(64) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    if key.len() > 64 {
        out.push_str("..");
    }
    out
}
