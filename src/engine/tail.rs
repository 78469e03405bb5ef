//! The end of an output, kept in memory for whoever has to say why something failed.

use std::cell::RefCell;

use crate::domain::event::Stream;
use crate::engine::output::TAIL;
use crate::ports::sink::Sink;

/// Keeps the end of an output in memory.
#[derive(Default)]
pub(super) struct Tail(RefCell<Vec<u8>>);

impl Tail {
    const KEPT: usize = 64 * 1024;
    /// Returns the last lines.
    pub(super) fn text(&self) -> String {
        last_lines(&String::from_utf8_lossy(&self.0.borrow()))
    }
}

impl Sink for Tail {
    fn output(&self, _stream: Stream, bytes: &[u8]) {
        let mut kept = self.0.borrow_mut();
        kept.extend_from_slice(bytes);
        let excess = kept.len().saturating_sub(Self::KEPT);
        kept.drain(..excess);
    }
    fn progress(&self, _done: u64, _total: Option<u64>, _unit: &str) {}
}

/// Returns the last lines of a text, as many as are shown of an output.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL);
    lines.get(from..).unwrap_or_default().join("\n")
}
