//! Two runs side by side, in words: both front ends say the same.

use std::time::Duration;

use crate::domain::event::StepOutcome;
use crate::domain::history::compare::{Change, Comparison, Item, Lane, Pair, PlanChange, Side};
use crate::domain::plan::model::ActionKind;
use crate::present::human::{self, duration};
use crate::present::role::{Role, Row};
use crate::present::rows::plan::{LONGEST, arrow};

/// Says how a time changed, in a word and a symbol.
#[must_use]
pub fn change(change: Change) -> (String, Role) {
    let time = |ms: i64| duration(Duration::from_millis(ms.unsigned_abs()));
    match change {
        Change::Longer(by) => (format!("+{} ▲ longer", time(by)), Role::Warn),
        Change::Shorter(by) => (format!("-{} ▼ shorter", time(by)), Role::Good),
        Change::Same => ("= as before".to_owned(), Role::Dim),
        Change::New => ("+ new".to_owned(), Role::Added),
        Change::Gone => ("- not in it".to_owned(), Role::Removed),
    }
}

/// Says both times, and the outcome where it is not plainly done: `3.0 s → 7.2 s`.
#[must_use]
pub fn times(pair: &Pair) -> String {
    format!("{} → {}", lane(pair.old), lane(pair.new))
}

fn lane(lane: Option<Lane>) -> String {
    let Some(lane) = lane else {
        return "none".to_owned();
    };
    let took = duration(Duration::from_millis(
        u64::try_from(lane.took()).unwrap_or(0),
    ));
    match lane.outcome {
        Some(StepOutcome::Failed) => format!("{took} ✗ failed"),
        Some(StepOutcome::Unknown) => format!("{took} ? unknown"),
        Some(StepOutcome::Skipped) => "» skipped".to_owned(),
        Some(StepOutcome::Done) | None => took,
    }
}

/// Says one difference between what two runs were to do, or with what.
#[must_use]
pub fn plan_change(change: &PlanChange) -> (String, Role) {
    let or_nothing = |text: &str| {
        if text.is_empty() {
            "not said".to_owned()
        } else {
            text.to_owned()
        }
    };
    match change {
        PlanChange::NoPlan => ("one of the runs came to no plan".to_owned(), Role::Dim),
        PlanChange::SameConfig => ("the configuration is the same".to_owned(), Role::Dim),
        PlanChange::Config { before, after } => {
            let text = format!(
                "the configuration changed: {} → {}",
                before.short(),
                after.short()
            );
            (text, Role::Changed)
        }
        PlanChange::Other {
            what,
            before,
            after,
        } => {
            let text = format!("{what}: {} → {}", or_nothing(before), or_nothing(after));
            (text, Role::Changed)
        }
        PlanChange::Action {
            address,
            before,
            after,
        } => {
            let say = |kind: &Option<ActionKind>| kind.map_or("nothing", ActionKind::as_str);
            let text = format!("{address}: {} → {}", say(before), say(after));
            (text, Role::Changed)
        }
        PlanChange::Field {
            address,
            path,
            before,
            after,
        } => {
            let values = arrow((before, after), LONGEST);
            (format!("{address} {path}: {values}"), Role::Changed)
        }
    }
}

/// Says how long a side took.
#[must_use]
pub fn took(side: &Side) -> String {
    duration(Duration::from_millis(u64::try_from(side.took).unwrap_or(0)))
}

/// Returns two runs side by side; with `all`, also what took as long as before.
#[must_use]
pub fn rows(comparison: &Comparison, all: bool) -> Vec<Row> {
    let mut rows = vec![
        side("before", &comparison.old),
        side("after ", &comparison.new),
    ];
    let (words, role) = change(comparison.whole().change());
    rows.push(
        Row::at(0)
            .with(Role::Strong, times(&comparison.whole()))
            .with(Role::Plain, "  ")
            .with(role, words),
    );
    rows.push(Row::at(0));
    for difference in &comparison.plan {
        let (text, role) = plan_change(difference);
        rows.push(Row::at(0).with(Role::Dim, "plan: ").with(role, text));
    }
    let mut same = 0;
    for item in &comparison.items {
        let moved = |pair: &Pair| pair.change() != Change::Same || pair.outcome_changed();
        let steps: Vec<_> = item
            .steps
            .iter()
            .filter(|(_, pair)| all || moved(pair))
            .collect();
        if !all && steps.is_empty() && !moved(&item.whole) {
            same += 1;
            continue;
        }
        rows.extend(resource(item));
        for (id, pair) in steps {
            rows.push(pair_row(2, id.as_str(), pair));
        }
    }
    if same > 0 {
        let text = format!(
            "{} took as long as before; -v shows them",
            crate::present::words::count(same, "resource")
        );
        rows.push(Row::at(0).with(Role::Dim, text));
    }
    rows
}

fn resource(item: &Item) -> Vec<Row> {
    vec![pair_row(0, &item.address.to_string(), &item.whole)]
}

fn pair_row(indent: usize, name: &str, pair: &Pair) -> Row {
    let (words, role) = change(pair.change());
    Row::at(indent)
        .with(Role::Path, name)
        .with(Role::Plain, format!("  {}  ", times(pair)))
        .with(role, words)
}

fn side(word: &str, side: &Side) -> Row {
    Row::at(0)
        .with(Role::Dim, format!("{word}  "))
        .with(Role::Path, side.run.as_str())
        .with(
            Role::Plain,
            format!("  {} {} after {}", side.command, side.outcome, took(side)),
        )
        .with(Role::Dim, format!(", {} UTC", human::moment(side.began)))
}
