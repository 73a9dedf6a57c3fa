//! What a storage actor must do, whatever it stores in.

use std::sync::Arc;

use alys_bus::{
    Address, AskError, Context, Reply,
    protocol::storage::{
        BlockQuery, ChainRecord, HeadUpdate, Promises, StorageError, StorageMessage, StoredBlock,
    },
};
use alys_primitives::{B256, SignedProposal};

use super::{Subject, answered};
use crate::PATIENCE;

pub mod blocks;
mod heads;
mod keeping;
mod persisted;
mod serving;

pub use heads::{
    a_chain_begins_when_genesis_is_head_and_final, a_final_block_must_be_an_ancestor_of_the_head,
    a_refused_update_changes_nothing, a_reorg_moves_every_index_to_the_new_branch,
    an_unknown_head_or_final_block_is_refused_by_its_hash, finality_never_goes_back_or_to_another_branch,
    head_finality_and_peg_state_move_together_and_survive_a_restart,
    the_same_update_again_changes_nothing_even_without_its_certificates,
};
pub use keeping::{
    a_checkpoint_never_goes_into_a_folder_that_exists, a_new_storage_has_promised_nothing,
    a_storage_without_damage_reports_none, promises_replace_those_before_and_survive_a_restart,
    pruning_again_drops_nothing, pruning_drops_final_blocks_below_the_height_and_no_others,
    statistics_tell_head_finality_and_count, what_is_not_final_is_never_pruned,
};
pub use persisted::{
    a_persisted_block_is_found_by_its_hash_as_a_candidate, a_persisted_block_survives_a_restart,
    an_empty_storage_has_no_chain, many_blocks_at_once_are_all_kept, the_same_block_again_is_ok,
};
pub use serving::{
    a_block_says_how_far_it_has_come, a_question_that_matches_nothing_has_an_empty_answer,
    a_range_rises_and_ends_at_its_count_or_the_head,
    by_height_range_and_transaction_only_the_chain_of_the_head_is_searched,
    the_record_has_every_block_above_the_final_one_candidates_included,
};

/// Makes a test of each sentence of the storage contract, for the actor that the given function starts.
/// See [`contract`](crate::contract).
#[macro_export]
macro_rules! storage_contract {
    ($make:expr) => {
        $crate::__storage_sentences! { __contract_tests, ($make) }
    };
}

/// The sentences, handed to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __storage_sentences {
    ($each:ident, $with:tt) => {
        $crate::$each! {
            storage, $with,
            an_empty_storage_has_no_chain,
            a_persisted_block_is_found_by_its_hash_as_a_candidate,
            the_same_block_again_is_ok,
            many_blocks_at_once_are_all_kept,
            a_persisted_block_survives_a_restart,
            a_chain_begins_when_genesis_is_head_and_final,
            head_finality_and_peg_state_move_together_and_survive_a_restart,
            the_same_update_again_changes_nothing_even_without_its_certificates,
            an_unknown_head_or_final_block_is_refused_by_its_hash,
            a_final_block_must_be_an_ancestor_of_the_head,
            finality_never_goes_back_or_to_another_branch,
            a_refused_update_changes_nothing,
            a_reorg_moves_every_index_to_the_new_branch,
            a_question_that_matches_nothing_has_an_empty_answer,
            by_height_range_and_transaction_only_the_chain_of_the_head_is_searched,
            a_range_rises_and_ends_at_its_count_or_the_head,
            a_block_says_how_far_it_has_come,
            the_record_has_every_block_above_the_final_one_candidates_included,
            a_new_storage_has_promised_nothing,
            promises_replace_those_before_and_survive_a_restart,
            pruning_drops_final_blocks_below_the_height_and_no_others,
            pruning_again_drops_nothing,
            what_is_not_final_is_never_pruned,
            statistics_tell_head_finality_and_count,
            a_checkpoint_never_goes_into_a_folder_that_exists,
            a_storage_without_damage_reports_none,
        }
    };
}

__storage_sentences! { __contract_run, (Subject<StorageMessage>) }

/// A block in its envelope.
pub type Block = Arc<SignedProposal>;
/// What is found where nothing matches.
const NONE: [B256; 0] = [];

type Outcome<T> = Result<T, AskError<StorageError>>;

/// The questions of the suite.
struct Asker<S> {
    subject: S,
    address: Address<StorageMessage>,
}

impl<S: Subject<StorageMessage>> Asker<S> {
    fn new(subject: S) -> Self {
        Self { address: subject.address(), subject }
    }

    /// Kills the actor and starts it again over the same data.
    async fn restart(&mut self) {
        self.subject.restart().await;
        self.address = self.subject.address();
    }

    async fn ask<T>(&self, make: impl FnOnce(Reply<T, StorageError>) -> StorageMessage) -> Outcome<T> {
        self.address.ask(Context::root(PATIENCE), make).await
    }

    async fn persist(&self, block: &Block) {
        let block = Arc::clone(block);
        answered(self.ask(|reply| StorageMessage::PersistBlock { block, reply }).await);
    }

    async fn try_apply(&self, update: HeadUpdate) -> Outcome<()> {
        let update = Box::new(update);
        self.ask(|reply| StorageMessage::ApplyHead { update, reply }).await
    }

    /// Moves to `head` with `finalized` final and the change sets of `changed`.
    async fn apply(&self, head: &Block, finalized: &Block, changed: &[Block]) {
        answered(self.try_apply(blocks::update(head, finalized, changed)).await);
    }

    /// Persists genesis and `line`, and moves to its end with block `finalized` final, by height.
    async fn chain(&self, line: &[Block], finalized: usize) {
        for block in line {
            self.persist(block).await;
        }
        let [first, .., last] = line else { panic!("a chain has more than one block") };
        self.apply(first, first, std::slice::from_ref(first)).await;
        self.apply(last, &line[finalized], line).await;
    }

    async fn retrieve(&self, query: BlockQuery) -> Vec<Arc<StoredBlock>> {
        answered(self.ask(|reply| StorageMessage::RetrieveBlock { query, reply }).await)
    }

    /// The hashes of the blocks that match.
    async fn found(&self, query: BlockQuery) -> Vec<B256> {
        self.retrieve(query).await.iter().map(|found| found.block.block.hash()).collect()
    }

    async fn load(&self) -> Option<Box<ChainRecord>> {
        answered(self.ask(|reply| StorageMessage::LoadChain { reply }).await)
    }

    /// The record of a chain that must be there.
    async fn record(&self) -> ChainRecord {
        match self.load().await {
            Some(record) => *record,
            None => panic!("a chain was applied, and storage says it has none"),
        }
    }

    async fn promises(&self) -> Promises {
        *answered(self.ask(|reply| StorageMessage::LoadPromises { reply }).await)
    }
}
