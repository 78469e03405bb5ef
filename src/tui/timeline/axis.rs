//! Time on columns: which moment stands in which cell, and where the ticks of the axis are.

use std::time::Duration;

/// A stretch of time spread over cells. Times are milliseconds since the run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Time at the left edge.
    pub from: i64,
    /// Time from edge to edge, at least one millisecond.
    pub span: i64,
    /// Number of cells.
    pub width: usize,
}

/// Distances between ticks that people count in, in milliseconds.
const STEPS: [i64; 27] = [
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    14_400_000,
    21_600_000,
    43_200_000,
    86_400_000,
    172_800_000,
    604_800_000,
    2_419_200_000,
];
/// Cells a label and the space behind it take at most.
const LABEL: i64 = 10;

impl Scale {
    /// Makes a scale that can be divided by.
    #[must_use]
    pub fn new(from: i64, span: i64, width: usize) -> Self {
        Self {
            from: from.max(0),
            span: span.max(1),
            width,
        }
    }

    /// Returns the cell of a moment, also where it lies beside the window.
    #[must_use]
    pub fn cell(&self, at: i64) -> i64 {
        let width = i64::try_from(self.width).unwrap_or(i64::MAX);
        let far = i128::from(at.saturating_sub(self.from)) * i128::from(width);
        i64::try_from(far.div_euclid(i128::from(self.span.max(1)))).unwrap_or(i64::MAX)
    }

    /// Returns the cells a stretch takes, at least one, cut at the edges; `None` when it lies beside the window.
    #[must_use]
    pub fn cells(&self, from: i64, to: i64) -> Option<(usize, usize)> {
        let width = i64::try_from(self.width).unwrap_or(i64::MAX);
        let left = self.cell(from);
        let right = self.cell(to.saturating_sub(1).max(from)).saturating_add(1);
        if right <= 0 || left >= width || width == 0 {
            return None;
        }
        let cut = |cell: i64| usize::try_from(cell.clamp(0, width)).unwrap_or(0);
        Some((cut(left), cut(right)))
    }

    /// Returns the ticks: cell and label, from left to right.
    #[must_use]
    pub fn ticks(&self) -> Vec<(usize, String)> {
        let width = i64::try_from(self.width).unwrap_or(i64::MAX).max(1);
        let end = self.from.saturating_add(self.span);
        let roomy = |step: &&i64| step.saturating_mul(width) / self.span >= need(end, **step);
        let Some(step) = STEPS.iter().find(roomy).copied() else {
            return Vec::new();
        };
        let first = self.from.div_euclid(step) * step;
        let mut ticks = Vec::new();
        let mut at = first;
        while at < self.from.saturating_add(self.span) && ticks.len() <= self.width {
            if let Ok(cell) = usize::try_from(self.cell(at))
                && at >= self.from
                && cell < self.width
            {
                ticks.push((cell, label(at, step)));
            }
            at = at.saturating_add(step);
        }
        ticks
    }
}

/// Returns the cells between two ticks: the longest label and the space around it.
fn need(end: i64, step: i64) -> i64 {
    if end >= 60_000 {
        return LABEL;
    }
    i64::try_from(label(end, step).len() + 2).unwrap_or(LABEL)
}

/// Writes a moment of the axis as exactly as its ticks need it.
fn label(at: i64, step: i64) -> String {
    let seconds = at / 1_000;
    match step {
        ..100 => format!("{}.{:02} s", seconds, at % 1_000 / 10),
        100..1_000 => format!("{}.{} s", seconds, at % 1_000 / 100),
        _ if seconds < 60 => format!("{seconds} s"),
        _ if seconds < 3_600 && seconds % 60 == 0 => format!("{} m", seconds / 60),
        _ => crate::present::human::duration(Duration::from_secs(
            u64::try_from(seconds).unwrap_or(0),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(span: i64, width: usize) -> Vec<String> {
        let scale = Scale::new(0, span, width);
        scale.ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_stand_at_times_people_count_in() {
        assert_eq!(
            labels(12_000, 60),
            ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s"]
        );
        assert_eq!(
            labels(1_000, 50),
            ["0.0 s", "0.2 s", "0.4 s", "0.6 s", "0.8 s"]
        );
        assert_eq!(labels(240_000, 60), ["0 s", "1 m", "2 m", "3 m"]);
        assert_eq!(
            labels(7_000_000, 40),
            ["0 s", "30 m", "1 h 00 m", "1 h 30 m"]
        );
        assert_eq!(labels(1_000, 0), Vec::<String>::new());
    }

    #[test]
    fn labels_never_touch() {
        for span in [1, 7, 999, 12_345, 1_000_000, 98_765_432, i64::MAX / 4] {
            for width in [1, 9, 10, 33, 80, 500] {
                let ticks = Scale::new(0, span, width).ticks();
                for pair in ticks.windows(2) {
                    let room = pair[1].0 - pair[0].0;
                    assert!(pair[0].1.len() < room, "{span} {width} {pair:?}");
                }
            }
        }
    }

    #[test]
    fn a_stretch_takes_a_cell_at_least_and_is_cut_at_the_edges() {
        let scale = Scale::new(1_000, 10_000, 10);
        assert_eq!(scale.cells(2_000, 2_001), Some((1, 2)));
        assert_eq!(scale.cells(0, 1_500), Some((0, 1)));
        assert_eq!(scale.cells(10_000, 99_000), Some((9, 10)));
        assert_eq!(scale.cells(0, 500), None);
        assert_eq!(scale.cells(11_000, 12_000), None);
    }
}
