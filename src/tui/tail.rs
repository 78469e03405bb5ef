//! Reading a growing text: follow its end, or hold still while new lines arrive.
//!
//! Lines are named by a number that never changes (lines before the kept ones count too), so that holding
//! still needs nothing but the number of the last line on the screen. Only what is shown is ever looked at.

/// Where in a growing text the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tail {
    /// At the end, and going with it.
    #[default]
    Following,
    /// Held: the last line shown is this one.
    Held {
        /// Number of that line.
        bottom: u64,
    },
}

/// The lines to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window<T> {
    /// Lines from top to bottom.
    pub lines: Vec<T>,
    /// How many lines came after the last one shown.
    pub newer: usize,
}

impl Tail {
    /// Picks the lines to draw from numbered lines in their order.
    pub fn window<T>(
        self,
        lines: impl DoubleEndedIterator<Item = (u64, T)>,
        height: usize,
    ) -> Window<T> {
        let mut newer = 0;
        let mut shown = Vec::with_capacity(height.min(1_000));
        for (number, line) in lines.rev() {
            if let Self::Held { bottom } = self
                && number > bottom
            {
                newer += 1;
                continue;
            }
            if shown.len() >= height {
                break;
            }
            shown.push(line);
        }
        shown.reverse();
        Window {
            lines: shown,
            newer,
        }
    }

    /// Returns the place `count` lines further up; stays where the first line is on top of `height` lines.
    #[must_use]
    pub fn up<T>(
        self,
        lines: impl DoubleEndedIterator<Item = (u64, T)>,
        count: usize,
        height: usize,
    ) -> Self {
        let mut above = lines
            .rev()
            .map(|(number, _)| number)
            .skip_while(|number| matches!(self, Self::Held { bottom } if *number > bottom));
        let Some(last) = above.next() else {
            return self;
        };
        let rest: Vec<u64> = above.take(count.saturating_add(height)).collect();
        // The row `steps` above the last one may be the bottom as long as a full screen remains above it.
        let room = (rest.len() + 1).saturating_sub(height);
        let steps = count.min(room);
        let bottom = match steps.checked_sub(1) {
            Some(index) => rest.get(index).copied().unwrap_or(last),
            None => last,
        };
        if steps == 0 && self == Self::Following {
            return Self::Following;
        }
        Self::Held { bottom }
    }

    /// Returns the place `count` lines further down; the end follows again.
    #[must_use]
    pub fn down<T>(self, lines: impl DoubleEndedIterator<Item = (u64, T)>, count: usize) -> Self {
        let Self::Held { bottom } = self else {
            return self;
        };
        let newer: Vec<u64> = lines
            .rev()
            .map(|(number, _)| number)
            .take_while(|number| *number > bottom)
            .collect();
        if count >= newer.len() {
            return Self::Following;
        }
        newer
            .get(newer.len() - count)
            .map_or(Self::Following, |number| Self::Held { bottom: *number })
    }

    /// Returns the place at the first line.
    #[must_use]
    pub fn top<T>(self, lines: impl DoubleEndedIterator<Item = (u64, T)>, height: usize) -> Self {
        self.up(lines, usize::MAX / 2, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(from: u64, to: u64) -> impl DoubleEndedIterator<Item = (u64, u64)> {
        (from..to).map(|n| (n, n))
    }

    #[test]
    fn following_shows_the_end() {
        let window = Tail::Following.window(lines(0, 10), 3);
        assert_eq!(window.lines, [7, 8, 9]);
        assert_eq!(window.newer, 0);
    }

    #[test]
    fn scrolling_up_holds_still_while_lines_arrive() {
        let held = Tail::Following.up(lines(0, 10), 2, 3);
        assert_eq!(held.window(lines(0, 10), 3).lines, [5, 6, 7]);
        let later = held.window(lines(0, 14), 3);
        assert_eq!(later.lines, [5, 6, 7]);
        assert_eq!(later.newer, 6);
    }

    #[test]
    fn the_first_line_stays_on_top() {
        let held = Tail::Following.top(lines(0, 10), 3);
        assert_eq!(held.window(lines(0, 10), 3).lines, [0, 1, 2]);
        assert_eq!(
            held.up(lines(0, 10), 5, 3).window(lines(0, 10), 3).lines,
            [0, 1, 2]
        );
        assert_eq!(Tail::Following.up(lines(0, 2), 5, 3), Tail::Following);
    }

    #[test]
    fn going_down_ends_in_following() {
        let held = Tail::Following.up(lines(0, 10), 4, 3);
        let held = held.down(lines(0, 10), 1);
        assert_eq!(held.window(lines(0, 10), 3).lines, [4, 5, 6]);
        assert_eq!(held.down(lines(0, 10), 3), Tail::Following);
    }

    #[test]
    fn dropped_lines_leave_the_oldest_kept_ones_out_of_reach() {
        let held = Tail::Held { bottom: 3 };
        let window = held.window(lines(5, 9), 3);
        assert_eq!((window.lines.len(), window.newer), (0, 4));
    }
}
