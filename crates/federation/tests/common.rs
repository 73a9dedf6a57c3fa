//! What several modules need: dealt federations and votes.

use std::collections::BTreeMap;

use alys_federation::{
    BlsThreshold, DevelopmentDealer, MemberKeys,
    dealer::Dealt,
    scheme::{PreparedKeys, ThresholdScheme as _},
};
use alys_primitives::{
    Address, B256, BlsSignature, ChainSpec, SignedVote, Vote, VoteKind, spec::DevelopmentChain,
    vote::VoteData,
};

pub const CHAIN_ID: u64 = 2121;

/// When the test chains begin, Unix milliseconds.
pub const GENESIS_MS: u64 = 1_700_000_000_000;

/// A federation of `n` members, the same each time, with its keys decoded.
pub struct Federation {
    pub dealt: Dealt,
    pub keys: PreparedKeys,
}

impl Federation {
    pub fn of(n: usize) -> Self {
        Self::seeded(n, 7)
    }

    pub fn seeded(n: usize, seed: u8) -> Self {
        let dealt = DevelopmentDealer::from_seed([seed; 32]).deal(n).unwrap();
        let keys = BlsThreshold.prepare(&dealt.keys).unwrap();
        Self { dealt, keys }
    }

    /// A development chain with these members.
    pub fn spec(&self) -> ChainSpec {
        DevelopmentChain {
            name: "test".to_owned(),
            chain_id: CHAIN_ID,
            genesis_ms: GENESIS_MS,
            slot_seconds: 2,
            gas_limit: 30_000_000,
            members: self.dealt.spec_members(|_| Address::repeat_byte(1)).unwrap(),
            commitment: self.dealt.keys.commitments().to_vec(),
            funded: BTreeMap::new(),
        }
        .spec()
    }

    pub fn member(&self, index: u8) -> &MemberKeys {
        &self.dealt.members[usize::from(index)]
    }

    pub fn share(&self, index: u8, root: B256) -> BlsSignature {
        BlsThreshold.sign(&self.member(index).share, root).unwrap()
    }

    /// An honest vote.
    pub fn vote(&self, index: u8, data: VoteData) -> Vote {
        Vote { data, member: index, share: self.share(index, data.signing_root(CHAIN_ID)) }
    }

    /// A share of the right form that signs something else.
    pub fn false_vote(&self, index: u8, data: VoteData) -> Vote {
        Vote { data, member: index, share: self.share(index, B256::repeat_byte(0xee)) }
    }

    /// An honest vote in its envelope.
    pub fn signed_vote(&self, index: u8, data: VoteData) -> SignedVote {
        self.member(index).identity.sign_vote(CHAIN_ID, self.vote(index, data))
    }
}

/// A Notarize of block `block` in `slot`.
pub fn notarize(slot: u64, block: u8) -> VoteData {
    VoteData { epoch: 0, kind: VoteKind::Notarize, slot, height: slot, block: B256::repeat_byte(block) }
}

/// A Finalize of block `block` in `slot`.
pub fn finalize(slot: u64, block: u8) -> VoteData {
    VoteData { kind: VoteKind::Finalize, ..notarize(slot, block) }
}
