//! OTLP: spans, log records and measures as the protobuf messages of `opentelemetry-proto` 1.x.
//!
//! The messages are few and frozen, so they are written here, without the kit that would bring its own clock, threads
//! and ids; tests read them back with the official types. Start at [`request`]; [`answer`] reads what comes back.

pub mod answer;
mod logs;
mod metrics;
pub mod request;
mod spans;
mod wire;

#[cfg(test)]
mod tests;
