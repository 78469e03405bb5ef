//! Health checks.

use crate::domain::config::lower::Lower;
use crate::domain::config::lower::runtime::Written;
use crate::domain::config::lower::service::texts_of;
use crate::domain::config::scalar;
use crate::domain::config::tree::{Kind, Node};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::health::{HealthCheck, Probe};
use crate::domain::project::service::Service;

/// Reads the health check of a service.
pub(crate) fn health(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    service: &Service,
) -> Option<HealthCheck> {
    let node = written.get("healthcheck")?;
    let mut check = HealthCheck::with_defaults(probe(lower, written, (node, service))?);
    let time = |key| node.text_of(key).and_then(scalar::duration);
    check.interval = time("interval").unwrap_or(check.interval);
    check.timeout = time("timeout").unwrap_or(check.timeout);
    check.start_period = time("start_period").unwrap_or(check.start_period);
    check.retries = node
        .text_of("retries")
        .and_then(scalar::small)
        .unwrap_or(check.retries);
    for key in ["interval", "timeout"] {
        if time(key).is_some_and(|time| time.is_zero()) {
            let span = node.get(key).map_or(node.span, |node| node.span);
            lower.error(
                "NK0204",
                format!(
                    "`{}.{key}` must be longer than nothing",
                    written.path("healthcheck")
                ),
                span,
                "zero",
            );
        }
    }
    Some(check)
}

fn probe(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    (node, service): (&Node, &Service),
) -> Option<Probe> {
    if node.text_of("disable").and_then(scalar::boolean) == Some(true) {
        return Some(Probe::None);
    }
    let ways: Vec<(&str, &Node)> = ["test", "http", "tcp"]
        .into_iter()
        .filter_map(|key| node.get(key).map(|value| (key, value)))
        .collect();
    let path = written.path("healthcheck");
    match ways.as_slice() {
        [] => {
            let finding = Diagnostic::error("NK0418", format!("`{path}` does not say how to ask"))
                .at(node.span, "no `test`, `http` or `tcp`")
                .help("add `test: COMMAND`, `http: /path` or `tcp: PORT`");
            lower.findings.push(finding);
            None
        }
        [("test", value)] => test(lower, &path, value),
        [("http", value)] => http(lower, &path, (value, service)),
        [(_, value)] => value
            .text()
            .and_then(scalar::port)
            .map(|port| Probe::Tcp { port }),
        [(_, first), .., (_, last)] => {
            let finding = Diagnostic::error("NK0418", format!("`{path}` says twice how to ask"))
                .at(last.span, "one way is enough")
                .see(first.span, "first way");
            lower.findings.push(finding);
            None
        }
    }
}

fn test(lower: &mut Lower<'_>, path: &str, node: &Node) -> Option<Probe> {
    if let Kind::Scalar(scalar) = &node.kind {
        if scalar.text.trim().is_empty() {
            lower.error(
                "NK0204",
                format!("`{path}.test` is an empty command"),
                node.span,
                "nothing to run",
            );
        }
        return Some(Probe::Shell(scalar.text.clone()));
    }
    node.list()?;
    let words = texts_of(node);
    match words.split_first() {
        Some((first, [])) if first == "NONE" => Some(Probe::None),
        Some((first, argv)) if first == "CMD" && !argv.is_empty() => {
            Some(Probe::Command(argv.to_vec()))
        }
        Some((first, [line])) if first == "CMD-SHELL" => Some(Probe::Shell(line.clone())),
        _ => {
            let finding = Diagnostic::error(
                "NK0204",
                format!(
                    "`{path}.test` must be a shell line or start with `CMD`, `CMD-SHELL` or `NONE`"
                ),
            )
            .at(node.span, "this list does not")
            .help("write `[CMD, program, argument]` or `[CMD-SHELL, \"line\"]`");
            lower.findings.push(finding);
            None
        }
    }
}

fn http(lower: &mut Lower<'_>, path: &str, (node, service): (&Node, &Service)) -> Option<Probe> {
    let route = match &node.kind {
        Kind::Scalar(scalar) => scalar.text.clone(),
        Kind::Map(_) | Kind::List(_) => node.text_of("path").unwrap_or("/").to_owned(),
    };
    if !route.starts_with('/') || route.chars().any(|c| c.is_whitespace() || c.is_control()) {
        lower.error(
            "NK0204",
            format!("`{}` is not the path of a request", brief(&route)),
            node.span,
            "it starts with `/`",
        );
        return None;
    }
    let port = node
        .text_of("port")
        .and_then(scalar::port)
        .or(service.expose);
    if port.is_none() && node.get("port").is_none() {
        let finding = Diagnostic::error("NK0418", format!("`{path}.http` has no port to ask"))
            .at(node.span, "and the service exposes none")
            .help("add `expose: PORT` to the service, or write `http: { port: PORT, path: /… }`");
        lower.findings.push(finding);
    }
    port.map(|port| Probe::Http { port, path: route })
}
