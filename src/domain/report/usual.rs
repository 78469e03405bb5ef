//! How long steps usually take: the median of past runs, and what stands in for a step that is new.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::ids::{RunId, StepId};
use crate::domain::report::Usual;

impl Usual {
    /// How many runs are learned from at most.
    pub const RUNS: usize = 20;

    /// Learns from the durations of past runs, one map for each run.
    #[must_use]
    pub fn learn(runs: &[BTreeMap<StepId, Duration>]) -> Self {
        let mut times: BTreeMap<&StepId, Vec<Duration>> = BTreeMap::new();
        for (step, time) in runs.iter().flatten() {
            times.entry(step).or_default().push(*time);
        }
        Self {
            steps: times
                .into_iter()
                .filter_map(|(step, times)| Some((step.clone(), median(times)?)))
                .collect(),
            runs: runs.len(),
            learned: Vec::new(),
        }
    }

    /// Learns from past runs by id, the newest first, and remembers which said what.
    #[must_use]
    pub fn remembering(learned: Vec<(RunId, BTreeMap<StepId, Duration>)>) -> Self {
        let times: Vec<_> = learned.iter().map(|(_, steps)| steps.clone()).collect();
        Self {
            learned,
            ..Self::learn(&times)
        }
    }

    /// Returns what was known before a run began: no run is measured by itself, nor by what came after it.
    #[must_use]
    pub fn before(&self, run: &RunId) -> Self {
        // Ids begin with the time.
        let earlier = self.learned.iter().filter(|(id, _)| id < run);
        Self::remembering(earlier.cloned().collect())
    }

    /// Returns how long a step usually takes; one that never ran is taken for the same step of another instance
    /// of its resource, or else for the same kind of step there.
    #[must_use]
    pub fn of(&self, step: &StepId) -> Option<Duration> {
        if let Some(time) = self.steps.get(step) {
            return Some(*time);
        }
        let (address, name) = parts(step);
        let word = |name: &str| name.split('.').next().map(str::to_owned);
        let siblings: Vec<(&str, Duration)> = [('/', '0'), ('[', '\\')]
            .into_iter()
            .flat_map(|(from, to)| {
                let range = StepId(format!("{address}{from}"))..StepId(format!("{address}{to}"));
                self.steps.range(range)
            })
            .map(|(other, time)| (parts(other).1, *time))
            .collect();
        let pick = |fits: &dyn Fn(&str) -> bool| {
            let times = siblings.iter().filter(|(other, _)| fits(other));
            median(times.map(|(_, time)| *time).collect())
        };
        pick(&|other| other == name).or_else(|| pick(&|other| word(other) == word(name)))
    }
}

/// Splits an id into its address and its own name: `service.api[0]/start` into `service.api` and `start`.
fn parts(step: &StepId) -> (&str, &str) {
    let (whose, name) = step
        .as_str()
        .rsplit_once('/')
        .unwrap_or((step.as_str(), ""));
    (whose.split('[').next().unwrap_or(whose), name)
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort();
    let middle = times.len() / 2;
    let upper = times.get(middle).copied()?;
    if times.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = times.get(middle.checked_sub(1)?).copied()?;
    Some(lower + upper.saturating_sub(lower) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(steps: &[(&str, u64)]) -> BTreeMap<StepId, Duration> {
        steps
            .iter()
            .map(|(id, ms)| (StepId::new(*id), Duration::from_millis(*ms)))
            .collect()
    }

    #[test]
    fn the_median_does_not_care_about_the_one_slow_day() {
        let runs = [10, 12, 900].map(|ms| run(&[("service.db[0]/health", ms)]));
        let usual = Usual::learn(&runs);
        let db = StepId::new("service.db[0]/health");
        assert_eq!(usual.of(&db), Some(Duration::from_millis(12)));
        assert_eq!(usual.runs, 3);
        let even = Usual::learn(&[run(&[("a/b", 10)]), run(&[("a/b", 20)])]);
        assert_eq!(
            even.of(&StepId::new("a/b")),
            Some(Duration::from_millis(15))
        );
        assert_eq!(Usual::learn(&[]), Usual::default());
    }

    #[test]
    fn a_run_is_not_measured_by_itself() {
        let db = StepId::new("service.db[0]/health");
        let took = |ms| run(&[("service.db[0]/health", ms)]);
        let usual = Usual::remembering(vec![
            (RunId::new("3"), took(90)),
            (RunId::new("2"), took(20)),
            (RunId::new("1"), took(10)),
        ]);
        assert_eq!(usual.of(&db), Some(Duration::from_millis(20)));
        let known = |id: &str| usual.before(&RunId::new(id)).of(&db);
        assert_eq!(known("3"), Some(Duration::from_millis(15)));
        assert_eq!(known("2"), Some(Duration::from_millis(10)));
        assert_eq!(known("1"), None);
    }

    #[test]
    fn a_new_step_is_taken_for_its_like_on_the_same_resource() {
        let usual = Usual::learn(&[run(&[
            ("service.api[0]/start", 40),
            ("service.api[1]/start", 60),
            ("service.api[0]/prestart.host", 700),
            ("service.api-2[0]/start", 9_000),
            ("service.ap[0]/start", 9_000),
        ])]);
        let of = |id: &str| usual.of(&StepId::new(id)).map(|time| time.as_millis());
        assert_eq!(of("service.api[2]/start"), Some(50));
        assert_eq!(of("service.api[0]/prestart.container"), Some(700));
        assert_eq!(of("service.api[0]/health"), None);
        assert_eq!(of("service.web[0]/start"), None);
    }
}
