//! What an engine must do, embedded or behind the Engine API.
//!
//! The actor under test starts at the execution genesis of [`spec`]: with a funded key and three small
//! contracts, and blocks every two seconds.

use alys_bus::protocol::EngineMessage;

use super::Subject;

mod building;
mod following;
mod genesis;
mod judging;
mod reading;
mod rig;
mod wallets;

pub use building::{
    a_seal_repeats_every_rule_and_hashes_to_what_it_says, building_on_an_unknown_parent_is_unavailable,
    sealing_what_nobody_builds_is_an_unknown_payload, the_same_rules_give_the_same_id_and_others_another,
};
pub use following::{
    a_forkchoice_to_an_unknown_block_moves_nothing, a_rival_becomes_the_head_when_it_is_chosen,
    an_engine_stands_at_genesis_first, payloads_can_be_replayed_after_a_restart,
    the_answer_to_a_forkchoice_is_the_head_read_back, the_same_forkchoice_again_changes_nothing,
};
pub use genesis::{ECHO, LOGGER, REVERTER, spec};
pub use judging::{
    a_false_claim_is_invalid_with_a_reason, a_payload_built_elsewhere_is_valid_with_the_same_facts,
    a_payload_without_its_parent_is_unavailable_not_invalid,
    a_true_payload_is_valid_after_a_false_copy_of_it, the_same_payload_again_is_judged_alike,
};
pub use reading::{
    a_block_that_is_not_there_is_none_and_its_state_is_not_found,
    a_call_answers_and_a_revert_brings_its_data, a_gas_estimate_suffices_and_a_transfer_takes_21000,
    logs_are_found_by_their_address, nobody_has_nothing, wallets_learn_fees_from_past_blocks,
};
pub use wallets::{
    a_transaction_goes_from_the_pool_into_a_block_and_has_a_receipt, pending_counts_the_nonces_of_the_pool,
    refusals_say_what_is_wrong_and_change_nothing,
};

/// An engine under the suite: one at the genesis of [`spec`].
pub trait EngineSubject: Subject<EngineMessage> + Sized {
    /// Another engine at the same genesis, which has none of this one's blocks.
    fn another(&self) -> impl Future<Output = Self> + Send;
}

/// Makes a test of each sentence of the engine contract, for the actor that the given function starts.
/// See [`contract`](crate::contract).
#[macro_export]
macro_rules! engine_contract {
    ($make:expr) => {
        $crate::__engine_sentences! { __contract_tests, ($make) }
    };
}

/// The sentences, handed to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __engine_sentences {
    ($each:ident, $with:tt) => {
        $crate::$each! {
            engine, $with,
            an_engine_stands_at_genesis_first,
            the_same_rules_give_the_same_id_and_others_another,
            building_on_an_unknown_parent_is_unavailable,
            sealing_what_nobody_builds_is_an_unknown_payload,
            a_seal_repeats_every_rule_and_hashes_to_what_it_says,
            the_same_payload_again_is_judged_alike,
            a_payload_built_elsewhere_is_valid_with_the_same_facts,
            a_payload_without_its_parent_is_unavailable_not_invalid,
            a_false_claim_is_invalid_with_a_reason,
            a_true_payload_is_valid_after_a_false_copy_of_it,
            the_answer_to_a_forkchoice_is_the_head_read_back,
            the_same_forkchoice_again_changes_nothing,
            a_forkchoice_to_an_unknown_block_moves_nothing,
            a_rival_becomes_the_head_when_it_is_chosen,
            payloads_can_be_replayed_after_a_restart,
            a_transaction_goes_from_the_pool_into_a_block_and_has_a_receipt,
            pending_counts_the_nonces_of_the_pool,
            refusals_say_what_is_wrong_and_change_nothing,
            nobody_has_nothing,
            a_block_that_is_not_there_is_none_and_its_state_is_not_found,
            a_call_answers_and_a_revert_brings_its_data,
            a_gas_estimate_suffices_and_a_transfer_takes_21000,
            logs_are_found_by_their_address,
            wallets_learn_fees_from_past_blocks,
        }
    };
}

__engine_sentences! { __contract_run, (EngineSubject) }
