//! How long a plan will probably take, and how far off past predictions were, in words.

use std::sync::Arc;

use crate::domain::history::predict::{Accuracy, predict};
use crate::domain::plan::forecast::{Forecast, Prediction};
use crate::domain::plan::model::Plan;
use crate::domain::project::project::Project;
use crate::domain::report::Usual;
use crate::domain::run::options::RunOptions;
use crate::domain::run::retry::Guide;
use crate::present::human::duration;
use crate::present::words::count;

/// Says a prediction: `about 12 s, from 7 runs`; or that there is none, and why.
#[must_use]
pub fn prediction(prediction: Option<&Prediction>) -> String {
    let Some(prediction) = prediction else {
        return "an unknown time: none of these steps was done here before".to_owned();
    };
    let mut text = format!(
        "about {}, from {}",
        duration(prediction.total),
        count(prediction.runs, "run")
    );
    let new = prediction.steps.saturating_sub(prediction.known);
    if new > 0 {
        text.push_str(&format!(", {new} of {} steps are new", prediction.steps));
    }
    text
}

/// Says how long a plan will probably take; nothing for one that does nothing.
#[must_use]
pub fn said(
    plan: &Arc<Plan>,
    project: Option<&Project>,
    usual: &Usual,
    options: RunOptions,
) -> Option<String> {
    if plan.is_empty() {
        return None;
    }
    let guide = project.map_or_else(Guide::default, |project| Guide::of(plan, project, None));
    Some(prediction(predict(plan, guide, usual, options).as_ref()))
}

/// Says how far off a prediction was: `12.4 s of work, 0.4 s (3 %) more than expected`.
#[must_use]
pub fn forecast(forecast: Forecast) -> String {
    let took = duration(forecast.took);
    let percent = forecast.off_percent();
    let by = forecast.took.abs_diff(forecast.expected);
    if by.as_millis() < 100 || percent == 0 {
        return format!("{took} of work, as expected");
    }
    let word = if percent > 0 { "more" } else { "less" };
    format!(
        "{took} of work, {} ({} %) {word} than expected",
        duration(by),
        percent.abs()
    )
}

/// Says how good past predictions were; nothing without any.
#[must_use]
pub fn accuracy(forecasts: &[Forecast]) -> Option<String> {
    let accuracy = Accuracy::of(forecasts)?;
    let lean = match accuracy.bias {
        0 => "neither too long nor too short".to_owned(),
        short @ 1.. => format!("{short} % too short"),
        long => format!("{} % too long", long.abs()),
    };
    Some(format!(
        "{} so far: off by {} % in the middle, {lean}",
        count(accuracy.runs, "prediction"),
        accuracy.error
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn of(expected: u64, took: u64) -> Forecast {
        Forecast {
            expected: Duration::from_millis(expected),
            took: Duration::from_millis(took),
        }
    }

    #[test]
    fn a_forecast_says_by_how_much_it_was_off() {
        for (expected, took, words) in [
            (
                12_000,
                12_400,
                "12 s of work, 0.4 s (3 %) more than expected",
            ),
            (
                12_000,
                6_000,
                "6.0 s of work, 6.0 s (50 %) less than expected",
            ),
            (12_000, 12_050, "12 s of work, as expected"),
            (0, 30, "0.0 s of work, as expected"),
        ] {
            assert_eq!(forecast(of(expected, took)), words);
        }
    }

    #[test]
    fn accuracy_has_a_direction_and_a_size() {
        assert_eq!(accuracy(&[]), None);
        let past = [of(1_000, 1_500), of(1_000, 1_100), of(1_000, 800)];
        assert_eq!(
            accuracy(&past).as_deref(),
            Some("3 predictions so far: off by 20 % in the middle, 10 % too short")
        );
        let even = [of(1_000, 1_000)];
        assert!(
            accuracy(&even).is_some_and(|text| text.ends_with("neither too long nor too short"))
        );
    }

    #[test]
    fn nothing_known_is_said_and_not_made_up() {
        assert!(prediction(None).starts_with("an unknown time"));
        let known = Prediction {
            total: Duration::from_secs(12),
            runs: 7,
            known: 3,
            steps: 3,
        };
        assert_eq!(prediction(Some(&known)), "about 12 s, from 7 runs");
    }
}
