//! The dependency tree of the services with their live state.
//!
//! A service stands below everything that depends on it, but is opened out only once: a second occurrence is
//! marked as shared. So the tree grows with the number of edges, not of paths.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::snapshot::Snapshot;
use crate::domain::ids::{Address, ResourceKind};
use crate::domain::project::project::Project;
use crate::present::words::count;
use crate::tui::rows::facts::{Facts, Seen};
use crate::tui::rows::row::{Cell, Row, Subject};
use crate::tui::theme::Tone;
use crate::tui::tree::Node;

/// How deep a branch goes before it is continued further down on the left.
const DEEPEST: usize = 24;

/// Computes the tree.
#[must_use]
pub fn nodes(snapshot: &Snapshot) -> Vec<Node> {
    let seen = &Seen::of(snapshot);
    let project = seen.project;
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
        let mut row = row_of(self.seen, &service.address());
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

fn row_of(seen: &Seen<'_>, address: &Address) -> Row {
    let facts = Facts::of(seen, address);
    let pending = facts.pending();
    let (mut remark, mut timer) = (Cell::default(), None);
    if let Some((text, since)) = facts.doing() {
        (remark, timer) = (text, since);
    } else if let Some(because) = facts.fate.because() {
        remark = Cell::new(because, Tone::Warn);
    }
    Row {
        subject: Subject::Resource(address.clone()),
        symbol: facts.symbol,
        label: address.name.clone(),
        tone: Tone::Text,
        columns: vec![facts.word, facts.health, facts.instances, pending],
        timer,
        remark,
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
            let mut row = row_of(seen, &status.address);
            if project.is_some() {
                add_remark(&mut row, "not in the file");
            }
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
            ResourceKind::Service | ResourceKind::Procedure => {}
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
        .map(|address| Node::leaf(address.to_string(), row_of(seen, address)))
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
