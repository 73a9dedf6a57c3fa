//! The node's own Geth, with the real program.

mod folders;
mod lives;
mod methods;
mod orphans;
mod rig;
