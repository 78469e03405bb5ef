//! `NAME: value` mappings and `NAME=value` lists, which mean the same.

use std::collections::BTreeMap;

use crate::domain::config::lower::Lower;
use crate::domain::config::tree::{Kind, Node};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;

/// One pair; without a value, the name stands alone.
pub(crate) struct Pair {
    /// Left side.
    pub(crate) name: String,
    /// Right side.
    pub(crate) value: Option<String>,
    /// Where the value (or the whole item) stands.
    pub(crate) span: Span,
}

/// Reads pairs in either shape; `path` is for messages.
pub(crate) fn pairs(lower: &mut Lower<'_>, node: &Node, path: &str) -> Vec<Pair> {
    match &node.kind {
        Kind::Map(map) => map
            .iter()
            .map(|(name, entry)| Pair {
                name: name.clone(),
                value: entry.node.text().map(str::to_owned),
                span: if entry.node.is_null() {
                    entry.key
                } else {
                    entry.node.span
                },
            })
            .collect(),
        Kind::List(items) => items
            .iter()
            .filter_map(|item| from_item(lower, item, path))
            .collect(),
        Kind::Scalar(_) => Vec::new(),
    }
}

fn from_item(lower: &mut Lower<'_>, item: &Node, path: &str) -> Option<Pair> {
    let text = item.text()?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let bad = name.is_empty() || name.chars().any(|c| c.is_control() || c.is_whitespace());
    if bad {
        let finding = Diagnostic::error(
            "NK0205",
            format!("an item of `{path}` must be `NAME=value`"),
        )
        .at(item.span, "there is no name before `=`");
        let colon = value.is_none() && name.contains(": ");
        lower.findings.push(if colon {
            finding.help("write `=` in a list, or drop the `-`")
        } else {
            finding
        });
        return None;
    }
    Some(Pair {
        name: name.to_owned(),
        value,
        span: item.span,
    })
}

/// Finds names that a list gives twice; a mapping's were found while parsing.
pub(crate) fn check_twice(lower: &mut Lower<'_>, pairs: &[Pair], path: &str) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for pair in pairs {
        if let Some(first) = seen.get(pair.name.as_str()) {
            let text = format!("`{}` is given twice in `{path}`", brief(&pair.name));
            let finding = Diagnostic::error("NK0102", text)
                .at(pair.span, "given again")
                .see(*first, "first defined here");
            lower.findings.push(finding);
        } else {
            seen.insert(&pair.name, pair.span);
        }
    }
}
