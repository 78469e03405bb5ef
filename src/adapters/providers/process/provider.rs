//! Host processes as a platform.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use sha2::{Digest as _, Sha256};

use crate::adapters::providers::process::events::Watches;
use crate::adapters::providers::process::files::{Ask, State};
use crate::adapters::providers::process::folder::Places;
use crate::adapters::providers::process::instances::{Found, all, find};
use crate::adapters::providers::process::log::{LogReader, hand_out};
use crate::adapters::providers::process::{exec, observe, operate, probe, records, usage};
use crate::domain::ids::{OpId, ProviderId, Scope};
use crate::domain::live::{Capabilities, Live, LiveEvent, Status};
use crate::domain::project::health::Probe;
use crate::domain::usage::{Counters, Probed};
use crate::ports::hooks::CallEnd;
use crate::ports::provider::{
    Applied, ExecCall, HealthDetail, InstanceRef, LogQuery, Op, Outcome, Provider, ProviderError,
    Settled,
};
use crate::ports::sink::Sink;

/// Time between two looks at a file that is being followed.
const PAUSE: Duration = Duration::from_millis(100);

/// Supervised host processes of one project folder.
#[derive(Debug)]
pub struct ProcessProvider {
    pub(super) places: Places,
    pub(super) program: PathBuf,
    pub(super) watches: Watches,
    calls: AtomicU64,
}

impl ProcessProvider {
    /// Makes the provider of the project in `root`; `program` is the `nkapp` that supervises (our own).
    #[must_use]
    pub fn new(root: &Path, program: &Path) -> Self {
        Self {
            places: Places {
                root: root.to_path_buf(),
            },
            program: program.to_path_buf(),
            watches: Watches::default(),
            calls: AtomicU64::new(0),
        }
    }

    fn engine(&self) -> String {
        let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
        let host = rustix::system::uname();
        let mut hasher = Sha256::new();
        for part in [
            machine.trim().as_bytes(),
            host.nodename().to_bytes(),
            self.places.root.as_os_str().as_encoded_bytes(),
        ] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        let digest = hasher.finalize();
        let number = digest
            .iter()
            .take(8)
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        format!("process-{number:016x}")
    }

    /// Finds an instance that must be there.
    fn found(&self, target: &InstanceRef) -> Result<Found, ProviderError> {
        find(&self.places, &target.id, &target.name)
            .map_err(|error| broken("look for instance", &target.name, &error))?
            .ok_or_else(|| ProviderError::Missing {
                subject: format!("instance {}", target.name),
            })
    }
}

/// Of host processes only the last probe is remembered.
fn last_probe(found: &Found) -> Option<Probed> {
    let status = &found.status;
    let any = status.probe_exit.is_some() || !status.probe_output.is_empty();
    any.then(|| Probed {
        at: None,
        exit: status.probe_exit,
        output: status.probe_output.clone(),
    })
}

/// Adds, where the port is not the one in the file, how the instance was told.
fn told_by_port(found: &Found, port: u16, why: String) -> String {
    match found.spec.expose {
        Some(expose) if expose != port && found.spec.port == Some(port) => {
            format!("{why} (`PORT` tells this instance to listen on {port} in place of {expose})")
        }
        Some(_) | None => why,
    }
}

/// Tells that a look at the disk failed.
pub(super) fn broken(call: &str, subject: &str, error: &io::Error) -> ProviderError {
    ProviderError::Call {
        call: call.to_owned(),
        subject: subject.to_owned(),
        cause: error.to_string(),
    }
}

impl Provider for ProcessProvider {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            images: false,
            health_checks: true,
            limits_in_place: true,
            networks_in_place: true,
            shared_inner_ports: true,
        }
    }

    fn describe(&self) -> String {
        format!("host processes in {}", self.places.root.display())
    }

    async fn observe(
        &self,
        scope: &Scope,
        _images: &BTreeSet<String>,
    ) -> Result<Live, ProviderError> {
        observe::live(&self.places, scope, self.engine())
            .map_err(|error| broken("list", "host processes", &error))
    }

    async fn apply(&self, op: &Op, _sink: &dyn Sink) -> Outcome<Applied> {
        let outcome = operate::apply(self, op).await;
        if let Some((id, name)) = operate::acted_on(op, &outcome)
            && let Ok(found) = find(&self.places, id, name)
        {
            self.watches.look_at(id, found.as_ref());
        }
        outcome
    }

    async fn settle(
        &self,
        op: &OpId,
        verb: &str,
        target: Option<&ProviderId>,
        _scope: &Scope,
    ) -> Result<Settled, ProviderError> {
        let found = all(&self.places).map_err(|error| broken("list", "host processes", &error))?;
        if let Some(made) = found
            .iter()
            .find(|found| found.spec.owner.op == op.as_str())
        {
            return Ok(Settled::Done(operate::applied(made)));
        }
        let record = records::made_by(&self.places, op.as_str())
            .map_err(|error| broken("list", "records", &error))?;
        if let Some(name) = record {
            return Ok(Settled::Done(Applied {
                id: Some(ProviderId::new(&*name)),
                name: Some(name),
                ..Applied::default()
            }));
        }
        if verb == "remove" && target.is_some_and(|id| records::is_there(&self.places, id)) {
            return Ok(Settled::NotDone);
        }
        let acted_on =
            target.and_then(|id| found.iter().find(|found| found.spec.id == id.as_str()));
        Ok(operate::settled(verb, target, acted_on))
    }

    async fn exec(&self, target: &InstanceRef, call: &ExecCall, sink: &dyn Sink) -> CallEnd {
        let mut found = match self.found(target) {
            Ok(found) => found,
            Err(error) => return CallEnd::InstanceGone(error.to_string()),
        };
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{}-{number}", found.spec.id, std::process::id());
        exec::run(&self.places, &mut found, &mark, call, sink).await
    }

    async fn probe(
        &self,
        target: &InstanceRef,
        probe: &Probe,
        timeout: Duration,
    ) -> Result<(), String> {
        let found = self.found(target).map_err(|error| error.to_string())?;
        if found.standing() != Status::Running {
            return Err(format!("{} does not run", found.name));
        }
        match Ask::of(probe, found.spec.expose, found.spec.port) {
            Some(Ask::Tcp { port }) => {
                let answer = probe::tcp(port, timeout).await;
                answer.map_err(|why| told_by_port(&found, port, why))
            }
            Some(Ask::Http { port, path }) => {
                let answer = probe::http(port, &path, timeout).await;
                answer.map_err(|why| told_by_port(&found, port, why))
            }
            Some(Ask::Command(argv)) => {
                let call = ExecCall {
                    argv,
                    env: Vec::new(),
                    user: None,
                    folder: None,
                    timeout,
                    interactive: false,
                    ends_orphans: false,
                };
                match self.exec(target, &call, &crate::ports::sink::NoSink).await {
                    CallEnd::Exited(0) => Ok(()),
                    CallEnd::Exited(code) => Err(format!("exit code {code}")),
                    CallEnd::TimedOut => Err("it takes too long".into()),
                    CallEnd::InstanceGone(why)
                    | CallEnd::NotStarted(why)
                    | CallEnd::Unknown(why) => Err(why),
                }
            }
            None => Ok(()),
        }
    }

    async fn logs(
        &self,
        target: &InstanceRef,
        query: LogQuery,
        sink: &dyn Sink,
    ) -> Result<(), ProviderError> {
        let mut found = self.found(target)?;
        let failed = |error: io::Error| broken("read log of", &target.name, &error);
        let each = |entry: &[u8]| hand_out(entry, query.timestamps, sink);
        let mut reader = LogReader::start(&found.folder, query.tail, each).map_err(failed)?;
        if !query.follow {
            return Ok(());
        }
        loop {
            sleep(PAUSE).await;
            if !found.folder.is_dir() {
                match find(&self.places, &target.id, &target.name) {
                    Ok(Some(moved)) => {
                        found = moved;
                        reader.moved(&found.folder);
                    }
                    Ok(None) | Err(_) => return Ok(()),
                }
            }
            reader.more(each).map_err(failed)?;
        }
    }

    async fn health_detail(&self, target: &InstanceRef) -> Result<HealthDetail, ProviderError> {
        let found = self.found(target)?;
        let ended = matches!(found.status.state, State::Exited | State::Restarting);
        Ok(HealthDetail {
            last_output: found.status.probe_output.clone(),
            last_exit: found.status.probe_exit,
            exit_code: found.status.exit_code.filter(|_| ended),
            out_of_memory: found.status.out_of_memory,
            unpause: found.frozen().map(|pid| format!("kill -CONT {pid}")),
            probes: last_probe(&found).into_iter().collect(),
            given: found.given(),
        })
    }

    async fn sample(
        &self,
        targets: &[InstanceRef],
    ) -> Result<BTreeMap<ProviderId, Counters>, ProviderError> {
        usage::count(&self.places, targets)
            .map_err(|error| broken("count", "host processes", &error))
    }

    async fn wait(&self, target: &InstanceRef) -> Result<i64, ProviderError> {
        loop {
            let found = self.found(target)?;
            match found.standing() {
                Status::Exited(code) => return Ok(code),
                Status::Dead => return Ok(found.status.exit_code.unwrap_or(255)),
                Status::Created | Status::Running | Status::Paused | Status::Restarting => {}
            }
            sleep(PAUSE / 4).await;
        }
    }

    async fn watch(&self, scope: &Scope, events: mpsc::Sender<LiveEvent>) {
        self.watches.watch(&self.places, scope, events).await;
    }
}
