//! Measures as metrics: sums and histograms over the time of one run.

use crate::domain::trace::meter::{Amount, BOUNDS, Measure, Metric, Spread};
use crate::formats::otlp::request::{attributes, nanos};
use crate::formats::otlp::wire::Message;

/// Each run counts from zero.
const DELTA: u64 = 1;

/// Returns one metric for each that was counted, with its points.
pub(super) fn metrics(measures: &[Measure]) -> Vec<Message> {
    let mut all = Vec::new();
    for metric in Metric::ALL {
        let of: Vec<&Measure> = measures.iter().filter(|m| m.metric == metric).collect();
        if !of.is_empty() {
            all.push(one(metric, &of));
        }
    }
    all
}

fn one(metric: Metric, measures: &[&Measure]) -> Message {
    let mut out = Message::default();
    out.text(1, metric.name())
        .text(2, metric.help())
        .text(3, metric.unit());
    let mut points = Message::default();
    let mut field = 7;
    for measure in measures {
        points.message(1, &point(measure));
        if matches!(measure.amount, Amount::Spread(_)) {
            field = 9;
        }
    }
    points.varint(2, DELTA);
    if field == 7 {
        // It only grows.
        points.varint(3, 1);
    }
    out.message(field, &points);
    out
}

fn point(measure: &Measure) -> Message {
    let mut out = Message::default();
    out.fixed64(2, nanos(measure.from))
        .fixed64(3, nanos(measure.to));
    match &measure.amount {
        Amount::Sum(sum) => {
            out.fixed64(6, *sum);
            attributes(&mut out, 7, &measure.attributes);
        }
        Amount::Spread(spread) => {
            histogram(&mut out, spread);
            attributes(&mut out, 9, &measure.attributes);
        }
    }
    out
}

fn histogram(out: &mut Message, spread: &Spread) {
    out.fixed64(4, spread.count)
        .double(5, spread.sum)
        .packed64(6, spread.buckets.iter().copied())
        .packed64(7, BOUNDS.iter().map(|bound| bound.to_bits()))
        .double(11, spread.min)
        .double(12, spread.max);
}
