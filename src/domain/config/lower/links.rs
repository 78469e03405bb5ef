//! What ties a service to others: networks and dependencies.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::config::lower::Lower;
use crate::domain::config::lower::runtime::Written;
use crate::domain::config::lower::service::texts_of;
use crate::domain::config::scalar;
use crate::domain::config::tree::{Kind, Node};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;
use crate::domain::project::project::Origin;
use crate::domain::project::service::{Condition, Dependency};

/// Reads the networks of a service; none means `default`, which is joined later.
pub(crate) fn networks(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    let Some(node) = written.get("networks") else {
        return all;
    };
    let items: Vec<(&str, Span, Option<&Node>)> = match &node.kind {
        Kind::List(list) => list
            .iter()
            .filter_map(|item| Some((item.text()?, item.span, None)))
            .collect(),
        Kind::Map(map) => map
            .iter()
            .map(|(name, entry)| (name.as_str(), entry.key, Some(&entry.node)))
            .collect(),
        Kind::Scalar(_) => Vec::new(),
    };
    for (name, span, join) in items {
        if name != "default"
            && lower
                .root
                .get("networks")
                .and_then(|n| n.map()?.get(name))
                .is_none()
        {
            let text = format!(
                "`{}` joins `{}`, which is not a network",
                written.name,
                brief(name)
            );
            let mut finding = Diagnostic::error("NK0402", text).at(span, "no such network");
            let root = lower.root;
            let known = || {
                root.entries("networks")
                    .map(|(name, _)| name.as_str())
                    .chain(["default"])
            };
            if let Some(help) = lower.findings.suggest(name, known) {
                finding = finding.help(help);
            }
            lower.findings.push(finding);
        }
        let aliases = join
            .and_then(|join| join.get("aliases"))
            .map(texts_of)
            .unwrap_or_default();
        all.insert(name.to_owned(), aliases.into_iter().collect());
    }
    all
}

/// Reads the dependencies of a service and its runtime; what cannot be waited for is left out.
pub(crate) fn dependencies(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
) -> BTreeMap<String, Dependency> {
    let mut all = BTreeMap::new();
    let runtime = written.inherited("depends_on").map(|node| (node, true));
    let own = written.get("depends_on").map(|node| (node, false));
    for (node, inherited) in runtime.into_iter().chain(own) {
        for (name, span, dependency) in wanted(node) {
            // A runtime may name a service that itself has this runtime.
            if inherited && name == written.name {
                continue;
            }
            let origin = if inherited {
                Origin::Runtime(span)
            } else {
                Origin::File(span)
            };
            lower
                .origins
                .insert(written.path(&format!("depends_on.{name}")), origin);
            if is_service(lower, written, name, (span, dependency)) {
                all.insert(name.to_owned(), dependency);
            }
        }
    }
    all
}

fn wanted(node: &Node) -> Vec<(&str, Span, Dependency)> {
    let plain = Dependency {
        condition: Condition::Healthy,
        required: true,
    };
    match &node.kind {
        Kind::List(list) => list
            .iter()
            .filter_map(|item| Some((item.text()?, item.span, plain)))
            .collect(),
        Kind::Map(map) => map
            .iter()
            .map(|(name, entry)| {
                let condition = match entry.node.text_of("condition") {
                    Some("started") => Condition::Started,
                    Some("completed") => Condition::Completed,
                    _ => Condition::Healthy,
                };
                let required = entry
                    .node
                    .text_of("required")
                    .and_then(scalar::boolean)
                    .unwrap_or(true);
                (
                    name.as_str(),
                    entry.key,
                    Dependency {
                        condition,
                        required,
                    },
                )
            })
            .collect(),
        Kind::Scalar(_) => Vec::new(),
    }
}

/// Tells whether the dependency is a service that runs here; finds fault with it otherwise.
fn is_service(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    name: &str,
    (span, dependency): (Span, Dependency),
) -> bool {
    let services = lower.root.get("services").and_then(Node::map);
    let target = services.and_then(|services| services.get(name));
    if let Some(target) = target {
        let disabled = |node: &Node| node.text_of("instances").and_then(scalar::small) == Some(0);
        let job = target.node.text_of("kind") == Some("job");
        if dependency.condition == Condition::Completed && !job {
            let text = format!(
                "`{}` waits for `{name}` to complete, which is not a job",
                written.name
            );
            let finding = Diagnostic::error("NK0408", text)
                .at(span, "a service never completes")
                .see(target.key, "declared here")
                .help(format!(
                    "add `kind: job` to `{name}`, or wait for `healthy`"
                ));
            lower.findings.push(finding);
        }
        if !disabled(&target.node) {
            return true;
        }
        // Who is disabled too waits for nobody.
        if dependency.required && !disabled(written.node) {
            let off = target
                .node
                .get("instances")
                .map_or(target.key, |node| node.span);
            let text = format!("`{}` depends on `{name}`, which is disabled", written.name);
            let finding = Diagnostic::error("NK0409", text)
                .at(span, "would wait for ever")
                .see(off, "disabled here")
                .help("remove the dependency here, or set `required: false`");
            lower.findings.push(finding);
        }
        return false;
    }
    if lower
        .root
        .get("databases")
        .and_then(|databases| databases.map()?.get(name))
        .is_some()
    {
        let text = format!(
            "`{}` depends on `databases.{name}`, which is not carried out by this version",
            written.name
        );
        lower
            .findings
            .push(Diagnostic::warning("NK0208", text).at(span, "not waited for"));
        return false;
    }
    let text = format!(
        "`{}` depends on `{}`, which is not a service",
        written.name,
        brief(name)
    );
    let finding = if dependency.required {
        Diagnostic::error("NK0401", text)
    } else {
        Diagnostic::warning("NK0401", text)
    };
    let mut finding = finding.at(span, "no such service");
    let known = || {
        let all = services.into_iter().flat_map(|map| map.keys());
        all.map(String::as_str)
            .filter(|known| *known != written.name)
    };
    if let Some(help) = lower.findings.suggest(name, known) {
        finding = finding.help(help);
    }
    lower.findings.push(finding);
    false
}
