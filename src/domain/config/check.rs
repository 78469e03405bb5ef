//! Cross checks of the whole project: cycles, ports, jobs.

use std::collections::BTreeMap;

use crate::domain::config::findings::Findings;
use crate::domain::config::tree::Node;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::graph::cycle::shortest_cycle;
use crate::domain::place::Span;
use crate::domain::project::project::{Origin, Project};
use crate::domain::project::service::{RestartPolicy, Service, ServiceKind};

/// Checks what no service can tell alone. `root` gives the places.
pub(crate) fn check(project: &Project, root: &Node, findings: &mut Findings) {
    cycle(project, root, findings);
    ports(project, root, findings);
    for service in project.services.values() {
        alone(service, root, findings);
    }
}

/// Finds where a key of a service stands; its name when the key is absent.
fn place(root: &Node, service: &str, key: &str) -> Option<Span> {
    let entry = root.get("services")?.map()?.get(service)?;
    Some(entry.node.get(key).map_or(entry.key, |node| node.span))
}

fn at(finding: Diagnostic, span: Option<Span>, label: &str) -> Diagnostic {
    match span {
        Some(span) => finding.at(span, label),
        None => finding,
    }
}

fn see(finding: Diagnostic, span: Option<Span>, label: &str) -> Diagnostic {
    match span {
        Some(span) => finding.see(span, label),
        None => finding,
    }
}

fn cycle(project: &Project, root: &Node, findings: &mut Findings) {
    let edges: BTreeMap<String, Vec<String>> = project
        .services
        .values()
        .map(|service| {
            (
                service.name.clone(),
                service.depends_on.keys().cloned().collect(),
            )
        })
        .collect();
    let Some(mut path) = shortest_cycle(&edges) else {
        return;
    };
    // However the path is handed out, it is told once around.
    if path.len() > 1 && path.first() == path.last() {
        path.pop();
    }
    let (Some(first), Some(second)) = (path.first(), path.get(1).or(path.first())) else {
        return;
    };
    let text = if path.len() == 1 {
        format!("`{first}` depends on itself")
    } else {
        let around = told(&path);
        format!("services depend on each other in a circle: {around}")
    };
    let mut finding = at(
        Diagnostic::error("NK0405", text),
        edge(project, root, first, second),
        "starts the circle here",
    );
    for (i, from) in path.iter().enumerate().skip(1).take(8) {
        let Some(to) = path.get(i + 1).or(path.first()) else {
            continue;
        };
        finding = see(
            finding,
            edge(project, root, from, to),
            &format!("`{from}` waits for `{to}`"),
        );
    }
    findings.push(finding.help("remove one of these dependencies"));
}

/// Writes the way around; of a very long one the two ends.
fn told(path: &[String]) -> String {
    const ENDS: usize = 10;
    let around: Vec<&str> = path
        .iter()
        .chain(path.first())
        .map(String::as_str)
        .collect();
    if around.len() <= 2 * ENDS + 1 {
        return around.join(" -> ");
    }
    let (head, rest) = around.split_at(ENDS);
    let (middle, tail) = rest.split_at(rest.len() - ENDS);
    format!(
        "{} -> ({} more) -> {}",
        head.join(" -> "),
        middle.len(),
        tail.join(" -> ")
    )
}

/// Finds where `from` names `to`.
fn edge(project: &Project, root: &Node, from: &str, to: &str) -> Option<Span> {
    match project
        .origins
        .get(&format!("services.{from}.depends_on.{to}"))
    {
        Some(Origin::File(span) | Origin::Runtime(span)) => Some(*span),
        Some(Origin::Default) | None => place(root, from, "depends_on"),
    }
}

fn ports(project: &Project, root: &Node, findings: &mut Findings) {
    let mut taken: BTreeMap<u16, &Service> = BTreeMap::new();
    // In the order of the file, so that `first` means what a reader takes it for.
    let names: Vec<&str> = root
        .entries("services")
        .map(|(name, _)| name.as_str())
        .collect();
    for service in names.iter().filter_map(|name| project.services.get(*name)) {
        let Some(port) = service.port.filter(|_| service.instances > 0) else {
            continue;
        };
        if service.instances > 1 {
            let text = format!(
                "`{}` publishes port {port} and has {} instances",
                service.name, service.instances
            );
            let finding = at(
                Diagnostic::error("NK0407", text),
                place(root, &service.name, "port"),
                "only one of them can have it",
            );
            let wanted = place(root, &service.name, "instances");
            findings.push(
                see(finding, wanted, "several instances")
                    .help("use `expose`, and `host` for requests from outside"),
            );
        }
        match taken.get(&port) {
            Some(first) => {
                let text = format!(
                    "`{}` and `{}` both publish port {port}",
                    first.name, service.name
                );
                let finding = at(
                    Diagnostic::error("NK0406", text),
                    place(root, &service.name, "port"),
                    "taken",
                );
                findings.push(see(
                    finding,
                    place(root, &first.name, "port"),
                    "first published here",
                ));
            }
            None => {
                taken.insert(port, service);
            }
        }
    }
}

fn alone(service: &Service, root: &Node, findings: &mut Findings) {
    if service.kind != ServiceKind::Job {
        return;
    }
    if service.instances > 1 {
        let text = format!(
            "the job `{}` has {} instances",
            service.name, service.instances
        );
        let span = place(root, &service.name, "instances");
        findings.push(at(
            Diagnostic::error("NK0423", text),
            span,
            "a job runs once",
        ));
    }
    if matches!(
        service.restart,
        RestartPolicy::Always | RestartPolicy::UnlessStopped
    ) {
        let text = format!("the job `{}` would be started again for ever", service.name);
        let span = place(root, &service.name, "restart");
        let finding = at(Diagnostic::error("NK0423", text), span, "a job ends");
        findings.push(finding.help("use `restart: on-failure`"));
    }
}
