//! The merged, expanded file as YAML, for `config`: deterministic, with references in place of secrets.
//!
//! Known keys come in the order of the key table, free keys sorted. What comes out can be loaded again and means
//! the same: a `$` is written `$$`, and paths stay as they were written.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::domain::config::keys::{Object, Type, is_extension};
use crate::domain::config::scalar;
use crate::domain::config::table;
use crate::domain::config::tree::{Entry, Kind, Map, Node};

/// A merged, expanded file, as it is written where somebody asks for it.
#[derive(Clone, Debug)]
pub struct Merged(Arc<Node>);

impl Merged {
    pub(crate) fn of(root: Node) -> Self {
        Self(Arc::new(root))
    }
}

impl Serialize for Merged {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(&self.0, &table::FILE, to)
    }
}

/// A value, and what is known of it.
enum Part<'a> {
    Typed(&'a Node, &'static Type),
    Untyped(&'a Node),
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Typed(node, ty) => of_type(node, ty, to),
            Self::Untyped(node) => untyped(node, to),
        }
    }
}

fn object<S: Serializer>(node: &Node, object: &'static Object, to: S) -> Result<S::Ok, S::Error> {
    let is_file = object.id == "file";
    // These have done their work.
    let is_over = |name: &str| is_file && matches!(name, "environments" | "git");
    let keys = object.keys.iter().filter(|key| !is_over(key.name));
    to.collect_map(keys.filter_map(|key| {
        let value = node.get(key.name)?;
        let part = if key.later && is_file {
            Part::Untyped(value)
        } else {
            Part::Typed(value, &key.ty)
        };
        Some((key.name, part))
    }))
}

fn of_type<S: Serializer>(node: &Node, ty: &'static Type, to: S) -> Result<S::Ok, S::Error> {
    match ty {
        Type::Object(known) if node.map().is_some() => object(node, known, to),
        Type::List(item) => {
            let items = node.list().unwrap_or_default();
            to.collect_seq(items.iter().map(|node| Part::Typed(node, item)))
        }
        Type::Map(value) | Type::Variables(value) => free(node, value, |_| false, to),
        Type::Names(value) => free(node, value, is_extension, to),
        Type::Either(types) => one_of(node, types, to),
        Type::Any => untyped(node, to),
        Type::Secret if node.map().is_some() => untyped(node, to),
        Type::Bool => match node.text().and_then(scalar::boolean) {
            Some(truth) => to.serialize_bool(truth),
            None => to.serialize_unit(),
        },
        Type::Count | Type::Port => match node.text().and_then(scalar::count) {
            Some(number) => to.serialize_u64(number),
            None => to.serialize_unit(),
        },
        Type::Text
        | Type::Name
        | Type::Cpu
        | Type::Memory
        | Type::Duration
        | Type::Percent
        | Type::Restart
        | Type::OneOf(_)
        | Type::Secret
        | Type::Object(_) => match node.text() {
            Some(text) => to.serialize_str(&kept(text)),
            None => to.serialize_unit(),
        },
    }
}

fn sorted(map: Option<&Map>) -> Vec<(&String, &Entry)> {
    let mut entries: Vec<_> = map.into_iter().flat_map(|map| map.iter()).collect();
    entries.sort_by_key(|(name, _)| *name);
    entries
}

fn free<S: Serializer>(
    node: &Node,
    value: &'static Type,
    skip: fn(&str) -> bool,
    to: S,
) -> Result<S::Ok, S::Error> {
    let entries = sorted(node.map()).into_iter();
    let entries = entries.filter(|(name, _)| !skip(name));
    to.collect_map(entries.map(|(name, entry)| (name, Part::Typed(&entry.node, value))))
}

fn one_of<S: Serializer>(node: &Node, types: &'static [Type], to: S) -> Result<S::Ok, S::Error> {
    let fits = |ty: &&Type| match &node.kind {
        Kind::List(_) => matches!(ty, Type::List(_)),
        Kind::Map(_) => matches!(ty, Type::Map(_) | Type::Names(_) | Type::Variables(_)),
        Kind::Scalar(scalar) => {
            let bool =
                matches!(ty, Type::Bool) && scalar.plain && scalar::boolean(&scalar.text).is_some();
            bool || matches!(ty, Type::Text | Type::Port | Type::Count | Type::Secret)
        }
    };
    let mut objects = types.iter().filter_map(|ty| match ty {
        Type::Object(known) => Some(*known),
        _ => None,
    });
    let known = |known: &&Object| {
        node.map()
            .is_some_and(|map| map.keys().all(|key| known.key(key).is_some()))
    };
    match (
        types.iter().find(fits),
        objects.clone().find(known).or(objects.next_back()),
    ) {
        (Some(ty), _) => of_type(node, ty, to),
        (None, Some(known)) if node.map().is_some() => object(node, known, to),
        (None, _) => untyped(node, to),
    }
}

/// What is not carried out was not expanded either, so it goes out as it came in.
fn untyped<S: Serializer>(node: &Node, to: S) -> Result<S::Ok, S::Error> {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => to.serialize_unit(),
        Kind::Scalar(scalar) if scalar.plain => {
            match (scalar::boolean(&scalar.text), scalar::count(&scalar.text)) {
                (Some(truth), _) => to.serialize_bool(truth),
                (None, Some(n)) if n.to_string() == scalar.text => to.serialize_u64(n),
                (None, _) => to.serialize_str(&scalar.text),
            }
        }
        Kind::Scalar(scalar) => to.serialize_str(&scalar.text),
        Kind::List(items) => to.collect_seq(items.iter().map(Part::Untyped)),
        Kind::Map(map) => {
            let entries = sorted(Some(map)).into_iter();
            to.collect_map(entries.map(|(name, entry)| (name, Part::Untyped(&entry.node))))
        }
    }
}

/// Keeps a `$` a `$` when the output is loaded again.
fn kept(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '$' && matches!(chars.peek(), Some('$' | '{')) {
            out.push('$');
        }
    }
    out
}
