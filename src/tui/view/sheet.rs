//! A page of facts: headings, pairs and wrapped text, of which a slice is shown.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::present::clean;
use crate::tui::theme::Tone;
use crate::tui::view::pen::Pen;
use crate::tui::words::{pad, width, wrap};

/// A page that is being written.
#[derive(Debug)]
pub struct Sheet {
    pen: Pen,
    width: usize,
    label: usize,
    lines: Vec<Line<'static>>,
}

impl Sheet {
    /// Starts a page of that many cells, with labels of that many.
    #[must_use]
    pub fn new(pen: Pen, width: u16, label: usize) -> Self {
        Self {
            pen,
            width: usize::from(width),
            label,
            lines: Vec::new(),
        }
    }

    /// Writes a heading, with an empty line before it.
    pub fn heading(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(self.pen.line(&[(text, Tone::Title)]));
    }

    /// Returns the cells beside a label.
    #[must_use]
    pub fn room(&self) -> usize {
        self.width.saturating_sub(self.label + 1)
    }

    /// Writes a label and its value, wrapped beside it.
    pub fn pair(&mut self, label: &str, value: &str, tone: Tone) {
        let room = self.width.saturating_sub(self.label + 1);
        if room < 12 {
            self.text(label, Tone::Dim);
            self.text(value, tone);
            return;
        }
        for (index, line) in wrap(&clean::lines(value), room).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let label = pad(label, self.label);
            self.lines.push(
                self.pen
                    .line(&[(&label, Tone::Dim), (" ", Tone::Text), (line, tone)]),
            );
        }
    }

    /// Writes a label and its value, and behind it, dimmed, where it comes from.
    pub fn pair_from(&mut self, label: &str, value: &str, origin: &str, tone: Tone) {
        let before = self.lines.len();
        self.pair(label, value, tone);
        if origin.is_empty() {
            return;
        }
        let used = self.lines.last().map_or(0, Line::width);
        let room = self.width.saturating_sub(used + 3);
        let fits = width(origin) <= room && self.lines.len() > before;
        match self.lines.last_mut() {
            Some(last) if fits => {
                last.push_span(self.pen.span("   ", Tone::Text));
                last.push_span(self.pen.span(origin, Tone::Dim));
            }
            Some(_) | None => self.pair("", origin, Tone::Dim),
        }
    }

    /// Writes wrapped text.
    pub fn text(&mut self, text: &str, tone: Tone) {
        for line in wrap(&clean::lines(text), self.width) {
            self.lines.push(self.pen.line(&[(&line, tone)]));
        }
    }

    /// Writes wrapped text behind a symbol.
    pub fn item(&mut self, symbol: &str, text: &str, tone: Tone) {
        for (index, line) in wrap(&clean::lines(text), self.width.saturating_sub(2))
            .iter()
            .enumerate()
        {
            let symbol = if index == 0 { symbol } else { " " };
            self.lines.push(
                self.pen
                    .line(&[(symbol, tone), (" ", tone), (line, Tone::Text)]),
            );
        }
    }

    /// Returns how many cells a line has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }
    /// Returns what it is written with.
    #[must_use]
    pub fn pen(&self) -> Pen {
        self.pen
    }

    /// Writes a ready line.
    pub fn push(&mut self, line: Line<'static>) {
        self.lines.push(line);
    }

    /// Returns how many lines were written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }
    /// Tells whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the lines.
    #[must_use]
    pub fn into_lines(self) -> Vec<Line<'static>> {
        self.lines
    }

    /// Draws as many lines as fit, from line `at` on; never scrolls past the last screenful.
    pub fn show(self, frame: &mut Frame<'_>, area: Rect, at: usize) {
        let height = usize::from(area.height);
        let at = at.min(self.lines.len().saturating_sub(height));
        let rest = self.lines.len().saturating_sub(at + height);
        let mut lines: Vec<Line<'static>> = self.lines.into_iter().skip(at).take(height).collect();
        if rest > 0
            && let Some(last) = lines.last_mut()
        {
            *last = self
                .pen
                .line(&[(&format!("↓ {} more", rest + 1), Tone::Dim)]);
        }
        frame.render_widget(Paragraph::new(lines), area);
    }
}
