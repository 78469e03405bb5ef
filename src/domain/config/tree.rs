//! The spanned tree: what a YAML file says, with the place of every key and value.
//!
//! Scalars keep their text as written (`1.10` stays `1.10`); what a text means is decided by the type the key
//! table asks for, never by its looks.

use indexmap::IndexMap;

use crate::domain::place::Span;

/// One value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Where.
    pub(crate) span: Span,
    /// What.
    pub(crate) kind: Kind,
}

/// The three shapes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, number, truth value or nothing.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Map),
}

/// The text of a scalar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scalar {
    /// The text after YAML's escapes.
    pub(crate) text: String,
    /// Written without quotes, so it may stand for a number, a truth value or nothing.
    pub(crate) plain: bool,
    /// A variable went into the text: messages must not quote it.
    pub(crate) expanded: bool,
}

/// A key's place and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where the key stands.
    pub(crate) key: Span,
    /// Its value.
    pub(crate) node: Node,
}

/// A mapping; boxed, so that a scalar costs no more than it must.
pub(crate) type Map = Box<Entries>;

/// Keys and values in the order of the file.
pub(crate) type Entries = IndexMap<String, Entry>;

impl Scalar {
    /// Tells whether it stands for nothing (`key:`, `~`, `null`).
    pub(crate) fn is_null(&self) -> bool {
        self.plain
            && !self.expanded
            && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// Tells whether the value stands for nothing.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.is_null())
    }
    /// Returns the text of a scalar that is not null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
            Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => None,
        }
    }
    /// Returns the scalar.
    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }
    /// Returns the mapping.
    pub(crate) fn map(&self) -> Option<&Map> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }
    /// Returns the list's items.
    pub(crate) fn list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(list) => Some(list),
            Kind::Scalar(_) | Kind::Map(_) => None,
        }
    }
    /// Returns the value of a key that is there and not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        let entry = self.map()?.get(key)?;
        (!entry.node.is_null()).then_some(&entry.node)
    }
    /// Returns the entries of a mapping under `key`; none when it is absent or something else.
    pub(crate) fn entries(&self, key: &str) -> impl Iterator<Item = (&String, &Entry)> {
        self.get(key)
            .and_then(Node::map)
            .into_iter()
            .flat_map(|map| map.iter())
    }
    /// Returns the text of a key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::text)
    }
}
