//! The port, implemented: each method hands on to the file that knows the call.
//!
//! The long ones are boxed: their futures are some 25 kB each, and the engine holds many at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use bollard::Docker;
use tokio::sync::mpsc;

use crate::adapters::providers::docker::connect::{self, Endpoint};
use crate::adapters::providers::docker::fault::{self, Fault};
use crate::adapters::providers::docker::seen::Seen;
use crate::domain::ids::{OpId, ProviderId, Scope};
use crate::domain::live::{Capabilities, Live, LiveEvent};
use crate::domain::project::health::Probe;
use crate::domain::usage::Counters;
use crate::ports::hooks::CallEnd;
use crate::ports::provider::{
    Applied, ExecCall, HealthDetail, InstanceRef, LogQuery, Op, Outcome, Provider, ProviderError,
    Settled,
};
use crate::ports::sink::Sink;

/// Deadline of the question whether an engine answers at all.
const PING: Duration = Duration::from_secs(3);

/// A Docker engine.
#[derive(Debug)]
pub struct DockerProvider {
    pub(super) docker: Docker,
    pub(super) endpoint: Endpoint,
    /// Folder of the `docker` command's configuration, for credentials.
    pub(super) config: PathBuf,
    pub(super) seen: Seen,
    /// Held while an image is looked at, so that many instances of one image cost one look.
    pub(super) image_gate: tokio::sync::Mutex<()>,
    /// Held while a container is renamed.
    pub(super) name_gate: tokio::sync::Mutex<()>,
}

impl DockerProvider {
    /// Finds the engine the environment asks for. Opens no connection.
    pub fn new(variables: &BTreeMap<String, String>) -> Result<Self, ProviderError> {
        let endpoint = connect::find(variables)?;
        Ok(Self {
            docker: connect::client(&endpoint)?,
            endpoint,
            config: connect::config_folder(variables),
            seen: Seen::default(),
            image_gate: tokio::sync::Mutex::new(()),
            name_gate: tokio::sync::Mutex::new(()),
        })
    }

    /// Asks whether the engine answers, in one call. Only for choosing a platform when the file names none.
    pub async fn answers(&self) -> Result<(), ProviderError> {
        self.read(fault::call("ping", "engine", PING, self.docker.ping()).await)
            .map(|_| ())
    }

    /// Turns a failed read into the port's error.
    pub(super) fn read<T>(&self, result: Result<T, Fault>) -> Result<T, ProviderError> {
        result.map_err(|fault| fault.into_error(&self.endpoint.shown()))
    }
}

impl Provider for DockerProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            images: true,
            health_checks: true,
            limits_in_place: true,
            networks_in_place: true,
            shared_inner_ports: true,
        }
    }

    fn describe(&self) -> String {
        format!("docker at {}", self.endpoint.shown())
    }

    async fn observe(
        &self,
        scope: &Scope,
        images: &BTreeSet<String>,
    ) -> Result<Live, ProviderError> {
        let live = Box::pin(self.look(scope, images)).await;
        self.read(live)
    }

    async fn apply(&self, op: &Op, sink: &dyn Sink) -> Outcome<Applied> {
        match Box::pin(self.carry_out(op, sink)).await {
            Ok(applied) => Outcome::Done(applied),
            Err(fault) => fault.into_outcome(&self.endpoint.shown()),
        }
    }

    async fn settle(
        &self,
        op: &OpId,
        verb: &str,
        target: Option<&ProviderId>,
        scope: &Scope,
    ) -> Result<Settled, ProviderError> {
        let settled = Box::pin(self.find_out(op, verb, target, scope)).await;
        self.read(settled)
    }

    async fn exec(&self, target: &InstanceRef, call: &ExecCall, sink: &dyn Sink) -> CallEnd {
        Box::pin(self.run_inside(target, call, sink)).await
    }

    async fn probe(
        &self,
        target: &InstanceRef,
        probe: &Probe,
        timeout: Duration,
    ) -> Result<(), String> {
        Box::pin(self.ask(target, probe, timeout)).await
    }

    async fn logs(
        &self,
        target: &InstanceRef,
        query: LogQuery,
        sink: &dyn Sink,
    ) -> Result<(), ProviderError> {
        let read = self.read_log(target, query, sink).await;
        self.read(read)
    }

    async fn health_detail(&self, target: &InstanceRef) -> Result<HealthDetail, ProviderError> {
        let detail = self.remembered(target).await;
        self.read(detail)
    }

    async fn sample(
        &self,
        targets: &[InstanceRef],
    ) -> Result<BTreeMap<ProviderId, Counters>, ProviderError> {
        let counters = Box::pin(self.count(targets)).await;
        self.read(counters)
    }

    async fn wait(&self, target: &InstanceRef) -> Result<i64, ProviderError> {
        let code = self.exit_code(target).await;
        self.read(code)
    }

    async fn watch(&self, scope: &Scope, events: mpsc::Sender<LiveEvent>) {
        Box::pin(self.follow_events(scope, &events)).await;
    }
}
