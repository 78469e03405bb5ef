//! Variables of a service: runtime, `env_file`, `env`, `secrets`, in rising order.

use std::collections::BTreeMap;
use std::path::Path;

use crate::domain::config::dotenv::Variables;
use crate::domain::config::lower::Lower;
use crate::domain::config::lower::pairs::{Pair, check_twice, pairs};
use crate::domain::config::lower::runtime::Written;
use crate::domain::config::secret;
use crate::domain::config::tree::{Kind, Node};
use crate::domain::config::variables::{Environment, Files};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;
use crate::domain::project::project::Origin;
use crate::domain::project::service::EnvValue;
use crate::domain::secret::{SecretRef, is_secret_name};

/// Collects the variables of a service.
pub(crate) fn variables(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
) -> BTreeMap<String, EnvValue> {
    let mut all = BTreeMap::new();
    if let Some(node) = written.inherited("env") {
        plain(lower, written, (node, Origin::Runtime), &mut all);
    }
    for node in written.get("env_file").map(files_of).unwrap_or_default() {
        env_file(lower, written, node, &mut all);
    }
    let mut spans = BTreeMap::new();
    if let Some(node) = written.get("env") {
        spans = plain(lower, written, (node, Origin::File), &mut all);
    }
    for (name, reference, span) in secrets(lower, written) {
        if let Some(plain) = spans.get(&name) {
            let text = format!(
                "`{}` is given both in `env` and in `secrets` of `{}`",
                brief(&name),
                written.name
            );
            let finding = Diagnostic::error("NK0419", text)
                .at(span, "given again")
                .see(*plain, "first defined here");
            lower.findings.push(finding);
        }
        if matches!(reference, SecretRef::Vault { .. }) {
            warn_of_vault(lower, written, &name, span);
        }
        lower
            .origins
            .insert(written.path(&format!("env.{name}")), Origin::File(span));
        all.insert(name, EnvValue::Secret(reference));
    }
    all
}

fn plain(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    (node, origin): (&Node, fn(Span) -> Origin),
    all: &mut BTreeMap<String, EnvValue>,
) -> BTreeMap<String, Span> {
    let path = written.path("env");
    let list = pairs(lower, node, &path);
    check_twice(lower, &list, &path);
    let mut spans = BTreeMap::new();
    for pair in list {
        let Some(value) = value_of(lower, &pair) else {
            continue;
        };
        // One that is taken from the environment is not in the file, an empty one is nothing to hide.
        if pair.value.is_some() && !value.is_empty() && is_secret_name(&pair.name) {
            warn_of_secret(lower, written, &pair);
        }
        lower.origins.insert(
            written.path(&format!("env.{}", pair.name)),
            origin(pair.span),
        );
        spans.insert(pair.name.clone(), pair.span);
        all.insert(pair.name, EnvValue::Plain(value));
    }
    spans
}

/// A value in `env` stands in clear in file, state, plan and inspection.
fn warn_of_secret(lower: &mut Lower<'_>, written: &Written<'_>, pair: &Pair) {
    let name = brief(&pair.name);
    let text = format!(
        "`{name}` of `{}` sounds like a secret and stands in clear",
        written.name
    );
    let finding = Diagnostic::warning("NK0426", text)
        .at(
            pair.span,
            "read by everybody who reads the file, the state or a plan",
        )
        .help(format!(
            "move it to `secrets`: `{name}: {{ from: env }}`, or `{name}: env://VARIABLE`"
        ));
    lower.findings.push(finding);
}

/// Plans show the reference; what needs its value is refused before it changes anything.
fn warn_of_vault(lower: &mut Lower<'_>, written: &Written<'_>, name: &str, span: Span) {
    let text = format!(
        "`{}` of `{}` is kept in Vault, which this build does not speak to yet",
        brief(name),
        written.name
    );
    let finding = Diagnostic::warning("NK0429", text)
        .at(span, "a deploy that needs it is refused")
        .help("give the value as `env://NAME` or `file://PATH` until then: `vault kv get` writes it there");
    lower.findings.push(finding);
}

/// A name without a value takes the variable of that name from the environment.
fn value_of(lower: &mut Lower<'_>, pair: &Pair) -> Option<String> {
    let value = pair
        .value
        .clone()
        .or_else(|| lower.environment.value(&pair.name));
    if value.is_none() {
        let finding = Diagnostic::error(
            "NK0301",
            format!("the variable `{}` is not set", brief(&pair.name)),
        )
        .at(
            pair.span,
            "a name without a value takes it from the environment",
        )
        .help("give it a value, or `\"\"` for an empty one");
        lower.findings.push(finding);
    }
    value
}

fn files_of(node: &Node) -> Vec<&Node> {
    match &node.kind {
        Kind::List(list) => list.iter().collect(),
        Kind::Scalar(_) | Kind::Map(_) => vec![node],
    }
}

/// The variables of one file, which may refer to those of the load.
struct Layered<'a> {
    below: &'a Environment,
    own: BTreeMap<String, String>,
}

impl Variables for Layered<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.own
            .get(name)
            .cloned()
            .or_else(|| self.below.value(name))
    }
    fn set(&mut self, name: &str, value: String) {
        self.own.insert(name.to_owned(), value);
    }
}

fn env_file(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    node: &Node,
    all: &mut BTreeMap<String, EnvValue>,
) {
    let Some(text) = node.text() else {
        return;
    };
    let path = lower.path(text);
    lower.watch(&path);
    let mut layered = Layered {
        below: lower.environment,
        own: BTreeMap::new(),
    };
    let mut files = Files {
        tree: lower.input.tree,
        budget: lower.budget,
        findings: lower.findings,
    };
    if !files.read(&path, Path::new(text), Some(node.span), &mut layered) {
        let text = format!(
            "`{}` names a file that is not there",
            written.path("env_file")
        );
        lower.error("NK0410", text, node.span, "no such file");
    }
    for (name, value) in layered.own {
        lower.origins.insert(
            written.path(&format!("env.{name}")),
            Origin::File(node.span),
        );
        all.insert(name, EnvValue::Plain(value));
    }
}

fn secrets(lower: &mut Lower<'_>, written: &Written<'_>) -> Vec<(String, SecretRef, Span)> {
    let Some(node) = written.get("secrets") else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for item in node.list().into_iter().flatten() {
        if let Some(name) = item.text() {
            all.extend(shared(lower, written, name, item.span));
        }
    }
    for (name, entry) in node.map().into_iter().flat_map(|map| map.iter()) {
        if entry.node.is_null() {
            all.extend(shared(lower, written, name, entry.key));
        } else if let Ok(reference) = secret::parse(&entry.node, name, "", lower.findings) {
            all.push((name.clone(), reference, entry.node.span));
        }
    }
    all
}

/// Takes a secret of the top level by its name.
fn shared(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    name: &str,
    span: Span,
) -> Option<(String, SecretRef, Span)> {
    let declared = lower
        .root
        .get("secrets")
        .and_then(|secrets| secrets.map()?.get(name));
    let Some(entry) = declared else {
        let text = format!(
            "`{}` takes the secret `{}`, which is not declared",
            written.name,
            brief(name)
        );
        let mut finding = Diagnostic::error("NK0404", text)
            .at(span, "no such secret under the top-level `secrets`");
        let root = lower.root;
        let known = || root.entries("secrets").map(|(name, _)| name.as_str());
        if let Some(help) = lower.findings.suggest(name, known) {
            finding = finding.help(help);
        }
        lower.findings.push(finding);
        return None;
    };
    let reference = if entry.node.is_null() {
        Ok(SecretRef::Env(name.to_owned()))
    } else {
        secret::parse(&entry.node, name, "", lower.findings)
    };
    reference
        .ok()
        .map(|reference| (name.to_owned(), reference, span))
}
