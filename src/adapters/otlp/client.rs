//! One request to a receiver, and what comes of it.

use std::time::Duration;

use crate::adapters::otlp::address::Address;
use crate::adapters::otlp::stream::connect;
use crate::adapters::otlp::{grpc, http};
use crate::domain::project::telemetry::Protocol;
use crate::formats::otlp::answer::Refused;

/// Largest answer that is read, in bytes; a receiver has little to say.
pub(super) const ANSWER: usize = 64 * 1024;

/// What kind of items a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Spans.
    Traces,
    /// Log records.
    Logs,
    /// Measures.
    Metrics,
}

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It may be tried again, not before that pause where the receiver names one.
    Again(String, Option<Duration>),
    /// It would be refused again.
    Never(String),
}

impl Fault {
    /// A fault of the connection; what is tried again is for whoever asks to decide.
    pub(super) fn connection(error: impl std::fmt::Display) -> Self {
        Self::Again(format!("the receiver does not answer: {error}"), None)
    }
}

/// Sends one request, within the time the address allows.
pub(super) async fn send(to: &Address, kind: Kind, body: Vec<u8>) -> Result<Refused, Fault> {
    let exchange = async {
        let stream = connect(to).await.map_err(Fault::connection)?;
        match to.protocol {
            Protocol::Http => http::exchange(to, stream, body).await,
            Protocol::Grpc => grpc::exchange(to, kind, stream, body).await,
        }
    };
    match tokio::time::timeout(to.timeout, exchange).await {
        Ok(done) => done,
        Err(_) => Err(Fault::Again(
            format!(
                "the receiver did not answer within {} ms",
                to.timeout.as_millis()
            ),
            None,
        )),
    }
}
