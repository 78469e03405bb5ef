//! The keys of the `telemetry` block.

use crate::domain::config::keys::{Object, Type};
use crate::domain::config::table::{TEXT, key};
use crate::domain::project::telemetry::Protocol;

/// Where traces go.
pub(super) static TELEMETRY: Object = Object {
    id: "telemetry",
    what: "the `telemetry` block",
    keys: &[
        key(
            "endpoint",
            Type::Text,
            "Address of an OTLP receiver such as `http://localhost:4318`; `OTEL_EXPORTER_OTLP_ENDPOINT` goes before it.",
        ),
        key(
            "protocol",
            Type::OneOf(&Protocol::WORDS),
            "How it is spoken to; without it `http/protobuf`.",
        ),
        key(
            "headers",
            Type::Map(&TEXT),
            "Headers of every request; `env://NAME` and `file://PATH` are secrets.",
        ),
    ],
};
