//! Members, keys, and threshold signatures.
