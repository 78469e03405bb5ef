//! The comparison: two models field by field, with the cause of each difference.
//!
//! Nothing is normalised here; two texts are equal or they are not. A sensitive value never leaves this file: it
//! shows as `(sensitive)`.

use std::collections::BTreeSet;

use crate::domain::ids::Instance;
use crate::domain::model::{Field, FieldClass, Model, field_class};
use crate::domain::plan::model::{Cause, Change};

/// What stands in for a secret value.
pub const SENSITIVE: &str = "(sensitive)";

/// Fields whose value here is what one gets without asking; they are left out when a creation is listed.
const DEFAULTS: [(&str, &str); 8] = [
    ("cpu", "0"),
    ("instances", "1"),
    ("internal", "false"),
    ("kind", "service"),
    ("memory", "0"),
    ("restart", "no"),
    ("stop_grace_period", "10000"),
    ("update_strategy", "recreate"),
];

/// Makes one difference, its values hidden when one of them is secret.
#[must_use]
pub fn change(
    path: &str,
    before: Option<&Field>,
    after: Option<&Field>,
    cause: Cause,
    instance: Option<Instance>,
) -> Change {
    let sensitive = before.is_some_and(|f| f.sensitive) || after.is_some_and(|f| f.sensitive);
    let shown = |field: Option<&Field>| {
        field.map(|field| {
            if sensitive {
                SENSITIVE.to_owned()
            } else {
                field.value.clone()
            }
        })
    };
    Change {
        path: path.to_owned(),
        instance,
        before: shown(before),
        after: shown(after),
        cause,
        sensitive,
    }
}

/// Makes one difference between two plain texts.
#[must_use]
pub fn plain(
    path: &str,
    before: Option<&str>,
    after: Option<&str>,
    cause: Cause,
    instance: Option<Instance>,
) -> Change {
    Change {
        path: path.to_owned(),
        instance,
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
        cause,
        sensitive: false,
    }
}

/// Compares what was recorded with what is wanted: the changes of the file, by path.
#[must_use]
pub fn config_changes(recorded: &Model, wanted: &Model) -> Vec<Change> {
    if recorded == wanted {
        return Vec::new();
    }
    let paths: BTreeSet<&String> = recorded.keys().chain(wanted.keys()).collect();
    paths
        .into_iter()
        .filter_map(|path| {
            let (before, after) = (recorded.get(path), wanted.get(path));
            let differs = before.map(|f| &f.value) != after.map(|f| &f.value);
            differs.then(|| change(path, before, after, Cause::Config, None))
        })
        .collect()
}

/// Lists what a resource will be made of: every field but plain defaults, as a change from nothing.
#[must_use]
pub fn creation_changes(wanted: &Model) -> Vec<Change> {
    wanted
        .iter()
        .filter(|(path, field)| !DEFAULTS.contains(&(path.as_str(), field.value.as_str())))
        .map(|(path, field)| change(path, None, Some(field), Cause::Config, None))
        .collect()
}

/// Tells whether one of the changes asks for `class`.
#[must_use]
pub fn asks_for(changes: &[Change], class: FieldClass) -> bool {
    changes
        .iter()
        .any(|change| change.cause == Cause::Config && field_class(&change.path) == class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Digest;

    fn model(fields: &[(&str, &str)]) -> Model {
        fields
            .iter()
            .map(|(path, value)| ((*path).to_owned(), Field::plain(*value)))
            .collect()
    }
    fn text(changes: &[Change]) -> String {
        changes
            .iter()
            .map(|c| format!("{} {:?} {:?}", c.path, c.before, c.after))
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn only_what_differs_is_listed_by_path() {
        let before = model(&[("image", "a:1"), ("port", "80"), ("same", "x")]);
        let after = model(&[("env.A", "1"), ("image", "a:2"), ("same", "x")]);
        assert_eq!(
            text(&config_changes(&before, &after)),
            r#"env.A None Some("1"); image Some("a:1") Some("a:2"); port Some("80") None"#
        );
        assert!(config_changes(&before, &before).is_empty());
    }

    #[test]
    fn a_creation_lists_what_was_asked_for() {
        let wanted = model(&[("cpu", "0"), ("image", "a"), ("memory", "5")]);
        assert_eq!(
            text(&creation_changes(&wanted)),
            r#"image None Some("a"); memory None Some("5")"#
        );
    }

    #[test]
    fn secrets_never_leave_and_also_hide_what_they_replace() {
        let before = model(&[("env.T", "open text")]);
        let after = Model::from([("env.T".to_owned(), Field::secret(&Digest::new("d")))]);
        let changes = config_changes(&before, &after);
        assert_eq!(
            text(&changes),
            r#"env.T Some("(sensitive)") Some("(sensitive)")"#
        );
        assert!(changes[0].sensitive);
    }
}
