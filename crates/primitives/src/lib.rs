//! Domain types, codecs and rules of the Alys protocol: no I/O, no async.
