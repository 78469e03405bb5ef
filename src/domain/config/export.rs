//! The merged, expanded file as YAML, for `config`: deterministic, with references in place of secrets.
//!
//! Known keys come in the order of the key table, free keys sorted. What comes out can be loaded again and means
//! the same: a `$` is written `$$`, and paths stay as they were written.

use std::sync::Arc;

use serde_yaml::{Mapping, Number, Value};

use crate::domain::config::keys::{Object, Type, is_extension};
use crate::domain::config::scalar;
use crate::domain::config::table;
use crate::domain::config::tree::{Kind, Node};

/// A merged, expanded file. Few want it written, so it is only when somebody asks.
#[derive(Clone, Debug)]
pub struct Merged(Arc<Node>);

impl Merged {
    pub(crate) fn of(root: Node) -> Self {
        Self(Arc::new(root))
    }
    /// Writes it as YAML, with secrets as references.
    #[must_use]
    pub fn value(&self) -> Value {
        object(&self.0, &table::FILE)
    }
}

fn object(node: &Node, object: &'static Object) -> Value {
    let mut out = Mapping::new();
    for key in object.keys {
        // These have done their work.
        if matches!(key.name, "environments" | "git") && object.id == "file" {
            continue;
        }
        if let Some(value) = node.get(key.name) {
            let value = if key.later && object.id == "file" {
                untyped(value)
            } else {
                of_type(value, &key.ty)
            };
            out.insert(Value::String(key.name.into()), value);
        }
    }
    Value::Mapping(out)
}

fn of_type(node: &Node, ty: &'static Type) -> Value {
    match ty {
        Type::Object(known) if node.map().is_some() => object(node, known),
        Type::List(item) => Value::Sequence(
            node.list()
                .into_iter()
                .flatten()
                .map(|node| of_type(node, item))
                .collect(),
        ),
        Type::Map(value) | Type::Variables(value) => free(node, value, |_| false),
        Type::Names(value) => free(node, value, is_extension),
        Type::Either(types) => one_of(node, types),
        Type::Any => untyped(node),
        Type::Secret if node.map().is_some() => untyped(node),
        Type::Bool => node
            .text()
            .and_then(scalar::boolean)
            .map_or(Value::Null, Value::Bool),
        Type::Count | Type::Port => {
            let number = node.text().and_then(scalar::count);
            number.map_or(Value::Null, |n| Value::Number(Number::from(n)))
        }
        Type::Text
        | Type::Name
        | Type::Cpu
        | Type::Memory
        | Type::Duration
        | Type::Percent
        | Type::Restart
        | Type::OneOf(_)
        | Type::Secret
        | Type::Object(_) => node.text().map_or(Value::Null, text),
    }
}

fn free(node: &Node, value: &'static Type, skip: fn(&str) -> bool) -> Value {
    let mut entries: Vec<_> = node.map().into_iter().flat_map(|map| map.iter()).collect();
    entries.retain(|(name, _)| !skip(name));
    entries.sort_by(|a, b| a.0.cmp(b.0));
    let pairs = entries
        .into_iter()
        .map(|(name, entry)| (Value::String(name.clone()), of_type(&entry.node, value)));
    Value::Mapping(pairs.collect())
}

fn one_of(node: &Node, types: &'static [Type]) -> Value {
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
        (Some(ty), _) => of_type(node, ty),
        (None, Some(known)) if node.map().is_some() => object(node, known),
        (None, _) => untyped(node),
    }
}

fn untyped(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) if scalar.is_null() => Value::Null,
        Kind::Scalar(scalar) if scalar.plain => {
            match (scalar::boolean(&scalar.text), scalar::count(&scalar.text)) {
                (Some(truth), _) => Value::Bool(truth),
                (None, Some(n)) if n.to_string() == scalar.text => Value::Number(Number::from(n)),
                (None, _) => raw(&scalar.text),
            }
        }
        Kind::Scalar(scalar) => raw(&scalar.text),
        Kind::List(items) => Value::Sequence(items.iter().map(untyped).collect()),
        Kind::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            let pairs = entries
                .into_iter()
                .map(|(name, entry)| (Value::String(name.clone()), untyped(&entry.node)));
            Value::Mapping(pairs.collect())
        }
    }
}

/// Keeps a `$` a `$` when the output is loaded again.
fn text(text: &str) -> Value {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '$' && matches!(chars.peek(), Some('$' | '{')) {
            out.push('$');
        }
    }
    Value::String(out)
}

/// What is not carried out was not expanded either, so it goes out as it came in.
fn raw(text: &str) -> Value {
    Value::String(text.to_owned())
}
