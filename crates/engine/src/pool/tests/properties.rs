//! Random sends, replacements, heads and reorgs, each step compared with the model.

use alloy_primitives::{B256, U256};
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{AddError, HeadInfo, NewHead, PoolConfig, Touched};
use super::model::Model;
use super::{Accounts, Pool, Tx, address};
use alys_bus::protocol::query::TransactionRefusal;

const SENDERS: u8 = 5;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// A transaction comes in; its nonce counts from two below the account's.
    Send { from: u8, nonce: u64, tip: u128, extra: u128, value: u64, bytes: usize },
    /// A block with the best transactions of the pool, and one the pool never saw.
    Block { take: usize, stranger: Option<u8>, pay: Option<(u8, u64)>, base_fee: u64, seconds: u64 },
    /// Blocks are taken off, and one is put on.
    Reorg { off: usize, take: usize, base_fee: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let sender = 0..SENDERS;
    let send = (sender.clone(), 0..14u64, 1..60u128, 0..60u128, 0..300u64, 0..120usize).prop_map(
        |(from, nonce, tip, extra, value, bytes)| Step::Send { from, nonce, tip, extra, value, bytes },
    );
    let pay = proptest::option::of((sender.clone(), 0..1_500u64));
    let block = (0..6usize, proptest::option::of(sender), pay, 1..70u64, 1..30u64).prop_map(
        |(take, stranger, pay, base_fee, seconds)| Step::Block { take, stranger, pay, base_fee, seconds },
    );
    let reorg = (1..4usize, 0..4usize, 1..70u64).prop_map(|(off, take, base_fee)| Step::Reorg {
        off,
        take,
        base_fee,
    });
    vec(prop_oneof![8 => send, 2 => block, 1 => reorg], 1..120)
}

/// A block: what it holds, and the accounts before it.
struct Block {
    txs: Vec<Tx>,
    before: Accounts,
}

struct World {
    config: PoolConfig,
    pool: Pool<Accounts>,
    model: Model,
    accounts: Accounts,
    chain: Vec<Block>,
    head: HeadInfo,
}

impl World {
    fn new(config: PoolConfig) -> Self {
        let mut accounts = Accounts::default();
        for from in 0..SENDERS {
            accounts.edit(address(from)).balance = U256::from(1_000);
        }
        let head = HeadInfo { timestamp: 0, next_base_fee: 20 };
        let pool = Pool::new(config.clone(), head, accounts.clone());
        Self { config, pool, model: Model::default(), accounts, chain: Vec::new(), head }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Send { from, nonce, tip, extra, value, bytes } => {
                let from = address(from);
                let nonce = (self.accounts.edit(from).nonce + nonce).saturating_sub(2);
                self.send(Tx { from, nonce, tip, cap: tip + extra, value, bytes });
            }
            Step::Block { take, stranger, pay, base_fee, seconds } => {
                let txs = self.choose(take, stranger);
                self.head.timestamp += seconds;
                self.move_to(0, txs, pay, base_fee);
            }
            Step::Reorg { off, take, base_fee } => {
                // Of the best of the pool, so that something is left to come back.
                let txs = if self.chain.len() < off { Vec::new() } else { self.choose(take, None) };
                let before = self.chain.len().saturating_sub(off);
                let nonces_hold = self.chain.get(before).is_none_or(|block| {
                    txs.iter().all(|tx| block.before.0[&tx.from].nonce == self.accounts.0[&tx.from].nonce)
                });
                let txs = if nonces_hold { txs } else { Vec::new() };
                self.move_to(off, txs, None, base_fee);
            }
        }
        self.check();
    }

    fn send(&mut self, tx: Tx) {
        let expected = self.model.takes(&self.config, &self.accounts, &tx);
        match self.pool.add(tx.pooled()) {
            Ok(added) => {
                assert!(expected, "{tx:?} should be refused");
                self.model.add(tx, self.head.timestamp);
                self.model.drop_all(&added.dropped, &self.accounts, self.head.timestamp, &self.config);
            }
            Err(AddError::Refused(TransactionRefusal::PoolFull)) => {
                assert!(expected, "{tx:?} is refused for another reason");
                let room = self.model.waiting.len() < self.config.max_transactions;
                assert!(!room || self.pool.bytes() + tx.pooled().size() > self.config.max_bytes);
            }
            Err(error) => assert!(!expected, "{tx:?}: {error}"),
        }
    }

    /// The first of the pool's best, and perhaps a transaction of somebody that the pool has not seen.
    fn choose(&mut self, take: usize, stranger: Option<u8>) -> Vec<Tx> {
        let best = self.pool.best(self.head.next_base_fee).take(take);
        let find = |hash: B256| self.model.waiting.iter().find(|w| w.hash == hash).unwrap().tx.clone();
        let mut txs: Vec<Tx> = best.map(|tx| find(tx.hash())).collect();
        if let Some(from) = stranger.map(address) {
            let used = txs.iter().filter(|tx| tx.from == from).count() as u64;
            let nonce = self.accounts.edit(from).nonce + used;
            txs.push(Tx { from, nonce, tip: 777, cap: 9_999, value: 0, bytes: 0 });
        }
        txs
    }

    fn move_to(&mut self, off: usize, txs: Vec<Tx>, pay: Option<(u8, u64)>, base_fee: u64) {
        let old = self.accounts.clone();
        let mut reverted = Vec::new();
        for _ in 0..off {
            let Some(block) = self.chain.pop() else { break };
            self.accounts = block.before;
            reverted.splice(0..0, block.txs);
        }
        let before = self.accounts.clone();
        for tx in &txs {
            let account = self.accounts.edit(tx.from);
            account.nonce = tx.nonce + 1;
            account.balance -= U256::from(tx.value).min(account.balance);
        }
        if let Some((who, balance)) = pay {
            self.accounts.edit(address(who)).balance = U256::from(balance);
        }
        let hash = |tx: &Tx| tx.pooled().hash();
        self.chain.push(Block { txs: txs.clone(), before });
        self.model.chain = self.chain.iter().flat_map(|block| block.txs.iter().map(hash)).collect();
        self.head.next_base_fee = base_fee;
        let touched = |(address, account): (&_, &_)| {
            (old.0.get(address) != Some(account)).then(|| alloy_primitives::keccak256(address))
        };
        let dropped = self.pool.on_head(NewHead {
            info: self.head,
            state: self.accounts.clone(),
            touched: Touched::Accounts(self.accounts.0.iter().filter_map(touched).collect()),
            mined: txs.iter().map(hash).collect(),
            reverted: reverted.iter().map(Tx::recovered).collect(),
        });
        let dropped = dropped.unwrap();
        // Those that came back have come last, in chain order.
        let refused: Vec<B256> = dropped.iter().map(|dropped| dropped.hash).collect();
        for tx in reverted {
            let (hash, mined) = (hash(&tx), self.model.chain.contains(&hash(&tx)));
            let back = self.pool.get(&hash).is_some() || refused.contains(&hash);
            assert!(mined || back, "{tx:?} was reorged out, and is neither waiting nor refused");
            let known = self.model.waiting.iter().any(|waiting| waiting.hash == hash);
            let evicted_later = dropped.iter().any(|d| d.hash == hash && d.reason.label() != "refused");
            if !mined && !known && (self.pool.get(&hash).is_some() || evicted_later) {
                self.model.add(tx, self.head.timestamp);
            }
        }
        self.model.drop_all(&dropped, &self.accounts, self.head.timestamp, &self.config);
    }

    /// All that must hold at any time.
    fn check(&self) {
        let (pool, model) = (&self.pool, &self.model);
        // The same transactions as in the model: nothing is lost without a reason, nothing twice.
        let mut have: Vec<_> = pool.iter().map(|tx| (tx.sender(), tx.nonce(), tx.hash())).collect();
        let mut want: Vec<_> = model.waiting.iter().map(|w| (w.tx.from, w.tx.nonce, w.hash)).collect();
        have.sort();
        want.sort();
        assert_eq!(have, want);
        assert!(have.windows(2).all(|pair| (pair[0].0, pair[0].1) != (pair[1].0, pair[1].1)));
        // The bounds.
        assert!(pool.len() <= self.config.max_transactions && pool.bytes() <= self.config.max_bytes);
        assert_eq!(pool.bytes(), pool.iter().map(|tx| tx.size()).sum::<usize>());
        // In order of arrival, with every index in step.
        let arrivals: Vec<_> = pool.arrivals(0).map(|(_, tx)| tx.hash()).collect();
        assert_eq!(arrivals, model.waiting.iter().map(|w| w.hash).collect::<Vec<_>>());
        assert!(arrivals.iter().all(|hash| pool.get(hash).is_some_and(|tx| tx.hash() == *hash)));
        // By tip, without a gap.
        let order = super::order(pool);
        assert_eq!(order, model.order(&self.accounts, self.head.next_base_fee));
        let status = pool.status();
        assert_eq!((status.pending, status.pending + status.queued), (order.len() as u64, pool.len() as u64));
        for (address, account) in self.accounts.0.iter() {
            assert!(model.cost(*address) <= account.balance, "{address} cannot pay");
            let used = model.waiting.iter().any(|w| w.tx.from == *address && w.tx.nonce < account.nonce);
            assert!(!used, "{address}: a used nonce waits");
            let next = (account.nonce..)
                .find(|nonce| !have.iter().any(|(from, have, _)| (from, have) == (address, nonce)))
                .unwrap();
            assert_eq!(pool.next_nonce(*address).unwrap(), next);
        }
    }
}

fn run(config: PoolConfig, steps: Vec<Step>) {
    let mut world = World::new(config);
    for step in steps {
        world.step(step);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_roomy_pool_does_what_the_model_does(steps in steps()) {
        let config = PoolConfig { max_ahead: 4, max_per_account: 9, lifetime: 90, ..Default::default() };
        run(config, steps);
    }

    #[test]
    fn a_pool_of_eight_transactions_does_what_the_model_does(steps in steps()) {
        run(PoolConfig { max_transactions: 8, ..Default::default() }, steps);
    }

    #[test]
    fn a_pool_of_a_thousand_bytes_does_what_the_model_does(steps in steps()) {
        run(PoolConfig { max_bytes: 1_000, ..Default::default() }, steps);
    }
}
