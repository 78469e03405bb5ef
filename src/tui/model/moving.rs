//! What of the panel moves by itself: running times, messages that go away, the log of deeds, and the way to an area.

use crate::domain::lease::Verdict;
use crate::domain::time::Wall;
use crate::tui::model::{Area, Deed, Focus, Model, Overlay, Toast};
use crate::tui::theme::Tone;

impl Model {
    /// Tells whether something on the screen shows a running time, so that a tick is owed.
    #[must_use]
    pub fn shows_time(&self) -> bool {
        let rows_run = || {
            self.pane()
                .is_some_and(|pane| pane.rows().iter().any(|row| row.row.runs()))
        };
        let waits = || matches!(self.overlays.last(), Some(Overlay::Typed(typed)) if typed.left(self.now) > 0);
        let beats = || {
            let lock = self.snapshot.lock.as_ref();
            self.area == Area::Locks && lock.is_some_and(|lock| lock.verdict != Verdict::Free)
        };
        waits()
            || self.plays()
            || self.running().is_some()
            || beats()
            || crate::tui::others::holder(&self.snapshot).is_some()
            || rows_run()
    }

    /// Returns when a tick is owed: with the next second while a running time is shown (sooner in a replay), else when the first
    /// message goes away.
    #[must_use]
    pub fn wakes_at(&self, now: Wall) -> Option<Wall> {
        if self.shows_time() {
            let beat = self.beat_ms();
            let next = now.0.div_euclid(beat).saturating_add(1);
            return Some(Wall(next.saturating_mul(beat)));
        }
        self.toasts.iter().map(|toast| toast.until).min()
    }

    /// Shows a short message.
    pub fn toast(&mut self, text: impl Into<String>, tone: Tone) {
        let stay = if matches!(tone, Tone::Fail | Tone::Warn) {
            12_000
        } else {
            6_000
        };
        self.toasts.push(Toast {
            text: text.into(),
            tone,
            until: Wall(self.now.0.saturating_add(stay)),
        });
        let excess = self.toasts.len().saturating_sub(5);
        self.toasts.drain(..excess);
        self.dirty = true;
    }

    /// Notes something the panel did, and shows the command line that does the same.
    pub fn did(&mut self, text: impl Into<String>, command: Option<String>) {
        if command.is_some() {
            self.echo.clone_from(&command);
        }
        self.deeds.push(Deed {
            at: self.now,
            text: text.into(),
            command,
        });
        let excess = self.deeds.len().saturating_sub(Self::DEEDS);
        self.deeds.drain(..excess);
    }

    /// Goes to an area.
    pub fn go(&mut self, area: Area) {
        self.area = area;
        self.focus = Focus::List;
        self.details_at = 0;
        self.refresh_pane();
        self.dirty = true;
    }

    /// Returns half a screen in rows.
    #[must_use]
    pub fn half_page(&self) -> usize {
        usize::from(self.size.1.saturating_sub(6) / 2).max(1)
    }
}
