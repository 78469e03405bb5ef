//! Actions and steps of a run as rows: how they stand, how long they took and usually take, what they wait for.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::event::StepOutcome;
use crate::domain::history::predict::action_time;
use crate::domain::history::view::{ActionView, RunView, StepView};
use crate::domain::ids::{Address, ResourceKind, StepId};
use crate::domain::plan::model::Action;
use crate::domain::time::Wall;
use crate::present::human::duration;
use crate::tui::blocked::Blocked;
use crate::tui::rows::course::{current_step, progress_text};
use crate::tui::rows::plan::step_label;
use crate::tui::rows::row::{Cell, Row, Subject, Timer};
use crate::tui::rows::run::{Known, is_bad};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;
use crate::tui::words::between;

/// How many lines of why a step failed stand below it.
const REASON: usize = 8;

/// Makes the row of an action, with its steps below.
pub(super) fn action_node(known: &Known<'_>, address: &Address) -> Node {
    let action = known.actions.get(address).copied();
    let run = known.run;
    let view = run.actions.get(address);
    let warned = run
        .steps_of(address)
        .filter(|(_, step)| is_bad(step.outcome))
        .count();
    let symbol = match view.and_then(|view| view.outcome) {
        Some(StepOutcome::Done) if warned > 0 => Cell::new("!", Tone::Warn),
        _ => action_cell(view),
    };
    let kind = view.map(|view| view.kind).or(action.map(|a| a.kind));
    let waits = view.is_none().then(|| waits(known, action));
    let waits = waits.unwrap_or_default();
    let remark = match view {
        Some(view) => {
            let usual = action.and_then(|action| action_time(action, known.usual?));
            with_usual(action_remark(run, address, view), view_time(view), usual)
        }
        None => waits.0,
    };
    let row = Row {
        subject: Subject::Resource(address.clone()),
        symbol,
        label: address.to_string(),
        tone: Tone::Text,
        columns: vec![Cell::new(kind.map_or("", |kind| kind.as_str()), Tone::Dim)],
        timer: match view {
            Some(view) => Some(timer(view.started, view.finished)),
            None => waits.1,
        },
        remark,
    };
    let open =
        view.is_some_and(|view| view.outcome.is_none() || is_bad(view.outcome) || warned > 0);
    Node::leaf(address.to_string(), row).with(open, step_nodes(known, address, action))
}

fn action_remark(run: &RunView, address: &Address, view: &ActionView) -> Cell {
    let first_line = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    match view.outcome {
        None => current_step(run, address).map_or_else(Cell::default, |(cell, _)| cell),
        Some(StepOutcome::Done) => match run.steps_of(address).find(|(_, s)| is_bad(s.outcome)) {
            Some((id, _)) => Cell::new(
                format!("ok, but {} failed, which only warns", own_name(id, address)),
                Tone::Warn,
            ),
            None => Cell::default(),
        },
        Some(StepOutcome::Skipped) => match (&view.blame, &view.message) {
            (Some(blame), _) => Cell::new(format!("skipped because of {blame}"), Tone::Warn),
            // It had begun: the engine says how far it came.
            (None, Some(message)) => Cell::new(first_line(message), Tone::Warn),
            (None, None) => Cell::new("skipped", Tone::Warn),
        },
        Some(StepOutcome::Failed) => Cell::new(
            view.message
                .as_deref()
                .map_or_else(|| "failed".into(), first_line),
            Tone::Fail,
        ),
        Some(StepOutcome::Unknown) => Cell::new(
            view.message
                .as_deref()
                .map_or_else(|| "outcome unknown, the next run looks".into(), first_line),
            Tone::Fail,
        ),
    }
}

/// Names a step within its resource: `prestart.host`, `[1] start`.
fn own_name(id: &StepId, address: &Address) -> String {
    let own = id.as_str().strip_prefix(&address.to_string());
    let own = own.unwrap_or(id.as_str()).trim_start_matches('/');
    own.trim_start_matches("[0]/").replacen("]/", "] ", 1)
}

/// Says what an action that has not begun waits for, and since when.
fn waits(known: &Known<'_>, action: Option<&Action>) -> (Cell, Option<Timer>) {
    let Some(action) = action else {
        return (Cell::default(), None);
    };
    if known.run.finished.is_some() {
        return (Cell::new("not begun", Tone::Dim), None);
    }
    let blocks = known.blocks.as_ref();
    match blocks.and_then(|blocks| blocks.by(&action.address)) {
        Some(blocked) => (
            Cell::new(blocked.words(), Tone::Dim),
            blocked.since.map(Timer::Since),
        ),
        None => (
            Cell::new(format!("waits for layer {}", known.layer), Tone::Dim),
            None,
        ),
    }
}

fn view_time(view: &ActionView) -> Option<Duration> {
    view.finished.map(|to| between(view.started, to))
}

/// Puts what is usual in front of a remark: always while it runs, and afterwards where it took much longer.
fn with_usual(remark: Cell, took: Option<Duration>, usual: Option<Duration>) -> Cell {
    let Some(usual) = usual.filter(|usual| took.is_none_or(|took| much_longer(took, *usual)))
    else {
        return remark;
    };
    let words = format!("usually {}", duration(usual));
    if remark.text.is_empty() {
        return Cell::new(words, Tone::Dim);
    }
    Cell::new(format!("{words}, {}", remark.text), remark.tone)
}

/// Tells whether a time is long enough over the usual to be worth a word.
#[must_use]
pub fn much_longer(took: Duration, usual: Duration) -> bool {
    took > usual.saturating_mul(3) / 2 && took > usual.saturating_add(Duration::from_millis(500))
}

fn step_nodes(known: &Known<'_>, address: &Address, action: Option<&Action>) -> Vec<Node> {
    let run = known.run;
    let planned = action.map_or(&[][..], |action| action.steps.as_slice());
    let blocks = known.blocks.as_ref();
    let seen = |id: &StepId, view, detail| SeenStep {
        view,
        detail,
        blocked: blocks.and_then(|blocks| blocks.step(address, id)),
        over: run.finished.is_some(),
        usual: known.usual.and_then(|usual| usual.of(id)),
    };
    let named: BTreeSet<&StepId> = planned.iter().map(|step| &step.id).collect();
    let mut nodes: Vec<Node> = planned
        .iter()
        .map(|step| {
            let view = run.steps.get(&step.id);
            let seen = seen(&step.id, view, step.detail.as_str());
            step_node(address, &step.id, step_label(step), &seen)
        })
        .collect();
    nodes.extend(
        run.steps_of(address)
            .filter(|(id, _)| !named.contains(id))
            .map(|(id, view)| {
                let label = id.as_str().rsplit('/').next().unwrap_or_default();
                step_node(address, id, label.to_owned(), &seen(id, Some(view), ""))
            }),
    );
    for node in &mut nodes {
        let Subject::Step(_, id) = &node.row.subject else {
            continue;
        };
        if let Some(lines) = known.last_words.get(id) {
            let message = run.steps.get(id).and_then(|view| view.message.as_deref());
            node.children = words_nodes(address, id, (message.unwrap_or(""), lines), known.key);
            node.open = true;
        }
    }
    nodes
}

/// What a failed step said last, and how to see all of it.
fn words_nodes(
    address: &Address,
    id: &StepId,
    (message, lines): (&str, &[String]),
    key: &str,
) -> Vec<Node> {
    let row = |text: String, tone: Tone| Row {
        subject: Subject::Step(address.clone(), id.clone()),
        label: text,
        tone,
        ..Row::default()
    };
    // The first line of the reason stands behind the step itself.
    let reason = message
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty());
    let reason = reason
        .take(REASON)
        .map(|line| (line.to_owned(), Tone::Fail));
    let said = lines.iter().rev().map(|line| (line.clone(), Tone::Text));
    let mut nodes: Vec<Node> = reason
        .chain(said)
        .enumerate()
        .map(|(at, (line, tone))| Node::leaf(format!("{id}#{at}"), row(line, tone)))
        .collect();
    let hint = match (nodes.is_empty(), lines.is_empty()) {
        (true, _) if matches!(address.kind, ResourceKind::Network | ResourceKind::Volume) => {
            "no output; mend that and deploy again, what is done is not done twice".to_owned()
        }
        (true, _) => "no output".to_owned(),
        (false, true) => return nodes,
        (false, false) => format!("`{key}` opens the whole output"),
    };
    nodes.push(Node::leaf(format!("{id}#all"), row(hint, Tone::Dim)));
    nodes
}

/// A step as the plan and the run know it.
struct SeenStep<'a> {
    view: Option<&'a StepView>,
    detail: &'a str,
    /// Whether the run has ended.
    over: bool,
    usual: Option<Duration>,
    /// What it waits for, while it does.
    blocked: Option<Blocked>,
}

fn step_node(address: &Address, id: &StepId, label: String, seen: &SeenStep<'_>) -> Node {
    let view = seen.view;
    let row = Row {
        subject: Subject::Step(address.clone(), id.clone()),
        symbol: step_cell(view),
        label,
        tone: if view.is_some() {
            Tone::Text
        } else {
            Tone::Dim
        },
        columns: Vec::new(),
        timer: view.and_then(|view| match view.started {
            Some(started) => Some(timer(started, view.finished)),
            None if seen.over || view.outcome.is_some() => None,
            None => match &seen.blocked {
                Some(blocked) => blocked.since.map(Timer::Since),
                None => view.queued.map(Timer::Since),
            },
        }),
        remark: match view.and_then(|view| view.started) {
            Some(from) => {
                let to = view.and_then(|view| view.finished);
                with_usual(
                    step_remark(seen),
                    to.map(|to| between(from, to)),
                    seen.usual,
                )
            }
            None => step_remark(seen),
        },
    };
    Node::leaf(id.as_str(), row)
}

fn step_remark(seen: &SeenStep<'_>) -> Cell {
    let SeenStep {
        view,
        detail,
        over,
        blocked,
        ..
    } = seen;
    let Some(view) = view else {
        return Cell::new(*detail, Tone::Dim);
    };
    if *over && view.started.is_none() && view.outcome.is_none() {
        return Cell::new("not begun", Tone::Dim);
    }
    match view.outcome {
        Some(StepOutcome::Failed | StepOutcome::Unknown) => {
            let exit = view
                .exit_code
                .map_or_else(String::new, |code| format!("exit {code}  "));
            let message = view.message.as_deref().unwrap_or_default();
            let first = message.lines().next().unwrap_or_default();
            Cell::new(format!("{}{exit}{first}", attempts(view)), Tone::Fail)
        }
        Some(StepOutcome::Skipped) => Cell::new("skipped", Tone::Warn),
        Some(StepOutcome::Done) => Cell::new(format!("{}{detail}", attempts(view)), Tone::Dim),
        None if let (None, Some(blocked)) = (view.started, blocked) => {
            Cell::new(blocked.words(), Tone::Dim)
        }
        None if view.started.is_none() && !view.waits_for.is_empty() => {
            Cell::new(format!("waits for {}", awaited(&view.waits_for)), Tone::Dim)
        }
        None => match &view.progress {
            Some(progress) => Cell::new(progress_text(progress), Tone::Busy),
            None if view.attempt > 1 => {
                Cell::new(format!("attempt {}  {detail}", view.attempt), Tone::Warn)
            }
            None => Cell::new(*detail, Tone::Dim),
        },
    }
}

/// Says how many attempts a step took, where it took more than one.
fn attempts(view: &StepView) -> String {
    match view.attempt {
        0 | 1 => String::new(),
        many => format!("{many} attempts  "),
    }
}

/// The last of what a step waits for, by its own name; the rest is done before it.
fn awaited(waits_for: &[String]) -> String {
    let last = waits_for.last().map_or("", String::as_str);
    match last.rsplit_once('/') {
        Some((_, name)) => name.to_owned(),
        None if last == "worker" => "a free worker".to_owned(),
        None => last.to_owned(),
    }
}

fn timer(started: Wall, finished: Option<Wall>) -> Timer {
    match finished {
        Some(finished) => Timer::Took(started, finished),
        None => Timer::Since(started),
    }
}

/// Returns the symbol of an action.
#[must_use]
pub fn action_cell(view: Option<&ActionView>) -> Cell {
    match view {
        None => Cell::new("○", Tone::Dim),
        Some(view) => outcome_cell(view.outcome),
    }
}

fn step_cell(view: Option<&StepView>) -> Cell {
    match view {
        Some(view) if view.started.is_some() || view.outcome.is_some() => {
            outcome_cell(view.outcome)
        }
        Some(_) | None => Cell::new("○", Tone::Dim),
    }
}

fn outcome_cell(outcome: Option<StepOutcome>) -> Cell {
    match outcome {
        None => Cell::new("◐", Tone::Busy),
        Some(StepOutcome::Done) => Cell::new("✓", Tone::Ok),
        Some(StepOutcome::Failed) => Cell::new("✗", Tone::Fail),
        Some(StepOutcome::Skipped) => Cell::new("»", Tone::Warn),
        Some(StepOutcome::Unknown) => Cell::new("?", Tone::Fail),
    }
}
