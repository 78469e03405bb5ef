//! Values as Compose writes them.

use serde_yaml::{Mapping, Value};

/// Returns a variable without a value as "taken from where nkapp runs", as Compose means it.
pub(super) fn environment(value: &Value) -> Value {
    let pair = |name: &str, value: Option<String>| {
        let value = value.unwrap_or_else(|| format!("${{{name}:-}}"));
        (Value::from(name), Value::from(value))
    };
    let mut out = Mapping::new();
    match value {
        Value::Mapping(map) => {
            for (name, value) in map {
                let given = (!value.is_null()).then(|| text(value));
                let (name, value) = pair(&text(name), given);
                out.insert(name, value);
            }
        }
        other => {
            for item in items(other) {
                let item = text(&item);
                let (name, value) = match item.split_once('=') {
                    Some((name, value)) => pair(name, Some(value.to_owned())),
                    None => pair(&item, None),
                };
                out.insert(name, value);
            }
        }
    }
    Value::Mapping(out)
}

/// Reads `8080:80`, `127.0.0.1:8080:80`, `80`, or the long form; only TCP.
pub(super) fn port_pair(value: &Value) -> Option<(Option<u16>, u16)> {
    if let Value::Mapping(map) = value {
        let number = |key: &str| map.get(key).map(text).and_then(|t| t.parse().ok());
        if map.get("protocol").is_some_and(|p| text(p) != "tcp") {
            return None;
        }
        return Some((number("published"), number("target")?));
    }
    let short = text(value);
    let short = short.strip_suffix("/tcp").unwrap_or(&short);
    let parts: Vec<&str> = short.split(':').collect();
    match parts.as_slice() {
        [inner] => Some((None, inner.parse().ok()?)),
        [host, inner] => Some((Some(host.parse().ok()?), inner.parse().ok()?)),
        // An address in front would be lost, and with it a protection: it is not carried over.
        _ => None,
    }
}

pub(super) fn cidr(ipam: &Value) -> Option<String> {
    let config = ipam.get("config")?.as_sequence()?;
    match config.as_slice() {
        [only] => only.get("subnet").map(text),
        _ => None,
    }
}

/// Compose's `512m` is nanokit's `512mb`.
pub(super) fn memory(value: &Value) -> Value {
    let raw = text(value).to_lowercase();
    match raw.strip_suffix(['k', 'm', 'g']) {
        Some(number) if !number.is_empty() => {
            let unit = raw.get(number.len()..).unwrap_or_default();
            Value::from(format!("{number}{unit}b"))
        }
        _ => value.clone(),
    }
}

pub(super) fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Sequence(list) => list.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => String::new(),
    }
}
