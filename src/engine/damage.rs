//! A state that cannot be trusted: what is said about it, and what may be written in its place.
//!
//! Damage is never "nothing deployed". It is named with its place and reason, beside the copies that are kept and
//! the commands that mend it. A document of a newer tool, of something else or of another project is nobody's to
//! replace, not even by force.

use std::path::Path;

use crate::domain::ids::{Epoch, HIGHEST_COUNT, Lineage, Scope, Serial};
use crate::domain::live::Live;
use crate::domain::plan::scope::found;
use crate::domain::plan::typed::{move_away, word};
use crate::domain::project::project::Project;
use crate::domain::record::Record;
use crate::domain::report::Conflict;
use crate::domain::report::store::Backup;
use crate::engine::reconcile::EngineError;
use crate::engine::snapshot::failure;
use crate::engine::{runs, verdict};
use crate::formats::error::FormatError;
use crate::formats::state;
use crate::ports::cas_store::{CasStore, StoreError, Stored};
use crate::ports::disk::Disk;
use crate::ports::world::World;

/// Largest copy that is read, in bytes.
const LIMIT: u64 = 64 << 20;

/// Says that the store does not hand the document out.
pub(super) async fn unreadable<W: World>(world: &W, error: StoreError) -> EngineError {
    match &error {
        StoreError::Io { .. } => failure(error),
        StoreError::Hostile { found, .. } => {
            told(world, format!("it is {found}, not a regular file"), true).await
        }
        StoreError::TooLarge { limit, .. } => {
            let problem = format!("it is larger than {limit} bytes, which no state is");
            told(world, problem, true).await
        }
    }
}

/// Refuses to go on where the folder of the journals is something else: then nobody can tell what a run that was cut
/// off did, and no run can announce anything.
pub(super) fn check_journals<W: World>(world: &W) -> Result<(), EngineError> {
    let disk = world.disk();
    let folder = Path::new("journal");
    let Err(error) = disk.list(folder) else {
        return Ok(());
    };
    // Where nothing at all can be looked for, it is not this folder that is in the way.
    if disk.list(Path::new("journal.of.nobody")).is_err() {
        return Err(EngineError::Store(Box::new(error)));
    }
    let location = disk.shown(folder).display().to_string();
    let away = move_away(&location);
    Err(EngineError::BadState {
        problem: format!("it is no folder that can be read: {}", error.source),
        hint: format!(
            "the journals of runs belong into it: move away what is there (`{away}`); the next run makes the folder anew"
        ),
        next: Some(away),
        location,
    })
}

/// Says that the document cannot be understood.
pub(super) async fn undecodable<W: World>(world: &W, error: &FormatError) -> EngineError {
    if error.is_damage() {
        told(world, error.to_string(), false).await
    } else {
        let location = world.state().location();
        let hint = match error {
            FormatError::Newer { .. } => error.hint_or(&format!(
                "move it away (`{}`), then run `nkapp state rebuild`",
                move_away(&location)
            )),
            other => other.hint().to_owned(),
        };
        EngineError::BadState {
            location,
            problem: error.to_string(),
            hint,
            next: None,
        }
    }
}

/// Reads the highest epoch the state ever saw, and the state's identity. A state that is to be mended may be
/// damaged: then the lock's own tombstone keeps the epochs apart, and compare-and-put the writers.
pub(super) async fn fence<W: World>(
    world: &W,
    mends: bool,
) -> Result<(Epoch, Option<Lineage>), EngineError> {
    let stored = match world.state().get().await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok((Epoch(0), None)),
        Err(error) => return Err(unreadable(world, error).await),
    };
    match state::decode(&stored.bytes) {
        Ok(record) => Ok((record.fence, Some(record.lineage))),
        Err(error) if mends && error.is_damage() => Ok((Epoch(0), None)),
        Err(error) => Err(undecodable(world, &error).await),
    }
}

/// Refuses the state of another project, component or environment.
pub(super) fn check_scope<W: World>(
    world: &W,
    record: &Record,
    scope: &Scope,
) -> Result<(), EngineError> {
    if record.scope == *scope {
        return Ok(());
    }
    let (theirs, ours) = (said(&record.scope), said(scope));
    Err(EngineError::BadState {
        location: world.state().location(),
        problem: format!("it belongs to {theirs}, not to {ours}"),
        hint: "check `name`, `component` and `-e`, or where `state:` points".to_owned(),
        next: None,
    })
}

/// Refuses a document that is older than a copy of the same lineage: somebody put an old one back by hand, and what
/// was deployed since is not in it.
pub(super) async fn check_serial<W: World>(world: &W, record: &Record) -> Result<(), EngineError> {
    let Ok(backups) = world.state().backups().await else {
        return Ok(());
    };
    let Some(newest) = backups
        .iter()
        .find(|kept| kept.serial > Some(record.serial.0))
    else {
        return Ok(());
    };
    let Some(kept) = copy(world, newest) else {
        return Ok(());
    };
    if kept.lineage != record.lineage {
        return Ok(());
    }
    let problem = format!(
        "it has serial {}, but serial {} of the same lineage was written before: an old copy stands in its place",
        record.serial, kept.serial
    );
    Err(told(world, problem, false).await)
}

/// Refuses to change anything, or to say what would be changed, when the state does not fit what is there: it is missing or of another lineage, while
/// objects carry our labels.
pub(super) async fn check_lineage<W: World>(
    world: &W,
    project: &Project,
    record: Option<&Record>,
    live: &Live,
) -> Result<(), EngineError> {
    let there = found(live, project.shared_infra);
    let (known, problem) = match record {
        Some(record) if record.resources.is_empty() => return Ok(()),
        Some(record) => (
            Some(&record.lineage),
            format!(
                "it is of lineage {}, of which nothing is here",
                record.lineage
            ),
        ),
        None => (
            None,
            "it is missing, but not because nothing was deployed".to_owned(),
        ),
    };
    if there.is_empty() || there.iter().any(|(lineage, _)| Some(lineage) == known) {
        return Ok(());
    }
    let counts: Vec<String> = there.iter().map(counted).collect();
    let problem = format!("{problem}: {} here", counts.join(", "));
    Err(told(world, problem, false).await)
}

/// Refuses to say that nothing was deployed where earlier states are kept, or a run of the past made something: then
/// the state is missing.
pub(super) async fn missing<W: World>(world: &W, scope: &Scope) -> Result<(), EngineError> {
    let kept = world.state().backups().await.unwrap_or_default();
    let problem = if !kept.is_empty() {
        "it is missing, but earlier ones of it are kept".to_owned()
    } else if let Some(run) = runs::changed_something(world, scope).await {
        format!("it is missing, but run {run} changed something here")
    } else {
        return Ok(());
    };
    Err(told(world, problem, false).await)
}

/// Returns an error about the state as a report shows it; `None` for any other.
pub(super) fn conflict(error: &EngineError) -> Option<Conflict> {
    let EngineError::BadState { hint, .. } = error else {
        return None;
    };
    Some(Conflict {
        problem: error.to_string(),
        ways_out: hint.lines().map(str::to_owned).collect(),
    })
}

/// Says that the state before a change cannot be kept, if so.
pub(super) async fn unkept<W: World>(world: &W) -> Option<String> {
    let error = world.state().backups().await.err()?;
    Some(format!(
        "the earlier state is not kept: {}; move away what is there",
        verdict::said(&error)
    ))
}

fn counted((lineage, count): &(Lineage, usize)) -> String {
    match count {
        1 => format!("1 object of lineage {lineage} is"),
        count => format!("{count} objects of lineage {lineage} are"),
    }
}

/// Returns what stands where a state made by hand is to be written, if that may be replaced: damaged or sound, never of
/// a newer tool, of something else, or of another project. It is read before anything is made of what is there, so
/// that what somebody else stores meanwhile is not overwritten.
pub(super) async fn replaceable<W: World>(
    world: &W,
    scope: &Scope,
) -> Result<Option<Stored>, EngineError> {
    check_journals(world)?;
    let stored = match world.state().get().await {
        Ok(Some(stored)) => stored,
        Ok(None) => return Ok(None),
        Err(error) => return Err(unreadable(world, error).await),
    };
    match state::decode(&stored.bytes) {
        Ok(record) => check_scope(world, &record, scope)?,
        Err(error) if error.is_damage() => {}
        Err(error) => return Err(undecodable(world, &error).await),
    }
    Ok(Some(stored))
}

/// Returns the highest serial there can have been: a state that is made anew goes on above it. The document that is
/// lost was one above the newest copy of what it replaced.
pub(super) async fn highest_serial<W: World>(world: &W) -> Serial {
    let backups = world.state().backups().await.unwrap_or_default();
    // A copy can be named as anybody likes.
    let named = backups.iter().filter_map(|kept| kept.serial);
    let highest = named.filter(|serial| *serial < HIGHEST_COUNT).max();
    Serial(highest.map_or(0, |serial| serial.saturating_add(1)))
}

/// Returns the newest copy that can be read, of this scope and, if it is known, of this lineage.
pub(super) async fn newest_copy<W: World>(
    world: &W,
    scope: &Scope,
    lineage: Option<&Lineage>,
) -> Option<Record> {
    let backups = world.state().backups().await.unwrap_or_default();
    backups
        .iter()
        .filter_map(|kept| copy(world, kept))
        .find(|kept| kept.scope == *scope && lineage.is_none_or(|ours| *ours == kept.lineage))
}

fn copy<W: World>(world: &W, kept: &Backup) -> Option<Record> {
    let bytes = world
        .disk()
        .read_named(Path::new(&kept.place), LIMIT)
        .ok()?;
    state::decode(&bytes).ok()
}

/// Says what is wrong with the state, which copies of it are kept, and the commands that mend it: none of them does
/// before what is `in_the_way` is moved.
async fn told<W: World>(world: &W, problem: String, in_the_way: bool) -> EngineError {
    let backups = world.state().backups().await.unwrap_or_default();
    let mut hints: Vec<String> = Vec::new();
    let mut next = None;
    if in_the_way {
        let away = move_away(&world.state().location());
        hints.push(format!(
            "move it away first (`{away}`): nothing is read or written through it; then:"
        ));
        next = Some(away);
    }
    let good: Vec<(&Backup, Record)> = backups
        .iter()
        .filter_map(|kept| Some((kept, copy(world, kept)?)))
        .collect();
    if let Some((newest, record)) = good.first() {
        let serials: Vec<String> = good
            .iter()
            .map(|(_, record)| record.serial.to_string())
            .collect();
        let push = format!("nkapp state push --force {}", word(&newest.place));
        hints.push(format!(
            "good copies are kept, by serial, the newest first: {}; `{push}` brings the newest back, without what was saved after it (serial {}): `nkapp drift` finds that again",
            serials.join(", "),
            record.serial.0.saturating_add(1)
        ));
        next = next.or(Some(push));
    }
    hints.push("`nkapp state rebuild` makes it anew from the labels of what is there".to_owned());
    EngineError::BadState {
        location: world.state().location(),
        problem,
        hint: hints.join("\n"),
        next: next.or_else(|| Some("nkapp state rebuild".to_owned())),
    }
}

fn said(scope: &Scope) -> String {
    let component = scope
        .component
        .as_ref()
        .map(|component| format!(", component `{component}`"))
        .unwrap_or_default();
    format!(
        "project `{}`{component}, environment `{}`",
        scope.project, scope.env
    )
}

#[cfg(test)]
mod tests;
