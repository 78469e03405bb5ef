//! `docker context`: which engine the user's own `docker` command would talk to.
//!
//! Contexts live in `~/.docker/contexts/meta/SHA256(NAME)/meta.json`, their certificates beside it under `tls`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The engine a context names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    /// Its address (`unix:///…`, `tcp://…`).
    pub(super) host: String,
    /// Folder with `ca.pem`, `cert.pem` and `key.pem`, if it has certificates.
    pub(super) certificates: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(rename = "currentContext")]
    current: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(rename = "Endpoints")]
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "Host")]
    host: Option<String>,
}

/// Returns the name of the context in use: `DOCKER_CONTEXT`, else the configuration's; `default` is none.
pub(super) fn chosen(variable: Option<&str>, config: &Path) -> Option<String> {
    let name = match variable.filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => read_config(config)?.current?,
    };
    (name != "default" && !name.is_empty()).then_some(name)
}

/// Reads a context by name.
pub(super) fn read(name: &str, config: &Path) -> Result<Context, String> {
    let folder = hex(&Sha256::digest(name.as_bytes()));
    let path = config.join("contexts/meta").join(&folder).join("meta.json");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("docker context `{name}`: {}: {error}", path.display()))?;
    let meta: Meta = serde_json::from_str(&text)
        .map_err(|error| format!("docker context `{name}`: {}: {error}", path.display()))?;
    let host = meta
        .endpoints
        .docker
        .and_then(|endpoint| endpoint.host)
        .filter(|host| !host.is_empty())
        .ok_or_else(|| format!("docker context `{name}` names no engine"))?;
    let certificates = config.join("contexts/tls").join(&folder).join("docker");
    Ok(Context {
        host,
        certificates: certificates.join("ca.pem").exists().then_some(certificates),
    })
}

fn read_config(config: &Path) -> Option<Config> {
    let text = std::fs::read_to_string(config.join("config.json")).ok()?;
    serde_json::from_str(&text).ok()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_context(name: &str, meta: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let folder = home
            .path()
            .join("contexts/meta")
            .join(hex(&Sha256::digest(name.as_bytes())));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("meta.json"), meta).unwrap();
        home
    }

    #[test]
    fn the_variable_wins_over_the_configuration_and_default_is_none() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join("config.json"),
            r#"{"currentContext": "colima", "auths": {}}"#,
        )
        .unwrap();
        let cases = [
            (None, Some("colima")),
            (Some(""), Some("colima")),
            (Some("far"), Some("far")),
            (Some("default"), None),
        ];
        for (variable, expected) in cases {
            assert_eq!(
                chosen(variable, home.path()).as_deref(),
                expected,
                "{variable:?}"
            );
        }
        assert_eq!(chosen(None, Path::new("/nowhere")), None);
    }

    #[test]
    fn a_context_is_read_from_the_folder_of_its_digest() {
        let home = with_context(
            "colima",
            r#"{"Name":"colima","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///c/docker.sock","SkipTLSVerify":false}}}"#,
        );
        assert_eq!(
            read("colima", home.path()),
            Ok(Context {
                host: "unix:///c/docker.sock".to_owned(),
                certificates: None
            })
        );
        let error = read("other", home.path()).unwrap_err();
        assert!(error.starts_with("docker context `other`: "), "{error}");
    }

    #[test]
    fn a_context_without_an_engine_is_refused() {
        let home = with_context("k8s", r#"{"Endpoints":{"kubernetes":{}}}"#);
        assert_eq!(
            read("k8s", home.path()).unwrap_err(),
            "docker context `k8s` names no engine"
        );
    }
}
