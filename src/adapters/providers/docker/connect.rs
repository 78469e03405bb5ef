//! Finding the engine as the `docker` command would, and never talking to it in clear where it asked for TLS.
//!
//! Order, as the `docker` command has it: `DOCKER_CONTEXT`; `DOCKER_HOST`; the context in use; the usual sockets, the system's first, then
//! those of rootless engines. No socket is opened in here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bollard::{API_DEFAULT_VERSION, Docker};

use crate::adapters::providers::docker::context;
use crate::adapters::providers::docker::fault::unreachable;
use crate::ports::provider::ProviderError;

/// Seconds the client library may wait for the head of an answer; our own deadlines are all shorter.
const LIBRARY_TIMEOUT: u64 = 24 * 60 * 60;
const SYSTEM_SOCKET: &str = "/var/run/docker.sock";

/// Where the engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A socket of this machine.
    Unix(PathBuf),
    /// An address in clear.
    Tcp(String),
    /// An address with certificates from this folder.
    Tls {
        /// `HOST:PORT`.
        address: String,
        /// Folder with `ca.pem`, `cert.pem`, `key.pem`.
        certificates: PathBuf,
    },
}

impl Endpoint {
    /// Writes it as `DOCKER_HOST` would.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix://{}", path.display()),
            Self::Tcp(address) | Self::Tls { address, .. } => format!("tcp://{address}"),
        }
    }
    /// Returns the host published ports are reached at.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Unix(_) => "127.0.0.1".to_owned(),
            Self::Tcp(address) | Self::Tls { address, .. } => address
                .rsplit_once(':')
                .map_or(address.as_str(), |(host, _)| host)
                .to_owned(),
        }
    }
    /// Tells whether the engine runs on this machine, so that clocks and container addresses are shared.
    pub(super) fn is_local(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

/// Decides where the engine is; `variables` is the environment.
pub(super) fn find(variables: &BTreeMap<String, String>) -> Result<Endpoint, ProviderError> {
    let get = |name: &str| {
        variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    let config = config_folder(variables);
    let asked = get("DOCKER_CONTEXT");
    if let Some(name) = asked.filter(|name| *name != "default") {
        return of_context(name, &config);
    }
    if let Some(host) = get("DOCKER_HOST") {
        let folder = match get("DOCKER_CERT_PATH") {
            Some(path) => PathBuf::from(path),
            None => config,
        };
        let tls = get("DOCKER_TLS_VERIFY").is_some() || get("DOCKER_TLS").is_some();
        return parse(host, tls.then_some(folder));
    }
    if let Some(name) = context::chosen(asked, &config) {
        return of_context(&name, &config);
    }
    Ok(Endpoint::Unix(usual_socket(
        get("XDG_RUNTIME_DIR"),
        get("HOME"),
    )))
}

/// Makes the client; opens no connection yet.
pub(super) fn client(endpoint: &Endpoint) -> Result<Docker, ProviderError> {
    let shown = endpoint.shown();
    let made = match endpoint {
        Endpoint::Unix(path) => {
            // The library refuses a socket that is not there, with fewer words than we have.
            if !path.exists() {
                return Err(unreachable(&shown, "there is no such socket"));
            }
            Docker::connect_with_unix(
                &path.to_string_lossy(),
                LIBRARY_TIMEOUT,
                API_DEFAULT_VERSION,
            )
        }
        Endpoint::Tcp(address) => {
            Docker::connect_with_http(address, LIBRARY_TIMEOUT, API_DEFAULT_VERSION)
        }
        Endpoint::Tls {
            address,
            certificates,
        } => return tls_client(address, certificates, &shown),
    };
    made.map_err(|error| unreachable(&shown, &error.to_string()))
}

/// Returns the folder of the `docker` command's configuration.
pub(super) fn config_folder(variables: &BTreeMap<String, String>) -> PathBuf {
    match variables.get("DOCKER_CONFIG").filter(|p| !p.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => Path::new(variables.get("HOME").map_or("", String::as_str)).join(".docker"),
    }
}

fn of_context(name: &str, config: &Path) -> Result<Endpoint, ProviderError> {
    let context = context::read(name, config)
        .map_err(|cause| unreachable(&format!("docker context `{name}`"), &cause))?;
    parse(&context.host, context.certificates)
}

fn parse(host: &str, certificates: Option<PathBuf>) -> Result<Endpoint, ProviderError> {
    let refuse = |cause: &str| Err(unreachable(host, cause));
    match host.split_once("://") {
        Some(("unix", path)) if !path.is_empty() => Ok(Endpoint::Unix(PathBuf::from(path))),
        Some(("tcp" | "http" | "https", address)) if !address.is_empty() => {
            let address = address.trim_end_matches('/').to_owned();
            match certificates {
                Some(_) if !cfg!(feature = "docker-tls") => refuse(
                    "it asks for TLS, which this build does not speak, and a connection in clear is refused; \
                     install nkapp with the feature `docker-tls`",
                ),
                Some(certificates) => Ok(Endpoint::Tls {
                    address,
                    certificates,
                }),
                None if host.starts_with("https") => {
                    refuse("it asks for TLS: set `DOCKER_TLS_VERIFY=1` and `DOCKER_CERT_PATH`")
                }
                None => Ok(Endpoint::Tcp(address)),
            }
        }
        Some(("ssh", _)) => refuse(
            "engines behind ssh are not reached directly; forward the socket first: \
             `ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST`, then `DOCKER_HOST=unix:///tmp/docker.sock`",
        ),
        Some(("npipe", _)) => refuse("named pipes exist on Windows only"),
        None if host.starts_with('/') => Ok(Endpoint::Unix(PathBuf::from(host))),
        Some(_) | None => refuse("it is not an address; write `unix:///PATH` or `tcp://HOST:PORT`"),
    }
}

fn usual_socket(runtime: Option<&str>, home: Option<&str>) -> PathBuf {
    let system = PathBuf::from(SYSTEM_SOCKET);
    let rootless = [
        runtime.map(|folder| Path::new(folder).join("docker.sock")),
        home.map(|folder| Path::new(folder).join(".docker/run/docker.sock")),
        home.map(|folder| Path::new(folder).join(".docker/desktop/docker.sock")),
    ];
    if system.exists() {
        return system;
    }
    rootless
        .into_iter()
        .flatten()
        .find(|path| path.exists())
        .unwrap_or(system)
}

#[cfg(feature = "docker-tls")]
fn tls_client(address: &str, certificates: &Path, shown: &str) -> Result<Docker, ProviderError> {
    Docker::connect_with_ssl(
        address,
        &certificates.join("key.pem"),
        &certificates.join("cert.pem"),
        &certificates.join("ca.pem"),
        LIBRARY_TIMEOUT,
        API_DEFAULT_VERSION,
    )
    .map_err(|error| unreachable(shown, &error.to_string()))
}

#[cfg(not(feature = "docker-tls"))]
fn tls_client(_address: &str, _certificates: &Path, shown: &str) -> Result<Docker, ProviderError> {
    Err(unreachable(shown, "this build does not speak TLS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Result<String, String> {
        let variables = variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        match find(&variables) {
            Ok(endpoint) => Ok(endpoint.shown()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn docker_host_is_honoured() {
        let cases = [
            ("unix:///run/x.sock", "unix:///run/x.sock"),
            ("/run/x.sock", "unix:///run/x.sock"),
            ("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"),
            ("tcp://10.0.0.1:2375/", "tcp://10.0.0.1:2375"),
        ];
        for (host, expected) in cases {
            assert_eq!(found(&[("DOCKER_HOST", host)]).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_cannot_be_reached_safely_is_refused_with_a_way_out() {
        let cases = [
            ("ssh://me@far", "ssh -nNT -L"),
            ("npipe:////./pipe/docker", "Windows"),
            ("far:2375", "unix:///PATH"),
            ("unix://", "unix:///PATH"),
            ("https://far:2376", "DOCKER_TLS_VERIFY"),
        ];
        for (host, expected) in cases {
            let error = found(&[("DOCKER_HOST", host)]).unwrap_err();
            assert!(error.contains(expected) && error.contains(host), "{error}");
        }
    }

    #[cfg(not(feature = "docker-tls"))]
    #[test]
    fn an_engine_that_asks_for_tls_is_never_talked_to_in_clear() {
        let error = found(&[
            ("DOCKER_HOST", "tcp://10.0.0.1:2376"),
            ("DOCKER_TLS_VERIFY", "1"),
        ])
        .unwrap_err();
        assert!(error.contains("docker-tls"), "{error}");
    }

    #[test]
    fn published_ports_of_a_far_engine_are_reached_there() {
        assert_eq!(Endpoint::Tcp("10.0.0.1:2375".to_owned()).host(), "10.0.0.1");
        assert_eq!(Endpoint::Unix("/x".into()).host(), "127.0.0.1");
    }
}
