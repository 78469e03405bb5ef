//! Where traces go.

use std::collections::BTreeMap;

use crate::domain::config::lower::Lower;
use crate::domain::config::secret;
use crate::domain::config::tree::Node;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::project::service::EnvValue;
use crate::domain::project::telemetry::{Protocol, Telemetry};

/// Reads the `telemetry` block.
pub(crate) fn telemetry(lower: &mut Lower<'_>) -> Option<Telemetry> {
    let (_, entry) = lower
        .root
        .map()?
        .iter()
        .find(|(name, _)| *name == "telemetry")?;
    let node = &entry.node;
    if node.is_null() {
        return None;
    }
    let Some(endpoint) = node.get("endpoint") else {
        let finding = Diagnostic::error("NK0204", "`telemetry` names no receiver")
            .at(entry.key, "`endpoint` is missing")
            .help("add a line such as `endpoint: http://localhost:4318`");
        lower.findings.push(finding);
        return None;
    };
    let text = endpoint.text()?;
    if !["http://", "https://"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        let text = "`telemetry.endpoint` must be an address such as `http://localhost:4318`";
        lower.error(
            "NK0204",
            text.to_owned(),
            endpoint.span,
            "not such an address",
        );
    }
    Some(Telemetry {
        endpoint: text.to_owned(),
        protocol: node.text_of("protocol").and_then(Protocol::read),
        headers: headers(lower, node),
    })
}

fn headers(lower: &mut Lower<'_>, telemetry: &Node) -> BTreeMap<String, EnvValue> {
    let mut all = BTreeMap::new();
    for (name, entry) in telemetry.entries("headers") {
        let Some(text) = entry.node.text() else {
            continue;
        };
        let refers = ["env://", "file://", "vault://"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        let value = if refers {
            let path = format!("telemetry.headers.{name}");
            match secret::parse(&entry.node, name, &path, lower.findings) {
                Ok(reference) => EnvValue::Secret(reference),
                Err(finding) => {
                    lower.findings.push(*finding);
                    continue;
                }
            }
        } else {
            EnvValue::Plain(text.to_owned())
        };
        all.insert(name.to_lowercase(), value);
    }
    all
}
