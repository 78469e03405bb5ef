//! Two runs side by side: what took longer, what took less, what is new and what is gone, in plan and in time.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::event::{Origin, StepOutcome};
use crate::domain::history::view::RunView;
use crate::domain::ids::{Address, Digest, RunId, StepId};
use crate::domain::plan::model::{Action, ActionKind, Cause, Change as FieldChange, Plan};
use crate::domain::time::Wall;

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
    /// Returns how long it took, in milliseconds.
    #[must_use]
    pub fn took(self) -> i64 {
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

/// The same thing in both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// In the older run.
    pub old: Option<Lane>,
    /// In the newer one.
    pub new: Option<Lane>,
}

impl Pair {
    /// Tells whether it ended otherwise than before.
    #[must_use]
    pub fn outcome_changed(&self) -> bool {
        let of = |lane: Option<Lane>| lane.and_then(|lane| lane.outcome);
        of(self.old) != of(self.new)
    }

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

/// One difference between what two runs were to do, or with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanChange {
    /// One of the runs came to no plan.
    NoPlan,
    /// Both were made of the same configuration.
    SameConfig,
    /// The configuration changed.
    Config {
        /// Digest before.
        before: Digest,
        /// Digest after.
        after: Digest,
    },
    /// Another version, engine, user or input.
    Other {
        /// What: `nkapp`, `engine`, `who`, or the name of an input.
        what: String,
        /// Before; empty where it was not said.
        before: String,
        /// After.
        after: String,
    },
    /// Something else is done to a resource; `None`: nothing.
    Action {
        /// The resource.
        address: Address,
        /// Before.
        before: Option<ActionKind>,
        /// After.
        after: Option<ActionKind>,
    },
    /// A field is wanted otherwise; of one the older plan left alone, what the newer one found counts as before.
    Field {
        /// The resource.
        address: Address,
        /// The field, with the instance where only one differs.
        path: String,
        /// Before; `None`: absent.
        before: Option<String>,
        /// After.
        after: Option<String>,
    },
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
    pub plan: Vec<PlanChange>,
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
            plan: plans(old, new),
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
        run.steps_of(address)
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

/// What differs between two plans, and in what they were made with.
fn plans(old: &RunView, new: &RunView) -> Vec<PlanChange> {
    let mut changes = origins(old, new);
    let (Some(old), Some(new)) = (old.plan.as_deref(), new.plan.as_deref()) else {
        changes.push(PlanChange::NoPlan);
        return changes;
    };
    let config = if old.config_hash == new.config_hash {
        PlanChange::SameConfig
    } else {
        PlanChange::Config {
            before: old.config_hash.clone(),
            after: new.config_hash.clone(),
        }
    };
    changes.insert(0, config);
    changes.extend(other("engine", &old.engine, &new.engine));
    let (before, after) = (working(old), working(new));
    let addresses: BTreeSet<&Address> = before.keys().chain(after.keys()).copied().collect();
    for address in addresses {
        let (was, is) = (before.get(address), after.get(address));
        let kind = |action: Option<&&Action>| action.map(|action| action.kind);
        if kind(was) != kind(is) {
            changes.push(PlanChange::Action {
                address: address.clone(),
                before: kind(was),
                after: kind(is),
            });
        }
        // What is there only since, or not any more, is said with that.
        let is = is.filter(|is| was.is_some() || is.kind != ActionKind::Create);
        changes.extend(is.into_iter().flat_map(|is| fields(was.copied(), is)));
    }
    changes
}

/// What a plan does something to.
fn working(plan: &Plan) -> BTreeMap<&Address, &Action> {
    let working = plan.actions.iter().filter(|action| !action.is_noop());
    working.map(|action| (&action.address, action)).collect()
}

/// The fields of a resource that the newer plan wants otherwise than the older run left them.
fn fields(was: Option<&Action>, is: &Action) -> Vec<PlanChange> {
    let config = |change: &&FieldChange| change.cause == Cause::Config;
    let known = |change: &FieldChange| {
        let same =
            |other: &&FieldChange| other.path == change.path && other.instance == change.instance;
        was?.changes.iter().filter(config).find(same)
    };
    let field = |change: &FieldChange| {
        let before = known(change).map_or(&change.before, |known| &known.after);
        // Of secret values only whether they changed is known.
        let hidden = change.sensitive && change.before.is_some() && change.after.is_some();
        (hidden || *before != change.after).then(|| PlanChange::Field {
            address: is.address.clone(),
            path: match change.instance {
                Some(instance) => format!("{}[{instance}]", change.path),
                None => change.path.clone(),
            },
            before: before.clone(),
            after: change.after.clone(),
        })
    };
    is.changes.iter().filter(config).filter_map(field).collect()
}

/// What the two were begun with: version, who, inputs.
fn origins(old: &RunView, new: &RunView) -> Vec<PlanChange> {
    let (was, is) = (&old.origin, &new.origin);
    let mut changes: Vec<PlanChange> = Vec::new();
    changes.extend(other("nkapp", &was.version, &is.version));
    changes.extend(other("who", &old.who, &new.who));
    let names: BTreeSet<&String> = was.inputs.keys().chain(is.inputs.keys()).collect();
    for name in names {
        let of = |origin: &Origin| origin.inputs.get(name).cloned().unwrap_or_default();
        changes.extend(other(name, &of(was), &of(is)));
    }
    changes
}

fn other(what: &str, before: &str, after: &str) -> Option<PlanChange> {
    (before != after).then(|| PlanChange::Other {
        what: what.to_owned(),
        before: before.to_owned(),
        after: after.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Instance;
    use crate::domain::plan::model::Strategy;

    fn action(changes: &[(&str, Option<&str>, Option<&str>, Cause)]) -> Action {
        let field = |(path, before, after, cause): &(&str, Option<&str>, Option<&str>, Cause)| {
            let instance = path.strip_suffix("[1]").map(|_| Instance(1));
            FieldChange {
                path: path.trim_end_matches("[1]").to_owned(),
                instance,
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
                cause: *cause,
                sensitive: path.starts_with("env.SECRET"),
            }
        };
        Action {
            address: Address::service("api"),
            kind: ActionKind::Update,
            strategy: Strategy::Recreate,
            reason: String::new(),
            layer: 0,
            depends_on: BTreeSet::new(),
            optional: BTreeSet::new(),
            fingerprint: None,
            seen: Vec::new(),
            changes: changes.iter().map(field).collect(),
            steps: Vec::new(),
        }
    }

    /// Says the fields that differ: `image: 2 -> 3`.
    fn told(was: Option<&Action>, is: &Action) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let field = |change: PlanChange| match change {
            PlanChange::Field {
                path,
                before,
                after,
                ..
            } => format!("{path}: {} -> {}", text(&before), text(&after)),
            other => format!("{other:?}"),
        };
        fields(was, is).into_iter().map(field).collect()
    }

    #[test]
    fn a_field_differs_from_what_the_older_run_left() {
        let config = Cause::Config;
        let one = |path, before, after| action(&[(path, before, after, config)]);
        let image = one("image", Some("1"), Some("2"));
        for (was, is, expected) in [
            (
                Some(&image),
                one("image", Some("2"), Some("3")),
                "image: 2 -> 3",
            ),
            // The older one left it alone.
            (None, one("image", Some("2"), Some("3")), "image: 2 -> 3"),
            (Some(&image), one("env.A", None, Some("1")), "env.A: - -> 1"),
            (Some(&image), one("image", Some("2"), None), "image: 2 -> -"),
            (
                Some(&image),
                one("image[1]", Some("1"), Some("2")),
                "image[1]: 1 -> 2",
            ),
            // Done once more, after a failure: it is wanted as before.
            (Some(&image), image.clone(), ""),
            (
                Some(&image),
                one("env.SECRET", Some("(sensitive)"), Some("(sensitive)")),
                "env.SECRET: (sensitive) -> (sensitive)",
            ),
            // What somebody changed by hand is no difference between two files.
            (
                None,
                action(&[("image", Some("9"), Some("2"), Cause::Drift)]),
                "",
            ),
        ] {
            assert_eq!(told(was, &is).join(" · "), expected, "{is:?}");
        }
    }
}
