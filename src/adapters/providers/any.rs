//! The platform chosen at run time: a closed enum instead of `dyn`, since the port's futures are not boxed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::mpsc;

#[cfg(feature = "docker")]
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::adapters::providers::process::provider::ProcessProvider;
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

/// One of the platforms.
#[derive(Debug)]
pub enum AnyProvider {
    /// A Docker engine.
    #[cfg(feature = "docker")]
    Docker(Box<DockerProvider>),
    /// Supervised host processes.
    Process(Box<ProcessProvider>),
}

macro_rules! each {
    ($self:ident, $provider:ident => $call:expr) => {
        match $self {
            #[cfg(feature = "docker")]
            Self::Docker($provider) => $call,
            Self::Process($provider) => $call,
        }
    };
}

impl Provider for AnyProvider {
    fn capabilities(&self) -> Capabilities {
        each!(self, p => p.capabilities())
    }

    fn describe(&self) -> String {
        each!(self, p => p.describe())
    }

    async fn observe(
        &self,
        scope: &Scope,
        images: &BTreeSet<String>,
    ) -> Result<Live, ProviderError> {
        each!(self, p => p.observe(scope, images).await)
    }

    async fn apply(&self, op: &Op, sink: &dyn Sink) -> Outcome<Applied> {
        each!(self, p => p.apply(op, sink).await)
    }

    async fn settle(
        &self,
        op: &OpId,
        verb: &str,
        target: Option<&ProviderId>,
        scope: &Scope,
    ) -> Result<Settled, ProviderError> {
        each!(self, p => p.settle(op, verb, target, scope).await)
    }

    async fn exec(&self, target: &InstanceRef, call: &ExecCall, sink: &dyn Sink) -> CallEnd {
        each!(self, p => p.exec(target, call, sink).await)
    }

    async fn probe(
        &self,
        target: &InstanceRef,
        probe: &Probe,
        timeout: Duration,
    ) -> Result<(), String> {
        each!(self, p => p.probe(target, probe, timeout).await)
    }

    async fn logs(
        &self,
        target: &InstanceRef,
        query: LogQuery,
        sink: &dyn Sink,
    ) -> Result<(), ProviderError> {
        each!(self, p => p.logs(target, query, sink).await)
    }

    async fn health_detail(&self, target: &InstanceRef) -> Result<HealthDetail, ProviderError> {
        each!(self, p => p.health_detail(target).await)
    }

    async fn sample(
        &self,
        targets: &[InstanceRef],
    ) -> Result<BTreeMap<ProviderId, Counters>, ProviderError> {
        each!(self, p => p.sample(targets).await)
    }

    async fn wait(&self, target: &InstanceRef) -> Result<i64, ProviderError> {
        each!(self, p => p.wait(target).await)
    }

    async fn watch(&self, scope: &Scope, events: mpsc::Sender<LiveEvent>) {
        each!(self, p => p.watch(scope, events).await);
    }
}
