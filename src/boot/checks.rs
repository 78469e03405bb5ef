//! What `doctor` looks at: file, platform, our own folder, lock, state, terminal.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::adapters::folder::Folder;
use crate::adapters::processes::SystemProcesses;
use crate::adapters::providers::any::AnyProvider;
use crate::app::failure::Failure;
use crate::boot::hydrate::Surroundings;
use crate::boot::world::{RealWorld, own_folder, state_store};
use crate::boot::{line, platform};
use crate::cli::ground::{Check, Terminal};
use crate::domain::config::load::Loaded;
use crate::domain::lease::{LockStatus, ProcessProof};
use crate::domain::plan::typed::move_away;
use crate::domain::project::project::{Project, ProviderKind};
use crate::domain::report::lock::way_out;
use crate::engine::engine::Engine;
use crate::engine::reconcile::{EngineError, Reconcile};
use crate::ports::cas_store::CasStore;
use crate::ports::process::Processes;
use crate::ports::provider::Provider;
use crate::present::report;

const AT_HAND: &str = "host processes are always at hand";

/// Looks at everything.
pub(super) fn all(surroundings: &Surroundings, loaded: &Loaded, terminal: Terminal) -> Vec<Check> {
    let mut checks = vec![file(surroundings, loaded)];
    let runtime = line::runtime().ok();
    if let Some(runtime) = &runtime {
        runtime.block_on(async {
            checks.extend(docker(surroundings, loaded).await);
            if let Some(project) = &loaded.project {
                checks.push(own(project));
                let (engine, looks) = engine(surroundings, loaded, project).await;
                checks.push(recorded(&engine, project, looks).await);
                checks.push(held(&engine, project).await);
            }
        });
    }
    checks.push(proof());
    checks.push(tty(terminal));
    checks
}

fn good(name: &'static str, finding: impl Into<String>) -> Check {
    Check {
        name,
        good: Some(true),
        finding: finding.into(),
        advice: None,
    }
}

fn bad(name: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Check {
    Check {
        name,
        good: Some(false),
        finding: finding.into(),
        advice: Some(advice.into()),
    }
}

fn neutral(name: &'static str, finding: impl Into<String>) -> Check {
    Check {
        name,
        good: None,
        finding: finding.into(),
        advice: None,
    }
}

fn file(surroundings: &Surroundings, loaded: &Loaded) -> Check {
    match &loaded.project {
        Some(project) => {
            let shown = surroundings.shown(&project.file);
            let warnings = report::summary(&loaded.diagnostics);
            let extra = if warnings.is_empty() {
                String::new()
            } else {
                format!(", {warnings}")
            };
            good(
                "file",
                format!(
                    "{}: {} in {}{extra}",
                    shown.display(),
                    project.name,
                    project.env
                ),
            )
        }
        None => bad(
            "file",
            report::summary(&loaded.diagnostics),
            "`nkapp validate` shows each with its place; `nkapp init` writes a first file",
        ),
    }
}

async fn docker(surroundings: &Surroundings, loaded: &Loaded) -> Vec<Check> {
    let wanted = loaded.project.as_ref().and_then(|p| p.provider);
    let found = platform::ask_docker(&surroundings.process_env).await;
    let docker = match (found, wanted) {
        (Ok(provider), _) => good("docker", describe(&provider, loaded).await),
        (Err(error), Some(ProviderKind::Docker)) => {
            let failure = platform::unreachable(error);
            bad("docker", failure.message, failure.hints.join("; "))
        }
        (Err(error), Some(ProviderKind::Process) | None) => {
            neutral("docker", format!("{error}; host processes are used"))
        }
    };
    let process = match &loaded.project {
        Some(project) => processes(project).await,
        None => good("process", AT_HAND),
    };
    vec![docker, process]
}

/// Looks whether the files of the host processes here say what they are.
async fn processes(project: &Project) -> Check {
    let provider = platform::process(project, Path::new("nkapp"));
    let scope = project.scope();
    let live = match provider.observe(&scope, &BTreeSet::new()).await {
        Ok(live) => live,
        Err(error) => return bad("process", error.to_string(), "check its owner and mode"),
    };
    let told = live.obstacles.iter().map(|one| one.what.clone());
    let told: Vec<String> = told.chain(live.remarks).collect();
    let ways = live.obstacles.iter();
    let ways: Vec<String> = ways
        .map(|one| format!("`{}` ends and removes it", one.remedy))
        .collect();
    match (told.is_empty(), ways.is_empty()) {
        (true, _) => good("process", AT_HAND),
        (false, true) => bad(
            "process",
            told.join("; "),
            "`nkapp status` shows how it stands",
        ),
        (false, false) => bad("process", told.join("; "), ways.join("; ")),
    }
}

async fn describe(provider: &AnyProvider, loaded: &Loaded) -> String {
    let mut text = format!("{} answers", provider.describe());
    if let Some(project) = &loaded.project
        && let Ok(live) = provider.observe(&project.scope(), &BTreeSet::new()).await
    {
        text.push_str(&format!(
            ", {} of our containers there",
            live.instances.len()
        ));
    }
    text
}

/// Makes the engine of the project as every command has it, and says whether it can look at the platform. Where there is
/// no way to that, another stands in, and nothing is compared with it: the check of the platform says what is wrong.
async fn engine(
    surroundings: &Surroundings,
    loaded: &Loaded,
    project: &Project,
) -> (Engine<RealWorld>, bool) {
    let process_env = &surroundings.process_env;
    let program = line::program();
    let asked = platform::Asked {
        forced: None,
        process_env,
        program: &program,
    };
    let (provider, looks) = match platform::choose(project, &asked).await {
        Ok(chosen) => (chosen.provider, true),
        Err(_) => (platform::process(project, &program), false),
    };
    let variables = loaded.variables.clone();
    let world = RealWorld::new(project, provider, process_env, variables, program);
    (Engine::new(world), looks)
}

fn own(project: &Project) -> Check {
    let own = own_folder(&project.root);
    if let Some(check) = misplaced(&own) {
        return check;
    }
    let (probe, found) = match Folder::own(&own, false) {
        Ok(None) => (project.root.as_path(), Folder::open(&project.root)),
        Ok(Some(found)) => (own.as_path(), Ok(found)),
        Err(error) => (own.as_path(), Err(error)),
    };
    match found.and_then(|found| writable(&found)) {
        Ok(()) => good("folder", format!("{} is writable", probe.display())),
        Err(why) => bad(
            "folder",
            format!("{} is not writable: {why}", probe.display()),
            "plans, journals and locks are written there; check owner and mode, and that it is no link",
        ),
    }
}

/// Finds what stands where one of the folders below ours belongs.
fn misplaced(own: &Path) -> Option<Check> {
    let found = Folder::own(own, false).ok()??;
    let folders = ["journal", "lock", "runs", "backups", "plans"];
    let (name, why) = folders
        .into_iter()
        .find_map(|name| Some((name, found.sub(name).err()?)))?;
    let place = own.join(name).display().to_string();
    let finding = format!("{place} is no folder that can be read: {why}");
    let advice = format!(
        "move away what is there (`{}`); the next run makes the folder anew",
        move_away(&place)
    );
    Some(bad("folder", finding, advice))
}

/// Makes a file and removes it again, following no link.
fn writable(folder: &Folder) -> std::io::Result<()> {
    let name = format!(".nkapp-doctor-{}", std::process::id());
    folder.keep(&name)?;
    folder.remove(&name)
}

/// Asks the engine, which refuses here what it refuses to every command.
async fn recorded(engine: &Engine<RealWorld>, project: &Project, looks: bool) -> Check {
    let location = state_store(project).location();
    match engine.examine(project, looks).await {
        Ok(Some(record)) => good(
            "state",
            format!(
                "{location}: serial {}, {} resources",
                record.serial,
                record.resources.len()
            ),
        ),
        Ok(None) => neutral("state", "nothing was deployed from here yet"),
        Err(error) => wrong("state", error, "mend what is named; nothing was changed"),
    }
}

async fn held(engine: &Engine<RealWorld>, project: &Project) -> Check {
    let report = match engine.lock(project, Duration::ZERO, None).await {
        Ok(report) => report,
        Err(error) => return wrong("lock", error, "`nkapp infra lock` looks at it"),
    };
    let location = &report.location;
    let look = "`nkapp infra lock` shows evidence and verdict";
    match &report.record {
        Some(record) if record.status == LockStatus::Held => bad(
            "lock",
            format!(
                "{location}: held by {}@{} (pid {})",
                record.holder.user, record.holder.host, record.holder.pid
            ),
            look,
        ),
        Some(_) => good("lock", "free"),
        None => {
            let found: Vec<&str> = report.evidence.iter().map(|e| e.finding.as_str()).collect();
            let found = found.join("; ");
            match way_out(&report) {
                Some((why, command)) => bad(
                    "lock",
                    format!("{location}: {found}"),
                    format!("{why}: `{command}`"),
                ),
                None => good("lock", format!("free: {found}")),
            }
        }
    }
}

/// What the engine refuses, with its causes and what it advises.
fn wrong(name: &'static str, error: EngineError, otherwise: &str) -> Check {
    let failure = Failure::from(error);
    let advice = failure.hints.join("\n");
    let advice = if advice.is_empty() {
        otherwise
    } else {
        &advice
    };
    bad(name, failure.chain(), advice)
}

fn proof() -> Check {
    let processes = SystemProcesses::new(None);
    if processes.proof(&processes.me()) == ProcessProof::Alive {
        good("proof", "the life of a lock's holder can be proven here")
    } else {
        bad(
            "proof",
            "/proc cannot be read",
            "locks of dead holders will have to be cleared by hand",
        )
    }
}

fn tty(terminal: Terminal) -> Check {
    match (
        terminal.interactive && terminal.stdout,
        terminal.capable,
        terminal.width,
    ) {
        (false, ..) => neutral(
            "terminal",
            "none; everything but the panel and questions works",
        ),
        (true, false, _) => bad(
            "terminal",
            "TERM is not set or `dumb`",
            "set TERM, as in `TERM=xterm-256color`",
        ),
        (true, true, Some(columns)) if columns < 80 => {
            neutral("terminal", format!("{columns} columns; the panel likes 80"))
        }
        (true, true, columns) => good(
            "terminal",
            columns.map_or_else(|| "usable".to_owned(), |c| format!("{c} columns")),
        ),
    }
}
