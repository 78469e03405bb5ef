//! The same run told twice: by the spans a receiver got, and by the run's own file. Both as paths from the root.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::Value;

/// Returns the path of every span: names from the run down, joined by ` > `.
pub(crate) fn of_spans(spans: &[Span]) -> BTreeSet<String> {
    let by_id: BTreeMap<&[u8], &Span> = spans.iter().map(|s| (s.span_id.as_slice(), s)).collect();
    assert_eq!(by_id.len(), spans.len(), "two spans have one id");
    let path = |span: &Span| {
        let mut names = vec![span.name.clone()];
        let mut at = span;
        while let Some(above) = by_id.get(at.parent_span_id.as_slice()) {
            names.push(above.name.clone());
            at = above;
        }
        names.reverse();
        names.join(" > ")
    };
    spans.iter().map(path).collect()
}

/// Returns the paths a run's file asks for, read without our own fold.
pub(crate) fn of_file(events: &[Value]) -> BTreeSet<String> {
    let word = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let mut paths = BTreeSet::new();
    let mut layer_of = BTreeMap::new();
    let mut root = String::new();
    for event in events {
        match event["kind"].as_str().unwrap_or_default() {
            "run_started" => {
                root = format!("nkapp {}", word(event, "command"));
                paths.insert(root.clone());
            }
            "stage_started" => {
                paths.insert(format!("{root} > stage {}", word(event, "stage")));
            }
            "layer_started" => {
                let layer = format!("{root} > stage execute > layer {}", event["layer"]);
                for address in event["addresses"].as_array().expect("addresses") {
                    let address = address.as_str().unwrap_or_default().to_owned();
                    layer_of.insert(address, layer.clone());
                }
                paths.insert(layer);
            }
            "action_finished" | "step_finished" => {
                let address = word(event, "address");
                let above = layer_of.get(&address).cloned();
                let above = above.unwrap_or_else(|| format!("{root} > stage execute"));
                let mut path = format!("{above} > {address}");
                if event["kind"] == "step_finished" {
                    path = format!("{path} > {}", word(event, "step"));
                    paths.insert(path.clone());
                    if event["attempt"].is_null() {
                        continue;
                    }
                    path = format!("{path} > attempt {}", event["attempt"]);
                }
                paths.insert(path);
            }
            _ => {}
        }
    }
    paths
}

/// Returns an attribute of a span as text.
pub(crate) fn attribute(span: &Span, name: &str) -> Option<String> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let found = span.attributes.iter().find(|pair| pair.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(truth) => Some(truth.to_string()),
        other => Some(format!("{other:?}")),
    }
}

/// Writes bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
