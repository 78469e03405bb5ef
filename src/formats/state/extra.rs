//! Keys of a state document that this version does not know: found, carried along, put back.

use serde_json::Value;

use crate::domain::record::Stray;
use crate::formats::state::flow::FLOW;

/// Keys of the document itself.
const TOP: [&str; 17] = [
    "format",
    "version",
    "lineage",
    "serial",
    "fence",
    "writer",
    "sha256",
    "project",
    "env",
    "component",
    "digest_key",
    "engine",
    "resources",
    "applied_plans",
    "pending",
    "standing",
    "flows",
];
const RESOURCE: [&str; 8] = [
    "hash",
    "depends_on",
    "model",
    "teardown",
    "id",
    "bare",
    "instances",
    "installed",
];
const INSTANCE: [&str; 5] = ["id", "name", "image_id", "op", "ready"];
const TEARDOWN: [&str; 4] = ["prestop", "poststop", "stop_grace_ms", "stop_signal"];

/// Finds the keys this version does not know.
pub(super) fn strays(document: &Value) -> Vec<Stray> {
    let mut found = Vec::new();
    collect(&mut found, document, &[], &TOP);
    for (address, resource) in entries(document, "resources") {
        collect(&mut found, resource, &["resources", address], &RESOURCE);
        if let Some(teardown) = resource.get("teardown") {
            let path = ["resources", address, "teardown"];
            collect(&mut found, teardown, &path, &TEARDOWN);
        }
        for (number, instance) in entries(resource, "instances") {
            let path = ["resources", address, "instances", number];
            collect(&mut found, instance, &path, &INSTANCE);
        }
    }
    for (name, flow) in entries(document, "flows") {
        collect(&mut found, flow, &["flows", name], &FLOW);
    }
    found
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let map = value.get(key).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

fn collect(found: &mut Vec<Stray>, object: &Value, path: &[&str], known: &[&str]) {
    for (key, value) in object.as_object().into_iter().flatten() {
        if !known.contains(&key.as_str()) {
            found.push(Stray {
                path: path.iter().map(|&key| key.to_owned()).collect(),
                key: key.clone(),
                value: value.to_string(),
            });
        }
    }
}

/// Puts every key back where it stood, if the object around it still is there.
pub(super) fn put_back(strays: &[Stray], document: &mut Value) {
    for stray in strays {
        let place = stray
            .path
            .iter()
            .try_fold(&mut *document, |place, key| place.get_mut(key));
        let value = serde_json::from_str(&stray.value).ok();
        if let (Some(map), Some(value)) = (place.and_then(Value::as_object_mut), value) {
            map.entry(stray.key.clone()).or_insert(value);
        }
    }
}
