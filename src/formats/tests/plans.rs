//! Saved plans.

use super::*;
use crate::domain::plan::digest::plan_id;

#[test]
fn a_plan_is_written_in_the_documented_shape_and_read_back_whole() {
    let plan = sample_plan();
    let saved_at = Wall(1_700_000_000_007);
    let bytes = plan::encode(&plan, saved_at);
    golden("plan-v1.json", &bytes);
    assert_eq!(plan::decode(&bytes), Ok((plan.clone(), Some(saved_at))));
    let json = plan::to_json(&plan);
    assert_eq!(plan::decode(json.to_string().as_bytes()), Ok((plan, None)));
    let keys: Vec<&str> = json
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys[..2], ["format", "plan_id"]);
    assert_eq!(json["summary"]["drift"], 1);
    assert_eq!(json["actions"][4]["steps"][4]["where"], "container");
}

#[test]
fn f19_each_value_of_a_plan_that_was_changed_by_hand_is_noticed() {
    let mut changed = Vec::new();
    edits(&plan::to_json(&sample_plan()), "", &mut changed);
    assert!(changed.len() > 250, "{} edits", changed.len());
    for (place, document) in changed {
        assert!(
            plan::decode(document.to_string().as_bytes()).is_err(),
            "an edit of `{place}` was taken for the plan that was shown"
        );
    }
}

#[test]
fn a_warning_that_no_run_may_begin_with_stays_one() {
    let mut blocked = sample_plan();
    blocked.warnings[1].blocks = true;
    blocked.id = plan_id(&blocked);
    let text = plan::to_json(&blocked).to_string();
    assert_eq!(plan::decode(text.as_bytes()).unwrap().0, blocked);
    let freed = text.replace(",\"blocks\":true", "");
    assert!(freed != text && plan::decode(freed.as_bytes()).is_err());
}

/// Makes each document that differs from this one in a single value, or lacks one item of a list.
fn edits(value: &Value, place: &str, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let mut below = Vec::new();
                edits(inner, &format!("{place}.{key}"), &mut below);
                for (place, inner) in below {
                    let mut whole = map.clone();
                    whole.insert(key.clone(), inner);
                    out.push((place, whole.into()));
                }
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                let mut below = vec![];
                edits(inner, &format!("{place}[{index}]"), &mut below);
                for (place, inner) in below {
                    let mut whole = list.clone();
                    whole[index] = inner;
                    out.push((place, whole.into()));
                }
                let mut whole = list.clone();
                whole.remove(index);
                out.push((format!("{place} without [{index}]"), whole.into()));
            }
        }
        Value::String(text) => out.push((place.to_owned(), format!("{text}x").into())),
        Value::Number(number) => {
            out.push((place.to_owned(), (number.as_u64().unwrap() + 1).into()));
        }
        Value::Bool(flag) => out.push((place.to_owned(), (!flag).into())),
        Value::Null => {
            out.push((place.to_owned(), "x".into()));
            out.push((place.to_owned(), 0.into()));
        }
    }
}

#[test]
fn plans_of_another_tool_are_refused() {
    let mut json = plan::to_json(&sample_plan());
    json["format"] = 2.into();
    assert_eq!(
        plan::from_json(json),
        Err(FormatError::Newer { found: 2, known: 1 })
    );
    assert!(matches!(
        plan::decode(b"{\"resource_changes\": []}"),
        Err(FormatError::OtherFormat { .. })
    ));
}
