//! Shared parts of all formats: strict JSON, words of enums, points in time, checksums.
//!
//! JSON is parsed strictly: a duplicate key is an error, since readers disagree about which one holds.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::domain::ids::HIGHEST_COUNT;
use crate::domain::time::Wall;
use crate::formats::error::FormatError;

const DUPLICATE: &str = "duplicate key ";

/// Parses one JSON document; trailing text and duplicate keys are errors.
pub fn parse(bytes: &[u8]) -> Result<Value, FormatError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(FormatError::Empty);
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    value.map_err(|error| named(&error))
}

fn named(error: &serde_json::Error) -> FormatError {
    let text = error.to_string();
    if let Some(rest) = text.strip_prefix(DUPLICATE) {
        let key = rest.rsplit_once(" at line").map_or(rest, |(key, _)| key);
        return FormatError::DuplicateKey(key.to_owned());
    }
    if error.is_eof() {
        return FormatError::Truncated { line: error.line() };
    }
    FormatError::NotJson {
        line: error.line(),
        column: error.column(),
    }
}

/// Turns a parsed document into a wire type; the message names the field.
pub(super) fn from_value<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, FormatError> {
    serde_json::from_value(value).map_err(|error| FormatError::Field(error.to_string()))
}

/// The same without taking the document apart.
pub(super) fn from_ref<'a, T: serde::Deserialize<'a>>(value: &'a Value) -> Result<T, FormatError> {
    T::deserialize(value).map_err(|error| FormatError::Field(error.to_string()))
}

/// Turns a wire type into a JSON value. Wire types have text keys only, so this cannot fail.
pub(super) fn to_value<T: serde::Serialize>(wire: &T) -> Value {
    serde_json::to_value(wire).unwrap_or(Value::Null)
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(list.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Strict)?;
            match map.entry(key) {
                Entry::Vacant(slot) => {
                    slot.insert(value);
                }
                Entry::Occupied(slot) => {
                    return Err(A::Error::custom(format!("{DUPLICATE}{}", slot.key())));
                }
            }
        }
        Ok(map.into())
    }
}

/// Checks the head of a document that carries a checksum. One whose checksum fits once our own words stand in the head
/// was ours, and the head is all that was damaged; what a newer tool seals by another rule never fits.
pub(super) fn check_sealed_header(
    document: &Value,
    format: &'static str,
    known: u64,
) -> Result<(), FormatError> {
    let Err(error) = check_header(document, format, known) else {
        return Ok(());
    };
    let written = document.get("sha256").and_then(Value::as_str);
    let mut ours = document.clone();
    if let Some(map) = ours.as_object_mut() {
        map.insert("format".to_owned(), format.into());
        map.insert("version".to_owned(), known.into());
    }
    match written {
        Some(written) if written == checksum(&ours) => Err(FormatError::Checksum {
            written: written.to_owned(),
            content: checksum(document),
        }),
        Some(_) | None => Err(error),
    }
}

/// Returns a number that only ever counts up by one, unless it is too near the end to have come about so: it could not be
/// counted on from there.
pub(super) fn counter(name: &str, value: u64) -> Result<u64, FormatError> {
    if value <= HIGHEST_COUNT {
        return Ok(value);
    }
    Err(FormatError::Field(format!(
        "`{name}` is {value}, which nothing can have counted up to"
    )))
}

/// Checks `format` and `version` of a document before anything else of it is believed.
pub(super) fn check_header(
    document: &Value,
    format: &'static str,
    known: u64,
) -> Result<u64, FormatError> {
    let other = |found: String| FormatError::OtherFormat {
        wanted: format,
        found,
    };
    let Some(map) = document.as_object() else {
        return Err(other("not even an object".to_owned()));
    };
    match map.get("format").and_then(Value::as_str) {
        Some(found) if found == format => {}
        Some(found) => return Err(other(format!("`{found}`"))),
        None => return Err(other("one without a `format`".to_owned())),
    }
    match map.get("version").and_then(Value::as_u64) {
        Some(version) if version > known => Err(FormatError::Newer {
            found: version,
            known,
        }),
        Some(0) | None => Err(FormatError::Field("`version` is missing".to_owned())),
        Some(version) => Ok(version),
    }
}

/// Digests a document without its own `sha256` key; order of keys and white space do not matter.
pub(crate) fn checksum(document: &Value) -> String {
    let mut text = Vec::new();
    canonical(document, true, &mut text);
    hex(&Sha256::digest(&text))
}

fn canonical(value: &Value, top: bool, out: &mut Vec<u8>) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            out.push(b'{');
            for (key, inner) in entries {
                if top && key == "sha256" {
                    continue;
                }
                scalar(key, out);
                out.push(b':');
                canonical(inner, false, out);
                out.push(b',');
            }
            out.push(b'}');
        }
        Value::Array(list) => {
            out.push(b'[');
            for inner in list {
                canonical(inner, false, out);
                out.push(b',');
            }
            out.push(b']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => scalar(value, out),
    }
}

/// Writes a text, a number, a truth value or nothing; memory takes them all.
fn scalar<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

/// Writes bytes as lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

/// Finds the value whose word is `text`, among all values of an enum.
pub(super) fn by_word<T: Copy>(
    all: &[T],
    word: impl Fn(T) -> &'static str,
    field: &str,
    text: &str,
) -> Result<T, FormatError> {
    all.iter()
        .copied()
        .find(|value| word(*value) == text)
        .ok_or_else(|| FormatError::Field(format!("`{field}` cannot be `{text}`")))
}

/// Writes a point in time as RFC 3339 in UTC with milliseconds.
#[must_use]
pub fn rfc3339(at: Wall) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
        .to_string()
}

/// Reads a point in time.
pub fn wall(text: &str) -> Result<Wall, FormatError> {
    text.parse::<jiff::Timestamp>()
        .map(|at| Wall(at.as_millisecond()))
        .map_err(|_| FormatError::Field(format!("`{text}` is no RFC 3339 time")))
}

/// Milliseconds of a span, as the wire has them.
pub(super) fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Tells whether a count is worth no key.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
pub(super) fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_has_names() {
        let cases: [(&[u8], FormatError); 7] = [
            (b"", FormatError::Empty),
            (b" \n", FormatError::Empty),
            (b"{\"a\": [1,", FormatError::Truncated { line: 1 }),
            (b"{\"a\": \"x", FormatError::Truncated { line: 1 }),
            (b"{a: 1}", FormatError::NotJson { line: 1, column: 2 }),
            (b"{} {}", FormatError::NotJson { line: 1, column: 4 }),
            (
                b"{\"a\": {\"b\": 1, \"b\": 2}}",
                FormatError::DuplicateKey("b".to_owned()),
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(
                parse(bytes),
                Err(expected),
                "{}",
                String::from_utf8_lossy(bytes)
            );
        }
        assert!(matches!(
            parse(b"\xff\xfe"),
            Err(FormatError::NotJson { .. })
        ));
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_crash() {
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn the_checksum_ignores_order_and_itself_but_nothing_else() {
        let sum = |text: &str| checksum(&parse(text.as_bytes()).unwrap());
        let base = sum(r#"{"a": 1, "b": {"sha256": "x", "c": [1, 2]}}"#);
        assert_eq!(
            base,
            sum(r#"{"b": {"c": [1,2], "sha256": "x"}, "sha256": "y", "a": 1}"#)
        );
        assert_ne!(base, sum(r#"{"a": 1, "b": {"sha256": "z", "c": [1, 2]}}"#));
        assert_ne!(base, sum(r#"{"a": 1, "b": {"sha256": "x", "c": [2, 1]}}"#));
        assert_ne!(base, sum(r#"{"a": 1, "b": {"sha256": "x", "c": [12]}}"#));
    }

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        let at = Wall(1_700_000_000_007);
        assert_eq!(rfc3339(at), "2023-11-14T22:13:20.007Z");
        assert_eq!(wall("2023-11-14T22:13:20.007Z"), Ok(at));
        assert_eq!(wall("2023-11-14T23:13:20.007+01:00"), Ok(at));
        assert_eq!(rfc3339(Wall(0)), "1970-01-01T00:00:00.000Z");
        assert!(wall("yesterday").is_err());
    }
}
