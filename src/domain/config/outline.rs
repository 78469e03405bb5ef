//! A project file at a glance: its name and the environments it knows, without loading it.

use std::collections::BTreeSet;

use crate::domain::config::findings::Findings;
use crate::domain::config::yaml::{Limits, parse};
use crate::domain::ids::EnvName;
use std::path::Path;

/// What can be told at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Name of the project.
    pub name: Option<String>,
    /// Component, when the project has several.
    pub component: Option<String>,
    /// Environments with overrides, and those a branch leads to.
    pub environments: BTreeSet<String>,
}

/// Reads a text at a glance; what cannot be read is left out.
#[must_use]
pub fn of(text: &str) -> Outline {
    let mut findings = Findings::default();
    let file = findings.source(Path::new("nanokit.yml"), text);
    let Some(root) = parse(file, text, Limits::FILE, &mut findings) else {
        return Outline::default();
    };
    let overrides = root.entries("environments").map(|(name, _)| name.as_str());
    let branches = root
        .get("git")
        .into_iter()
        .flat_map(|git| git.entries("environments"))
        .filter_map(|(_, entry)| entry.node.text());
    Outline {
        name: root.text_of("name").map(str::to_owned),
        component: root.text_of("component").map(str::to_owned),
        environments: overrides
            .chain(branches)
            .filter(|name| EnvName::parse(name).is_ok())
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_those_with_overrides_and_those_of_branches() {
        let text = "name: shop\nenvironments:\n  staging: {}\n  'a b': {}\ngit:\n  environments:\n    main: production\n    'feature/*': staging\n";
        let outline = of(text);
        assert_eq!(outline.name.as_deref(), Some("shop"));
        let names: Vec<&str> = outline.environments.iter().map(String::as_str).collect();
        assert_eq!(names, ["production", "staging"]);
        assert_eq!(of(": : :\n- ["), Outline::default());
        assert_eq!(of(""), Outline::default());
    }
}
