//! What the install script does, acted out on the simulated volume: the same files, codes and words.

use std::collections::BTreeMap;
use std::time::Duration;

use nanokit::domain::event::Stream;
use nanokit::domain::ids::ProviderId;
use nanokit::domain::live::Status;
use nanokit::ports::hooks::CallEnd;
use nanokit::ports::sink::Sink;
use tokio::time::Instant;

use super::platform::{Memory, Platform};

const LOCK: &str = ".nk-install-lock";
const DIRTY: &str = ".nk-dirty";

/// Tells whether a command line is the install script.
pub fn is_script(line: &str) -> bool {
    line.starts_with("# Installs something once")
}

/// Finds the volume a script is about by the variable it is given.
fn volume_of(m: &Memory, env: &BTreeMap<String, String>) -> String {
    let wanted = env.get("NK_VOLUME").cloned().unwrap_or_default();
    m.files
        .keys()
        .find(|name| nanokit::ports::provider::volume_variable(name) == wanted)
        .cloned()
        .unwrap_or_default()
}

/// Runs the script inside an instance. It dies with the instance, not with whoever called it.
pub async fn run(
    platform: &Platform,
    id: &ProviderId,
    env: BTreeMap<String, String>,
    sink: &dyn Sink,
) -> CallEnd {
    let (done, ended) = tokio::sync::oneshot::channel();
    let (own, own_id) = (platform.clone(), id.clone());
    tokio::task::spawn_local(async move {
        let mut text = String::new();
        let code = act(&own, &own_id, &env, &mut text).await;
        let _ = done.send((code, text));
    });
    match ended.await {
        Ok((Some(code), text)) => {
            sink.output(Stream::Stdout, text.as_bytes());
            CallEnd::Exited(code)
        }
        Ok((None, _)) => CallEnd::InstanceGone("it ended".to_owned()),
        Err(_) => CallEnd::Unknown("no reply".to_owned()),
    }
}

/// Runs the script as the main command of a one-off.
pub fn run_in_box(platform: &Platform, id: &ProviderId) {
    let (own, id) = (platform.clone(), id.clone());
    let found = own.with(|m| m.boxes.get(&id).map(|b| (b.env.clone(), b.life)));
    let Some((env, life)) = found else { return };
    tokio::task::spawn_local(async move {
        let mut text = String::new();
        let code = act(&own, &id, &env, &mut text).await;
        own.with(|m| {
            if let Some(b) = m.boxes.get_mut(&id) {
                b.log.push_str(&text);
            }
        });
        if let Some(code) = code {
            own.dies(&id, life, code);
        }
    });
}

fn runs(m: &Memory, id: &ProviderId, life: u64) -> bool {
    m.boxes
        .get(id)
        .is_some_and(|b| b.status == Status::Running && b.life == life)
}

/// Acts the script out; `None`: its instance ended under it.
async fn act(
    platform: &Platform,
    id: &ProviderId,
    env: &BTreeMap<String, String>,
    out: &mut String,
) -> Option<i64> {
    let get = |key: &str| env.get(key).cloned().unwrap_or_default();
    let volume = platform.with(|m| volume_of(m, env));
    let life = platform.with(|m| m.boxes.get(id).map(|b| b.life))?;
    let sentinel = format!(".nk-installed-{}", get("NK_HASH"));
    let wait = Duration::from_secs(get("NK_WAIT").parse().unwrap_or(0));
    let began = Instant::now();
    let mine = format!("{}|{}|{}", get("NK_NONCE"), id, get("NK_ENGINE"));
    tokio::time::sleep(Duration::from_millis(2)).await;
    loop {
        enum Try {
            Installed,
            Mine,
            Held(String),
        }
        let tried = platform.with(|m| {
            if !runs(m, id, life) {
                return None;
            }
            let files = m.files.entry(volume.clone()).or_default();
            if files.contains_key(&sentinel) {
                return Some(Try::Installed);
            }
            let breaking = get("NK_BREAK");
            let broken = files
                .get(LOCK)
                .is_some_and(|held| !breaking.is_empty() && held.starts_with(&breaking));
            if broken {
                files.remove(LOCK);
                files.insert(DIRTY.to_owned(), String::new());
                out.push_str("nk-install: state=broken\n");
            }
            match files.get(LOCK) {
                Some(held) => Some(Try::Held(held.clone())),
                None => {
                    files.insert(LOCK.to_owned(), mine.clone());
                    Some(Try::Mine)
                }
            }
        });
        match tried? {
            Try::Installed => {
                out.push_str("nk-install: state=already\n");
                return Some(0);
            }
            Try::Mine => break,
            Try::Held(held) if began.elapsed() >= wait => {
                let mut parts = held.split('|');
                for key in ["nonce", "owner", "engine"] {
                    let value = parts.next().unwrap_or_default();
                    out.push_str(&format!("nk-install: {key}={value}\n"));
                }
                out.push_str("nk-install: name=holder\nnk-install: age=1\n");
                return Some(75);
            }
            Try::Held(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
    let dirty = platform.with(|m| m.files.get(&volume).is_some_and(|f| f.contains_key(DIRTY)));
    if dirty {
        out.push_str("nk-install: state=dirty\n");
        platform.with(|m| m.ran.push(format!("clean {volume}")));
    }
    out.push_str("nk-install: state=installing\n");
    let line = get("NK_INSTALL");
    let takes = platform.with(|m| {
        m.files
            .entry(volume.clone())
            .or_default()
            .insert(DIRTY.to_owned(), String::new());
        m.ran.push(format!("install {volume}: {line}"));
        m.takes
            .get(&line)
            .copied()
            .unwrap_or(Duration::from_millis(400))
    });
    tokio::time::sleep(takes).await;
    platform.with(|m| {
        if !runs(m, id, life) {
            return None;
        }
        let code = m.exit_of(&line);
        let files = m.files.entry(volume.clone()).or_default();
        if code == 0 {
            files.retain(|name, _| !name.starts_with(".nk-installed-"));
            files.insert(sentinel, mine.clone());
            files.remove(DIRTY);
            out.push_str("nk-install: state=installed\n");
        }
        if files.get(LOCK) == Some(&mine) {
            files.remove(LOCK);
        }
        Some(code)
    })
}
