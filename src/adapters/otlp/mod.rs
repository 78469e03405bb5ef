//! Sends traces, log records and measures to an OpenTelemetry receiver, in OTLP over HTTP or gRPC.
//!
//! Nothing of this may slow or fail a run: it lives on a thread of its own behind a bounded queue, counts what it has
//! to drop, and is given two seconds at the end. Start at [`exporter`]; `client` speaks the two protocols, `address`
//! reads where to.

mod address;
mod client;
pub mod exporter;
mod grpc;
mod http;
mod stream;
