//! What a wallet asks, and the answers it parses.

use alloy_consensus::{Transaction as _, TxLegacy};
use alloy_eips::{BlockId, BlockNumberOrTag, Encodable2718};
use alloy_primitives::{B256, Bytes, TxKind, U256, b256, hex};
use alloy_rpc_types_eth as eth;
use alys_bus::AskError;
use alys_engine::messages::{EngineMessage, QueryError, TransactionRefusal};

use super::rig::Rig;
use crate::common::{
    CHAIN_ID, FEE_SINK, GAS_LIMIT, REVERTER, STORE, Send, deploy_store, sign_legacy, signer,
};

fn to_reverter(data: Bytes) -> eth::TransactionRequest {
    eth::TransactionRequest { to: Some(TxKind::Call(REVERTER)), input: data.into(), ..Default::default() }
}

#[tokio::test(start_paused = true)]
async fn every_tag_names_its_block() {
    let mut rig = Rig::start().await;
    let mut hashes = vec![rig.head];
    for _ in 0..3 {
        rig.next_block().await;
        hashes.push(rig.head);
    }
    let choice = alys_engine::messages::Forkchoice { head: hashes[3], safe: hashes[2], finalized: hashes[1] };
    rig.ask(|reply| EngineMessage::ForkchoiceUpdate { choice, reply }).await.unwrap();
    let named = [
        (BlockId::latest(), 3),
        (BlockId::safe(), 2),
        (BlockId::finalized(), 1),
        (BlockId::earliest(), 0),
        (BlockId::number(2), 2),
        (BlockId::hash(hashes[1]), 1),
    ];
    for (at, number) in named {
        let block = rig.block(at, false).await.unwrap();
        assert_eq!((block.header.number, block.header.hash), (number, hashes[number as usize]), "{at:?}");
        assert!(block.header.size.is_some());
    }
    assert!(rig.block(BlockId::number(4), false).await.is_none());
    assert!(rig.block(BlockId::hash(B256::repeat_byte(1)), false).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_pending_block_shows_the_next_base_fee_and_what_is_ready() {
    let mut rig = Rig::start().await;
    let hash = rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    rig.submit(&Send::transfer(0, 2, FEE_SINK, 7)).await.unwrap();
    let pending = rig.block(BlockId::pending(), false).await.unwrap();
    assert_eq!(pending.transactions.hashes().collect::<Vec<_>>(), [hash]);
    let (next, _) = rig.next_block().await;
    let next = next.payload.payload_inner.payload_inner;
    assert_eq!(pending.header.number, next.block_number);
    assert_eq!(pending.header.base_fee_per_gas.map(U256::from), Some(next.base_fee_per_gas));
}

#[tokio::test(start_paused = true)]
async fn the_pending_nonce_counts_the_run_and_not_what_lies_behind_a_gap() {
    let rig = Rig::start().await;
    for nonce in [0, 1, 3] {
        rig.submit(&Send::transfer(0, nonce, FEE_SINK, 7)).await.unwrap();
    }
    assert_eq!(rig.nonce(0, BlockId::latest()).await, 0);
    assert_eq!(rig.nonce(0, BlockId::pending()).await, 2);
    assert_eq!(rig.nonce(1, BlockId::pending()).await, 0);
    let status = rig.ask(|reply| EngineMessage::PoolStatus { reply }).await.unwrap();
    assert_eq!((status.pending, status.queued), (2, 1));
    rig.submit(&Send::transfer(0, 2, FEE_SINK, 7)).await.unwrap();
    assert_eq!(rig.nonce(0, BlockId::pending()).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_mined_only_when_it_is_filled() {
    let mut rig = Rig::start().await;
    let late = rig.submit(&Send::transfer(0, 1, FEE_SINK, 7)).await.unwrap();
    rig.next_block().await;
    assert!(rig.receipt(late).await.is_none());
    rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    rig.next_block().await;
    assert_eq!(rig.receipt(late).await.unwrap().transaction_index, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_must_pay_a_tenth_more_of_both_caps() {
    let mut rig = Rig::start().await;
    let old = Send { tip: 100, max_fee: 50_000_000_000, ..Send::transfer(0, 0, FEE_SINK, 7) };
    let first = rig.submit(&old).await.unwrap();
    assert_eq!(rig.refusal(&old).await, TransactionRefusal::AlreadyKnown);
    let only_tip = Send { tip: 200, ..old.clone() };
    assert_eq!(rig.refusal(&only_tip).await, TransactionRefusal::ReplacementUnderpriced);
    let too_little = Send { tip: 109, max_fee: 55_000_000_000, ..old.clone() };
    assert_eq!(rig.refusal(&too_little).await, TransactionRefusal::ReplacementUnderpriced);
    let better = Send { tip: 110, max_fee: 55_000_000_000, ..old };
    let second = rig.submit(&better).await.unwrap();
    assert!(rig.transaction(first).await.is_none());
    rig.next_block().await;
    assert!(rig.receipt(second).await.is_some());
    assert!(rig.receipt(first).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn refusals_are_worded_as_wallets_parse_them() {
    let mut rig = Rig::start().await;
    rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    rig.next_block().await;
    let fine = Send::transfer(0, 1, FEE_SINK, 7);
    let cases = [
        (Send { nonce: 0, ..fine.clone() }, "nonce too low: next nonce 1, tx nonce 0"),
        (Send { nonce: 500, ..fine.clone() }, "nonce too high"),
        (Send { value: U256::MAX >> 8, ..fine.clone() }, "insufficient funds for gas * price + value"),
        (Send { gas: 20_999, ..fine.clone() }, "intrinsic gas too low"),
        (Send { gas: GAS_LIMIT + 1, ..fine.clone() }, "exceeds block gas limit"),
        (
            Send { tip: fine.max_fee + 1, ..fine.clone() },
            "max priority fee per gas higher than max fee per gas",
        ),
        (Send { tip: 0, ..fine.clone() }, "transaction underpriced"),
        (
            Send { input: vec![1; 49_153].into(), to: TxKind::Create, gas: 9_000_000, ..fine.clone() },
            "max initcode size exceeded",
        ),
        (Send { input: vec![1; 131_072].into(), gas: 9_000_000, ..fine.clone() }, "oversized data"),
        (Send { from: 99, ..fine.clone() }, "insufficient funds"),
        // EIP-7623: 100 bytes that are not zero need 21,000 + 40 * 100, whatever the call does.
        (Send { input: vec![1; 100].into(), gas: 24_999, ..fine.clone() }, "intrinsic gas too low"),
    ];
    for (send, beginning) in cases {
        let refusal = rig.refusal(&send).await.to_string();
        assert!(refusal.starts_with(beginning), "{refusal}, not {beginning}");
    }
    let legacy =
        TxLegacy { chain_id: None, gas_limit: 21_000, gas_price: 9_000_000_000, ..Default::default() };
    for chain_id in [None, Some(CHAIN_ID + 1)] {
        let raw = sign_legacy(1, TxLegacy { chain_id, ..legacy.clone() }).inner().encoded_2718();
        let error = rig.submit_raw(raw.into()).await.unwrap_err();
        let wrong = TransactionRefusal::WrongChain { have: chain_id, want: CHAIN_ID };
        assert_eq!(error, AskError::Actor(wrong));
    }
    for raw in [&[][..], &[3, 1, 2], &[0x7f], &[0xc0], &[2, 0xc1]] {
        assert!(rig.submit_raw(Bytes::copy_from_slice(raw)).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_below_the_base_fee_waits_for_it_to_fall() {
    let mut rig = Rig::start().await;
    // The base fee of the first block is 875 million wei, an eighth below that of the genesis.
    let low = Send { tip: 1, max_fee: 800_000_000, ..Send::transfer(0, 0, FEE_SINK, 7) };
    let hash = rig.submit(&low).await.unwrap();
    assert_eq!(rig.nonce(0, BlockId::pending()).await, 1);
    let status = rig.ask(|reply| EngineMessage::PoolStatus { reply }).await.unwrap();
    assert_eq!((status.pending, status.queued), (0, 1));
    rig.next_block().await;
    assert!(rig.receipt(hash).await.is_none());
    rig.next_block().await;
    assert_eq!(rig.receipt(hash).await.unwrap().block_number, Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_receipt_says_what_was_created_paid_and_logged() {
    let mut rig = Rig::start().await;
    let created = rig.submit(&Send::create(0, 0, deploy_store())).await.unwrap();
    let contract = signer(0).address().create(0);
    let stored = rig.submit(&Send::store(0, 1, STORE, 4, 0x77)).await.unwrap();
    let failed = rig.submit(&Send { gas: 50_000, ..Send::store(0, 2, REVERTER, 1, 2) }).await.unwrap();
    let again = rig.submit(&Send::store(0, 3, STORE, 4, 0x78)).await.unwrap();
    rig.next_block().await;
    let receipt = rig.receipt(created).await.unwrap();
    assert_eq!((receipt.contract_address, receipt.to), (Some(contract), None));
    let receipt = rig.receipt(failed).await.unwrap();
    assert!(!receipt.status() && receipt.logs().is_empty() && receipt.contract_address.is_none());
    let receipt = rig.receipt(again).await.unwrap();
    let log = &receipt.logs()[0];
    assert_eq!((log.log_index, log.transaction_index, log.address()), (Some(1), Some(3), STORE));
    assert_eq!(log.topics(), [B256::with_last_byte(0x78)]);
    let block = rig.block(BlockId::latest(), true).await.unwrap();
    assert_eq!(
        receipt.effective_gas_price,
        u128::from(block.header.base_fee_per_gas.unwrap()) + 1_000_000_000
    );
    let all = rig.ask(|reply| EngineMessage::BlockReceipts { at: BlockId::latest(), reply }).await.unwrap();
    let all = all.unwrap();
    assert_eq!(all.len(), 4);
    assert_eq!(all[3], *receipt);
    assert_eq!(all.iter().map(|receipt| receipt.gas_used).sum::<u64>(), block.header.gas_used);
    assert_eq!(all[1].transaction_hash, stored);
    let code = rig.ask(|reply| EngineMessage::Code { address: contract, at: BlockId::latest(), reply }).await;
    assert!(!code.unwrap().is_empty());
    let slot = rig
        .ask(|reply| EngineMessage::Storage {
            address: STORE,
            slot: U256::from(4),
            at: BlockId::latest(),
            reply,
        })
        .await;
    assert_eq!(slot.unwrap(), B256::with_last_byte(0x78));
}

#[tokio::test(start_paused = true)]
async fn logs_are_found_by_address_topic_range_and_hash() {
    let mut rig = Rig::start().await;
    for nonce in 0..4 {
        rig.submit(&Send::store(0, nonce, STORE, 1, 10 + nonce)).await.unwrap();
        rig.next_block().await;
    }
    let numbers = |logs: Vec<eth::Log>| logs.iter().map(|log| log.block_number.unwrap()).collect::<Vec<_>>();
    let all = eth::Filter::new().from_block(0).to_block(BlockNumberOrTag::Latest);
    assert_eq!(numbers(rig.logs(all.clone()).await.unwrap()), [1, 2, 3, 4]);
    assert_eq!(numbers(rig.logs(all.clone().address(STORE)).await.unwrap()), [1, 2, 3, 4]);
    assert!(rig.logs(all.clone().address(FEE_SINK)).await.unwrap().is_empty());
    let topic = B256::with_last_byte(12);
    assert_eq!(numbers(rig.logs(all.clone().event_signature(topic)).await.unwrap()), [3]);
    let by_hash = eth::Filter::new().at_block_hash(rig.head);
    assert_eq!(numbers(rig.logs(by_hash).await.unwrap()), [4]);
    // A filter without a range means the head; one that reaches beyond it ends there.
    assert_eq!(numbers(rig.logs(eth::Filter::new()).await.unwrap()), [4]);
    let beyond = eth::Filter::new().from_block(3).to_block(99);
    assert_eq!(numbers(rig.logs(beyond).await.unwrap()), [3, 4]);
    let backwards = eth::Filter::new().from_block(3).to_block(2);
    assert!(matches!(rig.logs(backwards).await, Err(Some(QueryError::InvalidQuery(_)))));
    let nowhere = eth::Filter::new().at_block_hash(B256::repeat_byte(1));
    assert!(matches!(rig.logs(nowhere).await, Err(Some(QueryError::BlockNotFound(_)))));
}

#[tokio::test(start_paused = true)]
async fn searches_for_logs_are_bounded_by_range_and_by_results() {
    let config = alys_engine::EngineConfig { max_log_blocks: 3, max_logs: 2, ..Default::default() };
    let disk = alys_database::MemoryDisk::new();
    let mut rig = Rig::with(config, alys_bus::WorkerMode::Inline, &disk).await;
    for nonce in 0..3 {
        rig.submit(&Send::store(0, nonce, STORE, 1, 10 + nonce)).await.unwrap();
        rig.next_block().await;
    }
    let range = |from: u64| eth::Filter::new().from_block(from).to_block(3u64);
    assert_eq!(rig.logs(range(2)).await.unwrap().len(), 2);
    let Err(Some(QueryError::LimitExceeded(text))) = rig.logs(range(1)).await else { panic!("too many") };
    assert_eq!(text, "query returned more than 2 results");
    let Err(Some(QueryError::LimitExceeded(text))) = rig.logs(range(0)).await else { panic!("too long") };
    assert!(text.starts_with("query exceeds max block range 3"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_revert_comes_with_its_data_and_a_readable_reason() {
    let rig = Rig::start().await;
    // Error("no"), as Solidity encodes it.
    let mut data = hex!("08c379a0").to_vec();
    data.extend(U256::from(32).to_be_bytes::<32>());
    data.extend(U256::from(2).to_be_bytes::<32>());
    data.extend([b'n', b'o']);
    data.extend([0; 30]);
    let data = Bytes::from(data);
    let reverted = QueryError::Reverted { output: data.clone(), reason: Some("no".into()) };
    assert_eq!(reverted.to_string(), "execution reverted: no");
    assert_eq!(rig.call(to_reverter(data.clone())).await, Err(Some(reverted.clone())));
    assert_eq!(rig.estimate(to_reverter(data)).await, Err(Some(reverted)));
    // Panic(0x11).
    let mut data = hex!("4e487b71").to_vec();
    data.extend(U256::from(0x11).to_be_bytes::<32>());
    let Err(Some(QueryError::Reverted { reason, .. })) = rig.call(to_reverter(data.into())).await else {
        panic!("no revert")
    };
    assert!(reason.unwrap().contains("overflow"));
    // A contract's own error.
    let Err(Some(error)) = rig.call(to_reverter(vec![1, 2, 3, 4].into())).await else { panic!("no revert") };
    assert_eq!(error.to_string(), "execution reverted");
}

#[tokio::test(start_paused = true)]
async fn an_estimate_is_enough_to_be_mined_with() {
    let mut rig = Rig::start().await;
    let send = Send::store(0, 0, STORE, 9, 9);
    let request = eth::TransactionRequest {
        from: Some(signer(0).address()),
        to: Some(TxKind::Call(STORE)),
        input: send.input.clone().into(),
        ..Default::default()
    };
    let gas = rig.estimate(request).await.unwrap();
    let hash = rig.submit(&Send { gas, ..send }).await.unwrap();
    rig.next_block().await;
    assert!(rig.receipt(hash).await.unwrap().status());
}

#[tokio::test(start_paused = true)]
async fn a_call_for_another_chain_or_with_two_kinds_of_fee_is_refused() {
    let rig = Rig::start().await;
    let request = eth::TransactionRequest { chain_id: Some(1), ..to_reverter(Bytes::new()) };
    let wrong = TransactionRefusal::WrongChain { have: Some(1), want: CHAIN_ID };
    assert_eq!(rig.call(request).await, Err(Some(wrong.into())));
    let request =
        eth::TransactionRequest { gas_price: Some(1), max_fee_per_gas: Some(1), ..to_reverter(Bytes::new()) };
    assert!(matches!(rig.call(request).await, Err(Some(QueryError::InvalidQuery(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_could_not_be_paid_for_is_refused_in_geths_words() {
    let rig = Rig::start().await;
    let from = Some(signer(0).address());
    let plain = eth::TransactionRequest { from, to: Some(TxKind::Call(FEE_SINK)), ..Default::default() };
    let rich = U256::from(10).pow(U256::from(24));
    let cases = [
        (
            eth::TransactionRequest { value: Some(rich + U256::from(1)), ..plain.clone() },
            "insufficient funds",
        ),
        (
            eth::TransactionRequest {
                value: Some(rich),
                gas: Some(21_000),
                gas_price: Some(9_000_000_000),
                ..plain.clone()
            },
            // The estimate says: for transfer.
            "insufficient funds for ",
        ),
        (
            eth::TransactionRequest { max_fee_per_gas: Some(9), ..plain.clone() },
            "max fee per gas less than block base fee",
        ),
        (
            eth::TransactionRequest {
                max_fee_per_gas: Some(9_000_000_000),
                max_priority_fee_per_gas: Some(9_000_000_001),
                ..plain.clone()
            },
            "max priority fee per gas higher than max fee per gas",
        ),
    ];
    for (request, beginning) in cases {
        let Err(Some(error)) = rig.call(request.clone()).await else { panic!("no error: {beginning}") };
        assert!(error.to_string().starts_with(beginning), "{error}, not {beginning}");
        let Err(Some(error)) = rig.estimate(request).await else { panic!("no error: {beginning}") };
        assert!(error.to_string().starts_with(beginning), "{error}, not {beginning}");
    }
    // All it has, and no fee named: fine.
    assert_eq!(rig.call(eth::TransactionRequest { value: Some(rich), ..plain }).await, Ok(Bytes::new()));
}

#[tokio::test(start_paused = true)]
async fn the_fee_history_has_the_next_base_fee_and_tips_weighted_by_gas() {
    let mut rig = Rig::start().await;
    rig.next_block().await;
    // 21,000 gas at tip 5 and about twice as much at tip 9.
    rig.submit(&Send { tip: 5, ..Send::transfer(0, 0, FEE_SINK, 1) }).await.unwrap();
    rig.submit(&Send { tip: 9, ..Send::store(1, 0, STORE, 77, 1) }).await.unwrap();
    rig.next_block().await;
    let history = |count, newest, percentiles: Vec<f64>| {
        rig.ask(move |reply| EngineMessage::FeeHistory { count, newest, percentiles, reply })
    };
    let two = history(2, BlockNumberOrTag::Latest, vec![0.0, 20.0, 90.0, 100.0]).await.unwrap();
    assert_eq!((two.oldest_block, two.base_fee_per_gas.len(), two.gas_used_ratio.len()), (1, 3, 2));
    assert_eq!(two.reward, Some(vec![vec![0; 4], vec![5, 5, 9, 9]]));
    let latest = rig.block(BlockId::latest(), false).await.unwrap();
    let ratio = latest.header.gas_used as f64 / latest.header.gas_limit as f64;
    assert_eq!((two.gas_used_ratio[0], two.gas_used_ratio[1]), (0.0, ratio));
    let pending = rig.block(BlockId::pending(), false).await.unwrap();
    assert_eq!(two.base_fee_per_gas[2], u128::from(pending.header.base_fee_per_gas.unwrap()));
    // More than there are: all there are.
    let all = history(900, BlockNumberOrTag::Latest, vec![]).await.unwrap();
    assert_eq!((all.oldest_block, all.gas_used_ratio.len(), all.reward), (0, 3, None));
    assert_eq!(*history(0, BlockNumberOrTag::Latest, vec![]).await.unwrap(), eth::FeeHistory::default());
    let error = history(1, BlockNumberOrTag::Number(9), vec![]).await.unwrap_err();
    assert!(matches!(error, AskError::Actor(QueryError::BlockNotFound(_))));
}

#[tokio::test(start_paused = true)]
async fn the_suggested_tip_follows_what_is_paid_and_rests_where_nothing_is() {
    let mut rig = Rig::start().await;
    let suggested = async |rig: &Rig| rig.ask(|reply| EngineMessage::SuggestedTip { reply }).await.unwrap();
    assert_eq!(suggested(&rig).await, 1_000_000);
    for nonce in 0..20 {
        rig.submit(&Send { tip: 3_000_000_000, ..Send::transfer(0, nonce, FEE_SINK, 1) }).await.unwrap();
        rig.next_block().await;
    }
    assert_eq!(suggested(&rig).await, 3_000_000_000);
    rig.next_block().await;
    assert_eq!(suggested(&rig).await, 3_000_000_000);
}

#[tokio::test(start_paused = true)]
async fn busy_blocks_behind_twenty_quiet_ones_have_a_say_in_the_suggested_tip() {
    let mut rig = Rig::start().await;
    for nonce in 0..7 {
        for sender in 0..3 {
            let send = Send { tip: 3_000_000_000, ..Send::transfer(sender, nonce, FEE_SINK, 1) };
            rig.submit(&send).await.unwrap();
        }
        rig.next_block().await;
    }
    for _ in 0..20 {
        rig.next_block().await;
    }
    assert_eq!(rig.ask(|reply| EngineMessage::SuggestedTip { reply }).await.unwrap(), 3_000_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_pending_transaction_is_shown_without_a_block_and_a_mined_one_with_it() {
    let mut rig = Rig::start().await;
    let hash = rig.submit(&Send::transfer(0, 0, FEE_SINK, 7)).await.unwrap();
    let waiting = rig.transaction(hash).await.unwrap();
    assert_eq!((waiting.block_hash, waiting.block_number, waiting.transaction_index), (None, None, None));
    assert_eq!(waiting.inner.signer(), signer(0).address());
    rig.next_block().await;
    let mined = rig.transaction(hash).await.unwrap();
    assert_eq!((mined.block_hash, mined.transaction_index), (Some(rig.head), Some(0)));
    assert_eq!(mined.inner.value(), U256::from(7));
    assert!(mined.effective_gas_price < waiting.effective_gas_price);
    let unknown = b256!("00000000000000000000000000000000000000000000000000000000000000aa");
    assert!(rig.transaction(unknown).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn state_beyond_the_kept_history_is_an_error_that_names_the_oldest() {
    let config = alys_engine::EngineConfig {
        window: 1,
        history: 2,
        proofs: 1,
        ..alys_engine::EngineConfig::default()
    };
    let disk = alys_database::MemoryDisk::new();
    let mut rig = Rig::with(config, alys_bus::WorkerMode::Inline, &disk).await;
    for _ in 0..6 {
        rig.next_block().await;
        rig.forkchoice(rig.head, rig.head).await.unwrap();
    }
    let (address, at) = (signer(0).address(), BlockId::number(1));
    let error = rig.ask(|reply| EngineMessage::Account { address, at, reply }).await.unwrap_err();
    let AskError::Actor(QueryError::HistoryGone { asked: 1, oldest }) = error else { panic!("{error}") };
    let at = BlockId::number(oldest);
    assert!(rig.ask(|reply| EngineMessage::Account { address, at, reply }).await.is_ok());
    // The block itself is kept.
    assert!(rig.block(BlockId::number(1), true).await.is_some());
    let error = rig
        .ask(|reply| EngineMessage::Account { address, at: BlockId::number(99), reply })
        .await
        .unwrap_err();
    assert!(matches!(error, AskError::Actor(QueryError::BlockNotFound(_))));
}
