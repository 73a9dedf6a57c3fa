//! The encoding equals that of an independent SSZ implementation (`generate.py` beside this file).

use alys_primitives::{
    Block, Body, Burn, Cancellation, Certificate, ChainSpec, ExecutionFacts, Header, PegState,
    SignedProposal, SignedVote, Vote, envelope, peg, spec::BitcoinNetwork, state::Anchor, vote::VoteData,
    withdrawals::Credit,
};
use serde::Deserialize;
use ssz::{Decode, Encode};
use tree_hash::TreeHash;

#[derive(Deserialize)]
struct Golden {
    vectors: Vec<Vector>,
    signing_roots: SigningRoots,
    specs: Vec<SpecVector>,
}

/// A spec as a file, and its digest.
#[derive(Deserialize)]
struct SpecVector {
    // Unchecked: every field has a value of its own, and few of them could work.
    spec: ChainSpec,
    digest: String,
}

#[derive(Deserialize)]
struct Vector {
    #[serde(rename = "type")]
    kind: String,
    items: usize,
    ssz: String,
    root: String,
}

#[derive(Deserialize)]
struct SigningRoots {
    chain_id: String,
    vote_data: String,
    vote_envelope: String,
    proposal_envelope: String,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden.json")).unwrap()
}

fn bytes(golden: &Golden, kind: &str, items: usize) -> Vec<u8> {
    let vector = golden.vectors.iter().find(|v| v.kind == kind && v.items == items).unwrap();
    hex::decode(&vector.ssz).unwrap()
}

/// Decodes the golden bytes and encodes the value again: both ways must agree with the script.
fn encoding<T: Encode + Decode>(vector: &Vector) -> T {
    let bytes = hex::decode(&vector.ssz).unwrap();
    let value = T::from_ssz_bytes(&bytes)
        .unwrap_or_else(|e| panic!("{} with {} items does not decode: {e:?}", vector.kind, vector.items));
    assert_eq!(value.as_ssz_bytes(), bytes, "{} with {} items", vector.kind, vector.items);
    // A byte less is another value's encoding (where a byte list ends it) or none at all.
    let short = &bytes[..bytes.len() - 1];
    if let Ok(other) = T::from_ssz_bytes(short) {
        assert_eq!(other.as_ssz_bytes(), short, "{} cut short", vector.kind);
    }
    value
}

fn encoding_and_root<T: Encode + Decode + TreeHash>(vector: &Vector) {
    let value = encoding::<T>(vector);
    let root = hex::encode(value.tree_hash_root());
    assert_eq!(root, vector.root, "root of {} with {} items", vector.kind, vector.items);
}

#[test]
fn encoder_drift_every_type_encodes_and_hashes_as_the_independent_implementation_says() {
    let golden = golden();
    assert_eq!(golden.vectors.len(), 69);
    for vector in &golden.vectors {
        match vector.kind.as_str() {
            "VoteData" => encoding_and_root::<VoteData>(vector),
            "Vote" => encoding_and_root::<Vote>(vector),
            "Certificate" => encoding_and_root::<Certificate>(vector),
            "Header" => encoding_and_root::<Header>(vector),
            "SignedHeader" => encoding_and_root::<envelope::SignedHeader>(vector),
            "SignedVote" => encoding_and_root::<SignedVote>(vector),
            "Deposit" => encoding_and_root::<peg::Deposit>(vector),
            "BurnId" => encoding_and_root::<peg::BurnId>(vector),
            "PayoutProposal" => encoding_and_root::<peg::PayoutProposal>(vector),
            "Settlement" => encoding_and_root::<peg::Settlement>(vector),
            "AuxPow" => encoding_and_root::<peg::AuxPow>(vector),
            "Governance" => encoding_and_root::<peg::Governance>(vector),
            "Handover" => encoding_and_root::<peg::Handover>(vector),
            "Equivocation" => encoding_and_root::<peg::Equivocation>(vector),
            "Body" => encoding_and_root::<Body>(vector),
            "Anchor" => encoding_and_root::<Anchor>(vector),
            "Credit" => encoding_and_root::<Credit>(vector),
            "PegState" => encoding_and_root::<PegState>(vector),
            // Facts are stored beside their block and never hashed.
            "Burn" => drop(encoding::<Burn>(vector)),
            "Cancellation" => drop(encoding::<Cancellation>(vector)),
            "ExecutionFacts" => drop(encoding::<ExecutionFacts>(vector)),
            // Blocks hold a payload, which is encoded and never tree-hashed.
            "Block" => drop(encoding::<Block>(vector)),
            "SignedProposal" => drop(encoding::<SignedProposal>(vector)),
            other => panic!("no type for vector {other}"),
        }
    }
}

#[test]
fn what_members_sign_equals_the_independent_implementation() {
    let golden = golden();
    let chain_id: u64 = golden.signing_roots.chain_id.parse().unwrap();
    let data = VoteData::from_ssz_bytes(&bytes(&golden, "VoteData", 1)).unwrap();
    assert_eq!(hex::encode(data.signing_root(chain_id)), golden.signing_roots.vote_data);
    let vote = Vote::from_ssz_bytes(&bytes(&golden, "Vote", 1)).unwrap();
    let root = envelope::vote_root(chain_id, &vote);
    assert_eq!(hex::encode(root), golden.signing_roots.vote_envelope);
    let header = Header::from_ssz_bytes(&bytes(&golden, "Header", 1)).unwrap();
    let root = envelope::proposal_root(chain_id, &header);
    assert_eq!(hex::encode(root), golden.signing_roots.proposal_envelope);
}

#[test]
fn a_spec_s_digest_equals_the_independent_implementation_s_on_every_network() {
    let specs = golden().specs;
    for SpecVector { spec, digest } in &specs {
        assert_eq!(hex::encode(spec.digest()), *digest, "{:?}", spec.peg.network);
    }
    let networks: Vec<_> = specs.iter().map(|vector| vector.spec.peg.network).collect();
    assert_eq!(
        networks,
        [BitcoinNetwork::Bitcoin, BitcoinNetwork::Testnet4, BitcoinNetwork::Signet, BitcoinNetwork::Regtest]
    );
    let last = &specs[3].spec;
    assert_eq!((last.name.len(), last.federation.members.len()), (64, 2));
    assert_eq!(last.execution_genesis.accounts.len(), 2);
}

#[test]
fn a_header_decodes_field_by_field() {
    let bytes = bytes(&golden(), "Header", 2);
    let header = Header::from_ssz_bytes(&bytes).unwrap();
    assert_eq!(header.version.to_le_bytes(), bytes[0..4]);
    assert_eq!(header.slot.to_le_bytes(), bytes[20..28]);
    assert_eq!(header.proposer, bytes[28]);
    assert_eq!(header.peg_root, bytes[125..157]);
    assert_eq!(bytes.len(), 157);
}

#[test]
fn lists_beyond_their_limit_do_not_decode() {
    // Three certificates where two may stand: the decoder stops, whatever the length field says.
    let certificate = bytes(&golden(), "Certificate", 1);
    let handover = |count: usize| [4u32.to_le_bytes().to_vec(), certificate.repeat(count)].concat();
    assert!(peg::Handover::from_ssz_bytes(&handover(2)).is_ok());
    assert!(peg::Handover::from_ssz_bytes(&handover(3)).is_err());
}

proptest::proptest! {
    /// Data from outside never panics, never allocates by its own word.
    #[test]
    fn arbitrary_bytes_never_panic_the_decoder(bytes in proptest::collection::vec(0u8..=255, 0..600)) {
        let _ = Block::decode(&bytes);
        let _ = SignedProposal::from_ssz_bytes(&bytes);
        let _ = SignedVote::from_ssz_bytes(&bytes);
        let _ = Certificate::from_ssz_bytes(&bytes);
        let _ = PegState::decode(&bytes);
        let _ = ExecutionFacts::from_ssz_bytes(&bytes);
    }

    #[test]
    fn a_damaged_block_never_panics_and_never_passes_for_the_original(at in 0usize..10_000, flip in 1u8..=255) {
        let original = bytes(&golden(), "Block", 2);
        let mut damaged = original.clone();
        let at = at % damaged.len();
        damaged[at] ^= flip;
        if let Ok(block) = Block::decode(&damaged) {
            proptest::prop_assert_eq!(block.encode(), damaged);
        }
    }
}
