//! A toolmaker's program: storage and supervisor alone.
fn main() {}
