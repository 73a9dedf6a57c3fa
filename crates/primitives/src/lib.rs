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
//!
//! What the types here are made of is re-exported, so that a program that reads or makes blocks names no
//! other crate for it: payloads, [`VariableList`], and the [`ssz`] traits with their [derives](ssz_derive)
//! for records of its own.
//!
//! # A chain and its first block
//!
//! ```
//! use alys_primitives::{
//!     Address, Block, ChainSpec, U256,
//!     spec::{DEVELOPMENT_CHAIN_ID, DevelopmentChain, Member},
//! };
//!
//! // One member, by its public keys. `alys-federation` makes real ones.
//! let member = Member {
//!     name: "one".to_owned(),
//!     identity: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a".parse()?,
//!     bitcoin: "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798".parse()?,
//!     fee_address: Address::repeat_byte(0xfe),
//! };
//! let group_key = "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58\
//!                  6c55e83ff97a1aeffb3af00adb22c6bb";
//! let spec = DevelopmentChain {
//!     name: "example".to_owned(),
//!     chain_id: DEVELOPMENT_CHAIN_ID,
//!     genesis_ms: 1_700_000_000_000,
//!     slot_seconds: 2,
//!     gas_limit: 30_000_000,
//!     members: vec![member],
//!     commitment: vec![group_key.parse()?],
//!     funded: [(Address::repeat_byte(1), U256::from(5))].into(),
//! }
//! .spec();
//!
//! // As a file, which is checked when it is read.
//! let read = ChainSpec::from_json(&spec.to_json())?;
//! assert_eq!(read.digest(), spec.digest());
//!
//! // The block that all nodes of the chain begin with.
//! let genesis = read.genesis().block;
//! let bytes = genesis.encode();
//! let decoded = Block::decode(&bytes)?;
//! assert_eq!(decoded.hash(), genesis.hash());
//! assert_eq!(decoded.header.parent, spec.digest());
//! assert_eq!(decoded.header.body_root, decoded.body.root());
//!
//! // Exactly one encoding decodes.
//! assert!(Block::decode(&bytes[..bytes.len() - 1]).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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

pub use block::{Block, Body, DecodeError, Header};
pub use bls::{BlsPublicKey, BlsSignature};
pub use envelope::{Envelope, IdentityKey, IdentitySignature, SignedProposal, SignedVote};
pub use execution::{Burn, Cancellation, ExecutionFacts};
pub use quorum::quorum;
pub use slots::{Slot, SlotClock};
pub use spec::ChainSpec;
pub use state::PegState;
pub use vote::{Certificate, Vote, VoteKind};

pub use alloy_eips::eip4895::Withdrawal;
pub use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256};
pub use alloy_rpc_types_engine::{ExecutionPayloadV1, ExecutionPayloadV2, ExecutionPayloadV3};
pub use ssz_types::VariableList;
pub use {ssz, ssz_derive};

/// One satoshi in gwei: 10 (and so 10^10 wei).
pub const GWEI_PER_SAT: u64 = 10;

/// One gwei in wei.
pub const WEI_PER_GWEI: u64 = 1_000_000_000;
