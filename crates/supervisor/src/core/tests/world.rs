//! A world that carries out effects, after a while, or not at all, and checks on the way that nothing is asked of it that must not be.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    ExitReport, Lifecycle, StopReason,
    core::{ChildId, Core, Effect, End, Input, Moment, Names, Rules},
};

/// What there is of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Nothing,
    Starting(u64),
    /// Started, and not yet bound, or unbound again.
    Unbound(u64),
    Bound(u64),
    /// Ended, and not yet gone.
    Ended(u64),
}

/// How the world obeys: a source of numbers decides each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obedience {
    /// Always, within 100 ms.
    Willing,
    /// Starts fail, stops and kills are ignored, cancellations and closings too, each now and then.
    Unwilling,
}

pub(super) struct World {
    pub(super) core: Core,
    pub(super) now: Moment,
    pub(super) lives: Vec<Life>,
    pub(super) names: Vec<Names>,
    pub(super) intake: Vec<bool>,
    /// What will be reported, and when.
    reports: Vec<(Moment, Input)>,
    /// All effects, with their times.
    pub(super) done: Vec<(Moment, Effect)>,
    pub(super) exit: Option<ExitReport>,
    pub(super) obedience: Obedience,
    random: u64,
}

impl World {
    pub(super) fn new(specs: Vec<(Names, Rules)>, obedience: Obedience, seed: u64) -> Self {
        let names: Vec<Names> = specs.iter().map(|(names, _)| names.clone()).collect();
        let intake = specs.iter().map(|(_, rules)| rules.intake).collect();
        Self {
            lives: vec![Life::Nothing; specs.len()],
            core: Core::new(specs, seed, Duration::from_secs(1)).unwrap(),
            now: Moment::ZERO,
            names,
            intake,
            reports: Vec::new(),
            done: Vec::new(),
            exit: None,
            obedience,
            random: seed | 1,
        }
    }

    /// The next number below `limit` (Marsaglia's xorshift, 2003).
    pub(super) fn random(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    fn soon(&mut self) -> Moment {
        self.now + Duration::from_millis(self.random(100))
    }

    /// Now and then, where the world is unwilling.
    fn balks(&mut self) -> bool {
        self.obedience == Obedience::Unwilling && self.random(4) == 0
    }

    pub(super) fn find(&self, name: &str) -> usize {
        self.names.iter().position(|names| names.name == name).unwrap()
    }

    /// Those that `child` names.
    pub(super) fn dependencies(&self, child: usize) -> Vec<usize> {
        let names = &self.names[child];
        let all = names.depends_on.iter().chain(&names.restarts_with);
        all.map(|name| self.find(name)).collect()
    }

    /// Those that name `child`, or name one that does.
    pub(super) fn dependants(&self, child: usize) -> BTreeSet<usize> {
        self.above(child, |world, other| world.dependencies(other))
    }

    /// The same of those that say that they restart with it.
    pub(super) fn restarting_with(&self, child: usize) -> BTreeSet<usize> {
        self.above(child, |world, other| {
            let with = world.names[other].restarts_with.iter();
            with.map(|name| world.find(name)).collect()
        })
    }

    fn above(&self, child: usize, below: impl Fn(&Self, usize) -> Vec<usize>) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([child]);
        loop {
            let before = found.len();
            for other in 0..self.names.len() {
                if below(self, other).iter().any(|on| found.contains(on)) {
                    found.insert(other);
                }
            }
            if found.len() == before {
                found.remove(&child);
                return found;
            }
        }
    }

    pub(super) fn all_bound(&self) -> bool {
        self.lives.iter().all(|life| matches!(life, Life::Bound(_)))
    }

    /// Lets something happen, and carries out what comes of it.
    pub(super) fn step(&mut self, input: Input) {
        assert_eq!(self.exit, None, "something happens after the exit: {input:?}");
        let mut effects = Vec::new();
        self.core.step(self.now, input, &mut effects);
        for effect in effects {
            self.done.push((self.now, effect.clone()));
            self.carry_out(effect);
        }
    }

    /// Lets time pass until the next report or deadline. False: nothing is to come any more.
    pub(super) fn pass(&mut self) -> bool {
        let report = self.reports.iter().map(|(at, _)| *at).min();
        let wake = self.core.next_wake();
        let Some(next) = report.into_iter().chain(wake).min() else {
            return false;
        };
        if wake.is_some_and(|wake| wake < self.now) {
            panic!("a deadline has passed unnoticed: {wake:?} at {:?}", self.now);
        }
        self.now = self.now.max(next);
        let due = self.reports.iter().position(|(at, _)| *at == next);
        let input = match due {
            Some(at) => {
                let (_, input) = self.reports.remove(at);
                self.happens(&input);
                input
            }
            None => Input::Tick,
        };
        self.step(input);
        true
    }

    /// What a report says has become true.
    fn happens(&mut self, input: &Input) {
        match input {
            Input::Started { child, incarnation } => {
                self.lives[child.0] = Life::Unbound(*incarnation);
            }
            Input::Ended { child, incarnation, .. } => {
                self.lives[child.0] = Life::Ended(*incarnation);
                self.report(Input::Gone { child: *child, incarnation: *incarnation });
            }
            Input::StartFailed { child, .. } | Input::Gone { child, .. } => {
                self.lives[child.0] = Life::Nothing;
            }
            _ => {}
        }
    }

    fn report(&mut self, input: Input) {
        let at = self.soon();
        self.reports.push((at, input));
    }

    /// A bound child ends by itself.
    pub(super) fn crash(&mut self, child: usize, in_order: bool) {
        let Life::Bound(incarnation) = self.lives[child] else {
            return;
        };
        let input = Input::Ended {
            child: ChildId(child),
            incarnation,
            end: End { reason: "a crash".to_owned(), in_order },
        };
        self.forget_reports(child);
        self.happens(&input);
        let before = self.done.len();
        self.step(input);
        let unbound = Effect::Unbind(ChildId(child));
        assert!(
            self.done[before..].iter().any(|(_, effect)| *effect == unbound),
            "{child} has ended, and its address still leads to it"
        );
    }

    /// Reports that can no longer come, because something else came first.
    fn forget_reports(&mut self, child: usize) {
        self.reports.retain(|(_, input)| match input {
            Input::Started { child: of, .. }
            | Input::StartFailed { child: of, .. }
            | Input::Ended { child: of, .. } => of.0 != child,
            _ => true,
        });
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Start { child, incarnation } => self.start(child, incarnation),
            Effect::CancelStart(child) => {
                if let Life::Starting(incarnation) = self.lives[child.0]
                    && !self.balks()
                {
                    // Sometimes the start is through already.
                    if self.random(4) > 0 {
                        self.forget_reports(child.0);
                        let reason = "cancelled".to_owned();
                        self.report(Input::StartFailed { child, incarnation, reason });
                    } else if !self.reports.iter().any(|(_, input)| is_start_report(input, child)) {
                        self.report(Input::Started { child, incarnation });
                    }
                }
            }
            Effect::Bind(child) => {
                let Life::Unbound(incarnation) = self.lives[child.0] else {
                    panic!("{child:?} is bound while there is {:?}", self.lives[child.0]);
                };
                self.lives[child.0] = Life::Bound(incarnation);
            }
            Effect::Unbind(child) => {
                if let Life::Bound(incarnation) = self.lives[child.0] {
                    self.lives[child.0] = Life::Unbound(incarnation);
                }
            }
            Effect::Stop(child) => {
                self.check_alone(child, "stopped");
                self.end(child, true);
            }
            Effect::Kill(child) => self.end(child, false),
            Effect::Release { child, .. } => {
                if !self.balks() {
                    self.report(Input::Released { child, result: Ok(()) });
                }
            }
            Effect::Exit(report) => self.exit = Some(report),
            Effect::Forget { .. } | Effect::Report(_) => {}
        }
    }

    fn start(&mut self, child: ChildId, incarnation: u64) {
        assert_eq!(self.lives[child.0], Life::Nothing, "{child:?} is started while there is one");
        for on in self.dependencies(child.0) {
            assert!(
                matches!(self.lives[on], Life::Bound(_)),
                "{child:?} is started while {on} has {:?}",
                self.lives[on]
            );
        }
        self.check_alone(child, "started");
        self.lives[child.0] = Life::Starting(incarnation);
        if self.balks() {
            // Fails, or never reports.
            if self.random(2) == 0 {
                let reason = "a failed start".to_owned();
                self.report(Input::StartFailed { child, incarnation, reason });
            }
        } else {
            self.report(Input::Started { child, incarnation });
        }
    }

    /// Nothing is there that restarts with `child`: it is stopped before and started after.
    fn check_alone(&self, child: ChildId, what: &str) {
        if self.obedience == Obedience::Unwilling || self.intake.contains(&true) {
            return;
        }
        for member in self.restarting_with(child.0) {
            let life = self.lives[member];
            assert_eq!(
                life,
                Life::Nothing,
                "{child:?} is {what} while {member}, which restarts with it, is there"
            );
        }
    }

    fn end(&mut self, child: ChildId, in_order: bool) {
        match self.lives[child.0] {
            Life::Unbound(incarnation) => {
                if !self.balks() {
                    self.forget_reports(child.0);
                    let end = End { reason: "as told".to_owned(), in_order };
                    self.report(Input::Ended { child, incarnation, end });
                }
            }
            Life::Bound(_) => panic!("{child:?} is ended while its address leads to it"),
            Life::Nothing | Life::Starting(_) | Life::Ended(_) => {}
        }
    }

    /// How often each thing was reported of a child.
    pub(super) fn count(&self, what: impl Fn(&Lifecycle) -> Option<&String>) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for (_, effect) in &self.done {
            if let Effect::Report(event) = effect
                && let Some(actor) = what(event)
            {
                *counts.entry(actor.clone()).or_default() += 1;
            }
        }
        counts
    }
}

fn is_start_report(input: &Input, of: ChildId) -> bool {
    matches!(input,
        Input::Started { child, .. } | Input::StartFailed { child, .. } if *child == of)
}

/// A stop on request.
pub(super) fn stop() -> Input {
    Input::Stop(StopReason::Requested("enough".to_owned()))
}
