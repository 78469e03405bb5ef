//! A span as a message.

use crate::domain::trace::span::{Span, SpanStatus};
use crate::formats::otlp::request::{attributes, bytes, nanos};
use crate::formats::otlp::wire::Message;

const INTERNAL: u64 = 1;
const SERVER: u64 = 2;
const OK: u64 = 1;
const ERROR: u64 = 2;
/// Sampled, and it is known that the parent is not remote, or that it is.
const LOCAL_PARENT: u32 = 0x101;
const REMOTE_PARENT: u32 = 0x301;

pub(super) fn span(span: &Span) -> Message {
    let mut out = Message::default();
    out.blob(1, &bytes(span.trace.as_str()))
        .blob(2, &bytes(span.id.as_str()));
    if let Some(parent) = &span.parent {
        out.blob(4, &bytes(parent.as_str()));
    }
    // A run is asked for from outside, which the conventions for pipelines call a server.
    out.text(5, &span.name)
        .varint(6, if span.root { SERVER } else { INTERNAL })
        .fixed64(7, nanos(span.start))
        .fixed64(8, nanos(span.end));
    attributes(&mut out, 9, &span.attributes);
    for link in &span.links {
        let mut to = Message::default();
        to.blob(1, &bytes(link.trace.as_str()))
            .blob(2, &bytes(link.span.as_str()));
        out.message(13, &to);
    }
    out.message(15, &status(&span.status));
    let remote = span.root && span.parent.is_some();
    out.fixed32(16, if remote { REMOTE_PARENT } else { LOCAL_PARENT });
    out
}

fn status(status: &SpanStatus) -> Message {
    let mut out = Message::default();
    match status {
        SpanStatus::Unset => {}
        SpanStatus::Ok => {
            out.varint(3, OK);
        }
        SpanStatus::Error(message) => {
            out.text(2, message).varint(3, ERROR);
        }
    }
    out
}
