//! What went wrong elsewhere, and must not here: each by its name.

use std::sync::Arc;

use alys_bus::protocol::{
    chain::{ChainEvent, SyncState},
    engine::{Lack, PayloadVerdict},
};
use alys_chain::core::{Gossip, Input, rules::vote_for};
use alys_primitives::{B256, SignedProposal, VoteKind};

use crate::support::Solo;

/// Member 3 of 4; slots 1, 2, 3 are those of members 1, 2, 3.
fn solo() -> Solo {
    Solo::new(4, 3)
}

/// A block of slot 1 on genesis, seen in its slot.
fn first_block(solo: &mut Solo) -> Arc<SignedProposal> {
    let genesis = solo.factory.genesis;
    let block = solo.factory.block(genesis, 1);
    solo.pass_to(1, 10);
    solo.propose(&block);
    block
}

#[test]
fn vote_before_execution_no_vote_while_the_client_says_invalid_or_syncing() {
    for verdict in [
        PayloadVerdict::Invalid { reason: "bad state root".to_owned() },
        PayloadVerdict::Unavailable { lack: Lack::Parent, what: "SYNCING".to_owned() },
    ] {
        let mut solo = solo();
        let genesis = solo.factory.genesis;
        let block = solo.factory.block(genesis, 1);
        solo.order(&block, Some(verdict.clone()));
        solo.pass_to(1, 10);
        solo.propose(&block);
        solo.pass_to(1, 1000);
        assert!(solo.own_votes().is_empty(), "{verdict:?}");
        assert!(!solo.judged.is_empty());
        assert!(solo.blamed.is_empty(), "no one is to blame for what a client says");
    }
}

/// `lagging-bitcoind-invalid`, of the only outsider that a verdict needs: the execution client. No rule in force asks a
/// Bitcoin node.
#[test]
fn lagging_client_invalid_unavailable_is_not_invalid_and_the_vote_follows_when_it_clears() {
    let mut solo = solo();
    let genesis = solo.factory.genesis;
    let block = solo.factory.block(genesis, 1);
    solo.order(&block, Some(PayloadVerdict::Unavailable { lack: Lack::Parent, what: "SYNCING".to_owned() }));
    solo.pass_to(1, 10);
    solo.propose(&block);
    solo.pass_to(1, 600);
    assert!(!solo.judged.is_empty() && solo.own_votes().is_empty(), "asked in vain");
    assert!(
        solo.blamed.is_empty() && solo.disk.blocks.contains_key(&block.block.hash()),
        "and nothing held against it"
    );
    solo.order(&block, None);
    solo.pass_to(1, 1400);
    assert!(solo.voted(VoteKind::Notarize, &block));
    solo.certify(VoteKind::Notarize, &block);
    assert_eq!(solo.disk.head.hash, block.block.hash(), "it is followed as any other");
}

#[test]
fn invalid_from_the_client_withholds_both_votes_and_it_is_asked_again_when_others_certify() {
    let mut solo = solo();
    let genesis = solo.factory.genesis;
    let block = solo.factory.block(genesis, 1);
    solo.order(&block, Some(PayloadVerdict::Invalid { reason: "disk fault".to_owned() }));
    solo.pass_to(1, 10);
    solo.propose(&block);
    solo.pass_to(1, 500);
    assert_eq!(solo.judged.len(), 1, "not asked again without a reason");
    solo.certify(VoteKind::Notarize, &block);
    solo.pass_to(1, 900);
    assert!(solo.judged.len() >= 2, "a certificate is a reason");
    assert!(solo.own_votes().is_empty(), "and still no vote, not even Finalize");
    solo.order(&block, None);
    solo.certify(VoteKind::Finalize, &block);
    solo.pass_to(3, 0);
    assert_eq!(solo.disk.finalized.hash, block.block.hash(), "what others finalized is followed");
}

#[test]
fn invalid_by_our_rules_is_final_and_never_reaches_disk_or_client() {
    let mut solo = solo();
    let genesis = solo.factory.genesis;
    let mut block = solo.factory.block(genesis, 1).block.clone();
    block.header.peg_root = B256::repeat_byte(1);
    let block = Arc::new(solo.factory.keys.propose(block));
    solo.pass_to(1, 10);
    solo.propose(&block);
    solo.certify(VoteKind::Notarize, &block);
    solo.pass_to(2, 0);
    assert!(solo.own_votes().is_empty() && solo.judged.is_empty());
    assert!(!solo.disk.blocks.contains_key(&block.block.hash()));
    assert!(solo.events.iter().any(|event| matches!(event, ChainEvent::Alarm { .. })));
}

#[test]
fn far_future_proposal_is_held_until_its_slot_and_further_ahead_dropped() {
    let mut solo = solo();
    let genesis = solo.factory.genesis;
    // `max_early` is 2: from slot 1, slot 2 is held, slot 6 is too far.
    let (held, dropped) = (solo.factory.block(genesis, 2), solo.factory.block(genesis, 6));
    solo.pass_to(1, 10);
    solo.propose(&held);
    solo.propose(&dropped);
    solo.pass_to(1, 1900);
    assert!(solo.own_votes().is_empty());
    solo.pass_to(2, 100);
    assert!(solo.voted(VoteKind::Notarize, &held));
    solo.pass_to(6, 500);
    assert!(!solo.voted(VoteKind::Notarize, &dropped));
    // It barred no slot before it.
    let between = solo.factory.block(genesis, 5);
    solo.pass_to(6, 500);
    solo.propose(&between);
    assert!(solo.voted(VoteKind::Notarize, &between));
}

#[test]
fn poisoned_copy_is_dropped_its_sender_blamed_and_the_true_copy_judged() {
    let mut solo = solo();
    let genesis = solo.factory.genesis;
    let block = solo.factory.block(genesis, 1);
    let mut poisoned = (*block).clone();
    poisoned.block.payload.payload_inner.payload_inner.gas_used += 1;
    solo.pass_to(1, 10);
    solo.propose(&Arc::new(poisoned));
    assert_eq!(solo.blamed.len(), 1);
    assert!(solo.own_votes().is_empty());
    solo.propose(&block);
    assert!(solo.voted(VoteKind::Notarize, &block), "the block itself is not judged by a bad copy");
}

#[test]
fn vote_in_anothers_name_is_dropped_before_it_is_kept_and_takes_no_place() {
    let mut solo = solo();
    let block = first_block(&mut solo);
    // Garbage "from" members 0 and 1, sent before they vote themselves.
    for member in [0, 1] {
        let data = vote_for(VoteKind::Notarize, B256::repeat_byte(9), &block.block.header);
        let mut vote = solo.factory.keys.vote(2, data);
        vote.vote.member = member;
        solo.input(Input::Vote {
            vote: Arc::new(vote),
            source: Some(alys_bus::protocol::network::Source(7)),
        });
    }
    assert_eq!(solo.blamed.iter().filter(|(source, _)| source.0 == 7).count(), 2);
    assert!(
        !solo.events.iter().any(|event| matches!(event, ChainEvent::Blamed { .. })),
        "no member is blamed"
    );
    solo.vote(0, VoteKind::Notarize, &block);
    solo.vote(1, VoteKind::Notarize, &block);
    assert!(solo.voted(VoteKind::Finalize, &block), "their own votes still count");
}

#[test]
fn early_vote_lost_votes_and_certificates_before_their_block_are_kept() {
    let mut solo = solo();
    let genesis = solo.factory.genesis;
    let block = solo.factory.block(genesis, 1);
    solo.pass_to(1, 10);
    for member in [0, 1, 2] {
        solo.vote(member, VoteKind::Notarize, &block);
        solo.vote(member, VoteKind::Finalize, &block);
    }
    assert_eq!(solo.disk.head.height, 0);
    assert_eq!(solo.fetches, [block.block.hash()], "what is certified and not here is fetched");
    solo.fetched(&block);
    assert_eq!(solo.disk.finalized.hash, block.block.hash());
}

#[test]
fn two_rivals_the_first_seen_gets_the_vote_and_both_envelopes_are_evidence_on_chain() {
    let mut solo = solo();
    let genesis = solo.factory.genesis;
    let first = first_block(&mut solo);
    let body = solo.factory.body(genesis);
    let rival = solo.factory.block_with(genesis, 1, body, 77);
    solo.propose(&rival);
    assert_eq!(solo.own_votes().len(), 1);
    assert!(solo.voted(VoteKind::Notarize, &first));
    let blamed = |event: &&ChainEvent| matches!(event, ChainEvent::Blamed { member: 1, .. });
    assert_eq!(solo.events.iter().filter(blamed).count(), 1);
    // The own block of slot 3 proves it.
    solo.builds = true;
    solo.certify(VoteKind::Notarize, &first);
    solo.pass_to(3, 100);
    let mut proposals = solo.said.iter().filter_map(|gossip| match gossip {
        Gossip::Proposal(proposal) => Some(proposal),
        _ => None,
    });
    let own = proposals.next_back().expect("an own block in slot 3");
    let [proof] = own.block.body.evidence.as_ref() else { panic!("one proof") };
    assert_eq!(proof.proposals.as_ref(), [first.signed_header(), rival.signed_header()]);
}

#[test]
fn a_double_vote_is_evidence_and_the_second_vote_does_not_count() {
    let mut solo = solo();
    let block = first_block(&mut solo);
    let other = solo.factory.block(solo.factory.genesis, 1);
    assert_eq!(other.block.hash(), block.block.hash());
    let mut data = vote_for(VoteKind::Notarize, block.block.hash(), &block.block.header);
    data.block = B256::repeat_byte(5);
    let lie = Arc::new(solo.factory.keys.vote(0, data));
    solo.input(Input::Vote { vote: lie, source: None });
    solo.vote(0, VoteKind::Notarize, &block);
    solo.vote(1, VoteKind::Notarize, &block);
    assert!(!solo.voted(VoteKind::Finalize, &block), "two votes and a lie are no quorum of four");
    let blamed = |event: &&ChainEvent| matches!(event, ChainEvent::Blamed { member: 0, .. });
    assert_eq!(solo.events.iter().filter(blamed).count(), 1);
    solo.vote(2, VoteKind::Notarize, &block);
    assert!(solo.voted(VoteKind::Finalize, &block));
}

#[test]
fn no_finalize_for_a_notarization_seen_after_three_quarters_of_its_slot() {
    for (into_ms, signs) in [(1400, true), (1500, false)] {
        let mut solo = solo();
        let block = first_block(&mut solo);
        solo.pass_to(1, into_ms);
        solo.certify(VoteKind::Notarize, &block);
        assert_eq!(solo.voted(VoteKind::Finalize, &block), signs, "{into_ms} ms into the slot");
        assert_eq!(solo.disk.head.hash, block.block.hash(), "it may be extended in any case");
    }
}

#[test]
fn a_locked_member_votes_for_nothing_that_does_not_extend_its_lock() {
    let mut solo = solo();
    let genesis = solo.factory.genesis;
    let block = first_block(&mut solo);
    solo.certify(VoteKind::Notarize, &block);
    assert!(solo.voted(VoteKind::Finalize, &block));
    let rival = solo.factory.block(genesis, 2);
    solo.pass_to(2, 10);
    solo.propose(&rival);
    assert!(!solo.voted(VoteKind::Notarize, &rival));
    let mut solo = solo.restarted();
    solo.propose(&rival);
    assert!(!solo.voted(VoteKind::Notarize, &rival), "nor after a restart");
    let heir = solo.factory.block(block.block.hash(), 5);
    solo.pass_to(5, 10);
    solo.propose(&heir);
    assert!(solo.voted(VoteKind::Notarize, &heir));
}

#[test]
fn a_restart_in_the_same_slot_sends_the_same_promises_again() {
    let mut solo = solo();
    let block = first_block(&mut solo);
    let before = solo.own_votes();
    let mut solo = solo.restarted();
    assert_eq!(solo.own_votes(), before, "sent again at once");
    let body = solo.factory.body(solo.factory.genesis);
    let rival = solo.factory.block_with(solo.factory.genesis, 1, body, 99);
    solo.propose(&rival);
    assert_eq!(solo.own_votes(), before, "and no other");
    assert!(solo.voted(VoteKind::Notarize, &block));
}

#[test]
fn a_restarted_proposer_sends_the_same_block_again() {
    let mut solo = solo();
    solo.builds = true;
    solo.pass_to(3, 50);
    let own = |solo: &Solo| -> Vec<B256> {
        let hash = |gossip: &Gossip| match gossip {
            Gossip::Proposal(proposal) => Some(proposal.block.hash()),
            _ => None,
        };
        solo.said.iter().filter_map(hash).collect()
    };
    let before = own(&solo);
    assert_eq!(before.len(), 1);
    let mut solo = solo.restarted();
    solo.builds = true;
    solo.pass_to(3, 900);
    let after = own(&solo);
    assert!(!after.is_empty() && after.iter().all(|hash| *hash == before[0]), "{after:?}");
}

#[test]
fn synced_alone_a_member_that_hears_nobody_never_calls_itself_synced() {
    let mut solo = solo();
    solo.pass_to(40, 0);
    assert_eq!(solo.core.status().sync, SyncState::Syncing);
    let block = solo.factory.block(solo.factory.genesis, 40);
    solo.propose(&block);
    solo.certify(VoteKind::Notarize, &block);
    assert_eq!(solo.core.status().sync, SyncState::Synced);
}

#[test]
fn sync_never_ends_a_missing_block_is_asked_for_until_it_is_here_and_then_the_state_ends() {
    let mut solo = solo();
    let blocks = {
        let mut blocks = Vec::new();
        let mut parent = solo.factory.genesis;
        for slot in 1..=20 {
            let block = solo.factory.block(parent, slot);
            parent = block.block.hash();
            blocks.push(block);
        }
        blocks
    };
    solo.pass_to(20, 100);
    solo.certify(VoteKind::Finalize, &blocks[19]);
    assert_eq!(solo.core.status().sync, SyncState::Syncing);
    // Nobody answers; then somebody does, one block at a time.
    for _ in 0..3 {
        let hash = *solo.fetches.last().unwrap();
        let result = Err(alys_chain::core::Failure { what: "nobody".to_owned(), transient: true });
        solo.input(Input::Fetched { hash, result });
        let asked = solo.fetches.len();
        solo.pass_to(20, 200 + 500 * asked as u64);
        assert!(solo.fetches.len() > asked, "asked again");
    }
    for block in blocks.iter().rev() {
        assert_eq!(solo.fetches.last(), Some(&block.block.hash()));
        solo.fetched(block);
    }
    assert_eq!(solo.disk.finalized.height, 20);
    assert_eq!(solo.core.status().sync, SyncState::Synced);
}

#[test]
fn wrong_proposer_is_refused_and_blamed() {
    let mut solo = solo();
    let mut block = solo.factory.block(solo.factory.genesis, 1).block.clone();
    block.header.proposer = 2;
    let block = Arc::new(solo.factory.keys.propose(block));
    solo.pass_to(1, 10);
    solo.propose(&block);
    assert!(solo.own_votes().is_empty());
    assert_eq!(solo.blamed.len(), 1);
}

#[test]
fn a_node_without_keys_follows_what_members_certify_and_says_nothing_of_its_own() {
    let mut solo = Solo::follower(4);
    let mut parent = solo.factory.genesis;
    for slot in 1..=6 {
        let block = solo.factory.block(parent, slot);
        parent = block.block.hash();
        solo.pass_to(slot, 10);
        solo.propose(&block);
        for kind in VoteKind::ALL {
            (0..3).for_each(|member| solo.vote(member, kind, &block));
        }
        assert_eq!((solo.disk.head.hash, solo.disk.finalized.hash), (parent, parent));
    }
    assert!(solo.said.iter().all(|gossip| matches!(gossip, Gossip::Certificate(_))));
    assert_eq!(solo.core.status().sync, SyncState::Synced);
    assert_eq!(solo.disk.promises, Default::default());
}

#[test]
fn votes_far_ahead_take_no_place() {
    let mut solo = solo();
    let block = solo.factory.block(solo.factory.genesis, 9);
    solo.pass_to(1, 10);
    (0..3).for_each(|member| solo.vote(member, VoteKind::Notarize, &block));
    solo.pass_to(9, 100);
    assert!(solo.fetches.is_empty(), "no certificate came of them");
    (0..3).for_each(|member| solo.vote(member, VoteKind::Notarize, &block));
    assert_eq!(solo.fetches, [block.block.hash()]);
}
