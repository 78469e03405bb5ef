//! Output of one service, followed: a bounded store of lines and where the reader is in it.

use std::collections::VecDeque;

use crate::app::command::Ticket;
use crate::app::notice::OutputLine;
use crate::tui::tail::Tail;

/// The view of a service's output.
#[derive(Clone, Debug, Default)]
pub struct LogView {
    /// The service.
    pub service: String,
    /// Number of the wish, once it was taken.
    pub ticket: Option<Ticket>,
    /// Where the reader is.
    pub tail: Tail,
    /// What narrows the lines.
    pub filter: String,
    /// Columns left off on the left.
    pub across: usize,
    /// Why no more lines come, once that is so.
    pub ended: Option<String>,
    /// Lines that never arrived because reading was slow.
    pub lost: u64,
    lines: VecDeque<OutputLine>,
    dropped: u64,
    bytes: usize,
}

impl LogView {
    /// How many lines are kept.
    pub const LINES: usize = 20_000;
    /// How many bytes of text are kept.
    pub const BYTES: usize = 8 * 1024 * 1024;

    /// Opens the view of a service.
    #[must_use]
    pub fn of(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            ..Self::default()
        }
    }

    /// Takes a line; the oldest ones make room.
    pub fn push(&mut self, line: OutputLine) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > Self::LINES || self.bytes > Self::BYTES {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(oldest.text.len());
            self.dropped += 1;
        }
    }

    /// Returns the lines the filter leaves over, each with its number.
    #[must_use]
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = (u64, &OutputLine)> {
        let wanted = self.filter.to_lowercase();
        self.lines
            .iter()
            .enumerate()
            .map(|(index, line)| (self.dropped + index as u64, line))
            .filter(move |(_, line)| {
                wanted.is_empty() || line.text.to_lowercase().contains(&wanted)
            })
    }

    /// Returns how many lines are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }
    /// Tells whether no line arrived yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
    /// Returns how many lines made room for newer ones.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Stream;

    fn line(text: &str) -> OutputLine {
        OutputLine {
            source: "service.api[0]".into(),
            stream: Stream::Stdout,
            text: text.into(),
        }
    }

    #[test]
    fn the_oldest_lines_make_room_and_are_counted() {
        let mut view = LogView::of("api");
        for number in 0..LogView::LINES + 3 {
            view.push(line(&number.to_string()));
        }
        assert_eq!((view.len(), view.dropped()), (LogView::LINES, 3));
        assert_eq!(view.lines().next().map(|(n, _)| n), Some(3));
        let mut view = LogView::of("api");
        for _ in 0..9 {
            view.push(line(&"x".repeat(LogView::BYTES / 4)));
        }
        assert_eq!(view.len(), 4);
    }

    #[test]
    fn the_filter_ignores_case_and_keeps_numbers() {
        let mut view = LogView::of("api");
        for text in ["GET /", "error: no", "Error again"] {
            view.push(line(text));
        }
        view.filter = "error".into();
        let numbers: Vec<u64> = view.lines().map(|(number, _)| number).collect();
        assert_eq!(numbers, [1, 2]);
    }
}
