//! What is written here, read back with the official messages.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use prost::Message as _;

use crate::domain::ids::{SpanId, TraceId};
use crate::domain::time::Wall;
use crate::domain::trace::meter::{Amount, BOUNDS, Measure, Metric, Spread};
use crate::domain::trace::span::{AttributeValue, Link, LogRecord, Severity, Span, SpanStatus};
use crate::formats::otlp::answer::{Refused, refused};
use crate::formats::otlp::request::{Sender, logs, metrics, traces};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn sender() -> Sender {
    Sender {
        resource: vec![("service.name".into(), "shop".into())],
        version: "1.2.3".into(),
    }
}

fn span() -> Span {
    Span {
        trace: TraceId::new(TRACE),
        id: SpanId::new("00f067aa0ba902b7"),
        parent: Some(SpanId::new("b7ad6b7169203331")),
        root: false,
        name: "service.api".into(),
        start: Wall(1_700_000_000_001),
        end: Wall(1_700_000_000_500),
        attributes: vec![
            ("a.text", AttributeValue::Text(String::new())),
            ("a.number", AttributeValue::Number(-7)),
            ("a.truth", AttributeValue::Truth(false)),
            (
                "a.list",
                AttributeValue::Texts(vec!["x".into(), "y".into()]),
            ),
        ],
        status: SpanStatus::Error("it broke".into()),
        links: vec![Link {
            trace: TraceId::new("00000000000000000000000000000bbb"),
            span: SpanId::new("00000000000000aa"),
        }],
    }
}

#[test]
fn a_span_arrives_whole() {
    let bytes = traces(&sender(), &[span()]);
    let read = ExportTraceServiceRequest::decode(bytes.as_slice()).expect("readable");
    assert_eq!(read.encode_to_vec().len(), bytes.len());
    let resource = read.resource_spans[0].resource.as_ref().expect("resource");
    assert_eq!(resource.attributes[0].key, "service.name");
    let scope = &read.resource_spans[0].scope_spans[0];
    assert_eq!(scope.scope.as_ref().expect("scope").version, "1.2.3");
    let read = &scope.spans[0];
    assert_eq!(read.trace_id[..2], [0x4b, 0xf9]);
    assert_eq!(read.span_id[1], 0xf0);
    assert_eq!(read.parent_span_id[0], 0xb7);
    assert_eq!(read.name, "service.api");
    assert_eq!(read.kind, 1);
    assert_eq!(read.start_time_unix_nano, 1_700_000_000_001_000_000);
    assert_eq!(read.end_time_unix_nano, 1_700_000_000_500_000_000);
    assert_eq!(read.links[0].span_id[7], 0xaa);
    assert_eq!(read.links[0].trace_id[15], 0xbb);
    assert_eq!(read.flags, 0x101);
    let status = read.status.as_ref().expect("status");
    assert_eq!((status.code, status.message.as_str()), (2, "it broke"));
    let values: Vec<&Value> = read
        .attributes
        .iter()
        .filter_map(|pair| pair.value.as_ref()?.value.as_ref())
        .collect();
    assert_eq!(values[0], &Value::StringValue(String::new()));
    assert_eq!(values[1], &Value::IntValue(-7));
    assert_eq!(values[2], &Value::BoolValue(false));
    assert!(matches!(values[3], Value::ArrayValue(list) if list.values.len() == 2));
}

#[test]
fn a_run_started_from_outside_says_so() {
    let root = Span {
        root: true,
        status: SpanStatus::Ok,
        ..span()
    };
    let read = ExportTraceServiceRequest::decode(traces(&sender(), &[root]).as_slice());
    let read = &read.expect("readable").resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((read.kind, read.flags), (2, 0x301));
    assert_eq!(read.status.as_ref().expect("status").code, 1);
}

#[test]
fn a_log_record_arrives_whole() {
    let record = LogRecord {
        at: Wall(5),
        span: Some((TraceId::new(TRACE), SpanId::new("00f067aa0ba902b7"))),
        event: "nanokit.warning",
        severity: Severity::Warn,
        text: "mind the gap".into(),
        attributes: vec![],
    };
    let bytes = logs(&sender(), &[record]);
    let read = ExportLogsServiceRequest::decode(bytes.as_slice()).expect("readable");
    let read = &read.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(read.severity_number, 13);
    assert_eq!(read.event_name, "nanokit.warning");
    assert_eq!(read.time_unix_nano, 5_000_000);
    assert_eq!(read.span_id[1], 0xf0);
    let body = read.body.as_ref().and_then(|body| body.value.clone());
    assert_eq!(body, Some(Value::StringValue("mind the gap".into())));
}

#[test]
fn measures_arrive_as_sums_and_histograms() {
    let mut buckets = vec![0; BOUNDS.len() + 1];
    buckets[3] = 2;
    let measure = |metric, amount| Measure {
        metric,
        attributes: vec![("nanokit.outcome", AttributeValue::Text("ok".into()))],
        from: Wall(1),
        to: Wall(2),
        amount,
    };
    let spread = Spread {
        count: 2,
        sum: 0.08,
        min: 0.03,
        max: 0.05,
        buckets: buckets.clone(),
    };
    let bytes = metrics(
        &sender(),
        &[
            measure(Metric::Runs, Amount::Sum(1)),
            measure(Metric::StepDuration, Amount::Spread(spread)),
        ],
    );
    let read = ExportMetricsServiceRequest::decode(bytes.as_slice()).expect("readable");
    let all = &read.resource_metrics[0].scope_metrics[0].metrics;
    let of = |name: &str| {
        all.iter()
            .find(|metric| metric.name == name)
            .expect("metric")
    };
    let Some(Data::Sum(sum)) = &of("nanokit.runs").data else {
        panic!("no sum");
    };
    assert!(sum.is_monotonic);
    assert_eq!(
        sum.data_points[0].value,
        Some(number_data_point::Value::AsInt(1))
    );
    let Some(Data::Histogram(histogram)) = &of("nanokit.step.duration").data else {
        panic!("no histogram");
    };
    assert_eq!(histogram.aggregation_temporality, 1);
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.sum), (2, Some(0.08)));
    assert_eq!((point.min, point.max), (Some(0.03), Some(0.05)));
    assert_eq!(point.bucket_counts, buckets);
    assert_eq!(point.explicit_bounds, BOUNDS);
}

#[test]
fn an_answer_is_read_without_trust() {
    let answer = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 3,
            error_message: "too\u{1b}[31m old".into(),
        }),
    };
    let whole = answer.encode_to_vec();
    let read = refused(&whole);
    assert_eq!((read.items, read.why.as_str()), (3, "too[31m old"));
    assert_eq!(refused(&[]), Refused::default());
    // Whatever is cut off or made up is read as far as it makes sense, and no further.
    for end in 0..whole.len() {
        let _ = refused(&whole[..end]);
    }
    for first in 0..=255_u8 {
        let _ = refused(&[
            first, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
        ]);
    }
}
