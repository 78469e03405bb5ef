//! Looking at the installations into shared volumes: through a running instance that has the volume, and without
//! writing a byte into it. What nobody can look at now is told as such.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::event::Stream;
use crate::domain::ids::{Address, Instance, ProviderId};
use crate::domain::lease::{Evidence, Verdict};
use crate::domain::live::{Live, LiveInstance, Status};
use crate::domain::project::hook::Provisioning;
use crate::domain::project::project::Project;
use crate::domain::project::service::{MountSource, Service};
use crate::domain::report::install::{InstallLock, InstallReport, InstallSeen};
use crate::engine::keeper::Keeper;
use crate::engine::reconcile::EngineError;
use crate::engine::strip::strip;
use crate::ports::hooks::{CallEnd, Value};
use crate::ports::provider::{ExecCall, InstanceRef, Provider, ProviderError, volume_variable};
use crate::ports::sink::Sink;
use crate::ports::world::World;

/// Runs inside instances; POSIX sh.
const SCRIPT: &str = include_str!("look.sh");
/// Longest time a look may take.
const LOOK: Duration = Duration::from_secs(10);
/// Age of a heartbeat, in seconds, from which a holder counts as silent.
const SILENT: i64 = 60;
/// Most output that is read.
const OUTPUT: usize = 64 << 10;

/// Looks at every installation the file asks for.
pub(super) async fn installs<W: World>(
    world: &W,
    project: &Project,
) -> Result<Vec<InstallReport>, EngineError> {
    let asked: Vec<(&Service, &Provisioning)> = project
        .services
        .values()
        .filter_map(|service| Some((service, service.provisioning.as_ref()?)))
        .collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let keeper = Keeper::open(world, &project.scope()).await?;
    let live = world
        .provider()
        .observe(&project.scope(), &BTreeSet::new())
        .await
        .map_err(EngineError::Provider)?;
    let mut reports = Vec::new();
    for (service, recipe) in asked {
        let recorded = keeper
            .record()
            .and_then(|record| record.resources.get(&service.address()))
            .and_then(|resource| resource.installed.as_ref())
            .map(|digest| digest.0.clone());
        reports.push(InstallReport {
            service: service.name.clone(),
            volume: recipe.volume.clone(),
            wanted: recipe.manifest.0.clone(),
            recorded,
            seen: look(world, project, &live, recipe).await,
        });
    }
    Ok(reports)
}

/// Looks into a volume through an instance that has it.
async fn look<W: World>(
    world: &W,
    project: &Project,
    live: &Live,
    recipe: &Provisioning,
) -> Result<InstallSeen, String> {
    let Some((through, target)) = eye(project, live, recipe) else {
        return Err(format!(
            "no running instance has volume {}, so nobody can look into it now",
            recipe.volume
        ));
    };
    let call = ExecCall {
        argv: ["/bin/sh", "-c", SCRIPT].map(str::to_owned).to_vec(),
        env: [
            ("NK_VOLUME", volume_variable(&recipe.volume)),
            ("NK_DIR", target),
        ]
        .map(|(name, text)| (name.to_owned(), Value::Plain(text)))
        .to_vec(),
        user: None,
        folder: None,
        timeout: LOOK,
        interactive: false,
        ends_orphans: false,
    };
    let kept = Kept::default();
    let end = world.provider().exec(&through, &call, &kept).await;
    let text = kept.text();
    match end {
        CallEnd::Exited(0) => {
            let found = seen(&through.name, &text);
            Ok(judged(world, (&through.name, &live.engine), found).await)
        }
        CallEnd::Exited(90) => Err(format!(
            "volume {} is not where the file says, inside {}",
            recipe.volume, through.name
        )),
        CallEnd::Exited(126 | 127) => Err(format!("{} has no shell to look with", through.name)),
        CallEnd::Exited(code) => Err(format!(
            "the look through {} ended with exit code {code}",
            through.name
        )),
        CallEnd::TimedOut => Err(format!("the look through {} took too long", through.name)),
        CallEnd::InstanceGone(why) | CallEnd::NotStarted(why) | CallEnd::Unknown(why) => {
            Err(strip(&why))
        }
    }
}

/// Finds a running instance that has the volume, with its place inside.
fn eye(project: &Project, live: &Live, recipe: &Provisioning) -> Option<(InstanceRef, String)> {
    let source = MountSource::Volume(recipe.volume.clone());
    project.services.values().find_map(|service| {
        let mount = service.mounts.iter().find(|mount| mount.source == source)?;
        let running = |one: &&LiveInstance| one.status == Status::Running;
        let one = live.of_service(&service.name).find(running)?;
        let through = InstanceRef {
            id: one.id.clone(),
            name: one.name.clone(),
            address: service.address(),
            instance: one.instance,
        };
        Some((through, mount.target.clone()))
    })
}

/// Reads what the script said.
fn seen(through: &str, text: &str) -> (InstallSeen, Option<String>) {
    let mut seen = InstallSeen {
        through: through.to_owned(),
        ..InstallSeen::default()
    };
    let mut proof = None;
    for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let value = strip(value);
        let lock = || InstallLock {
            name: String::new(),
            owner: String::new(),
            engine: String::new(),
            scope: String::new(),
            nonce: String::new(),
            hash: String::new(),
            age: None,
            verdict: Verdict::Unknown,
            evidence: Vec::new(),
        };
        match key {
            "foreign" => seen.foreign = true,
            "dirty" => seen.dirty = true,
            "installed" => seen.installed.push(value),
            "failed" => seen.failed.push(value),
            "proof" => proof = Some(value),
            "nonce" => seen.lock.get_or_insert_with(lock).nonce = value,
            "hash" => seen.lock.get_or_insert_with(lock).hash = value,
            "owner" => seen.lock.get_or_insert_with(lock).owner = value,
            "name" => seen.lock.get_or_insert_with(lock).name = value,
            "engine" => seen.lock.get_or_insert_with(lock).engine = value,
            "scope" => seen.lock.get_or_insert_with(lock).scope = value,
            "age" => seen.lock.get_or_insert_with(lock).age = value.parse().ok(),
            _ => {}
        }
    }
    (seen, proof)
}

/// Judges the holder. Only a process or an instance of this very engine that is gone is proof of death.
async fn judged<W: World>(
    world: &W,
    (through, engine): (&str, &str),
    (mut seen, proof): (InstallSeen, Option<String>),
) -> InstallSeen {
    let Some(lock) = &mut seen.lock else {
        return seen;
    };
    let mut evidence = Vec::new();
    let mut say = |check: &str, finding: String, alive: Option<bool>| {
        evidence.push(Evidence {
            check: check.to_owned(),
            finding,
            alive,
        });
    };
    if let Some(age) = lock.age {
        let alive = (age < SILENT).then_some(true);
        let text = format!("its last beat is {age} s old, by the clock inside {through}");
        say("heartbeat", text, alive);
    }
    let fresh = lock.age.is_some_and(|age| age < SILENT);
    lock.verdict = match proof.as_deref() {
        Some("alive") => {
            say(
                "process",
                "the installing process lives".to_owned(),
                Some(true),
            );
            Verdict::Alive
        }
        Some("gone") => {
            say(
                "process",
                "the installing process is gone".to_owned(),
                Some(false),
            );
            Verdict::Dead
        }
        Some(_) | None if lock.owner.is_empty() => Verdict::Unknown,
        Some(_) | None if lock.engine != engine => {
            let text = format!("{} is on another engine", lock.name);
            say("instance", text, None);
            Verdict::Unknown
        }
        Some(_) | None => {
            let (verdict, text, alive) = owner(world, &lock.owner, &lock.name, fresh).await;
            say("instance", text, alive);
            verdict
        }
    };
    lock.evidence = evidence;
    seen
}

async fn owner<W: World>(
    world: &W,
    id: &str,
    name: &str,
    fresh: bool,
) -> (Verdict, String, Option<bool>) {
    let holder = InstanceRef {
        id: ProviderId::new(id),
        name: name.to_owned(),
        address: Address::service(name),
        instance: Instance(0),
    };
    match world.provider().health_detail(&holder).await {
        Err(ProviderError::Missing { .. }) => {
            let text = format!("{name} is gone from this engine");
            (Verdict::Dead, text, Some(false))
        }
        Ok(detail) if detail.exit_code.is_some() => {
            (Verdict::Dead, format!("{name} has ended"), Some(false))
        }
        Ok(_) if fresh => (Verdict::Alive, format!("{name} runs"), Some(true)),
        Ok(_) => (
            Verdict::Unknown,
            format!("{name} runs, but its installation is silent"),
            None,
        ),
        Err(error) => (Verdict::Unknown, strip(&error.to_string()), None),
    }
}

/// Keeps what a look printed, up to a limit.
#[derive(Default)]
struct Kept(RefCell<Vec<u8>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.borrow()).into_owned()
    }
}

impl Sink for Kept {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        let mut kept = self.0.borrow_mut();
        if stream == Stream::Stdout {
            let room = OUTPUT.saturating_sub(kept.len()).min(bytes.len());
            kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
    }
    fn progress(&self, _done: u64, _total: Option<u64>, _unit: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_look_prints_becomes_a_report_without_control_characters() {
        let text = "nonce=n1\nhash=abc\nowner=c1\nname=shop-api-0\u{1b}[31m\nscope=shop//local\nage=7\n\
                    proof=alive\ndirty=1\ninstalled=old\nfailed=abc\nnoise\n";
        let (seen, proof) = seen("shop-api-0", text);
        let lock = seen.lock.expect("a lock");
        assert_eq!((lock.nonce.as_str(), lock.age), ("n1", Some(7)));
        assert!(!lock.name.contains('\u{1b}'));
        assert_eq!(proof.as_deref(), Some("alive"));
        assert!(seen.dirty && !seen.foreign);
        assert_eq!(seen.installed, ["old"]);
        assert_eq!(seen.failed, ["abc"]);
    }

    #[test]
    fn an_empty_volume_has_no_lock() {
        let (seen, proof) = seen("x", "");
        assert_eq!((seen.lock, proof, seen.dirty), (None, None, false));
    }
}
