//! The `drift` block: how often is looked, and what the worker may do.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::domain::config::lower::Lower;
use crate::domain::config::lower::service::texts_of;
use crate::domain::config::near::suggestion;
use crate::domain::config::scalar;
use crate::domain::config::tree::Node;
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::project::Project;
use crate::domain::project::watch::{DriftWatch, Restoring};

/// Below, a look would follow the other without a pause; above, nobody means it.
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(24 * 3600);

/// Reads the `drift` block.
pub(crate) fn drift(lower: &mut Lower<'_>) -> DriftWatch {
    let mut watch = DriftWatch::default();
    let Some(node) = lower.root.get("drift") else {
        return watch;
    };
    if let Some(interval) = interval(lower, node) {
        watch.interval = interval;
    }
    if let Some(word) = node.text_of("restore")
        && let Some(restore) = Restoring::ALL.into_iter().find(|one| one.as_str() == word)
    {
        watch.restore = restore;
    }
    watch.only = node.get("only").into_iter().flat_map(texts_of).collect();
    watch
}

fn interval(lower: &mut Lower<'_>, drift: &Node) -> Option<Duration> {
    let node = drift.get("interval")?;
    let interval = node.text().and_then(scalar::duration)?;
    if INTERVALS.contains(&interval) {
        return Some(interval);
    }
    let text = "`drift.interval` must be from `1s` to `24h`".to_owned();
    lower.error("NK0204", text, node.span, "not a pause between two looks");
    None
}

/// Finds names in `drift.only` that nothing has.
pub(crate) fn unknown(root: &Node, project: &Project) -> Vec<Diagnostic> {
    let only = root.get("drift").and_then(|drift| drift.get("only"));
    let items = only.and_then(Node::list).unwrap_or_default();
    let known: Vec<&str> = project
        .services
        .keys()
        .chain(project.networks.keys())
        .chain(project.volumes.keys())
        .map(String::as_str)
        .collect();
    let is_known = |text: &str| {
        let (kind, name) = text.split_once('.').unwrap_or(("", text));
        known.contains(&text)
            || match kind {
                "service" => project.services.contains_key(name),
                "network" => project.networks.contains_key(name),
                "volume" => project.volumes.contains_key(name),
                _ => false,
            }
    };
    let mut findings = Vec::new();
    for item in items {
        let Some(text) = item.text().filter(|text| !is_known(text)) else {
            continue;
        };
        let mut finding = Diagnostic::error(
            "NK0440",
            format!(
                "`drift.only` names `{}`, which nothing here is called",
                brief(text)
            ),
        )
        .at(item.span, "unknown")
        .help("write the name of a service, network or volume, or its address (`service.api`)");
        if let Some(help) = suggestion(text, known.iter().copied()) {
            finding = finding.help(help);
        }
        findings.push(finding);
    }
    findings
}
