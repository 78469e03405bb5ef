//! One service of the file: its case, its moves, its action.

use crate::domain::ids::Instance;
use crate::domain::live::Status;
use crate::domain::model::{Model, path};
use crate::domain::plan::diff::{config_changes, creation_changes, plain};
use crate::domain::plan::draft::Draft;
use crate::domain::plan::infra::Ground;
use crate::domain::plan::instance::Case;
use crate::domain::plan::joined::networks_of;
use crate::domain::plan::model::{ActionKind, Cause, Change, Purpose, Strategy};
use crate::domain::plan::moves::{Move, Moves};
use crate::domain::plan::origin::{Origin, lost};
use crate::domain::plan::reason;
use crate::domain::plan::steps;
use crate::domain::plan::world::World;
use crate::domain::plan::{guard, obstacle};
use crate::domain::project::canonical::{hash_is_current, image_of, recreate_hash};
use crate::domain::project::service::{MountSource, Service};
use crate::domain::record::RecordedResource;

/// Judges a service of the file.
pub(super) fn service(
    world: &World<'_>,
    service: &Service,
    desired: &Model,
    ground: &Ground,
) -> Draft {
    judged(world, service, desired, ground, Moves::of)
}

/// Judges a service that nobody asked for, and that stands on what a restore of single resources makes anew: it joins
/// its networks again and keeps everything else, but where a volume below it is empty it has to be set up anew.
pub(super) fn follower(
    world: &World<'_>,
    service: &Service,
    desired: &Model,
    ground: &Ground,
) -> Option<Draft> {
    let recorded = world.recorded(&service.address())?;
    let empty = service.mounts.iter().any(|mount| match &mount.source {
        MountSource::Volume(name) => ground.fresh_volumes.contains(name),
        MountSource::Bind { .. } => false,
    });
    let joins = networks_of(&recorded.model);
    let moved = joins
        .keys()
        .any(|name| ground.remade_networks.contains(*name));
    let draft = match (empty, moved) {
        (true, _) => judged(world, service, desired, ground, Moves::of),
        (false, true) => judged(world, service, desired, ground, Moves::joining_again),
        (false, false) => return None,
    };
    (draft.kind != ActionKind::Noop).then_some(draft)
}

fn judged(
    world: &World<'_>,
    service: &Service,
    desired: &Model,
    ground: &Ground,
    decide: impl FnOnce(&Case<'_>) -> Moves,
) -> Draft {
    let address = service.address();
    let recorded = world.recorded(&address);
    let restore = world.input.request.purpose == Purpose::Restore;
    let (wanted, count) = match (restore, recorded) {
        (true, None) => return Draft::noop(address, reason::NOT_RECORDED),
        (true, Some(recorded)) => (&recorded.model, recorded_count(recorded, service)),
        (false, _) => (desired, service.instances),
    };
    let mut config = recorded.map_or_else(Vec::new, |r| config_changes(&r.model, wanted));
    let reinstall = reinstalls(service, recorded, restore, &mut config);
    // One model, one hash: what was recorded of the same model needs no second computation.
    let same = recorded.filter(|r| &r.model == wanted && hash_is_current(&r.hash));
    let hash = same.map_or_else(|| recreate_hash(wanted), |r| r.hash.clone());
    let case = Case {
        world,
        service,
        recorded,
        live: world.instances(&service.name),
        wanted,
        hash: &hash,
        count,
        config: &config,
        reinstall,
        ground,
        aside: world.aside(&address),
    };
    let moves = decide(&case);
    let mut draft = draft(&case, &moves);
    if restore {
        restoring(&case, desired, &moves, &mut draft);
    }
    if draft.kind != ActionKind::Noop {
        draft.seen = seen(&case);
        guard::of_service(world, service, &mut draft);
        obstacle::of_moves(&case, &moves, &mut draft);
        if let Some(obstacle) = &moves.not_rolling {
            draft.warn(format!(
                "{} is replaced with a pause, not rolled: {obstacle}",
                draft.address
            ));
        }
    }
    draft
}

fn recorded_count(recorded: &RecordedResource, service: &Service) -> u32 {
    let text = recorded.model.get("instances").map(|f| f.value.as_str());
    text.and_then(|text| text.parse().ok())
        .unwrap_or(service.instances)
}

/// Tells whether the last installation was made for another manifest, though the file did not change since.
fn reinstalls(
    service: &Service,
    recorded: Option<&RecordedResource>,
    restore: bool,
    config: &mut Vec<Change>,
) -> bool {
    let wanted = service.provisioning.as_ref().map(|p| &p.manifest);
    let installed = recorded.and_then(|r| r.installed.as_ref());
    let edited = config.iter().any(|change| change.path == path::MANIFEST);
    let (Some(wanted), Some(installed), false, false) = (wanted, installed, restore, edited) else {
        return false;
    };
    if wanted == installed {
        return false;
    }
    config.push(plain(
        path::MANIFEST,
        Some(installed.as_str()),
        Some(wanted.as_str()),
        Cause::Config,
        None,
    ));
    true
}

fn draft(case: &Case<'_>, moves: &Moves) -> Draft {
    let address = case.service.address();
    let idle = moves.list.is_empty() && moves.changes.is_empty() && case.config.is_empty();
    let nowhere = case.recorded.is_none() && case.live.is_empty() && !moves.makes_any();
    if nowhere || (idle && !moves.unknown && case.recorded.is_some()) {
        let words = if case.count == 0 {
            reason::DISABLED
        } else {
            reason::AS_WANTED
        };
        return Draft::noop(address, words);
    }
    let mut draft = Draft::noop(address.clone(), "");
    draft.changes = case.config.to_vec();
    draft.changes.extend(moves.changes.iter().cloned());
    if case.live.is_empty() && moves.makes_any() {
        draft.kind = ActionKind::Create;
        match case.recorded {
            None => {
                draft.changes = creation_changes(case.wanted);
                reason::NEW.clone_into(&mut draft.reason);
            }
            Some(_) if draft.changes.is_empty() => {
                draft.changes.push(plain(
                    path::STATUS,
                    Some("missing"),
                    Some("running"),
                    Cause::Config,
                    None,
                ));
                reason::ABSENT.clone_into(&mut draft.reason);
            }
            Some(_) if draft.changes.iter().all(|c| c.cause == Cause::Drift) => {
                reason::LOST.clone_into(&mut draft.reason);
            }
            Some(_) => draft.reason = reason::of_update(&draft.changes),
        }
    } else {
        draft.kind = ActionKind::Update;
        draft.strategy = strategy(moves);
        draft.reason = if !moves.list.is_empty() && draft.changes.is_empty() {
            reason::of_ground(case.ground, case.service)
        } else if !moves.list.is_empty() {
            reason::of_update(&draft.changes)
        } else if case.recorded.is_none() {
            reason::FOUND.to_owned()
        } else if case.config.is_empty() {
            reason::REMADE.to_owned()
        } else {
            reason::of_client(&draft.changes)
        };
    }
    draft.changes.sort();
    draft.steps = steps::of_moves(case, moves, &address);
    draft
}

/// The strongest of what happens to an instance.
fn strategy(moves: &Moves) -> Strategy {
    let rank = |one: &Move| match one {
        Move::Roll { .. } => (4, Strategy::Rolling),
        Move::Recreate(_) => (3, Strategy::Recreate),
        Move::Start(..) | Move::Finish(_) => (2, Strategy::Start),
        Move::Create(_) | Move::Remove(_) | Move::Mend(..) => (1, Strategy::InPlace),
    };
    let ranks = moves.list.iter().map(rank);
    ranks
        .max_by_key(|(rank, _)| *rank)
        .map_or(Strategy::None, |(_, strategy)| strategy)
}

/// Tells whether instances join networks again that this plan makes anew, though nothing about them drifted.
fn follows(case: &Case<'_>, moves: &Moves) -> bool {
    let mut joined = networks_of(case.wanted).into_keys();
    !moves.list.is_empty() && joined.any(|name| case.ground.remade_networks.contains(name))
}

/// A restoration does nothing where nothing drifted, and says where it cannot but apply the file.
fn restoring(case: &Case<'_>, desired: &Model, moves: &Moves, draft: &mut Draft) {
    // What a run that was cut off left unfinished is no drift, yet a restore that leaves it so has restored nothing.
    let mended = |c: &Change| c.cause == Cause::Drift || c.path == path::STATUS;
    if !draft.changes.iter().any(mended) && !follows(case, moves) {
        let words = if moves.aside.0.is_empty() {
            "nothing drifted"
        } else {
            reason::IGNORED
        };
        *draft = Draft::noop(draft.address.clone(), words);
        return;
    }
    for path in &moves.aside.1 {
        draft.warn(format!(
            "`{path}` of {} is ignored and cannot be kept as it is: the instance is made anew",
            draft.address
        ));
    }
    let image = image_of(case.service, case.world.input.project).unwrap_or_default();
    for new in moves.made() {
        if let Origin::Lost(id) = case.origin(new) {
            let text = lost(id, &image, case.world.input.live);
            draft.warn(format!("{}: {text}", draft.address));
        }
    }
    let edited = config_changes(case.wanted, desired);
    if edited.is_empty() {
        return;
    }
    let mends = moves
        .list
        .iter()
        .any(|m| matches!(m, Move::Mend(..) | Move::Start(..)));
    if moves.makes_any() || mends {
        draft.warn(reason::with_edits(&draft.address));
    }
}

/// The live fields the difference read.
fn seen(case: &Case<'_>) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    for live in case.live {
        let mut put = |instance: Instance, path: &str, text: &str| {
            seen.push((format!("[{instance}].{path}"), text.to_owned()));
        };
        put(live.instance, "id", live.id.as_str());
        put(live.instance, path::NAME, &live.name);
        // The platform's own restarts come and go; they are no news.
        let status = match live.status {
            Status::Restarting | Status::Running => "running",
            other => other.as_str(),
        };
        put(live.instance, path::STATUS, status);
        put(live.instance, "hash", live.hash.as_deref().unwrap_or(""));
        if let Some(image) = &live.image_id {
            put(live.instance, "image_id", image.as_str());
        }
        for (field, value) in &live.model {
            if case.wanted.contains_key(field) || field.starts_with(path::NETWORKS) {
                put(live.instance, field, &value.value);
            }
        }
    }
    if let (Some(image), Some(first)) = (case.pinned_image(), case.live.first()) {
        let id = match case.origin(first.instance) {
            Origin::Recorded(id) => Some(id),
            Origin::Named | Origin::Lost(_) => case.world.input.live.images.get(image),
        };
        seen.extend(id.map(|id| (format!("images.{image}"), id.0.clone())));
    }
    seen
}
