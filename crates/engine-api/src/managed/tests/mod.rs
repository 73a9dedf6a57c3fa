//! The node's own Geth, with the real program.

mod folders;
mod lives;
mod orphans;
mod rig;
