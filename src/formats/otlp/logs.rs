//! A log record as a message.

use crate::domain::trace::span::{AttributeValue, LogRecord, Severity};
use crate::formats::otlp::request::{any, attributes, bytes, nanos};
use crate::formats::otlp::wire::Message;

const SAMPLED: u32 = 1;

pub(super) fn record(record: &LogRecord) -> Message {
    let (severity, word) = match record.severity {
        Severity::Info => (9, "INFO"),
        Severity::Warn => (13, "WARN"),
        Severity::Error => (17, "ERROR"),
    };
    let mut out = Message::default();
    out.fixed64(1, nanos(record.at))
        .varint(2, severity)
        .text(3, word)
        .message(5, &any(&AttributeValue::Text(record.text.clone())));
    attributes(&mut out, 6, &record.attributes);
    if let Some((trace, span)) = &record.span {
        out.fixed32(8, SAMPLED)
            .blob(9, &bytes(trace.as_str()))
            .blob(10, &bytes(span.as_str()));
    }
    out.fixed64(11, nanos(record.at)).text(12, record.event);
    out
}
