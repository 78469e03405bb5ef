//! How everything stands, as a table.

use crate::domain::ids::ResourceKind;
use crate::domain::plan::model::ActionKind;
use crate::domain::report::flows::OpenFlow;
use crate::domain::report::{Conflict, InstanceStatus, ResourceStatus, StatusReport};
use crate::domain::time::Wall;
use crate::present::human;
use crate::present::role::{Role, Row, Span};
use crate::present::rows::drift::{strays, undecided};
use crate::present::rows::table::table;
use crate::present::words;

/// Returns the table and what is to be said below it; `now` is for ages.
#[must_use]
pub fn status(report: &StatusReport, now: Wall) -> Vec<Row> {
    let mut rows: Vec<Row> = report.conflict.iter().flat_map(conflict).collect();
    if report.resources.is_empty() {
        rows.push(Row::at(0).with(Role::Plain, "Nothing is wanted and nothing is running"));
        rows.extend(strays(&report.strays));
        rows.extend(undecided(report.undecided.as_deref()));
        return rows;
    }
    let mut lines = Vec::new();
    for resource in report.resources.values() {
        if resource.instances.is_empty() {
            lines.push(resource_line(resource));
        }
        for instance in &resource.instances {
            lines.push(instance_line(resource, instance, now));
        }
    }
    rows.extend(table(
        &["RESOURCE", "STATE", "AGE", "PORTS", "IMAGE", "PENDING"],
        &lines,
    ));
    rows.extend(strays(&report.strays));
    rows.extend(undecided(report.undecided.as_deref()));
    rows.extend(report.flows.iter().filter_map(flow));
    rows.push(summary(report));
    rows
}

/// What is wrong with the state, and each way out.
fn conflict(conflict: &Conflict) -> Vec<Row> {
    let problem = Row::at(0)
        .with(Role::Bad, "! ")
        .with(Role::Plain, &conflict.problem);
    let ways = conflict.ways_out.iter();
    let ways = ways.map(|way| Row::at(1).with(Role::Dim, "→ ").with(Role::Plain, way));
    std::iter::once(problem).chain(ways).collect()
}

/// An action of the file that stopped on its way, and how it goes on.
fn flow(flow: &OpenFlow) -> Option<Row> {
    let step = flow.at()?;
    let text = format!("{} stopped at its step {}: ", flow.address(), step.label);
    Some(
        Row::at(0)
            .with(Role::Warn, "! ")
            .with(Role::Plain, text)
            .with(Role::Path, flow.goes_on()),
    )
}

/// Returns one sentence about the whole.
#[must_use]
pub fn summary(report: &StatusReport) -> Row {
    let services = || {
        let all = report.resources.values();
        all.filter(|r| r.address.kind == ResourceKind::Service && r.desired)
    };
    let ready = services().filter(|r| r.ready).count();
    let total = services().count();
    let drifted = report
        .resources
        .values()
        .filter(|r| !r.drift.is_empty())
        .count();
    let pending = report
        .resources
        .values()
        .filter(|r| r.pending != ActionKind::Noop)
        .count();
    let role = if ready == total {
        Role::Good
    } else {
        Role::Warn
    };
    let mut row = Row::at(0).with(
        role,
        format!("{ready} of {} ready", words::count(total, "service")),
    );
    if drifted > 0 {
        row = row.with(Role::Warn, format!(", {drifted} drifted"));
    }
    let ignored: usize = report.resources.values().map(|r| r.ignored.len()).sum();
    if ignored > 0 {
        let text = format!(", {} ignored", words::count(ignored, "drifted field"));
        row = row.with(Role::Dim, text);
    }
    if pending > 0 {
        row = row.with(
            Role::Changed,
            format!(", {} to deploy", words::count(pending, "change")),
        );
    }
    if !report.engine.is_empty() {
        row = row.with(Role::Dim, format!(" · {}", report.engine));
    }
    row
}

fn resource_line(resource: &ResourceStatus) -> Vec<Span> {
    let is_service = resource.address.kind == ResourceKind::Service;
    let (word, role) = match (resource.ready, is_service, resource.wanted) {
        (_, true, 0) => ("○ disabled", Role::Dim),
        (true, ..) => ("● present", Role::Good),
        (false, ..) => ("○ absent", Role::Dim),
    };
    vec![
        Span::new(Role::Plain, resource.address.to_string()),
        Span::new(role, word),
        Span::new(Role::Plain, ""),
        Span::new(Role::Plain, ""),
        Span::new(Role::Dim, resource.image.as_deref().unwrap_or("")),
        pending(resource),
    ]
}

fn instance_line(resource: &ResourceStatus, instance: &InstanceStatus, now: Wall) -> Vec<Span> {
    let (symbol, word, role) = words::instance(instance.status, instance.health);
    let age = instance
        .started_at
        .map(|at| human::between(at, now))
        .unwrap_or_default();
    let restarts = match instance.restarts {
        0 => String::new(),
        n => format!(" ({})", words::count(n as usize, "restart")),
    };
    vec![
        Span::new(Role::Plain, resource.address.instance(instance.instance)),
        Span::new(role, format!("{symbol} {word}{restarts}")),
        Span::new(Role::Dim, age),
        Span::new(Role::Plain, instance.ports.join(" ")),
        Span::new(Role::Dim, resource.image.as_deref().unwrap_or("")),
        pending(resource),
    ]
}

fn pending(resource: &ResourceStatus) -> Span {
    if !resource.desired {
        return Span::new(Role::Removed, "- not in the file");
    }
    if !resource.drift.is_empty() {
        return Span::new(Role::Warn, "~ drifted");
    }
    let (symbol, role) = words::action(resource.pending);
    match resource.pending {
        ActionKind::Noop => Span::new(Role::Dim, ""),
        // A deploy brings everything to what the file says, also what is ignored.
        ActionKind::Update if !resource.ignored.is_empty() => {
            Span::new(role, format!("{symbol} update (drift ignored)"))
        }
        ActionKind::Create | ActionKind::Update | ActionKind::Delete | ActionKind::Run => {
            Span::new(role, format!("{symbol} {}", resource.pending.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Address, Instance, ProviderId};
    use crate::domain::live::{Health, Status};
    use crate::domain::plan::model::{Cause, Change};
    use crate::domain::report::ignored::{Ignored, IgnoredChange};

    #[test]
    fn what_is_ignored_is_counted_apart_from_what_drifted() {
        let resource = |name: &str, drift: usize, ignored: usize| ResourceStatus {
            pending: ActionKind::Update,
            drift: vec![memory(); drift],
            ignored: vec![
                IgnoredChange {
                    change: memory(),
                    ignored: trial(),
                };
                ignored
            ],
            ..service(name)
        };
        let told = |resources: Vec<ResourceStatus>| {
            let each = resources.into_iter().map(|one| (one.address.clone(), one));
            let report = StatusReport {
                resources: each.collect(),
                ..StatusReport::default()
            };
            let rows = status(&report, Wall(0));
            rows.iter().map(|row| row.text() + "\n").collect::<String>()
        };
        let text = told(vec![resource("api", 0, 1)]);
        assert!(text.contains("~ update (drift ignored)"), "{text}");
        assert!(!text.contains("drifted\n"), "{text}");
        assert!(
            text.contains("1 of 1 service ready, 1 drifted field ignored, 1 change to deploy"),
            "{text}"
        );
        let text = told(vec![resource("api", 0, 2), resource("web", 1, 0)]);
        assert!(
            text.contains("ready, 1 drifted, 2 drifted fields ignored,"),
            "{text}"
        );
    }

    fn memory() -> Change {
        Change {
            path: "memory".into(),
            instance: None,
            before: Some("64".into()),
            after: Some("0".into()),
            cause: Cause::Drift,
            sensitive: false,
        }
    }
    fn trial() -> Ignored {
        Ignored {
            address: Address::service("api"),
            path: None,
            reason: "a trial".into(),
            by: "me@here".into(),
            at: Wall(0),
            until: None,
        }
    }
    fn service(name: &str) -> ResourceStatus {
        ResourceStatus {
            address: Address::service(name),
            desired: true,
            wanted: 1,
            image: None,
            instances: Vec::new(),
            ready: true,
            pending: ActionKind::Noop,
            drift: Vec::new(),
            ignored: Vec::new(),
        }
    }

    #[test]
    fn a_table_shows_instances_and_what_is_pending() {
        let api = ResourceStatus {
            address: Address::service("api"),
            desired: true,
            wanted: 1,
            image: Some("api:1".into()),
            instances: vec![InstanceStatus {
                instance: Instance(0),
                id: ProviderId::new("x"),
                name: "nk-shop-local-api-0".into(),
                status: Status::Running,
                health: Health::Healthy,
                started_at: Some(Wall(0)),
                restarts: 2,
                ports: vec!["8080->80".into()],
            }],
            ready: true,
            pending: ActionKind::Noop,
            drift: Vec::new(),
            ignored: Vec::new(),
        };
        let data = ResourceStatus {
            address: Address::volume("data"),
            instances: Vec::new(),
            image: None,
            ready: false,
            pending: ActionKind::Create,
            ..api.clone()
        };
        let report = StatusReport {
            flows: Vec::new(),
            resources: [(api.address.clone(), api), (data.address.clone(), data)].into(),
            strays: Vec::new(),
            undecided: None,
            conflict: None,
            engine: "process".into(),
        };
        let text: String = status(&report, Wall(185_000))
            .iter()
            .map(|r| r.text() + "\n")
            .collect();
        insta::assert_snapshot!(text, @r"
        RESOURCE        STATE                   AGE       PORTS     IMAGE  PENDING
        volume.data     ○ absent                                           + create
        service.api[0]  ● healthy (2 restarts)  3 m 05 s  8080->80  api:1
        1 of 1 service ready, 1 change to deploy · process
        ");
    }
}
