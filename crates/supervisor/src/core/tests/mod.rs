//! The rules, without actors.
