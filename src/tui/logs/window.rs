//! The rows on the screen, and scrolling: counted from the last row shown, row by row, never further than a screen.

use crate::tui::logs::reader::{At, Next, Reader, Shown, Size};
use crate::tui::logs::store::{Have, Store};

/// A row of a shown line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line.
    pub shown: Shown,
    /// Which of its rows, from 0.
    pub row: usize,
}

/// What is to be drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Rows from top to bottom.
    pub rows: Vec<Row>,
    /// A chunk without which no more rows can be had on top.
    pub gap: Option<usize>,
    /// Whether the first row of the whole text is on the screen.
    pub top: bool,
}

impl Reader {
    /// Returns the last row shown.
    fn bottom(&self, store: &Store, size: Size) -> Result<Row, Next> {
        let last_row = |shown| Row {
            shown,
            row: self.rows(store, shown, size.width).saturating_sub(1),
        };
        match self.at {
            At::Following => match self.before(store, u64::MAX) {
                Next::Line(shown) => Ok(last_row(shown)),
                other @ (Next::Gap(_) | Next::End) => Err(other),
            },
            At::Held { bottom, row } => match self.before(store, bottom.saturating_add(1)) {
                Next::Line(shown) => {
                    let last = last_row(shown);
                    let same = shown.line == bottom;
                    Ok(Row {
                        row: if same { row.min(last.row) } else { last.row },
                        shown,
                    })
                }
                gap @ Next::Gap(_) => Err(gap),
                Next::End => match self.after(store, bottom) {
                    Next::Line(shown) => Ok(last_row(shown)),
                    other @ (Next::Gap(_) | Next::End) => Err(other),
                },
            },
        }
    }

    /// Picks the rows to draw.
    #[must_use]
    pub fn window(&self, store: &Store, size: Size) -> Window {
        let mut window = Window::default();
        let bottom = match self.bottom(store, size) {
            Ok(bottom) => bottom,
            Err(Next::Gap(chunk)) => {
                window.gap = Some(chunk);
                return window;
            }
            Err(Next::Line(_) | Next::End) => {
                window.top = true;
                return window;
            }
        };
        window.rows.push(bottom);
        while window.rows.len() < size.height {
            let Some(first) = window.rows.last().copied() else {
                break;
            };
            match self.row_before(store, first, size) {
                Ok(row) => window.rows.push(row),
                Err(Next::Gap(chunk)) => {
                    window.gap = Some(chunk);
                    break;
                }
                Err(Next::Line(_) | Next::End) => {
                    window.top = true;
                    break;
                }
            }
        }
        window.rows.reverse();
        let mut last = bottom;
        while window.top && window.rows.len() < size.height {
            let Ok(row) = self.row_after(store, last, size) else {
                break;
            };
            window.rows.push(row);
            last = row;
        }
        window.rows.truncate(size.height);
        window
    }

    fn row_before(&self, store: &Store, row: Row, size: Size) -> Result<Row, Next> {
        if let Some(above) = row.row.checked_sub(1) {
            return Ok(Row { row: above, ..row });
        }
        match self.before(store, row.shown.line) {
            Next::Line(shown) => Ok(Row {
                shown,
                row: self.rows(store, shown, size.width).saturating_sub(1),
            }),
            other @ (Next::Gap(_) | Next::End) => Err(other),
        }
    }

    fn row_after(&self, store: &Store, row: Row, size: Size) -> Result<Row, Next> {
        if row.row + 1 < self.rows(store, row.shown, size.width) {
            return Ok(Row {
                row: row.row + 1,
                ..row
            });
        }
        match self.after(store, row.shown.line.saturating_add(1)) {
            Next::Line(shown) => Ok(Row { shown, row: 0 }),
            other @ (Next::Gap(_) | Next::End) => Err(other),
        }
    }

    fn hold(&mut self, row: Row) {
        self.at = At::Held {
            bottom: row.shown.line,
            row: row.row,
        };
    }

    /// Goes up so many rows.
    pub fn up(&mut self, store: &Store, rows: usize, size: Size) {
        let Ok(mut bottom) = self.bottom(store, size) else {
            return;
        };
        let was = bottom;
        for _ in 0..rows {
            match self.row_before(store, bottom, size) {
                Ok(row) => bottom = row,
                Err(_) => break,
            }
        }
        let before = self.at;
        self.hold(bottom);
        self.keep_full(store, size);
        // Where everything fits on the screen there is nothing to hold.
        if before == At::Following && self.bottom(store, size).ok() == Some(was) {
            self.at = At::Following;
        }
    }

    /// Goes down so many rows; at the end it follows again.
    pub fn down(&mut self, store: &Store, rows: usize, size: Size) {
        if self.at == At::Following {
            return;
        }
        let Ok(mut bottom) = self.bottom(store, size) else {
            return;
        };
        for _ in 0..rows {
            match self.row_after(store, bottom, size) {
                Ok(row) => bottom = row,
                Err(Next::Gap(_)) => break,
                Err(Next::Line(_) | Next::End) => {
                    self.at = At::Following;
                    return;
                }
            }
        }
        self.hold(bottom);
        if self.row_after(store, bottom, size) == Err(Next::End) {
            self.at = At::Following;
        }
    }

    /// Goes to the first line.
    pub fn top(&mut self, store: &Store, size: Size) {
        let first = match self.after(store, 0) {
            Next::Line(shown) => shown.line,
            // Not looked at yet: it will be.
            Next::Gap(chunk) => store.first_of(chunk),
            Next::End => return,
        };
        self.at = At::Held {
            bottom: first,
            row: 0,
        };
        self.keep_full(store, size);
    }

    /// Shows a line in the middle of the screen.
    pub fn show(&mut self, store: &Store, line: u64, size: Size) {
        let seen = self.window(store, size);
        if seen.rows.iter().any(|row| row.shown.line == line) {
            return;
        }
        let Next::Line(shown) = self.before(store, line.saturating_add(1)) else {
            return;
        };
        let mut bottom = Row { shown, row: 0 };
        for _ in 0..size.height / 2 {
            match self.row_after(store, bottom, size) {
                Ok(row) => bottom = row,
                Err(_) => break,
            }
        }
        self.hold(bottom);
        self.keep_full(store, size);
    }

    /// Moves what is held so far down that the screen is full, where there are lines for it.
    pub(super) fn keep_full(&mut self, store: &Store, size: Size) {
        if self.at == At::Following {
            return;
        }
        let window = self.window(store, size);
        if window.top
            && let Some(last) = window.rows.last()
        {
            self.hold(*last);
        }
    }

    /// Returns the chunk the rows on the screen need: to be looked at, or to be read from disk.
    pub(super) fn needs(&self, store: &Store, size: Size) -> Option<usize> {
        let window = self.window(store, size);
        if window.gap.is_some() {
            return window.gap;
        }
        let away = window
            .rows
            .iter()
            .map(|row| store.chunk_of(row.shown.line).0);
        away.into_iter()
            .find(|chunk| matches!(store.have(*chunk), Have::Away))
    }
}
