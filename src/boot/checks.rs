//! What `doctor` looks at: file, platform, our own folder, lock, state, terminal.

use std::collections::BTreeSet;
use std::path::Path;

use crate::adapters::folder::Folder;
use crate::adapters::processes::SystemProcesses;
use crate::adapters::providers::any::AnyProvider;
use crate::adapters::stores::file::FileStore;
use crate::boot::hydrate::Surroundings;
use crate::boot::world::{own_folder, state_store};
use crate::boot::{line, platform};
use crate::cli::ground::{Check, Terminal};
use crate::domain::config::load::Loaded;
use crate::domain::lease::{LockStatus, ProcessProof};
use crate::domain::project::project::{Project, ProviderKind};
use crate::formats::{lock, state};
use crate::ports::cas_store::{CasStore, StoreError, Stored};
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
                checks.push(recorded(project).await);
                checks.push(held(project).await);
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

fn own(project: &Project) -> Check {
    let own = own_folder(&project.root);
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

/// Makes a file and removes it again, following no link.
fn writable(folder: &Folder) -> std::io::Result<()> {
    let name = format!(".nkapp-doctor-{}", std::process::id());
    folder.keep(&name)?;
    folder.remove(&name)
}

async fn recorded(project: &Project) -> Check {
    let store = state_store(project);
    let location = store.location();
    match read(store.get().await) {
        Err(why) => bad(
            "state",
            why,
            "mend what the message names; nothing was changed",
        ),
        Ok(None) => neutral("state", "nothing was deployed from here yet"),
        Ok(Some(bytes)) => match state::decode(&bytes) {
            Ok(record) => {
                let ours = record.scope == project.scope();
                let text = format!(
                    "{location}: serial {}, {} resources",
                    record.serial,
                    record.resources.len()
                );
                if ours {
                    good("state", text)
                } else {
                    bad(
                        "state",
                        text,
                        "it is of another project, environment or component",
                    )
                }
            }
            Err(error) => bad(
                "state",
                format!("{location}: {error}"),
                "`nkapp state rebuild` makes it anew from the labels of what runs",
            ),
        },
    }
}

async fn held(project: &Project) -> Check {
    let store = FileStore::lock(&project.state_name(), &own_folder(&project.root));
    let location = store.location();
    match read(store.get().await) {
        Err(why) => bad("lock", why, "`nkapp infra lock` looks at it"),
        Ok(None) => good("lock", "free, never taken"),
        Ok(Some(bytes)) => match lock::decode(&bytes) {
            Ok(record) if record.status == LockStatus::Held => bad(
                "lock",
                format!(
                    "{location}: held by {}@{} (pid {})",
                    record.holder.user, record.holder.host, record.holder.pid
                ),
                "`nkapp infra lock` shows evidence and verdict",
            ),
            Ok(_) => good("lock", "free"),
            Err(error) => bad(
                "lock",
                format!("{location}: {error}"),
                "`nkapp infra lock` shows evidence and verdict",
            ),
        },
    }
}

fn read(stored: Result<Option<Stored>, StoreError>) -> Result<Option<Vec<u8>>, String> {
    match stored {
        Ok(stored) => Ok(stored.map(|stored| stored.bytes)),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|c| format!(": {c}"));
            Err(format!("{error}{}", cause.unwrap_or_default()))
        }
    }
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
