//! The deep merge of an environment's overrides: mappings by key, lists and scalars replaced, `null` removes.
//!
//! Every value keeps its own place, so a fault in an override is shown where the override is written.

use crate::domain::config::findings::Findings;
use crate::domain::config::tree::{Entries, Kind, Node};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;

/// Lays `over` on `base`.
pub(crate) fn merge(base: &mut Node, over: Node, findings: &mut Findings) {
    let span = over.span;
    match (&mut base.kind, over.kind) {
        (Kind::Map(base), Kind::Map(over)) => merge_maps(base, *over, findings),
        (_, kind) => {
            base.kind = kind;
            base.span = span;
        }
    }
}

fn merge_maps(base: &mut Entries, over: Entries, findings: &mut Findings) {
    for (key, entry) in over {
        if entry.node.is_null() {
            // Order of the rest must not change, or messages would move.
            if base.shift_remove(&key).is_none() {
                let text = format!(
                    "`{}` is removed here, but nothing of that name is there",
                    brief(&key)
                );
                let finding = Diagnostic::warning("NK0207", text)
                    .at(entry.key, "removes nothing")
                    .help("write `{}` to add an empty one");
                findings.push(finding);
            }
            continue;
        }
        match base.get_mut(&key) {
            // What was empty before is filled, not merged.
            Some(known) if known.node.is_null() => *known = entry,
            Some(known) => {
                if !matches!(
                    (&known.node.kind, &entry.node.kind),
                    (Kind::Map(_), Kind::Map(_))
                ) {
                    known.key = entry.key;
                }
                merge(&mut known.node, entry.node, findings);
            }
            None => {
                base.insert(key, entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::config::yaml::{Limits, parse};

    fn plain(node: &Node) -> String {
        match &node.kind {
            Kind::Scalar(scalar) => scalar.text.clone(),
            Kind::List(items) => format!(
                "[{}]",
                items.iter().map(plain).collect::<Vec<_>>().join(",")
            ),
            Kind::Map(map) => {
                let items: Vec<String> = map
                    .iter()
                    .map(|(k, e)| format!("{k}:{}", plain(&e.node)))
                    .collect();
                format!("{{{}}}", items.join(","))
            }
        }
    }

    #[test]
    fn overrides_are_laid_over() {
        let cases = [
            ("{a: 1, b: 2}", "{b: 3, c: 4}", "{a:1,b:3,c:4}", 0),
            ("{a: {x: 1, y: 2}}", "{a: {y: 3}}", "{a:{x:1,y:3}}", 0),
            ("{a: [1, 2]}", "{a: [3]}", "{a:[3]}", 0),
            ("{a: 1, b: 2, c: 3}", "{b: null}", "{a:1,c:3}", 0),
            ("{a: 1}", "{b: ~}", "{a:1}", 1),
            ("{a: }", "{a: {x: 1}}", "{a:{x:1}}", 0),
            ("{a: {x: 1}}", "{a: 5}", "{a:5}", 0),
        ];
        for (base, over, expected, warnings) in cases {
            let mut findings = Findings::default();
            let mut read = |text: &str| {
                let file = findings.source(Path::new("t"), text);
                parse(file, text, Limits::FILE, &mut findings).expect("readable")
            };
            let (mut base, over) = (read(base), read(over));
            merge(&mut base, over, &mut findings);
            assert_eq!(plain(&base), expected);
            assert_eq!(findings.finish().0.len(), warnings, "{expected}");
        }
    }
}
