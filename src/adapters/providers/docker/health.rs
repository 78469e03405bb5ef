//! Asking whether an instance answers, and what the engine remembers of its health and end.
//!
//! A published port is not proof: the engine's own proxy accepts connections before anything listens inside.
//! So on this machine the container's own address is asked first, and an accepted connection that is closed
//! at once counts as refused.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, HealthcheckResult};
use bollard::query_parameters::WaitContainerOptionsBuilder;
use futures_util::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::adapters::providers::docker::fault::{Cause, Fault};
use crate::adapters::providers::docker::model;
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::adapters::providers::docker::seen::Reach;
use crate::domain::project::health::Probe;
use crate::domain::time::Wall;
use crate::domain::usage::Probed;
use crate::ports::hooks::CallEnd;
use crate::ports::provider::{ExecCall, HealthDetail, InstanceRef};
use crate::ports::sink::NoSink;

/// A connection still open after this long was accepted by somebody who means it.
const MEANT: Duration = Duration::from_millis(100);
/// Longest first line of an HTTP answer.
const STATUS_LINE: usize = 256;

impl DockerProvider {
    /// Asks once.
    pub(super) async fn ask(
        &self,
        target: &InstanceRef,
        probe: &Probe,
        timeout: Duration,
    ) -> Result<(), String> {
        let asked = match probe {
            Probe::None => return Ok(()),
            Probe::Command(argv) => return self.ask_inside(target, argv.clone(), timeout).await,
            Probe::Shell(line) => {
                let argv = ["/bin/sh", "-c", line].map(str::to_owned).to_vec();
                return self.ask_inside(target, argv, timeout).await;
            }
            Probe::Tcp { port } => {
                tokio::time::timeout(timeout, self.ask_port(target, *port, None)).await
            }
            Probe::Http { port, path } => {
                tokio::time::timeout(timeout, self.ask_port(target, *port, Some(path))).await
            }
        };
        let answer =
            asked.unwrap_or_else(|_| Err(format!("no answer within {} ms", timeout.as_millis())));
        if answer.is_err() {
            // It may have been restarted under another address.
            self.seen.open().addresses.remove(&target.id.0);
        }
        answer
    }

    async fn ask_inside(
        &self,
        target: &InstanceRef,
        argv: Vec<String>,
        timeout: Duration,
    ) -> Result<(), String> {
        let wanted = ExecCall {
            argv,
            env: Vec::new(),
            user: None,
            folder: None,
            timeout,
            interactive: false,
            ends_orphans: false,
        };
        match self.run_inside(target, &wanted, &NoSink).await {
            CallEnd::Exited(0) => Ok(()),
            CallEnd::Exited(code) => Err(format!("the check ended with exit code {code}")),
            CallEnd::TimedOut => Err(format!(
                "the check took longer than {} ms",
                timeout.as_millis()
            )),
            CallEnd::InstanceGone(why) | CallEnd::NotStarted(why) | CallEnd::Unknown(why) => {
                Err(why)
            }
        }
    }

    async fn ask_port(
        &self,
        target: &InstanceRef,
        port: u16,
        path: Option<&String>,
    ) -> Result<(), String> {
        let reach = self.reach(target).await?;
        let mut places = Vec::new();
        if self.endpoint.is_local()
            && let Some(address) = reach.inner
        {
            places.push((address.to_string(), port));
        }
        if let Some(&published) = reach.published.get(&port) {
            places.push((self.endpoint.host(), published));
        }
        if places.is_empty() {
            return Err(format!(
                "port {port} cannot be reached from here: it is not published and the instance has no address"
            ));
        }
        let mut last = String::new();
        for (host, port) in places {
            let answer = match path {
                Some(path) => ask_http(&host, port, path).await,
                None => ask_tcp(&host, port).await,
            };
            match answer {
                Ok(()) => return Ok(()),
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    async fn reach(&self, target: &InstanceRef) -> Result<Reach, String> {
        if let Some(known) = self.seen.open().addresses.get(&target.id.0) {
            return Ok(known.clone());
        }
        let found = self
            .inspect(target.id.as_str())
            .await
            .map_err(|fault| fault.message().to_owned())?;
        let reach = reach_of(&found);
        self.seen
            .open()
            .addresses
            .insert(target.id.0.clone(), reach.clone());
        Ok(reach)
    }

    /// Fetches what the engine remembers.
    pub(super) async fn remembered(&self, target: &InstanceRef) -> Result<HealthDetail, Fault> {
        let found = self.inspect(target.id.as_str()).await?;
        let given = found.config.as_ref().map(model::given);
        let state = found.state.unwrap_or_default();
        let log = state.health.and_then(|health| health.log);
        let probes: Vec<Probed> = log.unwrap_or_default().into_iter().map(probed).collect();
        let last = probes.last().cloned().unwrap_or_default();
        Ok(HealthDetail {
            last_output: last.output,
            last_exit: last.exit,
            exit_code: (state.running != Some(true))
                .then_some(state.exit_code)
                .flatten(),
            unpause: (state.paused == Some(true))
                .then(|| format!("docker unpause {}", target.name)),
            out_of_memory: state.oom_killed == Some(true),
            probes,
            given: given.unwrap_or_default(),
        })
    }

    /// Waits for the end of a container.
    pub(super) async fn exit_code(&self, target: &InstanceRef) -> Result<i64, Fault> {
        let options = WaitContainerOptionsBuilder::new()
            .condition("not-running")
            .build();
        let mut waiting = self
            .docker
            .wait_container(target.id.as_str(), Some(options));
        match waiting.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            // The library hands every exit code but 0 out as an error.
            Some(Err(Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(Fault::of("wait for container", &target.name, &error)),
            None => Err(Fault {
                call: "wait for container",
                subject: target.name.clone(),
                cause: Cause::Lost("the connection ended".to_owned()),
            }),
        }
    }
}

fn probed(probe: HealthcheckResult) -> Probed {
    let at = |text: Option<String>| text?.parse::<jiff::Timestamp>().ok();
    Probed {
        at: at(probe.end).map(|at| Wall(at.as_millisecond())),
        exit: probe.exit_code,
        output: probe.output.unwrap_or_default(),
    }
}

fn reach_of(found: &ContainerInspectResponse) -> Reach {
    let settings = found.network_settings.clone().unwrap_or_default();
    let inner = settings
        .networks
        .unwrap_or_default()
        .into_values()
        .filter_map(|endpoint| endpoint.ip_address?.parse::<IpAddr>().ok())
        .min();
    let mut published = BTreeMap::new();
    for (port, bindings) in settings.ports.unwrap_or_default() {
        let inner: Option<u16> = port.strip_suffix("/tcp").and_then(|p| p.parse().ok());
        let outer = bindings
            .into_iter()
            .flatten()
            .find_map(|binding| binding.host_port?.parse::<u16>().ok());
        if let (Some(inner), Some(outer)) = (inner, outer) {
            published.insert(inner, outer);
        }
    }
    Reach { inner, published }
}

async fn ask_tcp(host: &str, port: u16) -> Result<(), String> {
    let mut stream = connect(host, port).await?;
    let mut byte = [0_u8; 1];
    match tokio::time::timeout(MEANT, stream.read(&mut byte)).await {
        Ok(Ok(0) | Err(_)) => Err(format!("{host}:{port} closed the connection at once")),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}

async fn ask_http(host: &str, port: u16, path: &str) -> Result<(), String> {
    let mut stream = connect(host, port).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: nanokit\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    let broke = |error: std::io::Error| format!("GET http://{host}:{port}{path}: {error}");
    stream.write_all(request.as_bytes()).await.map_err(broke)?;
    let mut line = Vec::new();
    let mut byte = [0_u8; 1];
    while line.len() < STATUS_LINE && stream.read(&mut byte).await.map_err(broke)? == 1 {
        match byte {
            [b'\n'] => break,
            [other] => line.push(other),
        }
    }
    let line = String::from_utf8_lossy(&line);
    let status = line
        .strip_prefix("HTTP/")
        .and_then(|rest| rest.split(' ').nth(1))
        .and_then(|word| word.trim().parse::<u16>().ok());
    match status {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("GET http://{host}:{port}{path} answered {status}")),
        None => Err(format!(
            "GET http://{host}:{port}{path} was not answered in HTTP"
        )),
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port))
        .await
        .map_err(|error| format!("{host}:{port}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers one connection with `bytes`, or closes it at once.
    async fn server(bytes: Option<&'static str>) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            if let Some(bytes) = bytes {
                let mut request = [0_u8; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(bytes.as_bytes()).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn an_http_answer_of_200_to_399_is_healthy() {
        let cases = [
            (Some("HTTP/1.1 200 OK\r\n\r\n"), true),
            (Some("HTTP/1.0 302 Found\r\n\r\n"), true),
            (Some("HTTP/1.1 404 Not Found\r\n\r\n"), false),
            (Some("HTTP/1.1 500\r\n\r\n"), false),
            (Some("SSH-2.0-x\r\n"), false),
            (None, false),
        ];
        for (answer, expected) in cases {
            let port = server(answer).await;
            let found = ask_http("127.0.0.1", port, "/health").await;
            assert_eq!(found.is_ok(), expected, "{answer:?}: {found:?}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_closed_at_once_is_nobody_listening() {
        let port = server(None).await;
        let error = ask_tcp("127.0.0.1", port).await.unwrap_err();
        assert!(error.contains("closed the connection"), "{error}");
        let port = server(Some("")).await;
        assert_eq!(ask_tcp("127.0.0.1", port).await, Ok(()));
    }
}
