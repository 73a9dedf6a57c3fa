//! The engine actor over the bus: real messages, the memory database, threads inline unless said.

mod consensus;
mod garbage;
mod patience;
mod restarts;
mod rig;
mod threads;
mod wallet;
