//! `BuildExecutionPayload` and `SealPayload`.

use alloy_primitives::B256;
use alys_bus::protocol::engine::EngineError;
use alys_primitives::payload::block_hash;

use super::{
    EngineSubject,
    rig::{Rig, block_of, withdrawal},
};
use crate::contract::{answered, refusal};

/// Idempotent: the same rules give the same id.
pub async fn the_same_rules_give_the_same_id_and_others_another(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    let rules = rig.next_rules();
    let id = answered(rig.build(&rules).await);
    assert_eq!(answered(rig.build(&rules).await), id);
    let rival = rig.rules(rig.head, rig.height + 1, 9);
    assert_ne!(answered(rig.build(&rival).await), id);
}

/// `Unavailable` where the parent is not executed: it may come.
pub async fn building_on_an_unknown_parent_is_unavailable(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    let rules = rig.rules(B256::repeat_byte(0x77), rig.height + 5, 0);
    let refused = refusal(rig.build(&rules).await);
    assert!(matches!(refused, EngineError::Unavailable(_)), "{refused}");
}

/// `UnknownPayload` where no such building is under way, as after a restart.
pub async fn sealing_what_nobody_builds_is_an_unknown_payload(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    assert_eq!(refusal(rig.seal([7; 8]).await), EngineError::UnknownPayload);
    let id = answered(rig.build(&rig.next_rules()).await);
    rig.subject.restart().await;
    assert_eq!(refusal(rig.seal(id).await), EngineError::UnknownPayload);
}

/// Every field that this side prescribes is repeated, withdrawals included, and the hash is that of
/// payload, parent and requests.
pub async fn a_seal_repeats_every_rule_and_hashes_to_what_it_says(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    rig.send(&rig.transfer(0, super::ECHO, 1)).await;
    let mut rules = rig.next_rules();
    rules.withdrawals = vec![withdrawal(0, 5), withdrawal(1, 6)];
    let id = answered(rig.build(&rules).await);
    let sealed = *answered(rig.seal(id).await);
    if let Err(error) = rules.check(&sealed.payload) {
        panic!("the seal departs from the rules: {error}");
    }
    let block = block_of(sealed, rules.parent_beacon_block_root);
    let hash = block_hash(&block.payload, rules.parent_beacon_block_root, &block.execution_requests);
    assert_eq!(hash, Ok(block.payload_hash_as_given()));
    assert_eq!(block.check_copy(), Ok(()));
}
