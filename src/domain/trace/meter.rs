//! What is counted over a run: durations of steps, retries, waits for the lock, runs by their end.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::time::Wall;
use crate::domain::trace::span::{AttributeValue, Attributes};

/// Upper bounds of the buckets of durations, in seconds.
pub const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// How long attempts of steps took.
    StepDuration,
    /// How long runs took.
    RunDuration,
    /// How long runs waited for the lock.
    LockWait,
    /// Attempts after the first.
    Retries,
    /// Runs.
    Runs,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::StepDuration,
        Self::RunDuration,
        Self::LockWait,
        Self::Retries,
        Self::Runs,
    ];

    /// Returns its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StepDuration => "nanokit.step.duration",
            Self::RunDuration => "cicd.pipeline.run.duration",
            Self::LockWait => "nanokit.lock.wait.duration",
            Self::Retries => "nanokit.step.retries",
            Self::Runs => "nanokit.runs",
        }
    }

    /// Returns its unit, as UCUM writes it.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::StepDuration | Self::RunDuration | Self::LockWait => "s",
            Self::Retries => "{retry}",
            Self::Runs => "{run}",
        }
    }

    /// Says what it is.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::StepDuration => "How long attempts of steps took.",
            Self::RunDuration => "How long runs took.",
            Self::LockWait => "How long runs waited for the infrastructure lock.",
            Self::Retries => "Attempts of steps after the first.",
            Self::Runs => "Runs, by command and outcome.",
        }
    }
}

/// A distribution of durations.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// All together, in seconds.
    pub sum: f64,
    /// The shortest, in seconds.
    pub min: f64,
    /// The longest, in seconds.
    pub max: f64,
    /// How many are in each bucket; one more than [`BOUNDS`].
    pub buckets: Vec<u64>,
}

/// What was found out about a metric with these attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Amount {
    /// A count.
    Sum(u64),
    /// Durations.
    Spread(Spread),
}

/// One point of a metric, over the time of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What is counted.
    pub metric: Metric,
    /// What tells it from others of the metric.
    pub attributes: Attributes,
    /// When counting began.
    pub from: Wall,
    /// When it ended.
    pub to: Wall,
    /// How much.
    pub amount: Amount,
}

type Key = (Metric, Vec<(&'static str, String)>);

/// Counts over one run.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    points: BTreeMap<Key, Amount>,
}

impl Meter {
    /// Counts one.
    pub(super) fn count(&mut self, metric: Metric, of: &[(&'static str, &str)]) {
        let amount = self.points.entry(key(metric, of)).or_insert(Amount::Sum(0));
        match amount {
            Amount::Sum(sum) => *sum += 1,
            Amount::Spread(spread) => spread.count += 1,
        }
    }

    /// Takes a duration.
    pub(super) fn took(&mut self, metric: Metric, of: &[(&'static str, &str)], took: Duration) {
        let fresh = || Amount::Spread(Spread::default());
        let amount = self.points.entry(key(metric, of)).or_insert_with(fresh);
        match amount {
            Amount::Sum(sum) => *sum += 1,
            Amount::Spread(spread) => spread.take(took.as_secs_f64()),
        }
    }

    /// Hands over what was counted.
    pub(super) fn finish(self, from: Wall, to: Wall) -> Vec<Measure> {
        let measure = |((metric, of), amount): (Key, Amount)| Measure {
            metric,
            attributes: of
                .into_iter()
                .map(|(name, text)| (name, AttributeValue::Text(text)))
                .collect(),
            from,
            to,
            amount,
        };
        self.points.into_iter().map(measure).collect()
    }
}

fn key(metric: Metric, of: &[(&'static str, &str)]) -> Key {
    let of = of.iter().map(|(name, text)| (*name, (*text).to_owned()));
    (metric, of.collect())
}

impl Spread {
    fn take(&mut self, seconds: f64) {
        if self.buckets.is_empty() {
            self.buckets = vec![0; BOUNDS.len() + 1];
            self.min = seconds;
        }
        self.count += 1;
        self.sum += seconds;
        self.min = self.min.min(seconds);
        self.max = self.max.max(seconds);
        let bucket = BOUNDS.iter().take_while(|bound| seconds > **bound).count();
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket += 1;
        }
    }
}
