//! Two runs side by side: what took longer, what took less, what is new and what is gone, in plan and in time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::app::snapshot::RunView;
use crate::domain::event::StepOutcome;
use crate::domain::ids::{Address, RunId, StepId};
use crate::domain::plan::model::{ActionKind, Plan};
use crate::domain::time::Wall;
use crate::present::human::duration;
use crate::tui::rows::course::steps_of;
use crate::tui::theme::Tone;
use crate::tui::words::between;

/// Differences below this are none, in milliseconds; so is one of less than a twentieth.
const LEAST: i64 = 100;

/// From when to when something went on in a run; milliseconds since the run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Begin.
    pub from: i64,
    /// End.
    pub to: i64,
    /// How it ended.
    pub outcome: Option<StepOutcome>,
}

impl Lane {
    fn took(self) -> i64 {
        self.to.saturating_sub(self.from)
    }
}

/// How the time of something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It takes longer, by so many milliseconds.
    Longer(i64),
    /// It takes less.
    Shorter(i64),
    /// It takes about as long.
    Same,
    /// It was not there before.
    New,
    /// The newer run did not touch it.
    Gone,
}

impl Change {
    /// Says it in a word and a symbol.
    #[must_use]
    pub fn words(self) -> (String, Tone) {
        let time = |ms: i64| duration(Duration::from_millis(ms.unsigned_abs()));
        match self {
            Self::Longer(by) => (format!("+{} ▲ longer", time(by)), Tone::Warn),
            Self::Shorter(by) => (format!("-{} ▼ shorter", time(by)), Tone::Ok),
            Self::Same => ("= as before".to_owned(), Tone::Dim),
            Self::New => ("+ new".to_owned(), Tone::Added),
            Self::Gone => ("- not in it".to_owned(), Tone::Removed),
        }
    }
}

/// The same thing in both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// In the older run.
    pub old: Option<Lane>,
    /// In the newer one.
    pub new: Option<Lane>,
}

impl Pair {
    /// Tells how its time changed.
    #[must_use]
    pub fn change(&self) -> Change {
        match (self.old, self.new) {
            (Some(old), Some(new)) => {
                let by = new.took().saturating_sub(old.took());
                if by.abs() < LEAST.max(old.took() / 20) {
                    Change::Same
                } else if by > 0 {
                    Change::Longer(by)
                } else {
                    Change::Shorter(by)
                }
            }
            (None, _) => Change::New,
            (Some(_), None) => Change::Gone,
        }
    }

    /// Says both times and the outcome where that changed: `3.0 s → 7.2 s`.
    #[must_use]
    pub fn times(&self) -> String {
        let say = |lane: Option<Lane>| {
            lane.map_or_else(
                || "none".to_owned(),
                |lane| {
                    let took = duration(Duration::from_millis(
                        u64::try_from(lane.took()).unwrap_or(0),
                    ));
                    match lane.outcome {
                        Some(StepOutcome::Failed) => format!("{took} ✗ failed"),
                        Some(StepOutcome::Unknown) => format!("{took} ? unknown"),
                        Some(StepOutcome::Skipped) => "» skipped".to_owned(),
                        Some(StepOutcome::Done) | None => took,
                    }
                },
            )
        };
        format!("{} → {}", say(self.old), say(self.new))
    }
}

/// A resource in both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The resource.
    pub address: Address,
    /// All of it.
    pub whole: Pair,
    /// Its steps.
    pub steps: Vec<(StepId, Pair)>,
}

/// One of the two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// Its id.
    pub run: RunId,
    /// Its command.
    pub command: String,
    /// When it began.
    pub began: Wall,
    /// How it ended.
    pub outcome: String,
    /// How long it took, in milliseconds.
    pub took: i64,
}

impl Side {
    fn of(run: &RunView) -> Self {
        let last = || run.steps.values().filter_map(|step| step.finished).max();
        let end = run.finished.as_ref().map(|(at, ..)| *at).or_else(last);
        Self {
            run: run.run_id.clone(),
            command: run.command.clone(),
            began: run.started,
            outcome: run
                .finished
                .as_ref()
                .map_or_else(|| "unfinished".to_owned(), |(_, word, ..)| word.clone()),
            took: end.map_or(0, |end| end.0.saturating_sub(run.started.0).max(0)),
        }
    }
}

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The older one.
    pub old: Side,
    /// The newer one.
    pub new: Side,
    /// What was worked on in either, in the order of time.
    pub items: Vec<Item>,
    /// What differs between the two plans.
    pub plan: Vec<(String, Tone)>,
}

impl Comparison {
    /// Compares two runs, the older one first.
    #[must_use]
    pub fn of(old: &RunView, new: &RunView) -> Self {
        let addresses: BTreeSet<&Address> = worked(old).chain(worked(new)).collect();
        let mut items: Vec<Item> = addresses
            .into_iter()
            .map(|address| item(old, new, address))
            .collect();
        items.sort_by_key(|item| {
            let lane = item.whole.new.or(item.whole.old);
            (
                lane.map_or(i64::MAX, |lane| lane.from),
                item.address.clone(),
            )
        });
        Self {
            old: Side::of(old),
            new: Side::of(new),
            items,
            plan: plans(old.plan.as_deref(), new.plan.as_deref()),
        }
    }

    /// Returns both runs as a whole.
    #[must_use]
    pub fn whole(&self) -> Pair {
        let lane = |side: &Side| {
            Some(Lane {
                from: 0,
                to: side.took,
                outcome: None,
            })
        };
        Pair {
            old: lane(&self.old),
            new: lane(&self.new),
        }
    }

    /// Returns the end of the common axis, in milliseconds.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.old.took.max(self.new.took)
    }
}

fn worked(run: &RunView) -> impl Iterator<Item = &Address> {
    run.actions.keys()
}

fn item(old: &RunView, new: &RunView, address: &Address) -> Item {
    let lanes = |run: &RunView| -> BTreeMap<StepId, Lane> {
        steps_of(run, address)
            .filter_map(|(id, view)| {
                let lane = lane(run, view.started?, view.finished, view.outcome);
                Some((id.clone(), lane))
            })
            .collect()
    };
    let (before, after) = (lanes(old), lanes(new));
    let mut ids: Vec<&StepId> = before.keys().chain(after.keys()).collect();
    ids.sort();
    ids.dedup();
    let mut steps: Vec<(StepId, Pair)> = ids
        .into_iter()
        .map(|id| {
            let pair = Pair {
                old: before.get(id).copied(),
                new: after.get(id).copied(),
            };
            (id.clone(), pair)
        })
        .collect();
    steps.sort_by_key(|(_, pair)| pair.new.or(pair.old).map_or(0, |lane| lane.from));
    let action = |run: &RunView| {
        let view = run.actions.get(address)?;
        Some(lane(run, view.started, view.finished, view.outcome))
    };
    Item {
        address: address.clone(),
        whole: Pair {
            old: action(old),
            new: action(new),
        },
        steps,
    }
}

fn lane(run: &RunView, from: Wall, to: Option<Wall>, outcome: Option<StepOutcome>) -> Lane {
    let since = |at: Wall| at.0.saturating_sub(run.started.0).max(0);
    let end = run.finished.as_ref().map_or(from, |(at, ..)| *at);
    Lane {
        from: since(from),
        to: since(to.unwrap_or(end)).max(since(from)),
        outcome,
    }
}

/// What differs between two plans, in words.
fn plans(old: Option<&Plan>, new: Option<&Plan>) -> Vec<(String, Tone)> {
    let (Some(old), Some(new)) = (old, new) else {
        return vec![("one of the runs came to no plan".to_owned(), Tone::Dim)];
    };
    let mut lines = Vec::new();
    if old.config_hash == new.config_hash {
        lines.push(("the configuration is the same".to_owned(), Tone::Dim));
    } else {
        let text = format!(
            "the configuration changed: {} → {}",
            old.config_hash.short(),
            new.config_hash.short()
        );
        lines.push((text, Tone::Changed));
    }
    if old.engine != new.engine {
        let text = format!("the engine changed: {} → {}", old.engine, new.engine);
        lines.push((text, Tone::Changed));
    }
    let kinds = |plan: &Plan| -> BTreeMap<Address, ActionKind> {
        let working = plan.actions.iter().filter(|action| !action.is_noop());
        working
            .map(|action| (action.address.clone(), action.kind))
            .collect()
    };
    let (before, after) = (kinds(old), kinds(new));
    let mut addresses: Vec<&Address> = before.keys().chain(after.keys()).collect();
    addresses.sort();
    addresses.dedup();
    for address in addresses {
        let say = |kind: Option<&ActionKind>| kind.map_or("nothing", |kind| kind.as_str());
        let (was, is) = (before.get(address), after.get(address));
        if was != is {
            let text = format!("{address}: {} → {}", say(was), say(is));
            lines.push((text, Tone::Changed));
        }
    }
    lines
}

/// Says how long a side took.
#[must_use]
pub fn took(side: &Side) -> String {
    duration(between(
        side.began,
        Wall(side.began.0.saturating_add(side.took)),
    ))
}
