//! Keys of a state document that this version does not know: found, carried along, put back.

use serde_json::Value;

/// Unknown keys of a document that was read, with the place each stood at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra(Vec<Stray>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stray {
    /// Keys of the objects around it, outermost first.
    path: Vec<String>,
    key: String,
    value: Value,
}

/// Keys of the document itself.
const TOP: [&str; 15] = [
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
];
const RESOURCE: [&str; 7] = [
    "hash",
    "depends_on",
    "model",
    "teardown",
    "id",
    "instances",
    "installed",
];
const INSTANCE: [&str; 5] = ["id", "name", "image_id", "op", "ready"];
const TEARDOWN: [&str; 4] = ["prestop", "poststop", "stop_grace_ms", "stop_signal"];

/// Finds the keys this version does not know.
pub(super) fn strays(document: &Value) -> Extra {
    let mut extra = Extra::default();
    extra.collect(document, &[], &TOP);
    for (address, resource) in entries(document, "resources") {
        extra.collect(resource, &["resources", address], &RESOURCE);
        if let Some(teardown) = resource.get("teardown") {
            extra.collect(teardown, &["resources", address, "teardown"], &TEARDOWN);
        }
        for (number, instance) in entries(resource, "instances") {
            let path = ["resources", address, "instances", number];
            extra.collect(instance, &path, &INSTANCE);
        }
    }
    extra
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let map = value.get(key).and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

impl Extra {
    /// Puts every key back where it stood.
    pub(super) fn put_back(&self, document: &mut Value) {
        for stray in &self.0 {
            stray.put_back(document);
        }
    }

    fn collect(&mut self, object: &Value, path: &[&str], known: &[&str]) {
        for (key, value) in object.as_object().into_iter().flatten() {
            if !known.contains(&key.as_str()) {
                self.0.push(Stray {
                    path: path.iter().map(|&key| key.to_owned()).collect(),
                    key: key.clone(),
                    value: value.clone(),
                });
            }
        }
    }
}

impl Stray {
    /// Puts the key back where it stood, if the object around it still is there.
    fn put_back(&self, document: &mut Value) {
        let mut place = document;
        for key in &self.path {
            let Some(inner) = place.get_mut(key) else {
                return;
            };
            place = inner;
        }
        if let Some(map) = place.as_object_mut() {
            map.entry(self.key.clone())
                .or_insert_with(|| self.value.clone());
        }
    }
}
