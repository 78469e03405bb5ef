//! A plan as rows: layers, actions with their reason, differences with their cause, steps, remarks, sums.

use crate::domain::plan::model::{Action, ActionKind, Change, Plan, Step, Summary};
use crate::present::human;
use crate::present::role::{Role, Row, Span};
use crate::present::rows::table::columns;
use crate::present::words;

/// How much of a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Steps of each action.
    pub steps: bool,
    /// Actions that do nothing.
    pub unchanged: bool,
    /// Every field of what is created or removed as a whole, and values in full length.
    pub fields: bool,
}

/// Longest value that is shown unless all of it is asked for, in characters.
pub(super) const LONGEST: usize = 60;

/// Returns the whole plan.
#[must_use]
pub fn plan(plan: &Plan, detail: Detail) -> Vec<Row> {
    let mut rows = vec![heading(plan)];
    let shown = |action: &&Action| detail.unchanged || !action.is_noop();
    let mut layers: Vec<usize> = plan.actions.iter().filter(shown).map(|a| a.layer).collect();
    layers.dedup();
    for layer in layers {
        rows.push(Row::default());
        rows.push(Row::at(0).with(Role::Dim, format!("Layer {layer}")));
        let actions: Vec<&Action> = plan
            .actions
            .iter()
            .filter(|a| a.layer == layer)
            .filter(shown)
            .collect();
        let lines: Vec<Vec<Span>> = actions.iter().map(|a| title(a)).collect();
        for (action, row) in actions.iter().zip(columns(1, &lines)) {
            rows.push(row);
            let whole = matches!(action.kind, ActionKind::Create | ActionKind::Delete);
            if detail.fields || !whole {
                let longest = if detail.fields { usize::MAX } else { LONGEST };
                rows.extend(cut_changes(&action.changes, 3, longest));
            }
            // The steps of a procedure are what it is.
            if detail.steps || action.kind == ActionKind::Run {
                rows.extend(steps(&action.steps, 3));
            }
        }
    }
    rows.push(Row::default());
    rows.extend(warnings(plan));
    rows.push(sums(plan));
    rows
}

/// Returns what somebody should know of a plan before it is carried out.
pub fn warnings(plan: &Plan) -> impl Iterator<Item = Row> {
    plan.warnings.iter().map(|warning| {
        let mut row = Row::at(0).with(Role::Warn, "! ");
        if let Some(address) = &warning.address {
            row = row.with(Role::Path, format!("{address}: "));
        }
        row.with(Role::Plain, &warning.text)
    })
}

/// Returns what the plan is of.
#[must_use]
pub fn heading(plan: &Plan) -> Row {
    let scope = &plan.scope;
    let mut row = Row::at(0)
        .with(Role::Strong, scope.project.as_str())
        .with(Role::Dim, " · ")
        .with(Role::Strong, scope.env.as_str());
    if let Some(component) = &scope.component {
        row = row
            .with(Role::Dim, " · ")
            .with(Role::Strong, component.as_str());
    }
    row = row
        .with(Role::Dim, " · ")
        .with(Role::Plain, plan.purpose.as_str());
    if !plan.targets.is_empty() {
        let targets: Vec<&str> = plan.targets.iter().map(String::as_str).collect();
        row = row.with(Role::Plain, format!(" {}", targets.join(" ")));
    }
    let id: String = plan.id.as_str().chars().take(12).collect();
    row = row.with(Role::Dim, format!(" · plan {id}"));
    match plan.serial {
        Some(serial) => row.with(Role::Dim, format!(" against state {serial}")),
        None => row.with(Role::Dim, " against no state yet"),
    }
}

/// Returns an action's title as cells: symbol and address, how, why.
#[must_use]
pub fn title(action: &Action) -> Vec<Span> {
    let (symbol, role) = words::action(action.kind);
    let how = if action.is_noop() || action.strategy == crate::domain::plan::model::Strategy::None {
        ""
    } else {
        words::strategy(action.strategy)
    };
    vec![
        Span::new(role, format!("{symbol} {}", action.address)),
        Span::new(Role::Dim, how),
        Span::new(Role::Plain, &action.reason),
    ]
}

/// Returns differences: path, cause, before → after.
#[must_use]
pub fn changes(changes: &[Change], indent: usize) -> Vec<Row> {
    cut_changes(changes, indent, LONGEST)
}

fn cut_changes(changes: &[Change], indent: usize, longest: usize) -> Vec<Row> {
    let lines: Vec<Vec<Span>> = changes.iter().map(|c| change(c, longest)).collect();
    columns(indent, &lines)
}

fn change(change: &Change, longest: usize) -> Vec<Span> {
    let path = match change.instance {
        Some(instance) => format!("{}[{instance}]", change.path),
        None => change.path.clone(),
    };
    let shown = |side: &Option<String>| side.as_ref().map(|text| human::value(&change.path, text));
    let arrow = arrow((&shown(&change.before), &shown(&change.after)), longest);
    let role = match (&change.before, &change.after) {
        (None, _) => Role::Added,
        (_, None) => Role::Removed,
        (Some(_), Some(_)) => Role::Changed,
    };
    vec![
        Span::new(Role::Plain, path),
        Span::new(Role::Dim, words::cause(change.cause)),
        Span::new(role, arrow),
    ]
}

/// Says what a value was and is: `1 → 2`.
pub(super) fn arrow((before, after): (&Option<String>, &Option<String>), longest: usize) -> String {
    let value = |value: &Option<String>| match value {
        Some(text) => cut(text, longest),
        None => "(absent)".to_owned(),
    };
    format!("{} → {}", value(before), value(after))
}

/// Cuts a value in its middle, so that both ends still tell it apart.
fn cut(text: &str, longest: usize) -> String {
    let length = text.chars().count();
    if length <= longest {
        return text.to_owned();
    }
    let half = longest / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(length - half).collect();
    format!("{head}…{tail}")
}

/// Returns steps: what, where, on what.
#[must_use]
pub fn steps(steps: &[Step], indent: usize) -> Vec<Row> {
    let lines: Vec<Vec<Span>> = steps
        .iter()
        .map(|step| {
            let id = step.id.as_str();
            let name = id.split_once('/').map_or(id, |(_, name)| name);
            let name = match step.instance {
                Some(instance) => format!("[{instance}] {name}"),
                None => name.to_owned(),
            };
            vec![
                Span::new(Role::Dim, "·"),
                Span::new(Role::Plain, name),
                Span::new(Role::Dim, step.place.as_str()),
                Span::new(Role::Dim, &step.detail),
            ]
        })
        .collect();
    columns(indent, &lines)
}

/// Returns the sums in a sentence.
#[must_use]
pub fn sums(plan: &Plan) -> Row {
    let Summary {
        create,
        update,
        delete,
        noop,
        run,
        drift,
    } = plan.summary();
    if plan.is_empty() {
        return Row::at(0).with(
            Role::Good,
            format!(
                "Nothing to do: {} as wanted",
                words::count(noop, "resource")
            ),
        );
    }
    let mut row = Row::at(0).with(Role::Strong, "Plan: ");
    let parts = [
        (create, "to create", Role::Added),
        (update, "to update", Role::Changed),
        (delete, "to delete", Role::Removed),
        (run, "actions to run", Role::Busy),
        (noop, "unchanged", Role::Kept),
        (drift, "drifted", Role::Warn),
    ];
    let mut first = true;
    for (number, word, role) in parts {
        if number == 0 && matches!(word, "drifted" | "actions to run") {
            continue;
        }
        if !first {
            row = row.with(Role::Plain, ", ");
        }
        first = false;
        let word = if (number, word) == (1, "actions to run") {
            "action to run"
        } else {
            word
        };
        let role = if number == 0 { Role::Dim } else { role };
        row = row.with(role, format!("{number} {word}"));
    }
    match plan.surplus() {
        0 => row,
        gone => {
            let text = format!("; {} removed", words::count(gone, "instance"));
            row.with(Role::Removed, text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Address, Digest, Instance, PlanId, ProjectName, Scope, Serial};
    use crate::domain::plan::model::{Cause, PlanWarning, Purpose, StepKind, StepPlace, Strategy};
    use std::collections::BTreeSet;

    fn action(address: Address, kind: ActionKind, layer: usize, reason: &str) -> Action {
        Action {
            address,
            kind,
            strategy: Strategy::None,
            reason: reason.into(),
            layer,
            depends_on: BTreeSet::new(),
            optional: BTreeSet::new(),
            fingerprint: None,
            seen: Vec::new(),
            changes: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn sample() -> Plan {
        let api = Address::service("api");
        let mut update = action(api.clone(), ActionKind::Update, 1, "image changed");
        update.strategy = Strategy::Rolling;
        update.changes = vec![
            Change {
                path: "image".into(),
                instance: None,
                before: Some("api:1".into()),
                after: Some("api:2\u{1b}[2J".into()),
                cause: Cause::Config,
                sensitive: false,
            },
            Change {
                path: "status".into(),
                instance: Some(Instance(1)),
                before: None,
                after: Some("running".into()),
                cause: Cause::Drift,
                sensitive: false,
            },
        ];
        update.steps = vec![Step {
            id: api.step(Some(Instance(0)), "prestart.host"),
            kind: StepKind::Create,
            place: StepPlace::Host,
            instance: Some(Instance(0)),
            old: false,
            needs: Vec::new(),
            detail: "./migrate".into(),
        }];
        Plan {
            id: PlanId::new("0123456789abcdef"),
            purpose: Purpose::Deploy,
            scope: Scope {
                project: ProjectName::parse("shop").expect("a name"),
                env: crate::domain::ids::EnvName::parse("local").expect("a name"),
                component: None,
            },
            targets: BTreeSet::new(),
            lineage: None,
            serial: Some(Serial(7)),
            config_hash: Digest::default(),
            engine: String::new(),
            layers: Vec::new(),
            actions: vec![
                action(
                    Address::network("default"),
                    ActionKind::Create,
                    0,
                    "not deployed yet",
                ),
                action(Address::service("db"), ActionKind::Noop, 0, ""),
                update,
            ],
            warnings: vec![PlanWarning {
                address: Some(api),
                text: "a stray was seen".into(),
                blocks: false,
            }],
        }
    }

    fn text(rows: &[Row]) -> String {
        rows.iter().map(|r| r.text() + "\n").collect()
    }

    #[test]
    fn a_plan_is_told_layer_by_layer() {
        insta::assert_snapshot!(text(&plan(&sample(), Detail::default())), @r"
        shop · local · deploy · plan 0123456789ab against state 7

        Layer 0
          + network.default    not deployed yet

        Layer 1
          ~ service.api  rolling  image changed
              image      config  api:1 → api:2
              status[1]  drift   (absent) → running

        ! service.api: a stray was seen
        Plan: 1 to create, 1 to update, 0 to delete, 1 unchanged, 1 drifted
        ");
    }

    #[test]
    fn steps_and_unchanged_resources_are_shown_when_asked_for() {
        let detail = Detail {
            steps: true,
            unchanged: true,
            fields: true,
        };
        let all = text(&plan(&sample(), detail));
        assert!(all.contains("• service.db"), "{all}");
        assert!(
            all.contains("·  [0] prestart.host  host  ./migrate"),
            "{all}"
        );
    }

    #[test]
    fn an_empty_plan_says_so() {
        let mut plan = sample();
        plan.actions.retain(Action::is_noop);
        assert_eq!(sums(&plan).text(), "Nothing to do: 1 resource as wanted");
    }
}
