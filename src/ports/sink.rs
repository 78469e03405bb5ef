//! Where output of a long call goes while it runs.

use crate::domain::event::Stream;

/// Receives raw output and progress. Called from inside a provider or hook call; must not block.
pub trait Sink {
    /// Takes bytes as they came; lines may be split anywhere.
    fn output(&self, stream: Stream, bytes: &[u8]);
    /// Takes progress.
    fn progress(&self, done: u64, total: Option<u64>, unit: &str);
}

/// Drops everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSink;

impl Sink for NoSink {
    fn output(&self, _stream: Stream, _bytes: &[u8]) {}
    fn progress(&self, _done: u64, _total: Option<u64>, _unit: &str) {}
}
