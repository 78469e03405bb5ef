//! Small files of settings, such as keys and colours: their text as values with places, and all faults at once.
//!
//! The door to the YAML reader for whoever has such a file; what the values mean is up to them.

use std::path::Path;

use crate::domain::config::findings::Findings;
use crate::domain::config::near::suggestion;
use crate::domain::config::tree::{Kind, Node};
use crate::domain::config::yaml::{Limits, parse};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::{Sources, Span, Spanned};

/// Bounds of a file of settings: a thousand times what anybody writes by hand.
const LIMITS: Limits = Limits {
    bytes: 256 << 10,
    nodes: 20_000,
    depth: 8,
    repeated: 64 << 10,
};

/// One value and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub shape: Shape,
}

/// The shapes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing: `key:`.
    Nothing,
    /// A text; whether it stands there without quotes.
    Text(String, bool),
    /// A list.
    List(Vec<Value>),
    /// A mapping, in the order of the file.
    Map(Vec<(Spanned<String>, Value)>),
}

impl Value {
    /// Says what it is, for "this is …".
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.shape {
            Shape::Nothing => "nothing",
            Shape::Text(..) => "a text",
            Shape::List(_) => "a list",
            Shape::Map(_) => "a mapping",
        }
    }
}

/// A file of settings while it is being read: its findings, to which its reader adds its own.
#[derive(Debug, Default)]
pub struct File {
    findings: Findings,
}

impl File {
    /// Starts with a file's text; `None` beside it when the text holds nothing or cannot be read.
    #[must_use]
    pub fn read(shown: &Path, text: &str) -> (Self, Option<Value>) {
        let mut findings = Findings::default();
        if text.len() > LIMITS.bytes {
            let message = format!(
                "`{}` has {} bytes, more than the limit of {} KiB",
                shown.display(),
                text.len(),
                LIMITS.bytes >> 10
            );
            findings.push(Diagnostic::error("NK0103", message));
            return (Self { findings }, None);
        }
        let file = findings.source(shown, text);
        let root = parse(file, text, LIMITS, &mut findings);
        let root = root.filter(|root| !root.is_null()).map(|root| value(&root));
        (Self { findings }, root)
    }

    /// Adds a finding.
    pub fn push(&mut self, finding: Diagnostic) {
        self.findings.push(finding);
    }

    /// Adds a finding about a name that is not known, with the nearest known one.
    pub fn unknown<'a>(
        &mut self,
        finding: Diagnostic,
        typed: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) {
        let finding = match suggestion(typed, known) {
            Some(help) => finding.help(help),
            None => finding,
        };
        self.findings.push(finding);
    }

    /// Tells whether anything in it was an error so far.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.has_errors()
    }
    /// Returns the findings in the order of their places, and the text they refer to.
    #[must_use]
    pub fn finish(self) -> (Vec<Diagnostic>, Sources) {
        self.findings.finish()
    }
}

fn value(node: &Node) -> Value {
    let shape = match &node.kind {
        Kind::Scalar(_) if node.is_null() => Shape::Nothing,
        Kind::Scalar(scalar) => Shape::Text(scalar.text.clone(), scalar.plain),
        Kind::List(items) => Shape::List(items.iter().map(value).collect()),
        Kind::Map(map) => Shape::Map(
            map.iter()
                .map(|(name, entry)| (Spanned::new(entry.key, name.clone()), value(&entry.node)))
                .collect(),
        ),
    };
    Value {
        span: node.span,
        shape,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_with_their_places() {
        let (file, root) = File::read(Path::new("keymap.yml"), "all:\n  quit: [Q, \"C-q\"]\n");
        let root = root.expect("a value");
        let Shape::Map(areas) = &root.shape else {
            panic!("{root:?}");
        };
        let (name, inner) = &areas[0];
        assert_eq!((name.value.as_str(), name.span.start), ("all", 0));
        let Shape::Map(actions) = &inner.shape else {
            panic!("{inner:?}");
        };
        let (_, keys) = &actions[0];
        let Shape::List(keys) = &keys.shape else {
            panic!("{keys:?}");
        };
        assert_eq!(keys[0].shape, Shape::Text("Q".into(), true));
        assert_eq!(keys[1].shape, Shape::Text("C-q".into(), false));
        assert_eq!((keys[1].span.start, keys[1].span.end), (17, 22));
        assert_eq!(file.finish().0, []);
    }

    #[test]
    fn what_is_no_yaml_or_far_too_long_is_a_finding() {
        let (file, root) = File::read(Path::new("keymap.yml"), "all: [");
        assert_eq!(root, None);
        assert_eq!(file.finish().0.len(), 1);
        let (file, root) = File::read(Path::new("keymap.yml"), &"a".repeat(1 << 20));
        assert_eq!(root, None);
        assert_eq!(file.finish().0[0].code, "NK0103");
        assert_eq!(File::read(Path::new("keymap.yml"), "# nothing\n").1, None);
    }
}
