//! How long a plan will take, as far as past runs tell.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::ids::{Address, StepId};
use crate::domain::plan::model::{Action, Plan};
use crate::domain::report::Usual;
use crate::domain::run::options::Schedule;
use crate::present::human::duration;
use crate::present::words::count;

/// What is expected of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Time from the first step to the last.
    pub total: Duration,
    /// Runs it was learned from.
    pub runs: usize,
    /// Steps that ran before.
    pub known: usize,
    /// Steps of the plan.
    pub steps: usize,
}

impl Prediction {
    /// Says it: `≈ 12 s, from 5 runs`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = format!(
            "≈ {}, from {}",
            duration(self.total),
            count(self.runs, "run")
        );
        let new = self.steps.saturating_sub(self.known);
        if new > 0 {
            text.push_str(&format!(", {new} of {} steps are new", self.steps));
        }
        text
    }
}

/// Predicts how long a plan will take with workers enough; `None` when nothing of it ever ran.
#[must_use]
pub fn predict(plan: &Plan, usual: &Usual, schedule: Schedule) -> Option<Prediction> {
    let mut ends: BTreeMap<&Address, Duration> = BTreeMap::new();
    let (mut known, mut steps) = (0, 0);
    let mut layers: BTreeMap<usize, Vec<&Action>> = BTreeMap::new();
    for action in plan.actions.iter().filter(|action| !action.is_noop()) {
        layers.entry(action.layer).or_default().push(action);
    }
    let mut layer_begins = Duration::ZERO;
    let mut total = Duration::ZERO;
    for actions in layers.into_values() {
        for action in actions {
            let begins = match schedule {
                Schedule::Layered => layer_begins,
                Schedule::Eager => awaited(action, &ends),
            };
            let course = course(action, usual);
            known += course.known;
            steps += action.steps.len();
            let end = begins.saturating_add(course.time);
            ends.insert(&action.address, end);
            total = total.max(end);
        }
        layer_begins = total;
    }
    (known > 0).then_some(Prediction {
        total,
        runs: usual.runs,
        known,
        steps,
    })
}

/// Says how long a plan will take: `≈ 12 s, from 5 runs`; nothing for one that does nothing or never ran.
#[must_use]
pub fn said(plan: &Plan, usual: Option<&Usual>, schedule: Schedule) -> Option<String> {
    Some(predict(plan, usual?, schedule)?.words())
}

/// Predicts how long one action will take; `None` when none of its steps ever ran.
#[must_use]
pub fn action_time(action: &Action, usual: &Usual) -> Option<Duration> {
    let course = course(action, usual);
    (course.known > 0).then_some(course.time)
}

fn awaited(action: &Action, ends: &BTreeMap<&Address, Duration>) -> Duration {
    let dependencies = action.depends_on.iter();
    dependencies
        .filter_map(|address| ends.get(address).copied())
        .max()
        .unwrap_or_default()
}

struct Course {
    time: Duration,
    known: usize,
}

/// The longest way through the steps of an action; they stand in an order that satisfies their needs.
fn course(action: &Action, usual: &Usual) -> Course {
    let mut ends: BTreeMap<&StepId, Duration> = BTreeMap::new();
    let mut known = 0;
    for step in &action.steps {
        let begins = step
            .needs
            .iter()
            .filter_map(|need| ends.get(need).copied())
            .max()
            .unwrap_or_default();
        let takes = usual.of(&step.id);
        known += usize::from(takes.is_some());
        ends.insert(&step.id, begins.saturating_add(takes.unwrap_or_default()));
    }
    Course {
        time: ends.into_values().max().unwrap_or_default(),
        known,
    }
}
