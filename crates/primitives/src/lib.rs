//! Domain types, codecs and rules of the Alys protocol: no I/O, no async, no actors.
//!
//! What every node must agree on and what needs nothing but chain data stands here, so that the
//! proposer of a block and its verifiers call the same functions. `docs/protocol.md` is the
//! normative text; each rule there names the function here.
//!
//! | module | what |
//! |---|---|
//! | [`block`] | header, body, block, and the check of a copy against its header |
//! | [`vote`] | votes, certificates and the root that members sign |
//! | [`envelope`] | how a proposal or vote travels: signed by its member's identity key |
//! | [`peg`] | the peg's records as they stand in a body |
//! | [`state`] | the peg state, its root, and how a block moves it |
//! | [`withdrawals`] | which withdrawals a payload must contain |
//! | [`payload`] | what a payload must repeat from this side of the chain |
//! | [`slots`], [`mod@quorum`] | slot arithmetic; how many votes decide |
//! | [`spec`] | the chain spec, its checks, its digest and the genesis block |
//! | [`bls`] | checking a threshold-BLS signature |
//!
//! SSZ is the only encoding, on the wire and on disk; hashes are SSZ `hash_tree_root`. Golden vectors
//! from an independent implementation stand in `tests/primitives/golden`.

pub mod block;
pub mod bls;
pub mod envelope;
pub mod execution;
pub mod limits;
pub mod payload;
pub mod peg;
pub mod quorum;
pub mod slots;
pub mod spec;
pub mod state;
pub mod vote;
pub mod withdrawals;

pub use block::{Block, Body, Header};
pub use bls::{BlsPublicKey, BlsSignature};
pub use envelope::{Envelope, IdentityKey, IdentitySignature, SignedProposal, SignedVote};
pub use execution::{Burn, Cancellation, ExecutionFacts};
pub use quorum::quorum;
pub use slots::{Slot, SlotClock};
pub use spec::ChainSpec;
pub use state::PegState;
pub use vote::{Certificate, Vote, VoteKind};

pub use alloy_primitives::{Address, B256, Bytes, U256};
pub use alloy_rpc_types_engine::ExecutionPayloadV3;

/// One satoshi in gwei: 10 (and so 10^10 wei).
pub const GWEI_PER_SAT: u64 = 10;

/// One gwei in wei.
pub const WEI_PER_GWEI: u64 = 1_000_000_000;
