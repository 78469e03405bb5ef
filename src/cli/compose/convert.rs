//! From a Compose file to a project file: what means the same is carried over, everything else is named.
//!
//! Nothing is guessed: a key that is not in the tables below, or a value with a meaning we do not have, ends up in
//! the list of what was left out, with its place and the reason.

use std::path::Path;

use serde_yaml::{Mapping, Value};

use crate::cli::compose::service::Import;
use crate::cli::compose::value::{cidr, text};

/// Something that could not be carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its place (`services.api.cap_add`).
    pub path: String,
    /// Why.
    pub why: String,
}

/// What came of a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The project file.
    pub text: String,
    /// What is missing in it.
    pub left_out: Vec<LeftOut>,
}

/// Converts; the error says why it is no Compose file.
///
/// # Errors
/// It is no YAML, no map, or has no `services`.
pub fn convert(bytes: &[u8], folder: &Path) -> Result<Imported, String> {
    let root: Value = serde_yaml::from_slice(bytes).map_err(|e| e.to_string())?;
    let Value::Mapping(root) = root else {
        return Err("it is not a map".to_owned());
    };
    let Some(Value::Mapping(services)) = root.get("services") else {
        return Err("it has no `services`".to_owned());
    };
    let mut import = Import::default();
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

impl Import {
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
                            import.leave(format!("{path}.ipam"), "only one subnet can be given");
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
