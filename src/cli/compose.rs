//! From a Compose file to a project file: what means the same is carried over, everything else is named.
//!
//! Nothing is guessed: a key that is not in the tables below, or a value with a meaning we do not have, ends up in
//! the list of what was left out, with its place and the reason.

use std::path::Path;

use serde_yaml::{Mapping, Value};

/// Something that could not be carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// Its place (`services.api.cap_add`).
    pub path: String,
    /// Why.
    pub why: String,
}

/// What came of a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Imported {
    /// The project file.
    pub text: String,
    /// What is missing in it.
    pub left_out: Vec<LeftOut>,
}

/// Keys of a service that mean the same and have the same shape.
const SAME: &[&str] = &[
    "image",
    "entrypoint",
    "env_file",
    "restart",
    "user",
    "working_dir",
    "labels",
    "tmpfs",
    "stop_grace_period",
    "stop_signal",
];

/// Converts; the error says why it is no Compose file.
pub(super) fn convert(bytes: &[u8], folder: &Path) -> Result<Imported, String> {
    let root: Value = serde_yaml::from_slice(bytes).map_err(|e| e.to_string())?;
    let Value::Mapping(root) = root else {
        return Err("it is not a map".to_owned());
    };
    let Some(Value::Mapping(services)) = root.get("services") else {
        return Err("it has no `services`".to_owned());
    };
    let mut import = Import {
        left_out: Vec::new(),
    };
    let mut out = Mapping::new();
    out.insert("name".into(), project_name(&root, folder).into());
    let mut made = Mapping::new();
    for (name, service) in services {
        let name = text(name);
        let path = format!("services.{name}");
        if let Value::Mapping(service) = service {
            made.insert(name.into(), Value::Mapping(import.service(&path, service)));
        } else {
            import.leave(path, "it is not a map");
        }
    }
    out.insert("services".into(), Value::Mapping(made));
    for (key, value) in &root {
        match text(key).as_str() {
            "services" | "name" | "version" => {}
            "networks" => {
                let networks = import.networks(value);
                insert_some(&mut out, "networks", networks);
            }
            "volumes" => {
                let volumes = import.volumes(value);
                insert_some(&mut out, "volumes", volumes);
            }
            key if key.starts_with("x-") => {}
            key => import.leave(key.to_owned(), "nanokit has nothing that means this"),
        }
    }
    let body = serde_yaml::to_string(&Value::Mapping(out)).map_err(|e| e.to_string())?;
    Ok(Imported {
        text: format!("# Made from a Compose file by `nkapp import`.\n{body}"),
        left_out: import.left_out,
    })
}

fn project_name(root: &Mapping, folder: &Path) -> String {
    let given = root.get("name").map(text);
    let raw = given.unwrap_or_else(|| {
        folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    });
    let name: String = raw
        .to_lowercase()
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
        .collect();
    let name = name.trim_start_matches(['-', '_']).to_owned();
    if name.is_empty() {
        "app".to_owned()
    } else {
        name
    }
}

struct Import {
    left_out: Vec<LeftOut>,
}

impl Import {
    fn leave(&mut self, path: impl Into<String>, why: impl Into<String>) {
        self.left_out.push(LeftOut {
            path: path.into(),
            why: why.into(),
        });
    }

    fn service(&mut self, path: &str, service: &Mapping) -> Mapping {
        let mut out = Mapping::new();
        for (key, value) in service {
            let key = text(key);
            let here = format!("{path}.{key}");
            match key.as_str() {
                same if SAME.contains(&same) => {
                    out.insert(key.into(), value.clone());
                }
                "command" => {
                    out.insert("start".into(), value.clone());
                }
                "environment" => {
                    out.insert("env".into(), environment(value));
                }
                "build" => self.build(&here, value, &mut out),
                "ports" => self.ports(&here, value, &mut out),
                "expose" => self.expose(&here, value, &mut out),
                "volumes" => self.mounts(&here, value, &mut out),
                "networks" => self.joins(&here, value, &mut out),
                "depends_on" => self.depends_on(&here, value, &mut out),
                "healthcheck" => self.healthcheck(&here, value, &mut out),
                "scale" => {
                    out.insert("instances".into(), value.clone());
                }
                "mem_limit" => {
                    out.insert("memory".into(), memory(value));
                }
                "cpus" => {
                    out.insert("cpu".into(), value.clone());
                }
                "deploy" => self.deploy(&here, value, &mut out),
                "container_name" => self.leave(here, "containers are named by project and service"),
                x if x.starts_with("x-") => {}
                _ => self.leave(here, "nanokit has nothing that means this"),
            }
        }
        out
    }

    fn build(&mut self, path: &str, value: &Value, out: &mut Mapping) {
        let Value::Mapping(build) = value else {
            out.insert("build".into(), value.clone());
            return;
        };
        let kept = self.only(path, build, &["context", "dockerfile", "args"]);
        out.insert("build".into(), Value::Mapping(kept));
    }

    /// Keeps these keys of a map and names the others.
    fn only(&mut self, path: &str, map: &Mapping, keys: &[&str]) -> Mapping {
        let mut kept = Mapping::new();
        for (key, value) in map {
            let key = text(key);
            if keys.contains(&key.as_str()) {
                kept.insert(key.into(), value.clone());
            } else {
                self.leave(
                    format!("{path}.{key}"),
                    "nanokit has nothing that means this",
                );
            }
        }
        kept
    }

    fn ports(&mut self, path: &str, value: &Value, out: &mut Mapping) {
        for (at, port) in items(value).iter().enumerate() {
            let here = format!("{path}[{at}]");
            let Some((host, inner)) = port_pair(port) else {
                self.leave(here, "only `HOST:CONTAINER` on TCP can be published");
                continue;
            };
            if out.contains_key("expose") {
                self.leave(here, "a service publishes one port");
                continue;
            }
            if let Some(host) = host {
                out.insert("port".into(), host.into());
            } else {
                self.leave(
                    here,
                    "a host port has to be named; it is only exposed inside",
                );
            }
            out.insert("expose".into(), inner.into());
        }
    }

    fn expose(&mut self, path: &str, value: &Value, out: &mut Mapping) {
        for (at, port) in items(value).iter().enumerate() {
            let number = text(port).parse::<u16>().ok();
            match number {
                Some(number) if !out.contains_key("expose") => {
                    out.insert("expose".into(), number.into());
                }
                _ => self.leave(format!("{path}[{at}]"), "a service names one inner port"),
            }
        }
    }

    fn mounts(&mut self, path: &str, value: &Value, out: &mut Mapping) {
        let mut mounts = Vec::new();
        for (at, mount) in items(value).iter().enumerate() {
            match mount {
                Value::Mapping(map) => {
                    let get = |key: &str| map.get(key).map(text);
                    let kind = get("type").unwrap_or_default();
                    match (kind.as_str(), get("source"), get("target")) {
                        ("bind" | "volume", Some(source), Some(target)) => {
                            let ro = if map.get("read_only").is_some_and(|v| text(v) == "true") {
                                ":ro"
                            } else {
                                ""
                            };
                            mounts.push(Value::from(format!("{source}:{target}{ro}")));
                        }
                        _ => self.leave(
                            format!("{path}[{at}]"),
                            "only named volumes and binds can be mounted",
                        ),
                    }
                }
                other => {
                    let short = text(other);
                    if short.contains(':') {
                        mounts.push(Value::from(short));
                    } else {
                        self.leave(
                            format!("{path}[{at}]"),
                            "an anonymous volume has no name to keep it by",
                        );
                    }
                }
            }
        }
        if !mounts.is_empty() {
            out.insert("volumes".into(), Value::Sequence(mounts));
        }
    }

    fn joins(&mut self, path: &str, value: &Value, out: &mut Mapping) {
        let Value::Mapping(map) = value else {
            out.insert("networks".into(), value.clone());
            return;
        };
        let mut joins = Mapping::new();
        for (name, join) in map {
            let name = text(name);
            let kept = match join {
                Value::Mapping(join) => {
                    Value::Mapping(self.only(&format!("{path}.{name}"), join, &["aliases"]))
                }
                _ => Value::Null,
            };
            joins.insert(name.into(), kept);
        }
        out.insert("networks".into(), Value::Mapping(joins));
    }

    fn depends_on(&mut self, path: &str, value: &Value, out: &mut Mapping) {
        let Value::Mapping(map) = value else {
            // A list means "started" in Compose and "healthy" here.
            let mut edges = Mapping::new();
            for name in items(value) {
                let mut edge = Mapping::new();
                edge.insert("condition".into(), "started".into());
                edges.insert(text(&name).into(), Value::Mapping(edge));
            }
            out.insert("depends_on".into(), Value::Mapping(edges));
            return;
        };
        let mut edges = Mapping::new();
        for (name, edge) in map {
            let name = text(name);
            let here = format!("{path}.{name}");
            let mut made = Mapping::new();
            if let Value::Mapping(edge) = edge {
                for (key, value) in edge {
                    match (text(key).as_str(), text(value).as_str()) {
                        ("condition", "service_started") => {
                            made.insert("condition".into(), "started".into());
                        }
                        ("condition", "service_healthy") => {
                            made.insert("condition".into(), "healthy".into());
                        }
                        ("condition", "service_completed_successfully") => {
                            made.insert("condition".into(), "completed".into());
                        }
                        ("required", _) => {
                            made.insert("required".into(), value.clone());
                        }
                        (key, _) => {
                            self.leave(
                                format!("{here}.{key}"),
                                "nanokit has nothing that means this",
                            );
                        }
                    }
                }
            }
            edges.insert(name.into(), Value::Mapping(made));
        }
        out.insert("depends_on".into(), Value::Mapping(edges));
    }

    fn healthcheck(&mut self, path: &str, value: &Value, out: &mut Mapping) {
        if let Value::Mapping(check) = value {
            let keys = [
                "test",
                "interval",
                "timeout",
                "retries",
                "start_period",
                "disable",
            ];
            let kept = self.only(path, check, &keys);
            out.insert("healthcheck".into(), Value::Mapping(kept));
        } else {
            self.leave(path, "it is not a map");
        }
    }

    fn deploy(&mut self, path: &str, value: &Value, out: &mut Mapping) {
        let Value::Mapping(deploy) = value else {
            self.leave(path, "it is not a map");
            return;
        };
        for (key, value) in deploy {
            let here = format!("{path}.{}", text(key));
            match text(key).as_str() {
                "replicas" => {
                    out.insert("instances".into(), value.clone());
                }
                "resources" => {
                    let limits = value.get("limits").and_then(Value::as_mapping);
                    for (key, value) in limits.into_iter().flatten() {
                        match text(key).as_str() {
                            "cpus" => out.insert("cpu".into(), value.clone()),
                            "memory" => out.insert("memory".into(), memory(value)),
                            key => {
                                self.leave(
                                    format!("{here}.limits.{key}"),
                                    "nanokit has nothing that means this",
                                );
                                None
                            }
                        };
                    }
                    if value.get("reservations").is_some() {
                        self.leave(
                            format!("{here}.reservations"),
                            "nanokit has nothing that means this",
                        );
                    }
                }
                "update_config"
                    if value.get("order").map(text).as_deref() == Some("start-first") =>
                {
                    out.insert("updateStrategy".into(), "rolling".into());
                }
                _ => self.leave(here, "nanokit has nothing that means this"),
            }
        }
    }

    fn networks(&mut self, value: &Value) -> Mapping {
        self.top(value, "networks", |import, path, map, made| {
            for (key, value) in map {
                match text(key).as_str() {
                    "internal" if text(value) == "true" => {
                        made.insert("visibility".into(), "private".into());
                    }
                    "internal" => {}
                    "ipam" => match cidr(value) {
                        Some(cidr) => {
                            made.insert("cidr".into(), cidr.into());
                        }
                        None => {
                            import.leave(format!("{path}.ipam"), "only one subnet can be given")
                        }
                    },
                    "driver" if text(value) == "bridge" => {}
                    key => import.leave(
                        format!("{path}.{key}"),
                        "nanokit has nothing that means this",
                    ),
                }
            }
        })
    }

    fn volumes(&mut self, value: &Value) -> Mapping {
        self.top(value, "volumes", |import, path, map, made| {
            for (key, value) in map {
                match text(key).as_str() {
                    "labels" => {
                        made.insert("labels".into(), value.clone());
                    }
                    "driver" if text(value) == "local" => {}
                    key => import.leave(
                        format!("{path}.{key}"),
                        "nanokit has nothing that means this",
                    ),
                }
            }
        })
    }

    fn top(
        &mut self,
        value: &Value,
        what: &str,
        mut each: impl FnMut(&mut Self, &str, &Mapping, &mut Mapping),
    ) -> Mapping {
        let mut out = Mapping::new();
        for (name, value) in value.as_mapping().into_iter().flatten() {
            let name = text(name);
            let mut made = Mapping::new();
            if let Value::Mapping(map) = value {
                each(self, &format!("{what}.{name}"), map, &mut made);
            }
            out.insert(name.into(), Value::Mapping(made));
        }
        out
    }
}

fn insert_some(out: &mut Mapping, key: &str, map: Mapping) {
    if !map.is_empty() {
        out.insert(key.into(), Value::Mapping(map));
    }
}

/// Returns a variable without a value as "taken from where nkapp runs", as Compose means it.
fn environment(value: &Value) -> Value {
    let pair = |name: &str, value: Option<String>| {
        let value = value.unwrap_or_else(|| format!("${{{name}:-}}"));
        (Value::from(name), Value::from(value))
    };
    let mut out = Mapping::new();
    match value {
        Value::Mapping(map) => {
            for (name, value) in map {
                let given = (!value.is_null()).then(|| text(value));
                let (name, value) = pair(&text(name), given);
                out.insert(name, value);
            }
        }
        other => {
            for item in items(other) {
                let item = text(&item);
                let (name, value) = match item.split_once('=') {
                    Some((name, value)) => pair(name, Some(value.to_owned())),
                    None => pair(&item, None),
                };
                out.insert(name, value);
            }
        }
    }
    Value::Mapping(out)
}

/// Reads `8080:80`, `127.0.0.1:8080:80`, `80`, or the long form; only TCP.
fn port_pair(value: &Value) -> Option<(Option<u16>, u16)> {
    if let Value::Mapping(map) = value {
        let number = |key: &str| map.get(key).map(text).and_then(|t| t.parse().ok());
        if map.get("protocol").is_some_and(|p| text(p) != "tcp") {
            return None;
        }
        return Some((number("published"), number("target")?));
    }
    let short = text(value);
    let short = short.strip_suffix("/tcp").unwrap_or(&short);
    let parts: Vec<&str> = short.split(':').collect();
    match parts.as_slice() {
        [inner] => Some((None, inner.parse().ok()?)),
        [host, inner] => Some((Some(host.parse().ok()?), inner.parse().ok()?)),
        // An address in front would be lost, and with it a protection: it is not carried over.
        _ => None,
    }
}

fn cidr(ipam: &Value) -> Option<String> {
    let config = ipam.get("config")?.as_sequence()?;
    match config.as_slice() {
        [only] => only.get("subnet").map(text),
        _ => None,
    }
}

/// Compose's `512m` is nanokit's `512mb`.
fn memory(value: &Value) -> Value {
    let raw = text(value).to_lowercase();
    match raw.strip_suffix(['k', 'm', 'g']) {
        Some(number) if !number.is_empty() => {
            let unit = raw.get(number.len()..).unwrap_or_default();
            Value::from(format!("{number}{unit}b"))
        }
        _ => value.clone(),
    }
}

fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Sequence(list) => list.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_carried_over_and_the_rest_is_named() {
        let compose = r#"
name: shop
services:
  db:
    image: postgres:16
    environment: [POSTGRES_PASSWORD=x, HOME_DIR]
    volumes: ["data:/var/lib/postgresql/data", /anonymous]
    mem_limit: 512m
    cap_add: [NET_ADMIN]
  api:
    build: { context: ./api, target: run }
    command: [serve]
    ports: ["8080:80", "127.0.0.1:9000:9000"]
    depends_on: { db: { condition: service_healthy }, cache: { condition: service_started, required: false } }
    deploy: { replicas: 2, resources: { limits: { cpus: "0.5" } } }
  cache: { image: redis, depends_on: [db] }
networks: { back: { internal: true } }
volumes: { data: {} }
configs: {}
"#;
        let imported = convert(compose.as_bytes(), Path::new("/x")).expect("a compose file");
        insta::assert_snapshot!(imported.text, @r"
        # Made from a Compose file by `nkapp import`.
        name: shop
        services:
          db:
            image: postgres:16
            env:
              POSTGRES_PASSWORD: x
              HOME_DIR: ${HOME_DIR:-}
            volumes:
            - data:/var/lib/postgresql/data
            memory: 512mb
          api:
            build:
              context: ./api
            start:
            - serve
            port: 8080
            expose: 80
            depends_on:
              db:
                condition: healthy
              cache:
                condition: started
                required: false
            instances: 2
            cpu: '0.5'
          cache:
            image: redis
            depends_on:
              db:
                condition: started
        networks:
          back:
            visibility: private
        volumes:
          data: {}
        ");
        let left: Vec<&str> = imported.left_out.iter().map(|l| l.path.as_str()).collect();
        assert_eq!(
            left,
            [
                "services.db.volumes[1]",
                "services.db.cap_add",
                "services.api.build.target",
                "services.api.ports[1]",
                "configs",
            ]
        );
    }

    #[test]
    fn what_is_no_compose_file_is_refused() {
        for bad in ["", "[]", "a: 1", ": :", "services: 1"] {
            assert!(convert(bad.as_bytes(), Path::new("/x")).is_err(), "{bad:?}");
        }
    }
}
