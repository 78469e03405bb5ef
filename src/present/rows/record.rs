//! The recorded state as rows.

use crate::domain::record::Record;
use crate::present::role::{Role, Row, Span};
use crate::present::rows::table::table;

/// Returns what was applied last.
#[must_use]
pub fn record(record: &Record) -> Vec<Row> {
    let scope = &record.scope;
    let mut rows = vec![
        Row::at(0)
            .with(Role::Strong, scope.project.as_str())
            .with(Role::Dim, " · ")
            .with(Role::Strong, scope.env.as_str())
            .with(Role::Dim, " · lineage ")
            .with(Role::Path, record.lineage.as_str())
            .with(
                Role::Dim,
                format!(" · state {} · fence {}", record.serial, record.fence),
            ),
    ];
    let lines: Vec<Vec<Span>> = record
        .resources
        .values()
        .map(|resource| {
            let ids: Vec<String> = match &resource.id {
                Some(id) => vec![short(id.as_str())],
                None => resource
                    .instances
                    .iter()
                    .map(|(n, instance)| {
                        let mark = if instance.ready { "" } else { " (unfinished)" };
                        format!("[{n}] {}{mark}", short(instance.id.as_str()))
                    })
                    .collect(),
            };
            let needs: Vec<String> = resource
                .depends_on
                .iter()
                .map(ToString::to_string)
                .collect();
            vec![
                Span::new(Role::Plain, resource.address.to_string()),
                Span::new(Role::Path, ids.join(" ")),
                Span::new(Role::Dim, needs.join(" ")),
            ]
        })
        .collect();
    rows.extend(table(&["RESOURCE", "IDS", "DEPENDS ON"], &lines));
    for pending in &record.pending {
        rows.push(
            Row::at(0)
                .with(Role::Warn, "? ")
                .with(
                    Role::Plain,
                    format!("{} of {}", pending.verb, pending.address),
                )
                .with(
                    Role::Dim,
                    " was begun and its outcome is not known; the next run looks",
                ),
        );
    }
    rows
}

fn short(id: &str) -> String {
    id.chars().take(24).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{EnvName, Lineage, ProjectName, Scope};

    #[test]
    fn an_empty_record_still_says_whose_it_is() {
        let scope = Scope {
            project: ProjectName::parse("shop").expect("a name"),
            env: EnvName::parse("local").expect("a name"),
            component: None,
        };
        let rows = record(&Record::new(Lineage::new("l1"), String::new(), scope));
        assert_eq!(
            rows.first().map(Row::text).as_deref(),
            Some("shop · local · lineage l1 · state 0 · fence 0")
        );
    }
}
