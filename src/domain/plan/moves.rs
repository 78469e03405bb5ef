//! Which instances go, which stay, which come: numbers, replacement and scaling.

use std::collections::BTreeSet;

use crate::domain::ids::Instance;
use crate::domain::live::{LiveInstance, Status};
use crate::domain::model::{FieldClass, path};
use crate::domain::plan::diff::{asks_for, plain};
use crate::domain::plan::instance::{Case, Fate, Fix, Judged, short_id};
use crate::domain::plan::joined::networks_of;
use crate::domain::plan::model::{Cause, Change};
use crate::domain::plan::origin::named;
use crate::domain::project::service::{MountSource, ServiceKind, UpdateStrategy};

/// One thing done to one instance, or to a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// A new instance.
    Create(Instance),
    /// The old one out, a new one in under its number.
    Recreate(Instance),
    /// A new one in and healthy, then the old one out.
    Roll {
        /// Number of the new one.
        new: Instance,
        /// Number of the old one.
        old: Instance,
    },
    /// Out without a successor.
    Remove(Instance),
    /// Repaired while it runs.
    Mend(Instance, BTreeSet<Fix>),
    /// Repaired and started as it is.
    Start(Instance, BTreeSet<Fix>),
    /// The steps after the start once more.
    Finish(Instance),
}

/// What happens to the instances of a service.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    pub(super) list: Vec<Move>,
    pub(super) changes: Vec<Change>,
    /// Whether an instance is there that the record does not know.
    pub(super) unknown: bool,
    /// Ignored differences that stay, and those that go with the instance they are of.
    pub(super) aside: (BTreeSet<String>, BTreeSet<String>),
    /// Why a wanted rolling update is not one.
    pub(super) not_rolling: Option<String>,
}

impl Moves {
    /// Decides for all instances of a service.
    pub(super) fn of(case: &Case<'_>) -> Self {
        let mut moves = Self::default();
        let mut kept: Vec<Judged<'_>> = Vec::new();
        let mut obsolete: Vec<Judged<'_>> = Vec::new();
        for live in case.live {
            let judged = case.judge(live);
            moves.unknown |= judged.unknown;
            match judged.fate {
                Fate::Replace { .. } => obsolete.push(judged),
                Fate::Keep | Fate::Mend(_) | Fate::Start(_) | Fate::Finish => kept.push(judged),
            }
        }
        let count = usize::try_from(case.count).unwrap_or(usize::MAX);
        let ghosts = completed_and_gone(case, &mut moves.changes);
        let excess = kept.split_off(count.min(kept.len()));
        let need = count.saturating_sub(kept.len() + ghosts.len());
        obsolete.sort_by_key(|judged| (is_broken(judged), judged.live.instance));
        let dropped = obsolete.split_off(need.min(obsolete.len()));
        let fresh = need - obsolete.len();

        moves.remove(case, &dropped, &excess);
        for judged in kept {
            moves.keep(case, judged);
        }
        let mut used: BTreeSet<Instance> = case.live.iter().map(|l| l.instance).collect();
        used.extend(&ghosts);
        moves.create(case, fresh, &mut used);
        moves.replace(case, obsolete, &mut used);
        moves
    }
    /// Lets running instances join the networks again that are made anew, and does nothing else.
    pub(super) fn joining_again(case: &Case<'_>) -> Self {
        let remade = &case.ground.remade_networks;
        let joins = networks_of(case.wanted).into_keys();
        let fixes: BTreeSet<Fix> = joins
            .filter(|name| remade.contains(*name))
            .map(|name| Fix::Join(name.to_owned()))
            .collect();
        let runs = |live: &&&LiveInstance| {
            matches!(
                live.status,
                Status::Running | Status::Paused | Status::Restarting
            )
        };
        let running = case.live.iter().filter(runs);
        Self {
            list: running
                .map(|live| Move::Mend(live.instance, fixes.clone()))
                .collect(),
            ..Self::default()
        }
    }
    /// Tells whether an instance is made by this.
    pub(super) fn makes_any(&self) -> bool {
        self.made().next().is_some()
    }

    /// Returns the numbers of the instances that are made.
    pub(super) fn made(&self) -> impl Iterator<Item = Instance> {
        self.list.iter().filter_map(|m| match m {
            Move::Create(new) | Move::Recreate(new) | Move::Roll { new, .. } => Some(*new),
            Move::Remove(_) | Move::Mend(..) | Move::Start(..) | Move::Finish(_) => None,
        })
    }

    fn remove(&mut self, case: &Case<'_>, dropped: &[Judged<'_>], excess: &[Judged<'_>]) {
        let scaled = case.config.iter().any(|change| change.path == "instances");
        let surplus = dropped.iter().map(|judged| (judged, false));
        for (judged, fits) in surplus.chain(excess.iter().map(|judged| (judged, true))) {
            self.list.push(Move::Remove(judged.live.instance));
            let stranger = judged.unknown && case.recorded.is_some() && !is_begun(case, judged);
            let status = judged.live.status.as_str();
            // What the record knows goes because of an edit, or was left by a run that was cut off.
            let before = match (stranger, fits && !scaled) {
                (true, _) => format!("{status}: {} is one too many", judged.live.name),
                (false, true) => status.to_owned(),
                (false, false) => continue,
            };
            let (why, label) = (case.drift_or_config(), Some(judged.live.instance));
            self.changes
                .push(plain(path::STATUS, Some(&before), None, why, label));
        }
        // Highest numbers go first; what does not fit any more goes before what is merely too much.
        self.list.reverse();
        let obsolete: BTreeSet<Instance> = dropped.iter().map(|j| j.live.instance).collect();
        self.list.sort_by_key(|m| match m {
            Move::Remove(instance) => !obsolete.contains(instance),
            Move::Create(_)
            | Move::Recreate(_)
            | Move::Roll { .. }
            | Move::Mend(..)
            | Move::Start(..)
            | Move::Finish(_) => true,
        });
    }
    fn keep(&mut self, case: &Case<'_>, judged: Judged<'_>) {
        let instance = judged.live.instance;
        self.aside.0.extend(judged.aside);
        if judged.unknown && case.recorded.is_some() {
            let before = format!(
                "another in its place ({})",
                short_id(judged.live.id.as_str())
            );
            let label = case.label(instance);
            let found = plain("id", Some(&before), Some("taken over"), Cause::Drift, label);
            self.changes.push(found);
        }
        match judged.fate {
            Fate::Keep | Fate::Replace { .. } => {}
            Fate::Mend(fixes) => self.list.push(Move::Mend(instance, fixes)),
            Fate::Start(fixes) => self.list.push(Move::Start(instance, fixes)),
            Fate::Finish => self.list.push(Move::Finish(instance)),
        }
        self.changes.extend(judged.changes);
    }
    fn create(&mut self, case: &Case<'_>, fresh: usize, used: &mut BTreeSet<Instance>) {
        let recorded = case.recorded.map(|r| &r.instances);
        let mut lost = recorded
            .into_iter()
            .flatten()
            .filter(|(number, _)| !used.contains(number))
            .map(|(number, memory)| (*number, memory.ready))
            .collect::<Vec<_>>()
            .into_iter();
        // What is gone and ignored stays gone.
        let stays_gone = case.ignores(path::STATUS);
        if stays_gone && fresh > 0 {
            self.aside.0.insert(path::STATUS.to_owned());
        }
        let fresh = if stays_gone { 0 } else { fresh };
        if fresh > 0 {
            self.aside
                .1
                .extend(case.aside.into_iter().flatten().cloned());
        }
        for _ in 0..fresh {
            let number = match lost.next() {
                Some((number, ready)) => {
                    self.lost(case, number, ready);
                    number
                }
                None => lowest_free(used),
            };
            used.insert(number);
            self.list.push(Move::Create(number));
        }
    }
    /// Notes an instance that is not there any more. A finished job's is no loss: it runs for another reason.
    fn lost(&mut self, case: &Case<'_>, number: Instance, ready: bool) {
        let goal = match case.service.kind {
            ServiceKind::Job if ready => return,
            ServiceKind::Job => "completed",
            ServiceKind::Service => "running",
        };
        let why = if ready { Cause::Drift } else { Cause::Config };
        let label = (case.count > 1).then_some(number);
        self.changes
            .push(plain(path::STATUS, Some("missing"), Some(goal), why, label));
    }
    fn replace(
        &mut self,
        case: &Case<'_>,
        mut obsolete: Vec<Judged<'_>>,
        used: &mut BTreeSet<Instance>,
    ) {
        obsolete.sort_by_key(|judged| judged.live.instance);
        let wished = case.service.update_strategy == UpdateStrategy::Rolling;
        let obstacle = match (case.service.kind, case.service.port) {
            (ServiceKind::Job, _) => Some("a job cannot be rolled".to_owned()),
            (ServiceKind::Service, Some(port)) => Some(format!(
                "two instances cannot both have the host's port {port}"
            )),
            (ServiceKind::Service, None) => None,
        };
        for judged in obsolete {
            let old = judged.live.instance;
            let works = matches!(judged.live.status, Status::Running) && !is_broken(&judged);
            self.changes.extend(judged.changes);
            self.aside.1.extend(judged.aside);
            if !wished || !works {
                self.list.push(Move::Recreate(old));
            } else if obstacle.is_some() {
                self.not_rolling.clone_from(&obstacle);
                self.list.push(Move::Recreate(old));
            } else {
                let new = lowest_free(used);
                used.insert(new);
                used.remove(&old);
                self.list.push(Move::Roll { new, old });
            }
        }
    }
}

/// Tells whether it was made by a run that was cut off and is not settled yet.
fn is_begun(case: &Case<'_>, judged: &Judged<'_>) -> bool {
    let pending = case.world.input.record.into_iter().flat_map(|r| &r.pending);
    let mut ops = pending.map(|pending| &pending.op);
    ops.any(|op| judged.live.op.as_ref() == Some(op))
}

fn is_broken(judged: &Judged<'_>) -> bool {
    judged.fate == Fate::Replace { broken: true }
}

fn lowest_free(used: &BTreeSet<Instance>) -> Instance {
    let mut number = 0;
    for taken in used {
        if taken.0 != number {
            break;
        }
        number += 1;
    }
    Instance(number)
}

/// Finds instances of a job that completed for this very configuration and were cleared away since: nothing to do.
fn completed_and_gone(case: &Case<'_>, changes: &mut Vec<Change>) -> BTreeSet<Instance> {
    let Some(recorded) = case.recorded else {
        return BTreeSet::new();
    };
    if case.service.kind != ServiceKind::Job {
        return BTreeSet::new();
    }
    let emptied: Vec<Change> = fresh_mounts(case).collect();
    let gone = |number: &Instance| case.live.iter().all(|live| live.instance != *number);
    if case.live.is_empty() && case.count > 0 {
        changes.extend(emptied.iter().cloned());
    }
    let edited = case.reinstall || asks_for(case.config, FieldClass::Recreate);
    if edited || !emptied.is_empty() {
        return BTreeSet::new();
    }
    let pinned = case.pinned_image();
    let resolved = pinned.and_then(|image| case.means(image));
    let mut ghosts = BTreeSet::new();
    for (number, memory) in &recorded.instances {
        if !gone(number) || !memory.ready {
            continue;
        }
        match (resolved, &memory.image_id) {
            (Some(now), Some(then)) if now != then => changes.push(plain(
                path::IMAGE,
                Some(&named(pinned.unwrap_or_default(), then)),
                Some(&named(pinned.unwrap_or_default(), now)),
                Cause::Config,
                (case.count > 1).then_some(*number),
            )),
            _ => {
                ghosts.insert(*number);
            }
        }
    }
    ghosts
}

/// Returns the mounts of volumes that are made anew, where the record had them.
fn fresh_mounts<'c>(case: &'c Case<'_>) -> impl Iterator<Item = Change> + 'c {
    case.service.mounts.iter().filter_map(|mount| {
        let MountSource::Volume(name) = &mount.source else {
            return None;
        };
        let field = format!("{}{}", path::MOUNTS, mount.target);
        let recorded = case.recorded.is_some_and(|r| r.model.contains_key(&field));
        let fresh = case.ground.fresh_volumes.contains(name);
        let after = format!("volume:{name}");
        (fresh && recorded).then(|| plain(&field, None, Some(&after), Cause::Drift, None))
    })
}
