//! One service of a Compose file, key by key.

use serde_yaml::{Mapping, Value};

use crate::cli::compose::convert::LeftOut;
use crate::cli::compose::value::{environment, items, memory, port_pair, text};

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

/// A conversion under way.
#[derive(Default)]
pub(super) struct Import {
    pub(super) left_out: Vec<LeftOut>,
}

impl Import {
    pub(super) fn leave(&mut self, path: impl Into<String>, why: impl Into<String>) {
        self.left_out.push(LeftOut {
            path: path.into(),
            why: why.into(),
        });
    }

    pub(super) fn service(&mut self, path: &str, service: &Mapping) -> Mapping {
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
}
