//! Building, importing, choosing, reorganising, reopening.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bloom, Bytes, U256};
use alloy_rpc_types_engine::ExecutionPayloadV3;
use alys_database::MemoryDisk;
use alys_engine::{
    BlockId, BuildAttributes, EngineLimits, Forkchoice, ForkchoiceError, ImportError, InvalidPayload,
    LeftOut, StateError, TransactionSource,
};

use crate::common::{
    Engine, FEE_SINK, GAS_LIMIT, STORE, Send, attributes, build, build_with, engine, finalize, genesis_with,
    import, open_on, set_head, signer, withdrawal,
};

fn balance(engine: &Engine, id: BlockId, address: Address) -> U256 {
    let account = engine.reads().state(id).unwrap().account(address).unwrap();
    account.map(|account| account.balance).unwrap_or_default()
}

#[test]
fn what_one_engine_builds_another_imports_with_equal_facts() {
    let genesis = genesis_with(4, true);
    let (mut ours, mut theirs) = (engine(&genesis), engine(&genesis));
    for round in 0..5u64 {
        let txs = vec![
            Send::transfer(0, round, FEE_SINK, 7).sign(),
            Send::store(1, round, STORE, round, round + 1).sign(),
        ];
        let paid = vec![withdrawal(round, signer(9).address(), 3)];
        let built = build_with(&ours, ours.head().hash, txs, paid);
        assert_eq!(built.block().transactions.len(), 2);
        let adopted = ours.adopt(&built).unwrap();
        let imported = import(&mut theirs, &built);
        assert_eq!(adopted, imported);
        assert!(!imported.known && import(&mut theirs, &built).known);
        finalize(&mut ours, built.block().hash);
        finalize(&mut theirs, built.block().hash);
    }
    let paid = balance(&theirs, BlockId::Head, signer(9).address());
    assert_eq!(paid, U256::from(5u64 * 3 * 1_000_000_000));
    assert_eq!(ours.head(), theirs.head());
    assert_eq!(theirs.reads().base(), theirs.head());
}

#[test]
fn fees_are_base_fee_and_tips_of_all_gas_used() {
    let genesis = genesis_with(2, true);
    let engine = engine(&genesis);
    let txs = vec![Send::transfer(0, 0, FEE_SINK, 1).sign(), Send::transfer(1, 0, FEE_SINK, 1).sign()];
    let built = build(&engine, engine.head().hash, txs);
    let base_fee = built.block().header.base_fee_per_gas.unwrap();
    let price = U256::from(base_fee) + U256::from(1_000_000_000u64);
    assert_eq!(built.facts().gas_used, 42_000);
    assert_eq!(built.facts().fees, price * U256::from(42_000));
}

#[test]
fn a_reorg_of_unfinalized_blocks_leads_to_the_other_branch_state_and_back() {
    let genesis = genesis_with(3, true);
    let mut engine = engine(&genesis);
    let root = engine.head().hash;
    let a1 = build(&engine, root, vec![Send::transfer(0, 0, FEE_SINK, 1).sign()]);
    import(&mut engine, &a1);
    let a2 = build(&engine, a1.block().hash, vec![Send::transfer(0, 1, FEE_SINK, 1).sign()]);
    import(&mut engine, &a2);
    let b1 = build(&engine, root, vec![Send::transfer(1, 0, FEE_SINK, 100).sign()]);
    import(&mut engine, &b1);
    let tip = |wei: u64| U256::from(wei) + U256::from(21_000u64 * 1_000_000_000);
    let tx = *a1.block().transactions[0].inner().tx_hash();
    for _ in 0..3 {
        set_head(&mut engine, a2.block().hash);
        assert_eq!(balance(&engine, BlockId::Head, FEE_SINK), tip(1) + tip(1));
        assert_eq!(engine.reads().canonical_hash(1).unwrap(), Some(a1.block().hash));
        assert!(engine.reads().transaction(&tx).unwrap().is_some());
        set_head(&mut engine, b1.block().hash);
        assert_eq!(balance(&engine, BlockId::Head, FEE_SINK), tip(100));
        assert_eq!(engine.reads().canonical_hash(2).unwrap(), None);
        assert!(engine.reads().transaction(&tx).unwrap().is_none());
    }
    // Not canonical, and still to be read.
    assert_eq!(balance(&engine, BlockId::Hash(a1.block().hash), FEE_SINK), tip(1));
    finalize(&mut engine, b1.block().hash);
    let error = engine.forkchoice(Forkchoice { head: a2.block().hash, ..Forkchoice::default() });
    assert!(matches!(error, Err(ForkchoiceError::UnknownHead(_))), "the losers are forgotten");
}

#[test]
fn a_forkchoice_that_cannot_be_followed_moves_nothing() {
    let genesis = genesis_with(3, true);
    let mut engine = engine(&genesis);
    let root = engine.head().hash;
    let a1 = build(&engine, root, vec![Send::transfer(0, 0, FEE_SINK, 1).sign()]);
    let b1 = build(&engine, root, vec![Send::transfer(1, 0, FEE_SINK, 1).sign()]);
    import(&mut engine, &a1);
    import(&mut engine, &b1);
    set_head(&mut engine, a1.block().hash);
    let head = engine.head();
    let off = Forkchoice { head: a1.block().hash, safe: b1.block().hash, finalized: B256::ZERO };
    let error = engine.forkchoice(off).unwrap_err();
    assert!(matches!(error, ForkchoiceError::NotAnAncestor { tag: "safe", .. }), "{error}");
    let unknown = Forkchoice { head: B256::repeat_byte(9), ..off };
    assert!(matches!(engine.forkchoice(unknown), Err(ForkchoiceError::UnknownHead(_))));
    assert_eq!((engine.head(), engine.reads().safe().hash), (head, root));
    finalize(&mut engine, a1.block().hash);
    let back = Forkchoice { head: root, ..Forkchoice::default() };
    assert!(matches!(engine.forkchoice(back), Err(ForkchoiceError::BelowBase { base: 1, .. })));
}

#[test]
fn the_base_follows_what_is_final_and_no_further_behind_than_the_window() {
    let genesis = genesis_with(1, true);
    let limits = EngineLimits { window: 4, ..EngineLimits::default() };
    let mut engine = open_on(&MemoryDisk::new(), &genesis, &limits);
    for nonce in 0..10 {
        let built = build(&engine, engine.head().hash, vec![Send::transfer(0, nonce, FEE_SINK, 1).sign()]);
        import(&mut engine, &built);
        set_head(&mut engine, built.block().hash);
        assert_eq!(engine.reads().base().number, (nonce + 1).saturating_sub(4));
    }
    let seventh = engine.reads().canonical_hash(7).unwrap().unwrap();
    let head = engine.head().hash;
    engine.forkchoice(Forkchoice { head, safe: seventh, finalized: B256::ZERO }).unwrap();
    assert_eq!(engine.reads().base().number, 7);
    assert_eq!(engine.reads().safe().number, 7);
    assert_eq!(engine.reads().finalized().number, 0);
}

#[test]
fn a_base_that_moves_many_blocks_at_once_waits_for_them_or_for_a_flush() {
    let genesis = genesis_with(1, true);
    let disk = MemoryDisk::new();
    let limits = EngineLimits { commit_every: 4, ..EngineLimits::default() };
    let mut engine = open_on(&disk, &genesis, &limits);
    for nonce in 0..10 {
        let tx = Send::store(0, nonce, STORE, nonce % 2, nonce + 1).sign();
        let built = build(&engine, engine.head().hash, vec![tx]);
        import(&mut engine, &built);
        finalize(&mut engine, built.block().hash);
        assert_eq!(engine.reads().base().number, (nonce + 1) / 4 * 4);
        assert_eq!(engine.reads().safe().number, nonce + 1);
    }
    let seen: Vec<_> = (0..=10).map(|height| state_of(&engine, height, 1)).collect();
    let commits = disk.commits();
    engine.flush().unwrap();
    engine.flush().unwrap();
    assert_eq!((engine.reads().base().number, disk.commits()), (10, commits + 1));
    assert_eq!((0..=10).map(|height| state_of(&engine, height, 1)).collect::<Vec<_>>(), seen);
}

#[test]
fn after_reopening_the_head_is_the_base_and_the_rest_is_imported_again() {
    let genesis = genesis_with(2, true);
    let disk = MemoryDisk::new();
    let mut engine = open_on(&disk, &genesis, &EngineLimits::default());
    let mut blocks = Vec::new();
    for nonce in 0..6 {
        let built = build(&engine, engine.head().hash, vec![Send::transfer(0, nonce, FEE_SINK, 1).sign()]);
        import(&mut engine, &built);
        let safe = if nonce < 3 { built.block().hash } else { B256::ZERO };
        engine.forkchoice(Forkchoice { head: built.block().hash, safe, finalized: B256::ZERO }).unwrap();
        blocks.push(built);
    }
    let stored = engine.reads().block(BlockId::Number(2)).unwrap().unwrap();
    drop(engine);
    let mut engine = open_on(&disk, &genesis, &EngineLimits::default());
    assert_eq!(engine.head(), blocks[2].block().reference());
    assert_eq!(engine.reads().block(BlockId::Number(2)).unwrap().unwrap(), stored);
    let tx = *stored.transactions[0].inner().tx_hash();
    let (block, index) = engine.reads().transaction(&tx).unwrap().unwrap();
    assert_eq!((block.hash, index), (stored.hash, 0));
    for built in &blocks {
        import(&mut engine, built);
    }
    set_head(&mut engine, blocks[5].block().hash);
    assert_eq!(engine.head(), blocks[5].block().reference());
}

#[test]
fn an_unknown_head_is_rolled_back_through_history() {
    let genesis = genesis_with(2, true);
    let disk = MemoryDisk::new();
    let mut engine = open_on(&disk, &genesis, &EngineLimits::default());
    let mut chain = vec![engine.head()];
    for nonce in 0..6u64 {
        let txs = vec![
            Send::store(0, nonce, STORE, nonce % 3, (nonce * 7) % 4).sign(),
            Send::create(1, nonce, crate::common::deploy_store()).sign(),
        ];
        let built = build(&engine, engine.head().hash, txs);
        import(&mut engine, &built);
        finalize(&mut engine, built.block().hash);
        chain.push(built.block().reference());
    }
    let fresh: Vec<_> = (0..=2).map(|slot| state_of(&engine, 2, slot)).collect();
    assert!(matches!(engine.rollback_to(B256::repeat_byte(3)), Err(StateError::UnknownBlock(_))));
    assert_eq!(engine.rollback_to(chain[2].hash).unwrap(), chain[2]);
    assert_eq!((0..=2).map(|slot| state_of(&engine, 2, slot)).collect::<Vec<_>>(), fresh);
    drop(engine);
    let mut engine = open_on(&disk, &genesis, &EngineLimits::default());
    assert_eq!(engine.head(), chain[2]);
    assert!(engine.reads().block(BlockId::Hash(chain[3].hash)).unwrap().is_none());
    let other = build(&engine, chain[2].hash, vec![Send::transfer(0, 2, FEE_SINK, 1).sign()]);
    import(&mut engine, &other);
    finalize(&mut engine, other.block().hash);
    assert_eq!(engine.rollback_to(chain[0].hash).unwrap(), chain[0]);
}

fn state_of(engine: &Engine, height: u64, slot: u64) -> U256 {
    engine.reads().state(BlockId::Number(height)).unwrap().storage(STORE, U256::from(slot)).unwrap()
}

#[test]
fn a_parent_that_is_not_here_is_no_verdict() {
    let genesis = genesis_with(1, true);
    let (mut ours, mut theirs) = (engine(&genesis), engine(&genesis));
    let a1 = build(&ours, ours.head().hash, vec![]);
    import(&mut ours, &a1);
    let a2 = build(&ours, a1.block().hash, vec![]);
    let root = a2.block().header.parent_beacon_block_root.unwrap();
    let early = theirs.import(&a2.payload(), root, &[]).unwrap_err();
    assert!(matches!(early, ImportError::UnknownParent(hash) if hash == a1.block().hash));
    import(&mut theirs, &a1);
    import(&mut theirs, &a2);
}

#[test]
fn candidates_are_bounded() {
    let genesis = genesis_with(1, true);
    let limits = EngineLimits { candidates: 3, ..EngineLimits::default() };
    let mut engine = open_on(&MemoryDisk::new(), &genesis, &limits);
    let root = engine.head().hash;
    for extra in 0..4u8 {
        let attributes = BuildAttributes { extra_data: vec![extra].into(), ..attributes(root, 1_002) };
        let built = engine.reads().build(attributes, &mut (), &mut || false).unwrap();
        let beacon = built.block().header.parent_beacon_block_root.unwrap();
        let done = engine.import(&built.payload(), beacon, &[]);
        match extra {
            0..3 => assert!(done.is_ok()),
            _ => assert!(matches!(done, Err(ImportError::TooManyCandidates(3)))),
        }
    }
}

/// Changes a built payload, gives it the hash of the changed header, and imports it.
fn tamper(change: impl FnOnce(&mut ExecutionPayloadV3)) -> InvalidPayload {
    let genesis = genesis_with(2, true);
    let mut engine = engine(&genesis);
    let built = build(&engine, engine.head().hash, vec![Send::store(0, 0, STORE, 1, 2).sign()]);
    let root = built.block().header.parent_beacon_block_root.unwrap();
    let mut payload = built.payload();
    change(&mut payload);
    let hash =
        |payload: &ExecutionPayloadV3| match alys_engine::execute::block_from_payload(payload, root, &[]) {
            Err(InvalidPayload::BlockHash { found, .. }) => Some(found),
            _ => None,
        };
    if let Some(found) = hash(&payload) {
        payload.payload_inner.payload_inner.block_hash = found;
    }
    match engine.import(&payload, root, &[]) {
        Err(ImportError::Invalid(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_altered_field_of_a_payload_is_refused_with_its_reason() {
    use InvalidPayload as I;
    let v1 = |change: fn(&mut alloy_rpc_types_engine::ExecutionPayloadV1)| {
        tamper(move |payload| change(&mut payload.payload_inner.payload_inner))
    };
    assert!(matches!(v1(|p| p.block_number += 1), I::Height { found: 2, expected: 1 }));
    assert!(matches!(v1(|p| p.timestamp = 1_000), I::Timestamp { found: 1_000, parent: 1_000 }));
    assert!(matches!(v1(|p| p.gas_used = GAS_LIMIT + 1), I::GasUsedAboveLimit { .. }));
    assert!(matches!(v1(|p| p.gas_used += 1), I::GasUsed { .. }));
    assert!(matches!(v1(|p| p.base_fee_per_gas += U256::ONE), I::BaseFee { .. }));
    assert!(matches!(v1(|p| p.base_fee_per_gas = U256::MAX), I::BaseFee { .. }));
    assert!(matches!(v1(|p| p.extra_data = Bytes::from(vec![0; 33])), I::ExtraData(33)));
    assert!(matches!(v1(|p| p.receipts_root.0[0] ^= 1), I::ReceiptsRoot { .. }));
    assert!(matches!(v1(|p| p.logs_bloom = Bloom::ZERO), I::LogsBloom));
    assert!(matches!(v1(|p| p.state_root.0[0] ^= 1), I::StateRoot { .. }));
    assert!(matches!(v1(|p| p.fee_recipient.0[0] ^= 1), I::StateRoot { .. }));
    let twice = v1(|p| p.transactions.push(p.transactions[0].clone()));
    assert!(matches!(twice, I::Transaction { index: 1, .. }), "{twice}");
    assert!(matches!(tamper(|p| p.blob_gas_used = 131_072), I::BlobGasUsed { expected: 0, .. }));
    assert!(matches!(tamper(|p| p.excess_blob_gas = 1), I::ExcessBlobGas { expected: 0, .. }));
    let bytes = v1(|p| p.transactions.push(Bytes::from(vec![0x05, 0x01])));
    assert!(matches!(bytes, I::UndecodableTransaction { index: 1, .. }), "{bytes}");
}

#[test]
fn free_mint_a_withdrawal_that_was_added_changes_the_state_root() {
    let minted = tamper(|p| p.payload_inner.withdrawals.push(withdrawal(0, FEE_SINK, 1)));
    assert!(matches!(minted, InvalidPayload::StateRoot { .. }), "{minted}");
}

#[test]
fn gas_limit_drift_even_one_gas_more_than_the_chain_s_limit_is_refused() {
    let drifted = tamper(|p| p.payload_inner.payload_inner.gas_limit += 1);
    let expected = InvalidPayload::GasLimit { found: GAS_LIMIT + 1, expected: GAS_LIMIT };
    assert_eq!(drifted, expected);
}

#[test]
fn a_transaction_that_may_not_stand_where_it_does_is_refused_with_its_reason() {
    let refuse = |send: Send| {
        let raw: Bytes = send.sign().inner().encoded_2718().into();
        let reason = tamper(move |p| p.payload_inner.payload_inner.transactions = vec![raw]);
        match reason {
            InvalidPayload::Transaction { index: 0, reason, .. } => reason,
            other => panic!("{other}"),
        }
    };
    let good = Send::transfer(0, 0, FEE_SINK, 1);
    let cases = [
        (Send { nonce: 1, ..good.clone() }, "nonce"),
        (Send { gas: 20_999, ..good.clone() }, "gas"),
        (Send { gas: GAS_LIMIT + 1, ..good.clone() }, "gas limit"),
        (Send { value: U256::MAX, ..good.clone() }, "overflow"),
        (Send { from: 77, ..good.clone() }, "funds"),
        (Send { max_fee: 1, tip: 1, ..good.clone() }, "basefee"),
        (Send { max_fee: 10_000_000_000, tip: 10_000_000_001, ..good.clone() }, "priority fee"),
        (Send { input: vec![1; 1_000].into(), gas: 25_000, ..good }, "gas"),
    ];
    for (send, word) in cases {
        let reason = refuse(send.clone());
        assert!(reason.contains(word), "{send:?}: {reason}");
    }
}

/// A source that remembers what was left out.
struct Remembering(std::vec::IntoIter<Send>, Vec<(u64, LeftOut)>, u64);

impl TransactionSource for Remembering {
    fn next(&mut self) -> Option<alys_engine::execute::RecoveredTransaction> {
        let send = self.0.next()?;
        self.2 = send.nonce;
        Some(send.sign())
    }

    fn left_out(&mut self, _: &alys_engine::execute::RecoveredTransaction, why: LeftOut) {
        self.1.push((self.2, why));
    }
}

#[test]
fn a_builder_passes_over_what_does_not_fit_and_stops_when_told() {
    let genesis = genesis_with(4, true);
    let engine = engine(&genesis);
    let head = engine.head().hash;
    let sends = vec![
        Send::transfer(0, 5, FEE_SINK, 1),
        Send::transfer(0, 0, FEE_SINK, 1),
        Send { gas: GAS_LIMIT, ..Send::transfer(1, 0, FEE_SINK, 1) },
        Send::transfer(2, 0, FEE_SINK, 1),
    ];
    let mut source = Remembering(sends.clone().into_iter(), Vec::new(), 0);
    let built = engine.reads().build(attributes(head, 1_002), &mut source, &mut || false).unwrap();
    assert_eq!(built.block().transactions.len(), 2);
    assert!(matches!(&source.1[..], [(5, LeftOut::Refused(_)), (0, LeftOut::NoRoom)]), "{:?}", source.1);

    let mut asked = 0;
    let mut stop = || {
        asked += 1;
        asked > 2
    };
    let mut source = Remembering(sends.clone().into_iter(), Vec::new(), 0);
    let built = engine.reads().build(attributes(head, 1_002), &mut source, &mut stop).unwrap();
    assert_eq!(built.block().transactions.len(), 1);

    let size = sends[1].sign().inner().encode_2718_len();
    let narrow = BuildAttributes { max_bytes: size, ..attributes(head, 1_002) };
    let mut source = Remembering(sends.into_iter(), Vec::new(), 0);
    let built = engine.reads().build(narrow, &mut source, &mut || false).unwrap();
    assert_eq!(built.block().transactions.len(), 1);

    let late = engine.reads().build(attributes(head, 1_000), &mut (), &mut || false);
    assert!(matches!(late, Err(ImportError::Invalid(InvalidPayload::Timestamp { .. }))));
}

#[test]
fn another_chain_s_database_is_refused() {
    let disk = MemoryDisk::new();
    drop(open_on(&disk, &genesis_with(1, true), &EngineLimits::default()));
    let other = alys_engine::GenesisBlock::new(&genesis_with(2, true), &crate::common::rules()).unwrap();
    let opened = alys_engine::EmbeddedEngine::open(
        disk.open().unwrap(),
        &other,
        crate::common::rules(),
        EngineLimits::default(),
    );
    assert!(matches!(opened, Err(StateError::OtherChain { .. })));
}

#[test]
fn readers_on_other_threads_see_one_state_while_blocks_go_by() {
    let genesis = genesis_with(2, true);
    let mut engine = engine(&genesis);
    let reads = engine.reads();
    let done = std::sync::atomic::AtomicBool::new(false);
    let both = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            both.wait();
            let mut seen = 0;
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let view = reads.state(BlockId::Head).unwrap();
                // Each block moves one wei from the one to the other, and writes nothing else here.
                let first = view.storage(STORE, U256::from(10)).unwrap();
                let second = view.storage(STORE, U256::from(11)).unwrap();
                assert_eq!(first, second, "a torn state");
                seen += 1;
            }
            seen
        });
        both.wait();
        for nonce in 0..150u64 {
            let txs = vec![
                Send::store(0, nonce, STORE, 10, nonce + 1).sign(),
                Send::store(1, nonce, STORE, 11, nonce + 1).sign(),
            ];
            let built = build(&engine, engine.head().hash, txs);
            import(&mut engine, &built);
            if nonce % 3 == 0 {
                finalize(&mut engine, built.block().hash);
            } else {
                set_head(&mut engine, built.block().hash);
            }
        }
        done.store(true, std::sync::atomic::Ordering::Release);
        assert!(reader.join().unwrap() > 0);
    });
}
