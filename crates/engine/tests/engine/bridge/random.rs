//! Random requests, cancellations and accidents: the facts are those of a model, and their sum is the
//! bridge's balance.

use alloy_primitives::{Address, Bytes, U256};
use proptest::prelude::*;

use super::script::{Script, deploy_forwarder};
use super::*;

/// By which way the bridge is called.
#[derive(Debug, Clone, Copy)]
enum Way {
    Direct,
    /// Through a contract that passes on data and coins.
    Forwarded,
    /// In a constructor that needs it to succeed.
    Constructor,
    /// In a constructor that does not care.
    Careless,
    /// In a constructor that reverts afterwards.
    Undone,
}

#[derive(Debug, Clone)]
enum Step {
    Request { from: u64, way: Way, sat: u64, wei: u64, length: usize, max_fee: Option<U256> },
    Cancel { from: u64, way: Way, id: u64 },
    Plain { from: u64, sat: u64 },
    Force { from: u64, wei: u64 },
}

fn ways() -> impl Strategy<Value = Way> {
    prop::sample::select(vec![Way::Direct, Way::Forwarded, Way::Constructor, Way::Careless, Way::Undone])
}

fn steps() -> impl Strategy<Value = Step> {
    let wei = prop_oneof![4 => Just(0), 1 => 1u64..10_000_000_000];
    let length =
        prop_oneof![3 => 26usize..=35, 2 => prop::sample::select(vec![42, 44, 62, 64]), 1 => 0usize..80];
    let bound = prop_oneof![Just(U256::MAX), Just(U256::ZERO), any::<u64>().prop_map(U256::from)];
    let request = (0u64..4, ways(), 9_990u64..10_100, wei, length, prop::option::of(bound)).prop_map(
        |(from, way, sat, wei, length, max_fee)| Step::Request { from, way, sat, wei, length, max_fee },
    );
    let cancel = (0u64..4, ways(), 0u64..6).prop_map(|(from, way, id)| Step::Cancel { from, way, id });
    prop_oneof![
        6 => request,
        4 => cancel,
        1 => (0u64..4, 0u64..20_000).prop_map(|(from, sat)| Step::Plain { from, sat }),
        1 => (0u64..4, 1u64..1_000_000).prop_map(|(from, wei)| Step::Force { from, wei }),
    ]
}

/// The bridge in a few lines.
#[derive(Default)]
struct Model {
    /// Who made each request, and whether it was cancelled.
    requests: Vec<(Address, bool)>,
    /// Of the present block: id, burner, value, bound.
    burns: Vec<(u64, Address, U256, U256)>,
    /// Of the present block: id, burner.
    cancellations: Vec<(u64, Address)>,
    forced: U256,
}

impl Model {
    /// Whether a request is taken.
    fn request(&mut self, burner: Address, value: U256, length: usize, max_fee: Option<U256>) -> bool {
        let possible = matches!(length, 26..=35 | 42 | 44 | 62 | 64);
        if !possible || value < sats(MIN_PAYOUT) || !(value % sats(1)).is_zero() {
            return false;
        }
        self.burns.push((self.requests.len() as u64, burner, value, max_fee.unwrap_or(U256::MAX)));
        self.requests.push((burner, false));
        true
    }

    fn cancel(&mut self, caller: Address, id: u64) -> bool {
        match self.requests.get_mut(id as usize) {
            Some((burner, cancelled)) if *burner == caller && !*cancelled => {
                *cancelled = true;
                self.cancellations.push((id, caller));
                true
            }
            _ => false,
        }
    }
}

struct Run {
    rig: Rig,
    forwarder: Address,
    model: Model,
}

impl Run {
    fn new() -> Self {
        let mut rig = Rig::new();
        let forwarder = rig.deploy(deploy_forwarder(BRIDGE));
        Self { rig, forwarder, model: Model::default() }
    }

    /// The transaction of a call of the bridge, who its caller is, and whether all else fails with it.
    fn wrap(from: u64, way: Way, wei: U256, input: &Bytes, forwarder: Address) -> Send {
        let script = Script::default();
        match way {
            Way::Direct => to_bridge(from, wei, input.clone()),
            Way::Forwarded => send(from, forwarder, wei, input.clone()),
            Way::Constructor => create(from, wei, script.call(BRIDGE, wei, input).construct()),
            Way::Careless => create(from, wei, script.try_call(BRIDGE, wei, input).construct()),
            Way::Undone => create(from, wei, script.try_call(BRIDGE, wei, input).revert().construct()),
        }
    }

    /// Does the step in the model, and gives the transaction with its expected success.
    fn step(&mut self, step: &Step) -> (Send, bool) {
        let caller = |run: &Self, from: u64, way: Way| match way {
            Way::Direct => signer(from).address(),
            Way::Forwarded => run.forwarder,
            Way::Constructor | Way::Careless | Way::Undone => run.rig.next_contract(from),
        };
        let (send, way, taken) = match step {
            Step::Request { from, way, sat, wei, length, max_fee } => {
                let (value, caller) = (sats(*sat) + U256::from(*wei), caller(self, *from, *way));
                let text = "q".repeat(*length);
                let input =
                    max_fee.map_or_else(|| request(text.as_bytes()), |max_fee| bounded(&text, max_fee));
                let taken =
                    !matches!(way, Way::Undone) && self.model.request(caller, value, *length, *max_fee);
                (Self::wrap(*from, *way, value, &input, self.forwarder), *way, taken)
            }
            Step::Cancel { from, way, id } => {
                let caller = caller(self, *from, *way);
                let taken = !matches!(way, Way::Undone) && self.model.cancel(caller, *id);
                (Self::wrap(*from, *way, U256::ZERO, &cancel(*id), self.forwarder), *way, taken)
            }
            Step::Plain { from, sat } => (to_bridge(*from, sats(*sat), Bytes::new()), Way::Direct, false),
            Step::Force { from, wei } => {
                self.model.forced += U256::from(*wei);
                let code = Script::default().destroy(BRIDGE).construct();
                (create(*from, U256::from(*wei), code), Way::Careless, false)
            }
        };
        (send, matches!(way, Way::Careless) || taken)
    }

    /// Mines the steps in one block, and compares it with the model.
    fn block(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        let before = self.rig.balance(BRIDGE);
        let forced = self.model.forced;
        let (mut signed, mut expected) = (Vec::new(), Vec::new());
        for step in steps {
            let (send, success) = self.step(step);
            // A constructor's address follows from the nonce: it is taken after the step was prepared.
            let nonce = self.rig.nonce(send.from);
            signed.push(Send { nonce, ..send }.sign());
            expected.push(success);
        }
        let mined = self.rig.mine(signed, Vec::new());
        prop_assert_eq!(mined.succeeded(), expected);
        let burns: Vec<_> = mined.burns.iter().map(|b| (b.id, b.burner, b.value, b.max_fee)).collect();
        prop_assert_eq!(&burns, &std::mem::take(&mut self.model.burns));
        let cancelled: Vec<_> = mined.cancellations.iter().map(|c| (c.id, c.burner)).collect();
        prop_assert_eq!(&cancelled, &std::mem::take(&mut self.model.cancellations));
        let indexes: Vec<_> = mined.burns.iter().map(|b| b.log_index).collect();
        prop_assert!(indexes.is_sorted_by(|a, b| a < b));
        let burned = mined.values().into_iter().sum::<U256>();
        prop_assert_eq!(self.rig.balance(BRIDGE) - before, burned + self.model.forced - forced);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_sum_of_the_burns_is_what_the_bridge_s_balance_grows_by(
        blocks in prop::collection::vec(prop::collection::vec(steps(), 1..12), 1..5),
    ) {
        let mut run = Run::new();
        for steps in &blocks {
            run.block(steps)?;
        }
        prop_assert_eq!(run.rig.ask(&Bridge::nextIdCall {}), run.model.requests.len() as u64);
    }
}
