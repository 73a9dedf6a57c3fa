//! How a client fares, as an explicit state machine. Pure.
//!
//! ```text
//!               Identified                    Behind
//!   Offline ─────────────────► Synced ◄────────────────► Syncing
//!      ▲                          │         InStep          │
//!      └──── NoAnswer, Stranger ──┴─────────────────────────┘
//!   AuthFailed: from anywhere by Unauthorized; left by Identified, NoAnswer, Stranger
//! ```
//!
//! A client that was out of reach is nobody until it has shown chain id and genesis again: another may have
//! been started on its port. So nothing but `Identified` leads out of `Offline` and `AuthFailed` into the
//! states in which it is believed.

/// How a client fares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Health {
    /// It answers, and executes what it is given.
    Synced,
    /// It answers, and has not the parents of what it is given, or is not where it was sent.
    Syncing,
    /// It does not answer in time, or is of another chain.
    #[default]
    Offline,
    /// It refuses the token.
    AuthFailed,
}

/// What was seen of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// It has shown this chain's id and genesis.
    Identified,
    /// It executed what it was given, or its head is where it shall be.
    InStep,
    /// It answered SYNCING or ACCEPTED, or its head is where nobody sent it.
    Behind,
    /// It did not answer, or not as a client does.
    NoAnswer,
    /// It is of another chain, or cannot do what is needed.
    Stranger,
    /// It refused the token.
    Unauthorized,
}

/// Health from observations.
#[derive(Debug, Clone, Default)]
pub struct HealthMachine {
    health: Health,
}

impl HealthMachine {
    /// Takes an observation; the new health, if it changed.
    pub fn observe(&mut self, seen: Observation) -> Option<Health> {
        let next = match (self.health, seen) {
            (_, Observation::Unauthorized) => Health::AuthFailed,
            (_, Observation::NoAnswer | Observation::Stranger) => Health::Offline,
            (Health::Syncing, Observation::Identified) => Health::Syncing,
            (_, Observation::Identified) => Health::Synced,
            (Health::Synced | Health::Syncing, Observation::InStep) => Health::Synced,
            (Health::Synced | Health::Syncing, Observation::Behind) => Health::Syncing,
            (unknown, Observation::InStep | Observation::Behind) => unknown,
        };
        let changed = next != self.health;
        self.health = next;
        changed.then_some(next)
    }

    /// The health now.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health
    }

    /// Whether it has identified itself since it was last out of reach: only then is it asked anything.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self.health, Health::Synced | Health::Syncing)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn observation() -> impl Strategy<Value = Observation> {
        prop::sample::select(vec![
            Observation::Identified,
            Observation::InStep,
            Observation::Behind,
            Observation::NoAnswer,
            Observation::Stranger,
            Observation::Unauthorized,
        ])
    }

    proptest! {
        #[test]
        fn a_client_out_of_reach_is_believed_again_only_after_it_identified_itself(
            seen in prop::collection::vec(observation(), 0..40),
        ) {
            let mut machine = HealthMachine::default();
            let mut identified = false;
            for one in seen {
                match one {
                    Observation::Identified => identified = true,
                    Observation::NoAnswer | Observation::Stranger | Observation::Unauthorized => {
                        identified = false;
                    }
                    Observation::InStep | Observation::Behind => {}
                }
                machine.observe(one);
                prop_assert_eq!(machine.is_known(), identified);
            }
        }

        #[test]
        fn a_change_is_told_exactly_when_there_is_one(seen in prop::collection::vec(observation(), 0..40)) {
            let mut machine = HealthMachine::default();
            for one in seen {
                let before = machine.health();
                let told = machine.observe(one);
                prop_assert_eq!(told, (machine.health() != before).then_some(machine.health()));
                prop_assert_eq!(machine.observe(one), None, "the same again changes nothing");
            }
        }
    }

    #[test]
    fn every_state_is_left_by_what_ends_it() {
        let mut machine = HealthMachine::default();
        for (seen, health) in [
            (Observation::InStep, Health::Offline),
            (Observation::Identified, Health::Synced),
            (Observation::Behind, Health::Syncing),
            (Observation::Identified, Health::Syncing),
            (Observation::InStep, Health::Synced),
            (Observation::Unauthorized, Health::AuthFailed),
            (Observation::Behind, Health::AuthFailed),
            (Observation::Identified, Health::Synced),
            (Observation::Stranger, Health::Offline),
        ] {
            machine.observe(seen);
            assert_eq!(machine.health(), health, "after {seen:?}");
        }
    }
}
