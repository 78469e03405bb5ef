//! Actions: the procedures of the file, with every service, volume and name looked up.

mod reach;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::config::lower::Lower;
use crate::domain::config::scalar;
use crate::domain::config::tree::Node;
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;
use crate::domain::project::procedure::{Input, Mode, Occasion, Procedure, ProcedureStep};
use crate::domain::project::project::{Origin, Volume};
use crate::domain::project::service::Service;

/// What steps may name.
pub(crate) struct Known<'a> {
    /// Services of the file.
    pub(crate) services: &'a BTreeMap<String, Service>,
    /// Volumes of the file.
    pub(crate) volumes: &'a BTreeMap<String, Volume>,
}

/// Reads the actions, in the order of the file.
pub(crate) fn actions(lower: &mut Lower<'_>, known: &Known<'_>) -> Vec<Procedure> {
    let root = lower.root;
    let items = root.get("actions").and_then(Node::list).unwrap_or_default();
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    let mut all = Vec::new();
    for (index, node) in items.iter().enumerate() {
        let Some(name) = name(lower, index, node, &mut names) else {
            continue;
        };
        let path = format!("actions.{name}");
        lower.origins.insert(path.clone(), Origin::File(node.span));
        let occasion = occasion(lower, &path, node);
        let mode = mode(lower, &path, (node, occasion));
        let procedure = Procedure {
            occasion: occasion.unwrap_or(Occasion::Manual),
            mode,
            description: node.text_of("description").map(str::to_owned),
            cleanup: cleanup(lower, &path, (node, mode)),
            inputs: inputs(lower, &path, node),
            steps: all_steps(lower, &path, (node, occasion), known),
            name,
        };
        all.push(procedure);
    }
    all
}

fn name(
    lower: &mut Lower<'_>,
    index: usize,
    node: &Node,
    names: &mut BTreeMap<String, Span>,
) -> Option<String> {
    node.map()?;
    let Some(value) = node.get("name") else {
        let finding = Diagnostic::error("NK0206", format!("`actions.{index}` has no name"))
            .at(node.span, "`name` is missing")
            .help("add `name: NAME`");
        lower.findings.push(finding);
        return None;
    };
    let name = value.text()?.to_owned();
    if [Procedure::PUT_BACK, Procedure::PUT_BACK_POST].contains(&name.as_str()) {
        let text = format!("an action cannot be called `{name}`");
        let label = "stands for putting services back in plans";
        lower.error("NK0205", text, value.span, label);
    }
    if let Some(first) = names.get(&name) {
        let finding = Diagnostic::error(
            "NK0427",
            format!("two actions are called `{}`", brief(&name)),
        )
        .at(value.span, "taken")
        .see(*first, "first named here");
        lower.findings.push(finding);
        return None;
    }
    names.insert(name.clone(), value.span);
    Some(name)
}

fn occasion(lower: &mut Lower<'_>, path: &str, node: &Node) -> Option<Occasion> {
    let all = [Occasion::Setup, Occasion::Upgrade, Occasion::Manual];
    match node.text_of("hook") {
        Some(word) => all.into_iter().find(|one| one.as_str() == word),
        None => {
            let finding =
                Diagnostic::error("NK0206", format!("`{path}` does not say when it runs"))
                    .at(node.span, "`hook` is missing")
                    .help("add `hook: setup`, `hook: upgrade` or `hook: manual`");
            lower.findings.push(finding);
            None
        }
    }
}

fn mode(
    lower: &mut Lower<'_>,
    path: &str,
    (node, occasion): (&Node, Option<Occasion>),
) -> Option<Mode> {
    match (occasion, node.get("mode")) {
        (Some(Occasion::Manual), Some(value)) => {
            let text = format!("`{path}` runs when it is asked for and takes no mode");
            lower.error("NK0203", text, value.span, "drop `mode`");
            None
        }
        (Some(Occasion::Setup | Occasion::Upgrade), None) => {
            let finding = Diagnostic::error("NK0206", format!("`{path}` has no mode"))
                .at(node.span, "`mode` is missing")
                .help("add `mode: pre`, `mode: core` or `mode: post`");
            lower.findings.push(finding);
            None
        }
        (_, value) => {
            let word = value.and_then(Node::text)?;
            let all = [Mode::Pre, Mode::Core, Mode::Post];
            all.into_iter().find(|one| one.as_str() == word)
        }
    }
}

fn cleanup(lower: &mut Lower<'_>, path: &str, (node, mode): (&Node, Option<Mode>)) -> bool {
    let Some(value) = node.get("cleanup") else {
        return false;
    };
    let wanted = value.text().and_then(scalar::boolean).unwrap_or(false);
    if wanted && mode != Some(Mode::Post) {
        let text = format!("`{path}.cleanup` is for `mode: post`");
        lower.error("NK0203", text, value.span, "not a post action");
    }
    wanted
}

fn inputs(lower: &mut Lower<'_>, path: &str, node: &Node) -> Vec<Input> {
    let mut all = Vec::new();
    for (name, entry) in node.entries("inputs") {
        if !scalar::is_variable(name) || name.starts_with("NANOKIT_") {
            let text = format!(
                "`{path}.inputs.{}` cannot be a variable of its steps",
                brief(name)
            );
            let label = "letters, digits and `_`, not beginning with `NANOKIT_`";
            lower.error("NK0205", text, entry.key, label);
        }
        let flag = |key| {
            entry
                .node
                .text_of(key)
                .and_then(scalar::boolean)
                .unwrap_or(false)
        };
        let secret = flag("secret");
        let default = entry.node.get("default");
        if let Some(default) = default.filter(|_| secret) {
            lower.findings.mask(default.span);
            let text = format!(
                "`{path}.inputs.{}` is secret and has a default",
                brief(name)
            );
            lower.error(
                "NK0203",
                text,
                default.span,
                "a secret does not stand in the file",
            );
        }
        all.push(Input {
            name: name.clone(),
            description: entry.node.text_of("description").map(str::to_owned),
            default: default.and_then(Node::text).map(str::to_owned),
            required: flag("required"),
            secret,
        });
    }
    all
}

/// A step where it stands in the file.
struct Written {
    step: ProcedureStep,
    path: String,
    span: Span,
    /// Of its `name`.
    name: Option<Span>,
}

fn all_steps(
    lower: &mut Lower<'_>,
    path: &str,
    (node, occasion): (&Node, Option<Occasion>),
    known: &Known<'_>,
) -> Vec<ProcedureStep> {
    let items = node.get("steps").and_then(Node::list).unwrap_or_default();
    if items.is_empty() {
        let finding = Diagnostic::error("NK0206", format!("`{path}` has no steps"))
            .at(node.span, "nothing to do")
            .help("add `steps:` with a first `- run: COMMAND`");
        lower.findings.push(finding);
    }
    let mut read: Vec<Written> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let path = format!("{path}.steps.{index}");
            Some(Written {
                step: steps::step(lower, &path, (item, occasion), known)?,
                span: item.span,
                name: item.get("name").map(|name| name.span),
                path,
            })
        })
        .collect();
    reach::check(lower, known, &mut read);
    labelled(lower, read)
}

/// Gives every step a label of its own: its name, else the word of what it does, numbered where there are several.
fn labelled(lower: &mut Lower<'_>, read: Vec<Written>) -> Vec<ProcedureStep> {
    let mut named: BTreeMap<String, Span> = BTreeMap::new();
    for Written { step, name, .. } in &read {
        let Some(span) = name else { continue };
        if let Some(first) = named.get(&step.label) {
            let text = format!("two steps are called `{}`", brief(&step.label));
            let finding = Diagnostic::error("NK0427", text)
                .at(*span, "taken")
                .see(*first, "first named here");
            lower.findings.push(finding);
        }
        named.insert(step.label.clone(), *span);
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for unnamed in read.iter().filter(|one| one.name.is_none()) {
        *counts.entry(unnamed.step.label.clone()).or_default() += 1;
    }
    let mut next: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken: BTreeSet<String> = named.into_keys().collect();
    read.into_iter()
        .map(|Written { mut step, name, .. }| {
            if name.is_none() {
                let several = counts.get(&step.label).is_some_and(|count| *count > 1);
                let number = next.entry(step.label.clone()).or_default();
                let mut label = if several {
                    format!("{}.{number}", step.label)
                } else {
                    step.label.clone()
                };
                *number += 1;
                while !taken.insert(label.clone()) {
                    label.push_str(".0");
                }
                step.label = label;
            }
            step
        })
        .collect()
}
