//! Writes text: the one way from a string to cells, so that nothing foreign gets there unclean.

use ratatui::text::{Line, Span};

use crate::present::clean;
use crate::tui::theme::{Theme, Tone};

/// Writes in a theme.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    /// The look.
    pub theme: Theme,
}

impl Pen {
    /// Writes a piece of text.
    #[must_use]
    pub fn span(self, text: impl AsRef<str>, tone: Tone) -> Span<'static> {
        Span::styled(clean::line(text.as_ref()), self.theme.style(tone))
    }

    /// Writes a line of several pieces.
    #[must_use]
    pub fn line(self, pieces: &[(&str, Tone)]) -> Line<'static> {
        let spans: Vec<Span<'static>> = pieces
            .iter()
            .map(|(text, tone)| self.span(text, *tone))
            .collect();
        Line::from(spans)
    }
}
