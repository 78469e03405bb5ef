//! How long a plan will probably take, and what came of that. How it is computed stands in `domain::history`.

use std::time::Duration;

/// How long a plan will probably take, from what its steps took in past runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// Time from the first step to the last.
    pub total: Duration,
    /// Runs it was learned from.
    pub runs: usize,
    /// Steps of the plan that ran before.
    pub known: usize,
    /// Steps of the plan.
    pub steps: usize,
}

/// A prediction beside what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// What was predicted.
    pub expected: Duration,
    /// What it took from the first step to the last.
    pub took: Duration,
}

impl Forecast {
    /// Returns by how many percent of the prediction it took longer; below zero: it took less.
    #[must_use]
    pub fn off_percent(self) -> i64 {
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 200);
        // Below a tenth of a second everything is the same to people.
        let expected = ms(self.expected).max(100);
        ms(self.took)
            .saturating_sub(ms(self.expected))
            .saturating_mul(100)
            / expected
    }
}
