//! What can go wrong with a call, sorted by the one question that matters: did the engine get it?
//!
//! An answer with an error status means it was refused; a connection that could not be made means it never
//! left; anything else after sending means nobody knows.

use std::future::Future;
use std::time::Duration;

use bollard::errors::Error;

use crate::ports::provider::{Outcome, ProviderError};

/// Deadline of a read.
pub(super) const READ: Duration = Duration::from_secs(30);
/// Deadline of an ordinary change.
pub(super) const CHANGE: Duration = Duration::from_secs(60);
/// Deadline of a start: the engine is slow at these when many are asked for at once.
pub(super) const START: Duration = Duration::from_secs(180);

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The engine answered with an error status.
    Answer {
        /// HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// A precondition of ours does not hold; nothing was sent.
    Refused(String),
    /// The engine could not be reached; nothing was sent.
    NotSent(String),
    /// The reply was lost.
    Lost(String),
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// What was asked (`create container`).
    pub(super) call: &'static str,
    /// About what.
    pub(super) subject: String,
    /// Why it failed.
    pub(super) cause: Cause,
}

impl Fault {
    /// Makes a refusal of our own.
    pub(super) fn refused(call: &'static str, subject: &str, why: impl Into<String>) -> Self {
        Self {
            call,
            subject: subject.to_owned(),
            cause: Cause::Refused(why.into()),
        }
    }
    /// Sorts an error of the client library.
    pub(super) fn of(call: &'static str, subject: &str, error: &Error) -> Self {
        Self {
            call,
            subject: subject.to_owned(),
            cause: sort(error),
        }
    }
    /// Returns the status the engine answered with.
    pub(super) fn status(&self) -> Option<u16> {
        match &self.cause {
            Cause::Answer { status, .. } => Some(*status),
            Cause::Refused(_) | Cause::NotSent(_) | Cause::Lost(_) => None,
        }
    }
    /// Tells whether the thing is not there.
    pub(super) fn is_missing(&self) -> bool {
        self.status() == Some(404)
    }
    /// For lists, which name nothing that could be missing: whoever answers so is not the engine, or not well.
    pub(super) fn of_a_list(mut self) -> Self {
        if let Cause::Answer { status, .. } = &mut self.cause
            && *status == 404
        {
            *status = 502;
        }
        self
    }
    /// Returns the engine's words, or ours.
    pub(super) fn message(&self) -> &str {
        match &self.cause {
            Cause::Answer { message, .. }
            | Cause::Refused(message)
            | Cause::NotSent(message)
            | Cause::Lost(message) => message,
        }
    }
    /// Turns it into the port's error; `endpoint` is where the engine was looked for.
    pub(super) fn into_error(self, endpoint: &str) -> ProviderError {
        match self.cause {
            Cause::Answer { status: 404, .. } => ProviderError::Missing {
                subject: self.subject,
            },
            Cause::Answer { message, .. } | Cause::Refused(message) => ProviderError::Call {
                call: self.call.to_owned(),
                subject: self.subject,
                cause: message,
            },
            Cause::NotSent(cause) => unreachable(endpoint, &cause),
            Cause::Lost(cause) => unreachable(
                endpoint,
                &format!("{} {}: {cause}", self.call, self.subject),
            ),
        }
    }
    /// Turns it into an outcome: lost is unknown, everything else is failed.
    pub(super) fn into_outcome<T>(self, endpoint: &str) -> Outcome<T> {
        match &self.cause {
            Cause::Lost(_) => Outcome::Unknown(self.into_error(endpoint)),
            Cause::Answer {
                status: 404,
                message,
            } => Outcome::Failed(ProviderError::Call {
                call: self.call.to_owned(),
                cause: message.clone(),
                subject: self.subject,
            }),
            Cause::Answer { .. } | Cause::Refused(_) | Cause::NotSent(_) => {
                Outcome::Failed(self.into_error(endpoint))
            }
        }
    }
}

/// Makes the error for an engine that does not answer.
pub(super) fn unreachable(endpoint: &str, cause: &str) -> ProviderError {
    ProviderError::Unreachable {
        platform: "docker".to_owned(),
        endpoint: endpoint.to_owned(),
        cause: cause.to_owned(),
        hint: "start the Docker engine, or point `DOCKER_HOST` or `docker context use` at one; \
               `infra.provider: process` needs none"
            .to_owned(),
    }
}

/// Awaits a call with a deadline; a missed one counts as a lost reply.
pub(super) async fn call<T>(
    name: &'static str,
    subject: &str,
    limit: Duration,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(limit, future).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Fault::of(name, subject, &error)),
        Err(_) => Err(Fault {
            call: name,
            subject: subject.to_owned(),
            cause: Cause::Lost(format!("no answer within {} s", limit.as_secs())),
        }),
    }
}

/// Asks for something, once more when the connection broke under the answer: asking changes nothing.
pub(super) async fn look<T, F>(
    name: &'static str,
    subject: &str,
    ask: impl Fn() -> F,
) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Error>>,
{
    let started = tokio::time::Instant::now();
    match call(name, subject, READ, ask()).await {
        Err(fault) if matches!(fault.cause, Cause::Lost(_)) && started.elapsed() < READ => {
            call(name, subject, READ, ask()).await
        }
        answer => answer,
    }
}

fn sort(error: &Error) -> Cause {
    match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => Cause::Answer {
            status: *status_code,
            message: message.trim().to_owned(),
        },
        Error::DockerStreamError { error } => Cause::Answer {
            status: 500,
            message: error.trim().to_owned(),
        },
        Error::SocketNotFoundError(path) => Cause::NotSent(format!("no socket at {path}")),
        Error::HyperLegacyError { err } if err.is_connect() => {
            Cause::NotSent(deepest(err).unwrap_or_else(|| "connection refused".to_owned()))
        }
        Error::RequestTimeoutError => Cause::Lost("no answer in time".to_owned()),
        other => Cause::Lost(deepest(other).unwrap_or_else(|| other.to_string())),
    }
}

/// The innermost cause says most ("Permission denied"); the layers around it only say "error".
fn deepest(error: &dyn std::error::Error) -> Option<String> {
    let mut source = error.source()?;
    while let Some(next) = source.source() {
        source = next;
    }
    Some(source.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status_code: u16) -> Error {
        Error::DockerResponseServerError {
            status_code,
            message: "words\n".to_owned(),
        }
    }

    #[test]
    fn an_answer_is_a_failure_and_a_lost_reply_is_unknown() {
        let cases = [
            (server(409), "failed"),
            (server(404), "failed"),
            (server(500), "failed"),
            (Error::SocketNotFoundError("/x".into()), "failed"),
            (Error::RequestTimeoutError, "unknown"),
            (
                Error::IOError {
                    err: std::io::ErrorKind::ConnectionReset.into(),
                },
                "unknown",
            ),
        ];
        for (error, expected) in cases {
            let fault = Fault::of("create container", "nk-a", &error);
            let found = match fault.into_outcome::<()>("unix:///x") {
                Outcome::Done(()) => "done",
                Outcome::Failed(_) => "failed",
                Outcome::Unknown(_) => "unknown",
            };
            assert_eq!(found, expected, "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_is_repeated_after_a_broken_connection_and_after_nothing_else() {
        let broken = || Error::IOError {
            err: std::io::ErrorKind::ConnectionReset.into(),
        };
        for (errors, asked, good) in [
            (vec![], 1, true),
            (vec![broken()], 2, true),
            (vec![broken(), broken()], 2, false),
            (vec![server(500)], 1, false),
            (vec![server(404)], 1, false),
        ] {
            let errors = std::cell::RefCell::new(errors);
            let times = std::cell::Cell::new(0);
            let answer = look("list networks of", "engine", || {
                times.set(times.get() + 1);
                std::future::ready(errors.borrow_mut().pop().map_or(Ok(()), Err))
            });
            assert_eq!(answer.await.is_ok(), good);
            assert_eq!(times.get(), asked);
        }
        let times = std::cell::Cell::new(0);
        let answer = look::<(), _>("list networks of", "engine", || {
            times.set(times.get() + 1);
            std::future::pending()
        });
        assert!(answer.await.is_err(), "it never answers");
        assert_eq!(times.get(), 1, "an engine that hangs is not asked again");
    }

    #[test]
    fn a_list_that_is_not_there_is_no_missing_project() {
        let fault = Fault::of("list containers of", "shop", &server(404));
        assert_eq!(
            fault.of_a_list().into_error("unix:///x").to_string(),
            "list containers of shop: words"
        );
    }

    #[test]
    fn the_engines_words_are_kept_without_their_line_break() {
        let fault = Fault::of("create container", "nk-a", &server(409));
        assert_eq!(
            fault.into_error("unix:///x").to_string(),
            "create container nk-a: words"
        );
    }
}
