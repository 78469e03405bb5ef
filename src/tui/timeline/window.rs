//! Which part of a run is on the screen: zoom and pan.

use crate::tui::timeline::axis::Scale;

/// How often the view may be halved.
const DEEPEST: u32 = 12;
/// The least time on the screen, in milliseconds.
const LEAST: i64 = 100;

/// A view on a run's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Window {
    /// How often the whole was halved; 0 shows all of it.
    zoom: u32,
    /// Left edge in milliseconds since the run began; `None`: the right edge goes with what happens.
    at: Option<i64>,
}

impl Window {
    /// Tells whether all of the run is shown.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.zoom == 0
    }

    /// Places the view on cells; `whole` is the length of the run so far.
    #[must_use]
    pub fn scale(&self, whole: i64, width: usize) -> Scale {
        let span = self.span(whole);
        Scale::new(self.left(whole), span, width)
    }

    /// Shows half as much around a moment, else around the middle of the view.
    pub fn zoom_in(&mut self, whole: i64, around: Option<i64>) {
        if self.zoom >= DEEPEST || self.span(whole) <= LEAST {
            return;
        }
        let left = self.left(whole);
        let quarter = self.span(whole) / 4;
        // At the right edge of something that goes on, the view stays with it.
        self.at = self
            .at
            .or((self.zoom == 0).then_some(left))
            .map(|_| left + quarter);
        self.zoom += 1;
        if let Some(moment) = around {
            self.at = Some(moment.saturating_sub(self.span(whole) / 2));
        }
        self.keep(whole);
    }

    /// Brings a stretch into sight, where it lies beside the view.
    pub fn show(&mut self, (from, to): (i64, i64), whole: i64) {
        let (left, span) = (self.left(whole), self.span(whole));
        if self.zoom > 0 && (to < left || from >= left.saturating_add(span)) {
            self.at = Some((from / 2 + to / 2).saturating_sub(span / 2));
            self.keep(whole);
        }
    }

    /// Shows twice as much around the middle of the view.
    pub fn zoom_out(&mut self, whole: i64) {
        let left = self.left(whole);
        let half = self.span(whole) / 2;
        self.zoom = self.zoom.saturating_sub(1);
        self.at = self.at.map(|_| left.saturating_sub(half));
        self.keep(whole);
    }

    /// Moves the view by quarters of itself.
    pub fn pan(&mut self, quarters: i64, whole: i64) {
        if self.zoom == 0 {
            return;
        }
        let by = (self.span(whole) / 4).max(1).saturating_mul(quarters);
        self.at = Some(self.left(whole).saturating_add(by));
        self.keep(whole);
    }

    /// Shows all of the run.
    pub fn fit(&mut self) {
        *self = Self::default();
    }

    fn span(&self, whole: i64) -> i64 {
        (whole.max(1) >> self.zoom.min(DEEPEST)).max(LEAST.min(whole.max(1)))
    }

    fn left(&self, whole: i64) -> i64 {
        let last = whole.saturating_sub(self.span(whole)).max(0);
        self.at.map_or(last, |at| at.clamp(0, last))
    }

    /// Keeps the view on the run; at its right edge it goes with what happens.
    fn keep(&mut self, whole: i64) {
        let last = whole.saturating_sub(self.span(whole)).max(0);
        self.at = self.at.map(|at| at.max(0)).filter(|at| *at < last);
        if self.zoom == 0 {
            self.at = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zooming_in_and_out_again_shows_the_whole() {
        let mut window = Window::default();
        window.zoom_in(10_000, None);
        assert_eq!(window.scale(10_000, 10), Scale::new(2_500, 5_000, 10));
        window.zoom_in(10_000, None);
        assert_eq!(window.scale(10_000, 10), Scale::new(3_750, 2_500, 10));
        window.pan(1, 10_000);
        assert_eq!(window.scale(10_000, 10).from, 4_375);
        window.zoom_out(10_000);
        window.zoom_out(10_000);
        assert!(window.is_whole());
        assert_eq!(window.scale(10_000, 10), Scale::new(0, 10_000, 10));
    }

    #[test]
    fn the_view_is_halved_around_what_is_chosen_and_goes_to_what_lies_beside_it() {
        let mut window = Window::default();
        window.zoom_in(10_000, Some(1_000));
        assert_eq!(window.scale(10_000, 10), Scale::new(0, 5_000, 10));
        window.zoom_in(10_000, Some(4_000));
        assert_eq!(window.scale(10_000, 10), Scale::new(2_750, 2_500, 10));
        window.show((3_000, 3_500), 10_000);
        assert_eq!(window.scale(10_000, 10).from, 2_750);
        window.show((8_000, 8_200), 10_000);
        assert_eq!(window.scale(10_000, 10).from, 6_850);
    }

    #[test]
    fn at_the_right_edge_the_view_goes_with_what_happens() {
        let mut window = Window::default();
        window.zoom_in(10_000, None);
        window.pan(8, 10_000);
        assert_eq!(window.scale(10_000, 10).from, 5_000);
        assert_eq!(window.scale(20_000, 10).from, 10_000);
    }

    proptest! {
        #[test]
        fn the_view_never_leaves_the_run(
            keys in proptest::collection::vec(0_u8..6, 0..60),
            whole in 0_i64..100_000_000,
            width in 0_usize..300,
            around in proptest::option::of(0_i64..100_000_000),
        ) {
            let mut window = Window::default();
            for key in keys {
                match key {
                    0 => window.zoom_in(whole, around),
                    1 => window.zoom_out(whole),
                    2 => window.pan(1, whole),
                    3 => window.pan(-1, whole),
                    4 => window.show((whole / 3, whole / 2), whole),
                    _ => window.fit(),
                }
                let scale = window.scale(whole, width);
                prop_assert!(scale.from >= 0 && scale.span >= 1);
                prop_assert!(scale.from + scale.span <= whole.max(1));
                let _ = scale.ticks();
            }
        }
    }
}
