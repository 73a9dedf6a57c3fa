//! The rules of validity, one departure at a time.

use alloy_eips::eip4895::Withdrawal;
use alys_chain::core::{
    NoProof,
    rules::{EVIDENCE_WINDOW, Invalid, vote_for},
};
use alys_primitives::{
    Address, B256, Block, VoteKind,
    block::VERSION,
    payload::PayloadError,
    peg::{Deposit, Equivocation},
    state::StateError,
};
use proptest::prelude::*;
use ssz_types::VariableList;

use crate::support::{Factory, make_payload};

/// A factory of four members and two blocks: of slot 1, and of slot 3 on it.
fn two_blocks() -> (Factory, B256, Block) {
    let mut factory = Factory::new(4);
    let parent = factory.block(factory.genesis, 1).block.hash();
    let block = factory.block(parent, 3).block.clone();
    (factory, parent, block)
}

/// What the rules say of the second block after `change`, its hashes made right again.
fn judged(change: impl FnOnce(&Factory, &mut Block)) -> Result<(), Invalid> {
    let (factory, parent, mut block) = two_blocks();
    change(&factory, &mut block);
    block.header.body_root = block.body.root();
    factory.rehash(&mut block);
    factory.check(parent, &block).map(drop)
}

fn header_field(result: Result<(), Invalid>) -> &'static str {
    match result {
        Err(Invalid::Header { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

fn payload_field(result: Result<(), Invalid>) -> &'static str {
    match result {
        Err(Invalid::Payload(PayloadError::Field { field, .. })) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_proposer_builds_the_verifier_accepts() {
    assert_eq!(judged(|_, _| {}), Ok(()));
}

#[test]
fn every_field_of_the_header_is_decided_by_parent_slot_and_body() {
    assert_eq!(header_field(judged(|_, block| block.header.version = VERSION + 1)), "version");
    assert_eq!(header_field(judged(|_, block| block.header.epoch = 1)), "epoch");
    assert_eq!(header_field(judged(|_, block| block.header.height = 3)), "height");
    assert_eq!(header_field(judged(|_, block| block.header.proposer = 0)), "proposer");
    assert_eq!(header_field(judged(|_, block| block.header.peg_root = B256::ZERO)), "peg_root");
}

#[test]
fn a_slot_not_after_the_parents_is_invalid() {
    let (factory, parent, _) = two_blocks();
    for slot in [0, 1] {
        let result = factory.expect(parent, slot, &factory.body(parent));
        assert_eq!(result.unwrap_err(), Invalid::Slot { slot, parent: 1 });
    }
    let far = factory.expect(parent, u64::MAX, &factory.body(parent));
    assert_eq!(far.unwrap_err(), Invalid::NoTime(u64::MAX));
}

#[test]
fn every_prescribed_field_of_the_payload_is_compared() {
    let inner = |block: &mut Block, change: fn(&mut alloy_rpc_types_engine::ExecutionPayloadV1)| {
        change(&mut block.payload.payload_inner.payload_inner);
    };
    let field = |change| payload_field(judged(|_, block| inner(block, change)));
    assert_eq!(field(|p| p.block_number += 1), "block_number");
    assert_eq!(field(|p| p.timestamp += 1), "timestamp");
    assert_eq!(field(|p| p.prev_randao = B256::ZERO), "prev_randao");
    assert_eq!(field(|p| p.fee_recipient = Address::ZERO), "fee_recipient");
    assert_eq!(field(|p| p.gas_limit -= 1), "gas_limit");
    assert_eq!(field(|p| p.parent_hash = B256::ZERO), "parent_hash");
}

#[test]
fn free_mint_a_withdrawal_that_nothing_owes_is_invalid() {
    let extra = Withdrawal { index: 0, validator_index: 2, address: Address::repeat_byte(1), amount: 1 };
    let result = judged(|_, block| block.payload.payload_inner.withdrawals.push(extra));
    assert!(matches!(result, Err(Invalid::Payload(PayloadError::Withdrawals { at: 0, .. }))), "{result:?}");
}

#[test]
fn a_block_has_exactly_the_notarization_of_its_parent_and_block_1_none() {
    let none = judged(|_, block| block.body.justification = VariableList::default());
    assert!(matches!(none, Err(Invalid::Justification(_))), "{none:?}");
    let two = judged(|_, block| {
        let one = block.body.justification[0].clone();
        block.body.justification = VariableList::new(vec![one.clone(), one]).unwrap();
    });
    assert!(matches!(two, Err(Invalid::Justification(_))), "{two:?}");
    for change in [
        |data: &mut alys_primitives::vote::VoteData| data.kind = VoteKind::Finalize,
        |data: &mut alys_primitives::vote::VoteData| data.slot += 1,
        |data: &mut alys_primitives::vote::VoteData| data.height += 1,
        |data: &mut alys_primitives::vote::VoteData| data.epoch += 1,
        |data: &mut alys_primitives::vote::VoteData| data.block = B256::ZERO,
    ] {
        let other = judged(|factory, block| {
            let mut data = block.body.justification[0].data;
            change(&mut data);
            let certificate = (*factory.certificate(data)).clone();
            block.body.justification = VariableList::new(vec![certificate]).unwrap();
        });
        assert!(matches!(other, Err(Invalid::Justification(_))), "{other:?}");
    }
    let forged = judged(|_, block| {
        let mut certificate = block.body.justification[0].clone();
        certificate.signature[0] ^= 1;
        block.body.justification = VariableList::new(vec![certificate]).unwrap();
    });
    assert!(matches!(forged, Err(Invalid::Certificate(_))), "{forged:?}");

    let (factory, parent, _) = two_blocks();
    let first = factory.expect(factory.genesis, 2, &factory.body(parent));
    assert!(matches!(first, Err(Invalid::Justification(_))), "{first:?}");
}

#[test]
fn what_is_not_in_force_is_invalid() {
    let deposit = judged(|_, block| {
        block.body.deposits = VariableList::new(vec![Deposit::default()]).unwrap();
    });
    assert_eq!(deposit, Err(Invalid::State(StateError::NotInForce("deposits"))));
}

#[test]
fn a_body_longer_than_the_spec_allows_is_invalid() {
    let (factory, parent, _) = two_blocks();
    let mut body = factory.body(parent);
    let long = Deposit { transaction: VariableList::new(vec![0; 131_072]).unwrap(), ..Deposit::default() };
    body.deposits = VariableList::new(vec![long; 17]).unwrap();
    let result = factory.expect(parent, 3, &body);
    assert!(matches!(result, Err(Invalid::BodyTooLarge { most: 2_097_152, .. })), "{result:?}");
}

#[test]
fn beyond_max_unanchored_a_block_without_work_is_invalid() {
    let mut factory = Factory::new(1);
    let mut spec = (*factory.spec).clone();
    spec.mining.max_unanchored = 2;
    factory.spec = std::sync::Arc::new(spec);
    let genesis = factory.genesis;
    let first = factory.block(genesis, 1).block.hash();
    let second = factory.block(first, 2).block.hash();
    let third = factory.expect(second, 3, &factory.body(second));
    assert_eq!(third.unwrap_err(), Invalid::Unanchored { height: 3, anchored: 0, most: 2 });
}

/// Two votes of member 2 in slot 1 that contradict each other.
fn proof(factory: &Factory, slot: u64) -> Equivocation {
    let header = alys_primitives::Header { slot, ..Default::default() };
    let vote =
        |block: u8| factory.keys.vote(2, vote_for(VoteKind::Notarize, B256::repeat_byte(block), &header));
    let votes = VariableList::new(vec![vote(1), vote(2)]).unwrap();
    Equivocation { proposals: VariableList::default(), votes }
}

fn with_proofs(slot: u64, proofs: impl FnOnce(&Factory) -> Vec<Equivocation>) -> Result<(), Invalid> {
    let (factory, parent, _) = two_blocks();
    let mut body = factory.body(parent);
    body.evidence = VariableList::new(proofs(&factory)).unwrap();
    factory.expect(parent, slot, &body).map(drop)
}

#[test]
fn evidence_is_two_signed_messages_of_one_member_that_contradict_each_other() {
    assert_eq!(with_proofs(3, |factory| vec![proof(factory, 1)]), Ok(()));

    let one = with_proofs(3, |factory| {
        let mut item = proof(factory, 1);
        item.votes = VariableList::new(vec![item.votes[0].clone()]).unwrap();
        vec![item]
    });
    assert_eq!(one, Err(Invalid::Evidence { at: 0, why: NoProof::Shape { proposals: 0, votes: 1 } }));

    let same = with_proofs(3, |factory| {
        let mut item = proof(factory, 1);
        item.votes = VariableList::new(vec![item.votes[0].clone(), item.votes[0].clone()]).unwrap();
        vec![item]
    });
    assert_eq!(same, Err(Invalid::Evidence { at: 0, why: NoProof::Agree }));

    let two_slots = with_proofs(3, |factory| {
        let mut item = proof(factory, 1);
        item.votes =
            VariableList::new(vec![item.votes[0].clone(), proof(factory, 2).votes[1].clone()]).unwrap();
        vec![item]
    });
    assert_eq!(two_slots, Err(Invalid::Evidence { at: 0, why: NoProof::Agree }));

    let in_anothers_name = with_proofs(3, |factory| {
        let mut item = proof(factory, 1);
        let mut votes = item.votes.to_vec();
        votes.iter_mut().for_each(|vote| vote.vote.member = 1);
        item.votes = VariableList::new(votes).unwrap();
        vec![item]
    });
    assert!(matches!(in_anothers_name, Err(Invalid::Evidence { why: NoProof::Signature(_), .. })));
}

#[test]
fn evidence_stands_on_a_chain_once_and_only_within_its_window() {
    let twice = with_proofs(3, |factory| vec![proof(factory, 1), proof(factory, 1)]);
    assert!(matches!(twice, Err(Invalid::EvidenceAgain { at: 1, .. })), "{twice:?}");
    let future = with_proofs(3, |factory| vec![proof(factory, 4)]);
    assert!(matches!(future, Err(Invalid::EvidenceTime { at: 0, .. })), "{future:?}");
    assert_eq!(with_proofs(EVIDENCE_WINDOW + 1, |factory| vec![proof(factory, 1)]), Ok(()));
    let old = with_proofs(EVIDENCE_WINDOW + 2, |factory| vec![proof(factory, 1)]);
    assert!(matches!(old, Err(Invalid::EvidenceTime { at: 0, .. })), "{old:?}");

    let (mut factory, parent, _) = two_blocks();
    let mut body = factory.body(parent);
    body.evidence = VariableList::new(vec![proof(&factory, 1)]).unwrap();
    let carrier = factory.block_with(parent, 3, body, 1).block.hash();
    let mut again = factory.body(carrier);
    again.evidence = VariableList::new(vec![proof(&factory, 1)]).unwrap();
    let result = factory.expect(carrier, 5, &again);
    assert!(matches!(result, Err(Invalid::EvidenceAgain { at: 0, .. })), "{result:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// On any line of slots the proposer's function and the verifier's agree (`merge-or-not`), whatever the
    /// payloads told, and a header has one valid peg root.
    #[test]
    fn merge_or_not_proposer_and_verifier_use_one_function(
        gaps in prop::collection::vec(1u64..9, 1..8), salt in any::<u64>(), member_count in 1usize..8,
    ) {
        let mut factory = Factory::new(member_count);
        let (mut parent, mut slot) = (factory.genesis, 0);
        for gap in gaps {
            slot += gap;
            let body = factory.body(parent);
            let expected = factory.expect(parent, slot, &body).unwrap();
            let payload = make_payload(&expected.payload, salt);
            let block = factory.assemble(parent, expected.header.clone(), body.clone(), payload);
            prop_assert_eq!(block.check_copy(), Ok(()));
            prop_assert_eq!(factory.check(parent, &block).unwrap().peg, expected.peg);
            parent = factory.block_with(parent, slot, body, salt).block.hash();
        }
    }
}
