//! The dependency tree of the services with their live state.
//!
//! A service stands below everything that depends on it, but is opened out only once: a second occurrence is
//! marked as shared. So the tree grows with the number of edges, not of paths.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::snapshot::{RunView, Snapshot};
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::plan::model::ActionKind;
use crate::domain::project::project::Project;
use crate::domain::project::service::{Service, ServiceKind};
use crate::domain::report::ResourceStatus;
use crate::present::words::count;
use crate::tui::rows::course::current_step;
use crate::tui::rows::row::{Cell, Row, Subject};
use crate::tui::rows::run::action_cell;
use crate::tui::rows::standing::{State, health, instances, state};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// How deep a branch goes before it is continued further down on the left.
const DEEPEST: usize = 24;

/// Computes the tree.
#[must_use]
pub fn nodes(snapshot: &Snapshot) -> Vec<Node> {
    let seen = &Seen::of(snapshot);
    let project = snapshot
        .config
        .as_ref()
        .and_then(|config| config.project.as_deref());
    let mut nodes = match project {
        Some(project) => Forest::of(seen, project).grow(),
        None => Vec::new(),
    };
    nodes.extend(orphans(seen, project));
    for kind in [ResourceKind::Network, ResourceKind::Volume] {
        nodes.extend(others(seen, project, kind));
    }
    nodes.extend(strays(snapshot));
    nodes
}

/// The snapshot with its plan's actions by address, so that a look-up does not walk the plan.
struct Seen<'a> {
    snapshot: &'a Snapshot,
    planned: BTreeMap<&'a Address, ActionKind>,
}

impl<'a> Seen<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let plan = snapshot.plan.as_deref();
        let actions = plan.map_or(&[][..], |plan| plan.actions.as_slice());
        Self {
            snapshot,
            planned: actions.iter().map(|a| (&a.address, a.kind)).collect(),
        }
    }
}

/// The services of a project while they are being arranged.
struct Forest<'a> {
    seen: &'a Seen<'a>,
    project: &'a Project,
    dependents: BTreeMap<&'a str, Vec<&'a str>>,
    shown: BTreeSet<&'a str>,
    later: Vec<&'a str>,
}

impl<'a> Forest<'a> {
    fn of(seen: &'a Seen<'a>, project: &'a Project) -> Self {
        let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for service in project.services.values() {
            for name in service.depends_on.keys() {
                dependents
                    .entry(name.as_str())
                    .or_default()
                    .push(&service.name);
            }
        }
        Self {
            seen,
            project,
            dependents,
            shown: BTreeSet::new(),
            later: Vec::new(),
        }
    }

    fn grow(mut self) -> Vec<Node> {
        let roots: Vec<&str> = self
            .project
            .services
            .keys()
            .map(String::as_str)
            .filter(|name| !self.dependents.contains_key(name))
            .collect();
        let mut nodes: Vec<Node> = roots
            .into_iter()
            .filter_map(|name| self.node(name, 0))
            .collect();
        while !self.later.is_empty() {
            for name in std::mem::take(&mut self.later) {
                if !self.shown.contains(name) {
                    nodes.extend(self.node(name, 0));
                }
            }
        }
        nodes
    }

    fn node(&mut self, name: &'a str, depth: usize) -> Option<Node> {
        let service = self.project.services.get(name)?;
        let mut row = service_row(self.seen, service);
        let users = self.dependents.get(name).map_or(&[][..], Vec::as_slice);
        if self.shown.contains(name) {
            row.tone = Tone::Dim;
            add_remark(&mut row, "^ shared, see above");
            return Some(Node::leaf(name, row));
        }
        if depth >= DEEPEST {
            self.later.push(name);
            row.tone = Tone::Dim;
            add_remark(&mut row, "continues below");
            return Some(Node::leaf(name, row));
        }
        self.shown.insert(name);
        if users.len() > 1 {
            add_remark(&mut row, &format!("^ shared by {}", users.join(", ")));
        }
        let children = service
            .depends_on
            .keys()
            .filter_map(|dependency| self.node(dependency, depth + 1))
            .collect();
        Some(Node::leaf(name, row).with(true, children))
    }
}

fn add_remark(row: &mut Row, text: &str) {
    if row.remark.text.is_empty() {
        row.remark = Cell::new(text, Tone::Dim);
    } else {
        row.remark.text.push_str("  ");
        row.remark.text.push_str(text);
    }
}

fn service_row(seen: &Seen<'_>, service: &Service) -> Row {
    let snapshot = seen.snapshot;
    let address = service.address();
    let status = snapshot
        .status
        .as_ref()
        .and_then(|report| report.resources.get(&address));
    let state = state(service.kind, service.instances, status);
    let health = health(snapshot, status);
    let wanted = status.map_or(service.instances, |status| status.wanted);
    let mut row = Row {
        subject: Subject::Resource(address.clone()),
        symbol: state.symbol,
        label: service.name.clone(),
        tone: Tone::Text,
        columns: vec![
            state.word,
            health,
            instances(service.kind, status, wanted),
            pending(seen, status, &address),
        ],
        timer: None,
        remark: Cell::default(),
    };
    if let Some(run) = &snapshot.run {
        show_run(&mut row, run, &address);
    }
    row
}

/// During a run, the symbol and the step under way take the place of what was there.
fn show_run(row: &mut Row, run: &RunView, address: &Address) {
    if run.finished.is_some() {
        return;
    }
    if let Some((step, timer)) = current_step(run, address) {
        row.symbol = Cell::new("◐", Tone::Busy);
        row.remark = step;
        row.timer = timer;
    } else if let Some(action) = run.actions.get(address)
        && action.outcome.is_some()
    {
        row.symbol = action_cell(Some(action));
        // What was pending is dealt with; the next plan says what is left.
        if let Some(pending) = row.columns.last_mut() {
            *pending = Cell::default();
        }
    }
}

/// What a deploy would do now, and whether the world was changed by hand.
fn pending(seen: &Seen<'_>, status: Option<&ResourceStatus>, address: &Address) -> Cell {
    let planned = seen
        .planned
        .get(address)
        .copied()
        .or(status.map(|status| status.pending));
    let drifted = status.is_some_and(|status| !status.drift.is_empty())
        || seen
            .snapshot
            .drift
            .as_ref()
            .is_some_and(|drift| drift.drifted.contains_key(address));
    let (text, tone) = match planned {
        Some(ActionKind::Create) => ("+ create", Tone::Added),
        Some(ActionKind::Update) => ("~ update", Tone::Changed),
        Some(ActionKind::Delete) => ("- delete", Tone::Removed),
        Some(ActionKind::Noop) | None => ("", Tone::Dim),
    };
    match (drifted, text.is_empty()) {
        (true, true) => Cell::new("⇄ drift", Tone::Drift),
        (true, false) => Cell::new(format!("{text} ⇄ drift"), Tone::Drift),
        (false, _) => Cell::new(text, tone),
    }
}

/// Services that run but that the file does not know any more.
fn orphans(seen: &Seen<'_>, project: Option<&Project>) -> Vec<Node> {
    let snapshot = seen.snapshot;
    let Some(report) = &snapshot.status else {
        return Vec::new();
    };
    report
        .resources
        .values()
        .filter(|status| {
            status.address.kind == ResourceKind::Service
                && project.is_none_or(|p| !p.services.contains_key(&status.address.name))
        })
        .map(|status| {
            let state = state(ServiceKind::Service, 0, Some(status));
            let row = Row {
                subject: Subject::Resource(status.address.clone()),
                symbol: state.symbol,
                label: status.address.name.clone(),
                tone: Tone::Text,
                columns: vec![
                    state.word,
                    health(snapshot, Some(status)),
                    instances(ServiceKind::Service, Some(status), status.wanted),
                    pending(seen, Some(status), &status.address),
                ],
                timer: None,
                remark: match project {
                    Some(_) => Cell::new("not in the file", Tone::Warn),
                    None => Cell::default(),
                },
            };
            Node::leaf(status.address.to_string(), row)
        })
        .collect()
}

/// Networks or volumes, folded under one heading.
fn others(seen: &Seen<'_>, project: Option<&Project>, kind: ResourceKind) -> Option<Node> {
    let snapshot = seen.snapshot;
    let mut addresses: BTreeSet<Address> = BTreeSet::new();
    if let Some(project) = project {
        match kind {
            ResourceKind::Network => {
                addresses.extend(project.networks.keys().map(|name| Address::network(name)));
            }
            ResourceKind::Volume => {
                addresses.extend(project.volumes.keys().map(|name| Address::volume(name)));
            }
            ResourceKind::Service => {}
        }
    }
    let statuses = snapshot.status.as_ref().map(|report| &report.resources);
    if let Some(statuses) = statuses {
        addresses.extend(statuses.keys().filter(|a| a.kind == kind).cloned());
    }
    if addresses.is_empty() {
        return None;
    }
    let heading = Row::heading(count(addresses.len(), kind.as_str()));
    let children = addresses
        .iter()
        .map(|address| {
            let status = statuses.and_then(|statuses| statuses.get(address));
            let state = match status {
                None => State::of("?", "not seen yet", Tone::Dim),
                Some(status) if status.ready => State::of("●", "exists", Tone::Ok),
                Some(_) => State::of("○", "absent", Tone::Dim),
            };
            let row = Row {
                subject: Subject::Resource(address.clone()),
                symbol: state.symbol,
                label: address.name.clone(),
                columns: vec![
                    state.word,
                    Cell::default(),
                    Cell::default(),
                    pending(seen, status, address),
                ],
                ..Row::default()
            };
            Node::leaf(address.to_string(), row)
        })
        .collect();
    Some(Node::leaf(format!("#{}", kind.as_str()), heading).with(false, children))
}

/// Objects that look like ours but are not: shown, never touched.
fn strays(snapshot: &Snapshot) -> Option<Node> {
    let report = snapshot.status.as_ref()?;
    if report.strays.is_empty() {
        return None;
    }
    let children = report
        .strays
        .iter()
        .enumerate()
        .map(|(index, stray)| {
            let row = Row {
                subject: Subject::Remark,
                symbol: Cell::new("!", Tone::Warn),
                label: stray.clone(),
                ..Row::default()
            };
            Node::leaf(format!("stray {index}"), row)
        })
        .collect();
    let mut heading = Row::heading(count(report.strays.len(), "stray object"));
    heading.remark = Cell::new("shown, never touched", Tone::Dim);
    Some(Node::leaf("#strays", heading).with(false, children))
}
