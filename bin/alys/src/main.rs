//! The Alys node.
fn main() {}
