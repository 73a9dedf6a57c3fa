//! What wallets read.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rpc_types_eth as eth;
use alys_bus::protocol::{
    engine::EngineMessage,
    query::{AccountInfo, QueryError},
};

use super::{
    ECHO, EngineSubject, LOGGER, REVERTER,
    genesis::call,
    rig::{Outcome, Rig},
};
use crate::{
    contract::{answered, refusal},
    wallet::payer,
};

const NOBODY: Address = Address::repeat_byte(0xdd);

const RECEIVER: Address = Address::repeat_byte(0xcc);

fn request(to: Address, input: &'static [u8]) -> Box<eth::TransactionRequest> {
    let input = eth::TransactionInput::new(Bytes::from_static(input));
    Box::new(eth::TransactionRequest::default().from(payer()).to(to).input(input))
}

/// An account that is not there has no nonce, coins, code or storage.
pub async fn nobody_has_nothing(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    let (address, at) = (NOBODY, BlockId::latest());
    let AccountInfo { nonce, balance, .. } = answered(rig.account(address, at).await);
    assert_eq!((nonce, balance), (0, U256::ZERO));
    let code = answered(rig.ask(|reply| EngineMessage::Code { address, at, reply }).await);
    assert!(code.is_empty());
    let slot = U256::from(1);
    let value = answered(rig.ask(|reply| EngineMessage::Storage { address, slot, at, reply }).await);
    assert_eq!(value, B256::ZERO);
    let code = answered(rig.ask(|reply| EngineMessage::Code { address: ECHO, at, reply }).await);
    assert!(!code.is_empty());
}

/// Absence of a block is `None`; of the state of a block, an error.
pub async fn a_block_that_is_not_there_is_none_and_its_state_is_not_found(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    let hash = B256::repeat_byte(0x55);
    for at in [BlockId::number(rig.height + 9), BlockId::hash(hash)] {
        let block = answered(rig.ask(|reply| EngineMessage::BlockBy { at, full: false, reply }).await);
        assert!(block.is_none(), "{at:?}");
        let receipts = answered(rig.ask(|reply| EngineMessage::BlockReceipts { at, reply }).await);
        assert!(receipts.is_none(), "{at:?}");
        let refused = refusal(rig.account(payer(), at).await);
        assert!(matches!(refused, QueryError::BlockNotFound(_)), "{refused}");
    }
    assert!(answered(rig.ask(|reply| EngineMessage::Transaction { hash, reply }).await).is_none());
    assert!(answered(rig.ask(|reply| EngineMessage::Receipt { hash, reply }).await).is_none());
    let (at, full) = (BlockId::latest(), false);
    let block = answered(rig.ask(|reply| EngineMessage::BlockBy { at, full, reply }).await);
    assert_eq!(block.map(|block| block.header.hash), Some(rig.head));
}

/// A call has its output; a revert is `Reverted` with its data.
pub async fn a_call_answers_and_a_revert_brings_its_data(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    let call = async |to, input| -> Outcome<Bytes, QueryError> {
        let (request, at) = (request(to, input), BlockId::latest());
        rig.ask(|reply| EngineMessage::Call { request, at, reply }).await
    };
    assert_eq!(answered(call(ECHO, b"said and heard").await), b"said and heard"[..]);
    match refusal(call(REVERTER, b"no").await) {
        QueryError::Reverted { output, .. } => assert_eq!(output, b"no"[..]),
        other => panic!("a revert must be told as one: {other}"),
    }
    assert_eq!(
        answered(rig.account(payer(), BlockId::latest()).await).nonce,
        rig.nonce(0),
        "a call changes nothing"
    );
}

/// The least gas limit with which a transaction succeeds, or why there is none.
pub async fn a_gas_estimate_suffices_and_a_transfer_takes_21000(subject: impl EngineSubject) {
    let rig = Rig::new(subject).await;
    let estimate = async |to, input| -> Outcome<u64, QueryError> {
        let (request, at) = (request(to, input), BlockId::latest());
        rig.ask(|reply| EngineMessage::EstimateGas { request, at, reply }).await
    };
    assert_eq!(answered(estimate(NOBODY, b"").await), 21_000);
    let needed = answered(estimate(ECHO, b"some data").await);
    assert!((21_000..40_000).contains(&needed), "{needed}");
    let mut request = request(ECHO, b"some data");
    request.gas = Some(needed);
    let at = BlockId::latest();
    answered(rig.ask(|reply| EngineMessage::Call { request, at, reply }).await);
    let refused = refusal(estimate(REVERTER, b"no").await);
    assert!(matches!(refused, QueryError::Reverted { .. }), "{refused}");
}

/// Logs that match a filter, in chain order.
pub async fn logs_are_found_by_their_address(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    for nonce in 0..2 {
        let word = B256::with_last_byte(nonce as u8 + 1);
        rig.send(&call(rig.nonce(nonce), LOGGER, word.0)).await;
        rig.next_block().await;
    }
    let (from, to) = (rig.first_height + 1, rig.first_height + 2);
    let logs = async |address: Address| {
        let filter = Box::new(eth::Filter::new().address(address).from_block(from).to_block(to));
        answered(rig.ask(|reply| EngineMessage::Logs { filter, reply }).await)
    };
    let topics: Vec<_> = logs(LOGGER).await.iter().map(|log| log.topics().to_vec()).collect();
    assert_eq!(topics, [vec![B256::with_last_byte(1)], vec![B256::with_last_byte(2)]]);
    assert!(logs(ECHO).await.is_empty());
}

/// Base fees and fullness of as many blocks as asked for, or as there are; and a tip.
pub async fn wallets_learn_fees_from_past_blocks(subject: impl EngineSubject) {
    let mut rig = Rig::new(subject).await;
    for nonce in 0..3 {
        rig.send(&rig.transfer(nonce, RECEIVER, 1)).await;
        rig.next_block().await;
    }
    let (newest, percentiles) = (BlockNumberOrTag::Latest, vec![50.0]);
    let ask = |reply| EngineMessage::FeeHistory { count: 2, newest, percentiles, reply };
    let history = answered(rig.ask(ask).await);
    assert_eq!((history.oldest_block, history.gas_used_ratio.len()), (rig.height - 1, 2));
    assert_eq!(history.base_fee_per_gas.len(), 3, "the next block's base fee is known too");
    assert_eq!(history.reward.map(|tips| tips.len()), Some(2));
    answered(rig.ask(|reply| EngineMessage::SuggestedTip { reply }).await);
}
