//! How long a plan will take, as far as past runs tell, and how good such predictions were.
//!
//! The schedule is not guessed at: the run's own machine is played with learned durations instead of work, so layers,
//! dependencies and workers count exactly as they will.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::ids::StepId;
use crate::domain::plan::forecast::{Forecast, Prediction};
use crate::domain::plan::model::{Action, Plan};
use crate::domain::report::Usual;
use crate::domain::run::fact::{Fact, StepEnd};
use crate::domain::run::machine::Machine;
use crate::domain::run::options::RunOptions;
use crate::domain::run::order::{Order, StepRef};
use crate::domain::run::retry::Guide;
use crate::domain::time::Boot;

/// Predicts how long a plan will take when nothing fails; `None` when nothing of it ever ran.
#[must_use]
pub fn predict(
    plan: &Arc<Plan>,
    guide: Guide,
    usual: &Usual,
    options: RunOptions,
) -> Option<Prediction> {
    let working = || plan.actions.iter().filter(|action| !action.is_noop());
    let steps = || working().flat_map(|action| &action.steps);
    let known = steps().filter(|step| usual.of(&step.id).is_some()).count();
    if known == 0 {
        return None;
    }
    Some(Prediction {
        total: played(plan, guide, usual, options),
        runs: usual.runs,
        known,
        steps: steps().count(),
    })
}

/// Plays the run: every step takes its usual time, one that never ran none.
fn played(plan: &Arc<Plan>, guide: Guide, usual: &Usual, options: RunOptions) -> Duration {
    let mut machine = Machine::new(Arc::clone(plan), guide, options);
    let mut ends: BTreeSet<(Boot, StepRef)> = BTreeSet::new();
    let mut now = Boot::default();
    let mut turn = machine.step(Fact::Begun, now);
    loop {
        for order in turn.orders {
            if let Order::Begin { at, .. } = order {
                let step = machine.planned(at).map(|(_, step)| &step.id);
                let takes = step.and_then(|id| usual.of(id)).unwrap_or_default();
                ends.insert((now.after(takes), at));
            }
        }
        let Some((ended, at)) = ends.pop_first() else {
            return now.since(Boot::default());
        };
        now = ended;
        let end = StepEnd::done();
        turn = machine.step(Fact::Ended { at, end }, now);
    }
}

/// Predicts how long one action will take; `None` when none of its steps ever ran.
#[must_use]
pub fn action_time(action: &Action, usual: &Usual) -> Option<Duration> {
    let mut ends: std::collections::BTreeMap<&StepId, Duration> = std::collections::BTreeMap::new();
    let mut known = false;
    // The longest way through its steps; they stand in an order that satisfies their needs.
    for step in &action.steps {
        let needs = step.needs.iter().filter_map(|need| ends.get(need).copied());
        let begins = needs.max().unwrap_or_default();
        let takes = usual.of(&step.id);
        known |= takes.is_some();
        ends.insert(&step.id, begins.saturating_add(takes.unwrap_or_default()));
    }
    known.then(|| ends.into_values().max().unwrap_or_default())
}

/// How good past predictions were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accuracy {
    /// Predictions it is about.
    pub runs: usize,
    /// The middle of how far off they were, in percent of what was predicted: above zero, it took longer.
    pub bias: i64,
    /// The middle of how far off they were either way, in percent.
    pub error: i64,
}

impl Accuracy {
    /// Measures past predictions; `None` when there were none.
    #[must_use]
    pub fn of(forecasts: &[Forecast]) -> Option<Self> {
        let mut off: Vec<i64> = forecasts.iter().map(|one| one.off_percent()).collect();
        let bias = middle(&mut off)?;
        let mut either: Vec<i64> = off.iter().map(|percent| percent.abs()).collect();
        Some(Self {
            runs: off.len(),
            bias,
            error: middle(&mut either)?,
        })
    }
}

fn middle(numbers: &mut [i64]) -> Option<i64> {
    numbers.sort_unstable();
    let half = numbers.len() / 2;
    let upper = *numbers.get(half)?;
    if numbers.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *numbers.get(half.checked_sub(1)?)?;
    Some(lower.midpoint(upper))
}
