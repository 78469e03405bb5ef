//! Labels on everything we make: whose it is, what it stands for, which operation made it.

use std::collections::BTreeMap;

use crate::domain::ids::{Instance, Scope};
use crate::ports::provider::Op;

pub(super) const PROJECT: &str = "nk-project";
pub(super) const ENV: &str = "nk-env";
pub(super) const COMPONENT: &str = "nk-component";
pub(super) const SERVICE: &str = "nk-service";
pub(super) const INSTANCE: &str = "nk-instance";
pub(super) const NETWORK: &str = "nk-network";
pub(super) const VOLUME: &str = "nk-volume";
pub(super) const LINEAGE: &str = "nk-lineage";
pub(super) const HASH: &str = "nk-hash";
pub(super) const OP: &str = "nk-op";
pub(super) const ONE_OFF: &str = "nk-one-off";

/// Labels as the domain likes them.
pub(super) type Labels = BTreeMap<String, String>;

/// Returns the labels every object of an operation carries.
pub(super) fn of_op(op: &Op) -> Labels {
    let mut labels = of_scope(&op.scope);
    labels.insert(LINEAGE.to_owned(), op.lineage.0.clone());
    labels.insert(OP.to_owned(), op.id.0.clone());
    labels
}

/// Returns the labels that say whose an object is.
pub(super) fn of_scope(scope: &Scope) -> Labels {
    let mut labels = Labels::new();
    labels.insert(PROJECT.to_owned(), scope.project.to_string());
    labels.insert(ENV.to_owned(), scope.env.to_string());
    if let Some(component) = &scope.component {
        labels.insert(COMPONENT.to_owned(), component.to_string());
    }
    labels
}

/// Returns the list filter for a scope; a scope without component still has to be checked with [`are_of`].
pub(super) fn filter(scope: &Scope) -> Vec<String> {
    of_scope(scope)
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

/// Tells whether labels name exactly this scope; another component's objects are not ours.
pub(super) fn are_of(labels: &Labels, scope: &Scope) -> bool {
    let wanted = of_scope(scope);
    [PROJECT, ENV, COMPONENT]
        .into_iter()
        .all(|key| labels.get(key) == wanted.get(key))
}

/// Tells whether labels are of any nanokit project.
pub(super) fn are_of_anyone(labels: &Labels) -> bool {
    labels.contains_key(PROJECT)
}

/// Reads the instance number.
pub(super) fn instance(labels: &Labels) -> Option<Instance> {
    labels.get(INSTANCE)?.parse().ok().map(Instance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ComponentName, EnvName, ProjectName};

    fn scope(component: Option<&str>) -> Scope {
        Scope {
            project: ProjectName::parse("shop").unwrap(),
            env: EnvName::parse("local").unwrap(),
            component: component.map(|c| ComponentName::parse(c).unwrap()),
        }
    }

    #[test]
    fn a_component_is_part_of_whose_an_object_is() {
        let cases = [
            (None, None, true),
            (Some("a"), Some("a"), true),
            (None, Some("a"), false),
            (Some("a"), None, false),
            (Some("a"), Some("b"), false),
        ];
        for (object, asked, expected) in cases {
            let labels = of_scope(&scope(object));
            assert_eq!(
                are_of(&labels, &scope(asked)),
                expected,
                "{object:?} {asked:?}"
            );
        }
    }
}
