//! What the file may say: types of values, and the JSON Schema made of them.
//!
//! The tables in [`table`](super::table) are the one list of keys; the check for unknown keys and wrong types,
//! the canonical output and the schema all walk it, so that they cannot disagree.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::domain::config::table;

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Type {
    /// Any text; numbers and truth values are taken as they are written.
    Text,
    /// A name by the rule for names.
    Name,
    /// `true` or `false`.
    Bool,
    /// A whole number from 0.
    Count,
    /// A port, 1 to 65535.
    Port,
    /// A CPU limit.
    Cpu,
    /// An amount of memory.
    Memory,
    /// A time.
    Duration,
    /// A percentage.
    Percent,
    /// A restart policy.
    Restart,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A reference to a secret.
    Secret,
    /// Anything, for parts this version does not carry out.
    Any,
    /// A list of values.
    List(&'static Type),
    /// A mapping with free keys.
    Map(&'static Type),
    /// A mapping whose keys are names.
    Names(&'static Type),
    /// A mapping whose keys are names of variables.
    Variables(&'static Type),
    /// A mapping with known keys.
    Object(&'static Object),
    /// One of several shapes.
    Either(&'static [Type]),
}

/// A mapping with known keys.
#[derive(Debug)]
pub(crate) struct Object {
    /// Name in the schema.
    pub(crate) id: &'static str,
    /// With an article, for messages.
    pub(crate) what: &'static str,
    /// Its keys, in the order of the canonical output.
    pub(crate) keys: &'static [Key],
}

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// What its value may be.
    pub(crate) ty: Type,
    /// What it does, for the schema.
    pub(crate) help: &'static str,
    /// Accepted, but without effect in this version.
    pub(crate) later: bool,
}

impl Object {
    /// Returns the key of that name.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
    /// Returns the names of all keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.keys.iter().map(|key| key.name)
    }
}

/// Tells whether a key is the user's own (`x-…`) or for editors (`$schema`), and so never looked at.
pub(crate) fn is_extension(key: &str) -> bool {
    key.starts_with("x-") || key == "$schema"
}

impl Type {
    /// Says what is expected, with an article.
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Text => "text".into(),
            Self::Name => "a valid name".into(),
            Self::Bool => "`true` or `false`".into(),
            Self::Count => "a whole number from 0".into(),
            Self::Port => "a port, 1 to 65535".into(),
            Self::Cpu => "a number of cores such as `0.5` or `500m`".into(),
            Self::Memory => "an amount of memory such as `512mb` or `1.5GiB`".into(),
            Self::Duration => "a time with its unit such as `10s`, `500ms` or `1m30s`".into(),
            Self::Percent => "a percentage from `1%` to `100%`".into(),
            Self::Restart => {
                "`no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`".into()
            }
            Self::OneOf(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Secret => "a reference such as `env://NAME` or `file://PATH`".into(),
            Self::Any => "anything".into(),
            Self::List(_) => "a list".into(),
            Self::Map(_) | Self::Names(_) | Self::Variables(_) | Self::Object(_) => {
                "a mapping".into()
            }
            Self::Either(types) => {
                let mut all: Vec<String> = types.iter().map(Self::expected).collect();
                all.dedup();
                all.join(" or ")
            }
        }
    }
}

/// Makes the JSON Schema of the project file.
#[must_use]
pub fn schema() -> Value {
    let mut defs = BTreeMap::new();
    let root = object(&table::FILE, &mut defs);
    let mut out = Map::new();
    out.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    out.insert("title".into(), json!("nanokit.yml"));
    if let Value::Object(root) = root {
        out.extend(root);
    }
    out.insert("required".into(), json!(["name"]));
    out.insert("$defs".into(), Value::Object(defs.into_iter().collect()));
    Value::Object(out)
}

fn object(object: &'static Object, defs: &mut BTreeMap<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in object.keys {
        let mut value = of_type(&key.ty, defs);
        if let Value::Object(fields) = &mut value {
            let later = if key.later {
                " (not carried out by this version)"
            } else {
                ""
            };
            fields.insert("description".into(), json!(format!("{}{later}", key.help)));
        }
        properties.insert(key.name.into(), value);
    }
    json!({
        "type": "object",
        "properties": properties,
        "patternProperties": {"^(x-|\\$schema$)": {}},
        "additionalProperties": false,
    })
}

fn of_type(ty: &'static Type, defs: &mut BTreeMap<String, Value>) -> Value {
    const VARIABLE: &str = r"\$\{";
    match ty {
        Type::Text => json!({"type": ["string", "number", "boolean", "null"]}),
        Type::Name => {
            json!({"type": ["string", "number"], "pattern": "^[a-z0-9][a-z0-9._-]{0,62}$"})
        }
        Type::Bool => json!({"type": ["boolean", "string", "null"]}),
        Type::Count => {
            json!({"type": ["integer", "string", "null"], "minimum": 0, "pattern": format!("^[0-9]+$|{VARIABLE}")})
        }
        Type::Port => json!({
            "type": ["integer", "string", "null"], "minimum": 1, "maximum": 65535, "pattern": format!("^[0-9]+$|{VARIABLE}"),
        }),
        Type::Cpu => json!({"type": ["number", "string", "null"], "exclusiveMinimum": 0}),
        Type::Memory => json!({"type": ["integer", "string", "null"], "exclusiveMinimum": 0}),
        Type::Duration => json!({
            "type": ["string", "integer", "null"],
            "pattern": format!("^([0-9.]+(ms|us|d|h|m|s))+$|^0$|{VARIABLE}"),
        }),
        Type::Percent => {
            json!({"type": ["integer", "string", "null"], "pattern": format!("^[0-9]+%?$|{VARIABLE}")})
        }
        Type::Restart => json!({
            "type": ["string", "null"],
            "pattern": format!("^(no|always|unless-stopped|on-failure(:[0-9]+)?)$|{VARIABLE}"),
        }),
        Type::OneOf(words) => {
            json!({"anyOf": [{"enum": words}, {"type": "null"}, {"type": "string", "pattern": VARIABLE}]})
        }
        Type::Secret => json!({"anyOf": [
            {"type": "string", "pattern": "^(env|file|vault)://."},
            {"type": "null"},
            {"type": "object", "properties": {"from": {"enum": ["env"]}, "key": {"type": "string"}},
             "required": ["from"], "additionalProperties": false},
        ]}),
        Type::Any => json!({}),
        Type::List(item) => json!({"type": ["array", "null"], "items": of_type(item, defs)}),
        Type::Map(value) => {
            json!({"type": ["object", "null"], "additionalProperties": of_type(value, defs)})
        }
        Type::Names(value) => json!({
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^(x-.*|[a-z0-9][a-z0-9._-]{0,62})$"},
            "additionalProperties": of_type(value, defs),
        }),
        Type::Variables(value) => json!({
            "type": ["object", "null"],
            "propertyNames": {"pattern": "^[^=]+$"},
            "additionalProperties": of_type(value, defs),
        }),
        Type::Object(known) => {
            if !defs.contains_key(known.id) {
                defs.insert(known.id.into(), Value::Null);
                let value = object(known, defs);
                defs.insert(known.id.into(), value);
            }
            json!({"anyOf": [{"$ref": format!("#/$defs/{}", known.id)}, {"type": "null"}]})
        }
        Type::Either(types) => {
            let all: Vec<Value> = types.iter().map(|ty| of_type(ty, defs)).collect();
            json!({"anyOf": all})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schema_is_the_generated_one() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/schema/nanokit.schema.json"
        );
        let wanted = format!(
            "{}\n",
            serde_json::to_string_pretty(&schema()).expect("plain JSON")
        );
        if std::env::var_os("NANOKIT_WRITE").is_some() {
            #[expect(
                clippy::disallowed_methods,
                reason = "writes the committed file on request"
            )]
            std::fs::write(path, &wanted).expect("writable");
            return;
        }
        let committed = include_str!("../../../assets/schema/nanokit.schema.json");
        assert!(
            committed == wanted,
            "assets/schema/nanokit.schema.json is not what the table of keys makes; run this test with NANOKIT_WRITE=1"
        );
    }

    #[test]
    fn every_key_is_explained() {
        fn walk(object: &'static Object, depth: usize) {
            for key in object.keys {
                assert!(!key.help.is_empty(), "{}.{}", object.id, key.name);
                if depth < 6 {
                    inner(&key.ty, depth);
                }
            }
        }
        fn inner(ty: &'static Type, depth: usize) {
            match ty {
                Type::Object(object) => walk(object, depth + 1),
                Type::List(ty) | Type::Map(ty) | Type::Names(ty) | Type::Variables(ty) => {
                    inner(ty, depth);
                }
                Type::Either(types) => types.iter().for_each(|ty| inner(ty, depth)),
                _ => {}
            }
        }
        walk(&table::FILE, 0);
    }
}
