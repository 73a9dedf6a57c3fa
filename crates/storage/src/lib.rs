//! The storage actor: blocks, indexes, peg state and the promise record.
