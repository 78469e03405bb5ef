//! Workers from outside: what they say on their sockets, and the beacon of our own.

use std::path::Path;

use crate::adapters::beacon::{self, Beacon as Socket};
use crate::adapters::processes::SystemProcesses;
use crate::adapters::random::SystemRandom;
use crate::app::failure::{Failure, FailureKind};
use crate::app::worker::account::scope_of;
use crate::app::worker::mind::Identity;
use crate::boot::hydrate::Surroundings;
use crate::boot::line;
use crate::boot::world::own_folder;
use crate::cli::ground::Beacon;
use crate::domain::project::project::Project;
use crate::domain::report::worker::WorkerReport;
use crate::formats::text::hex;
use crate::formats::worker;
use crate::ports::process::Processes as _;
use crate::ports::random::Random as _;

/// Asks the workers of a project what they do.
pub(super) async fn of(project: &Project) -> Vec<WorkerReport> {
    let said = beacon::ask_all(&own_folder(&project.root), worker::LIMIT).await;
    let scope = scope_of(project);
    let read = said
        .iter()
        .filter_map(|line| worker::decode_line(line).ok());
    let mut ours: Vec<WorkerReport> = read.filter(|report| report.scope == scope).collect();
    ours.sort_by(|a, b| a.id.cmp(&b.id));
    ours
}

/// The same from outside of the engine's thread.
pub(super) fn now(project: &Project) -> Vec<WorkerReport> {
    let Ok(runtime) = line::runtime() else {
        return Vec::new();
    };
    runtime.block_on(of(project))
}

/// Says who this worker is and lights its beacon.
pub(super) fn light(
    surroundings: &Surroundings,
    root: &Path,
) -> Result<(Identity, Box<dyn Beacon>), Failure> {
    let env = &surroundings.process_env;
    let me = SystemProcesses::new(env.get("USER").cloned()).me();
    let mut part = [0; 4];
    SystemRandom.fill(&mut part);
    let id = format!("{}-{}", me.pid, hex(&part));
    let systemd = env.get("NOTIFY_SOCKET").map(String::as_str);
    let socket = Socket::start(&own_folder(root), &id, systemd).map_err(|error| {
        let place = own_folder(root).join("worker");
        Failure::new(
            FailureKind::Failed,
            format!(
                "the worker's socket in {} cannot be opened",
                place.display()
            ),
        )
        .source(error.to_string())
        .next("nkapp doctor")
    })?;
    let identity = Identity {
        id,
        pid: me.pid,
        user: me.user,
        host: me.host,
        version: me.version,
    };
    Ok((identity, Box::new(Lit(socket))))
}

struct Lit(Socket);

impl Beacon for Lit {
    fn show(&mut self, report: &WorkerReport, alive: bool) {
        self.0.show(&worker::encode_line(report), alive);
    }
    fn ending(&mut self) {
        self.0.ending();
    }
}
