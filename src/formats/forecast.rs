//! How long a run was thought to take, and how far off that was, on the lines of a run journal.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::plan::forecast::{Forecast, Prediction};
use crate::formats::text::millis;

#[derive(Serialize, Deserialize)]
pub(super) struct PredictionWire {
    expected_ms: u64,
    runs: usize,
    known_steps: usize,
    steps: usize,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ForecastWire {
    expected_ms: u64,
    took_ms: u64,
}

impl From<&Prediction> for PredictionWire {
    fn from(prediction: &Prediction) -> Self {
        Self {
            expected_ms: millis(prediction.total),
            runs: prediction.runs,
            known_steps: prediction.known,
            steps: prediction.steps,
        }
    }
}

impl From<PredictionWire> for Prediction {
    fn from(wire: PredictionWire) -> Self {
        Self {
            total: Duration::from_millis(wire.expected_ms),
            runs: wire.runs,
            known: wire.known_steps,
            steps: wire.steps,
        }
    }
}

impl From<&Forecast> for ForecastWire {
    fn from(forecast: &Forecast) -> Self {
        Self {
            expected_ms: millis(forecast.expected),
            took_ms: millis(forecast.took),
        }
    }
}

impl From<ForecastWire> for Forecast {
    fn from(wire: ForecastWire) -> Self {
        Self {
            expected: Duration::from_millis(wire.expected_ms),
            took: Duration::from_millis(wire.took_ms),
        }
    }
}
