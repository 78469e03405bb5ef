//! One live instance against what is wanted and what was recorded: what differs, and what is to be done.

use std::collections::BTreeSet;

use crate::domain::ids::{ImageId, Instance};
use crate::domain::live::{LiveInstance, Status};
use crate::domain::model::{FieldClass, Model, field_class, path};
use crate::domain::plan::diff::{change, plain};
use crate::domain::plan::infra::Ground;
use crate::domain::plan::model::{Cause, Change};
use crate::domain::plan::origin::Origin;
use crate::domain::plan::world::World;
use crate::domain::project::canonical::image_of;
use crate::domain::project::naming;
use crate::domain::project::service::{Service, ServiceKind};
use crate::domain::record::{RecordedInstance, RecordedResource};

/// A service with everything its instances are judged by.
pub(super) struct Case<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) service: &'a Service,
    pub(super) recorded: Option<&'a RecordedResource>,
    pub(super) live: &'a [&'a LiveInstance],
    /// What is compared with: desired, or for a restoration what was recorded.
    pub(super) wanted: &'a Model,
    /// Hash of `wanted`.
    pub(super) hash: &'a str,
    /// Wanted number of instances.
    pub(super) count: u32,
    /// Changes of the file.
    pub(super) config: &'a [Change],
    /// Whether the installation recorded is not the wanted one.
    pub(super) reinstall: bool,
    /// What happens to networks and volumes.
    pub(super) ground: &'a Ground,
    /// Fields that are left as they are.
    pub(super) aside: Option<&'a BTreeSet<String>>,
}

/// A repair on an instance that stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fix {
    /// Let it go on.
    Unpause,
    /// Give it its name back; another of ours that has it now, `service.NAME[N]`, changes names with it.
    Rename(Option<String>),
    /// Set limits and restart policy.
    Limits,
    /// Leave a network, by the provider's name.
    Leave(String),
    /// Leave and join again, for the aliases: name in the file, the provider's name.
    Rejoin(String, String),
    /// Join a network of the file.
    Join(String),
}

/// What becomes of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    Keep,
    /// It is repaired while it runs.
    Mend(BTreeSet<Fix>),
    /// It is repaired and started as it is.
    Start(BTreeSet<Fix>),
    /// It runs, but the steps after the start were never finished.
    Finish,
    /// A new one takes its place.
    Replace {
        /// It does no work now, so nothing is lost when it goes first.
        broken: bool,
    },
}

/// An instance with its differences and its fate.
#[derive(Clone, Debug)]
pub(super) struct Judged<'a> {
    pub(super) live: &'a LiveInstance,
    pub(super) changes: Vec<Change>,
    pub(super) fate: Fate,
    /// Whether the record does not know it yet.
    pub(super) unknown: bool,
    /// Fields that differ and are left as they are.
    pub(super) aside: BTreeSet<String>,
}

impl<'a> Case<'a> {
    /// Returns what was recorded of a live instance, if it is the same object.
    pub(super) fn memory(&self, live: &LiveInstance) -> Option<&'a RecordedInstance> {
        let recorded = self.recorded?.instances.get(&live.instance)?;
        (recorded.id == live.id).then_some(recorded)
    }
    /// Returns the number to put on a change: none where there is only one instance to speak of.
    pub(super) fn label(&self, instance: Instance) -> Option<Instance> {
        (self.count > 1 || self.live.len() > 1).then_some(instance)
    }
    /// Returns the cause of a difference between live and recorded: without a record it is the file's.
    pub(super) fn drift_or_config(&self) -> Cause {
        if self.recorded.is_some() {
            Cause::Drift
        } else {
            Cause::Config
        }
    }
    /// Returns the image reference whose tag is compared: not when the file asks for another image anyway.
    pub(super) fn pinned_image(&self) -> Option<&'a str> {
        let caps = self.world.input.capabilities;
        if !(caps.images && self.world.input.live.has_images) {
            return None;
        }
        let wanted = self.wanted.get(path::IMAGE)?;
        let same = self
            .recorded
            .is_none_or(|r| r.model.get(path::IMAGE) == Some(wanted));
        same.then_some(wanted.value.as_str())
    }
    /// Tells whether a field is left as it is.
    pub(super) fn ignores(&self, path: &str) -> bool {
        self.aside.is_some_and(|aside| aside.contains(path))
    }
    /// Returns what a reference means now, where that is asked: by a deploy, never by a restore.
    pub(super) fn means(&self, reference: &str) -> Option<&'a ImageId> {
        let live = self.world.input.live;
        live.images
            .get(reference)
            .filter(|_| !self.world.restores())
    }
    /// Returns the image a new instance of that number is made of.
    pub(super) fn origin(&self, instance: Instance) -> Origin<'a> {
        if !self.world.restores() {
            return Origin::Named;
        }
        let input = self.world.input;
        let reference = image_of(self.service, input.project);
        Origin::of(self.recorded, instance, reference.as_deref(), input.live)
    }
    /// Judges one instance.
    pub(super) fn judge(&self, live: &'a LiveInstance) -> Judged<'a> {
        let memory = self.memory(live);
        let mut verdict = Verdict {
            case: self,
            live,
            memory,
            changes: Vec::new(),
            fixes: BTreeSet::new(),
            replace: false,
            broken: false,
            aside: BTreeSet::new(),
        };
        verdict.configuration();
        verdict.origin();
        verdict.image();
        verdict.volumes();
        let completed = verdict.has_completed();
        let mut start = None;
        if !completed {
            verdict.name();
            verdict.fields();
            verdict.networks();
            start = verdict.status();
        }
        let fate = match start {
            _ if verdict.replace => Fate::Replace {
                broken: verdict.broken,
            },
            Some(Begin::Start) => Fate::Start(verdict.fixes),
            Some(Begin::Finish) => Fate::Finish,
            None if verdict.fixes.is_empty() => Fate::Keep,
            None => Fate::Mend(verdict.fixes),
        };
        Judged {
            live,
            changes: verdict.changes,
            fate,
            unknown: memory.is_none(),
            aside: verdict.aside,
        }
    }
}

/// What an instance that does not run (properly) needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    Start,
    Finish,
}

/// The judgement of one instance while it is being made.
pub(super) struct Verdict<'a, 'c> {
    pub(super) case: &'c Case<'a>,
    pub(super) live: &'a LiveInstance,
    memory: Option<&'a RecordedInstance>,
    changes: Vec<Change>,
    pub(super) fixes: BTreeSet<Fix>,
    pub(super) replace: bool,
    broken: bool,
    aside: BTreeSet<String>,
}

impl Verdict<'_, '_> {
    /// Notes a difference of this instance.
    pub(super) fn note(
        &mut self,
        path: &str,
        before: Option<&str>,
        after: Option<&str>,
        cause: Cause,
    ) {
        let label = self.case.label(self.live.instance);
        self.changes.push(plain(path, before, after, cause, label));
    }
    /// Tells whether a difference of this field is left as it is, and remembers that.
    pub(super) fn leaves(&mut self, path: &str) -> bool {
        let leaves = self.case.ignores(path);
        if leaves {
            self.aside.insert(path.to_owned());
        }
        leaves
    }
    /// Tells whether a process of it exists.
    pub(super) fn runs(&self) -> bool {
        match self.live.status {
            Status::Running | Status::Restarting | Status::Paused => true,
            Status::Created | Status::Exited(_) | Status::Dead => false,
        }
    }
    fn unfinished(&self) -> bool {
        self.memory.is_some_and(|memory| !memory.ready)
    }
    fn has_completed(&self) -> bool {
        self.case.service.kind == ServiceKind::Job
            && self.live.status == Status::Exited(0)
            && !self.unfinished()
    }

    fn name(&mut self) {
        let case = self.case;
        let wanted =
            naming::instance_name(&case.world.scope, &case.service.name, self.live.instance);
        if self.live.name == wanted || self.leaves(path::NAME) {
            return;
        }
        let why = match self.memory {
            Some(memory) if memory.name == self.live.name => Cause::Config,
            Some(_) => Cause::Drift,
            None => case.drift_or_config(),
        };
        let live = self.live.name.clone();
        self.note(path::NAME, Some(&live), Some(&wanted), why);
        self.fixes.insert(Fix::Rename(case.world.holder(&wanted)));
    }

    /// Every field the provider could read, but networks.
    fn fields(&mut self) {
        let case = self.case;
        let mut limits = false;
        for (field, live) in &self.live.model {
            // One that was made of an image by its id has no name to compare.
            let by_id = self.live.image_id.as_ref().map(ImageId::as_str) == Some(&*live.value);
            if field.starts_with(path::NETWORKS) || (field == path::IMAGE && by_id) {
                continue;
            }
            let recorded = case.recorded.and_then(|r| r.model.get(field));
            let wanted = case.wanted.get(field);
            let secret = wanted.is_some_and(|w| w.sensitive);
            if secret || (wanted.is_none() && recorded.is_none()) {
                continue;
            }
            // What is as the file wants it already nobody changed by hand: a deploy has begun with it.
            let is_wanted = wanted.is_some_and(|w| w.value == live.value);
            let drifted = recorded.is_some_and(|r| !r.sensitive && r.value != live.value);
            if !is_wanted && drifted && self.leaves(field) {
                continue;
            }
            if !is_wanted && drifted {
                let label = case.label(self.live.instance);
                self.changes
                    .push(change(field, Some(live), wanted, Cause::Drift, label));
            }
            if wanted.is_none() || is_wanted {
                continue;
            }
            if case.recorded.is_none() {
                let label = case.label(self.live.instance);
                self.changes
                    .push(change(field, Some(live), wanted, Cause::Config, label));
            }
            match field_class(field) {
                FieldClass::Recreate => self.replace = true,
                FieldClass::Client => {}
                FieldClass::InPlace => {
                    limits |= self.limit(field, wanted.map(|w| w.value.as_str()));
                }
            }
        }
        // Changed in the file and not observed: set it without knowing what it was.
        for edit in case.config {
            let observed = self.live.model.contains_key(&edit.path);
            if !observed && [path::CPU, path::MEMORY, path::RESTART].contains(&edit.path.as_str()) {
                limits |= self.limit(&edit.path, edit.after.as_deref());
            }
        }
        if limits {
            self.fixes.insert(Fix::Limits);
        }
    }
    /// Tells whether a limit can be set in place; if not, the instance is replaced.
    fn limit(&mut self, field: &str, wanted: Option<&str>) -> bool {
        // Docker can lift a limit only by another that stands above it for good: a quota, a memory no machine has.
        let taken_away = [path::CPU, path::MEMORY].contains(&field) && wanted == Some("0");
        if !self.case.world.input.capabilities.limits_in_place || taken_away {
            self.replace = true;
            return false;
        }
        true
    }

    fn status(&mut self) -> Option<Begin> {
        let case = self.case;
        let job = case.service.kind == ServiceKind::Job;
        let goal = if job { "completed" } else { "running" };
        let gated = case.service.needs_gate();
        let unfinished = self.unfinished();
        let why = if unfinished {
            Cause::Config
        } else {
            case.drift_or_config()
        };
        let is_up = matches!(self.live.status, Status::Running | Status::Restarting);
        if !unfinished && !is_up && self.leaves(path::STATUS) {
            self.broken = !self.runs();
            return None;
        }
        let (before, begin, broken) = match self.live.status {
            Status::Running | Status::Restarting if !unfinished => return None,
            // Behind a gate that may still be closed it would be waited for in vain: it is made anew.
            Status::Running | Status::Restarting => ("unfinished", Some(Begin::Finish), gated),
            Status::Paused => {
                self.fixes.insert(Fix::Unpause);
                (
                    "paused",
                    unfinished.then_some(Begin::Finish),
                    unfinished && gated,
                )
            }
            Status::Exited(0) if job => ("unfinished", Some(Begin::Finish), false),
            Status::Exited(_) if job => ("exited", None, true),
            Status::Exited(_) => ("exited", Some(Begin::Start), unfinished && gated),
            Status::Created => ("created", Some(Begin::Start), gated),
            Status::Dead => ("dead", None, true),
        };
        let before = match self.live.status {
            Status::Exited(code) if code != 0 => format!("{before} ({code})"),
            _ => before.to_owned(),
        };
        self.note(path::STATUS, Some(&before), Some(goal), why);
        self.broken = broken || !self.runs();
        self.replace |= broken;
        if begin == Some(Begin::Finish) && !self.fixes.is_empty() {
            // Starting what runs already counts as done, and repairs first.
            return Some(Begin::Start);
        }
        begin
    }
}

/// Shortens a hash or an id for people.
pub(super) fn short_id(id: &str) -> &str {
    let hex = id.rsplit(':').next().unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}
