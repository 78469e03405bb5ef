//! One request of each kind: a batch of spans, of log records, or of measures, with who sends it.

use crate::domain::time::Wall;
use crate::domain::trace::meter::Measure;
use crate::domain::trace::span::{AttributeValue, LogRecord, Span};
use crate::formats::otlp::wire::Message;
use crate::formats::otlp::{logs, metrics, spans};

/// Who sends: attributes of the resource, and the version of this program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// `service.name` and whatever else is known.
    pub resource: Vec<(String, String)>,
    /// Version of this program.
    pub version: String,
}

/// Writes a request with spans.
#[must_use]
pub fn traces(sender: &Sender, batch: &[Span]) -> Vec<u8> {
    whole(sender, batch.iter().map(spans::span))
}

/// Writes a request with log records.
#[must_use]
pub fn logs(sender: &Sender, batch: &[LogRecord]) -> Vec<u8> {
    whole(sender, batch.iter().map(logs::record))
}

/// Writes a request with measures.
#[must_use]
pub fn metrics(sender: &Sender, batch: &[Measure]) -> Vec<u8> {
    whole(sender, metrics::metrics(batch).into_iter())
}

/// All three kinds of request are built alike: the resource, in it the scope, in it the items.
fn whole(sender: &Sender, items: impl Iterator<Item = Message>) -> Vec<u8> {
    let mut resource = Message::default();
    for (name, value) in &sender.resource {
        pair(
            &mut resource,
            1,
            name,
            &any(&AttributeValue::Text(value.clone())),
        );
    }
    let mut scope = Message::default();
    scope.text(1, "nanokit").text(2, &sender.version);
    let mut of_scope = Message::default();
    of_scope.message(1, &scope);
    for item in items {
        of_scope.message(2, &item);
    }
    let mut of_resource = Message::default();
    of_resource.message(1, &resource).message(2, &of_scope);
    let mut request = Message::default();
    request.message(1, &of_resource);
    request.into_bytes()
}

/// Writes attributes.
pub(super) fn attributes<'a>(
    to: &mut Message,
    field: u64,
    all: impl IntoIterator<Item = &'a (&'static str, AttributeValue)>,
) {
    for (name, value) in all {
        pair(to, field, name, &any(value));
    }
}

fn pair(to: &mut Message, field: u64, name: &str, value: &Message) {
    let mut pair = Message::default();
    pair.text(1, name).message(2, value);
    to.message(field, &pair);
}

/// Writes a value of any kind.
pub(super) fn any(value: &AttributeValue) -> Message {
    let mut any = Message::default();
    match value {
        AttributeValue::Text(text) => any.always_blob(1, text.as_bytes()),
        AttributeValue::Truth(truth) => any.always_varint(2, u64::from(*truth)),
        AttributeValue::Number(number) => any.always_varint(3, number.cast_unsigned()),
        AttributeValue::Texts(texts) => {
            let mut list = Message::default();
            for text in texts {
                list.message(1, &self::any(&AttributeValue::Text(text.clone())));
            }
            any.message(5, &list)
        }
    };
    any
}

/// Returns nanoseconds since 1970.
pub(super) fn nanos(at: Wall) -> u64 {
    u64::try_from(at.0)
        .unwrap_or_default()
        .saturating_mul(1_000_000)
}

/// Returns the bytes of an id in hex; what is no hex is left out.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| {
        hex.get(at..at + 2)
            .and_then(|two| u8::from_str_radix(two, 16).ok())
    };
    (0..hex.len() / 2).filter_map(|n| digit(n * 2)).collect()
}
