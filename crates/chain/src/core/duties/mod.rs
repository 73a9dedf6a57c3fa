//! What this node does about what it knows. Looked at after every input, in the order of
//! [`Core::step`](super::Core::step); each does nothing where nothing is due.

mod fetch;
mod follow;
mod judge;
mod propose;
mod report;
mod resend;
mod slot;
mod vote;
mod wake;

pub(crate) use fetch::fetch;
pub(crate) use follow::follow;
pub(crate) use judge::judge;
pub(crate) use propose::{ahead_at, propose};
pub(crate) use report::report;
pub(crate) use resend::resend;
pub(crate) use slot::begin_slot;
pub(crate) use vote::{is_opposed, vote};
pub(crate) use wake::wake;
