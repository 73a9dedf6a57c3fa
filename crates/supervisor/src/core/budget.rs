//! How many restarts an actor has had lately.

use std::collections::VecDeque;

use super::Moment;
use crate::Budget;

/// The restarts within the budget's time. Never longer than the budget.
#[derive(Debug, Default)]
pub(super) struct Window {
    restarts: VecDeque<Moment>,
}

impl Window {
    /// Takes one restart from `budget` at `now`. How many the window holds then; none: it is spent.
    ///
    /// A restart leaves the window when it is exactly `within` old.
    pub(super) fn take(&mut self, budget: Budget, now: Moment) -> Option<u32> {
        while let Some(&oldest) = self.restarts.front()
            && now.saturating_sub(oldest) >= budget.within
        {
            self.restarts.pop_front();
        }
        let taken = u32::try_from(self.restarts.len()).unwrap_or(u32::MAX);
        if taken >= budget.restarts {
            return None;
        }
        self.restarts.push_back(now);
        Some(taken.saturating_add(1))
    }
}
