//! The identity of a plan, and whether one still fits.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::domain::ids::{ComponentName, Digest, Lineage, PlanId};
use crate::domain::plan::model::{Action, Change, Plan, Step, StepKind};
use crate::domain::plan::premise;
use crate::domain::project::canonical::text::hex;

/// Version of what goes into a plan's id.
const FORMAT: &str = "nanokit plan 2";

/// Digests the live fields a difference read; `None` when nothing was there.
#[must_use]
pub fn fingerprint(seen: &[(String, String)]) -> Option<Digest> {
    if seen.is_empty() {
        return None;
    }
    let mut feeder = Feeder::new();
    for (path, value) in seen {
        feeder.text(path);
        feeder.text(value);
    }
    Some(Digest(feeder.end()))
}

/// Digests everything in a plan but its own id.
#[must_use]
pub fn plan_id(plan: &Plan) -> PlanId {
    let mut feeder = Feeder::new();
    feeder.text(FORMAT);
    feeder.text(plan.purpose.as_str());
    feeder.text(plan.scope.project.as_str());
    feeder.text(plan.scope.env.as_str());
    feeder.option(plan.scope.component.as_ref().map(ComponentName::as_str));
    feeder.list(plan.targets.iter(), |feeder, target| feeder.text(target));
    feeder.option(plan.lineage.as_ref().map(Lineage::as_str));
    feeder.option(plan.serial.map(|serial| serial.to_string()).as_deref());
    feeder.text(plan.config_hash.as_str());
    feeder.text(&plan.engine);
    feeder.list(plan.layers.iter(), |feeder, layer| {
        feeder.list(layer.iter(), |feeder, address| {
            feeder.text(address.kind.as_str());
            feeder.text(&address.name);
        });
    });
    feeder.list(plan.actions.iter(), Feeder::action);
    feeder.list(plan.warnings.iter(), |feeder, warning| {
        feeder.option(warning.address.as_ref().map(ToString::to_string).as_deref());
        feeder.text(&warning.text);
        if warning.blocks {
            feeder.text("blocks");
        }
    });
    PlanId(feeder.end())
}

/// Names what has moved since a plan was approved, or `None` when it still fits.
///
/// Lineage, configuration, engine and purpose have to be the same; of resources only those the approved plan acts
/// on, those that appeared since and would have to go first, those it waits for and that are down, and, where it
/// has nothing to do, all: that is all it says. The serial of the state is information only.
#[must_use]
pub fn staleness(approved: &Plan, now: &Plan) -> Option<String> {
    let text = |option: Option<&str>| option.unwrap_or("none").to_owned();
    let lineage = |plan: &Plan| text(plan.lineage.as_ref().map(Lineage::as_str));
    let targets = |plan: &Plan| plan.targets.iter().cloned().collect::<Vec<_>>().join(" ");
    let scope = |plan: &Plan| {
        let component = plan.scope.component.as_ref().map_or("", |c| c.as_str());
        format!("{} {} {component}", plan.scope.project, plan.scope.env)
    };
    let fields = [
        ("project and environment", scope(approved), scope(now)),
        (
            "purpose",
            approved.purpose.as_str().to_owned(),
            now.purpose.as_str().to_owned(),
        ),
        ("targets", targets(approved), targets(now)),
        ("lineage", lineage(approved), lineage(now)),
        (
            "config_hash",
            approved.config_hash.short().to_owned(),
            now.config_hash.short().to_owned(),
        ),
        ("engine", approved.engine.clone(), now.engine.clone()),
    ];
    for (field, then, today) in fields {
        if then != today {
            return Some(format!("{field} was {then}, now it is {today}"));
        }
    }
    let index: BTreeMap<_, _> = now
        .actions
        .iter()
        .map(|action| (&action.address, action))
        .collect();
    approved
        .actions
        .iter()
        .filter(|action| !action.is_noop())
        .find_map(|action| moved(action, index.get(&action.address).copied()))
        .or_else(|| appeared(approved, now))
        .or_else(|| premise::broken(approved, now))
}

/// Names what is to be acted on now though the approved plan knows nothing of it: where everything is taken down,
/// whatever it is; else only what an action that was approved has to wait for.
fn appeared(approved: &Plan, now: &Plan) -> Option<String> {
    let known: BTreeMap<_, _> = approved
        .actions
        .iter()
        .map(|action| (&action.address, !action.is_noop()))
        .collect();
    let waited_for: BTreeSet<_> = now
        .actions
        .iter()
        .filter(|action| known.get(&action.address) == Some(&true))
        .flat_map(|action| &action.depends_on)
        .collect();
    let new = now.actions.iter().find(|action| {
        !action.is_noop()
            && !known.contains_key(&action.address)
            && (!now.purpose.builds() || waited_for.contains(&action.address))
    })?;
    Some(format!(
        "{} is to {} now, it was not part of the plan",
        new.address,
        new.kind.as_str()
    ))
}

fn moved(then: &Action, now: Option<&Action>) -> Option<String> {
    let address = &then.address;
    let Some(now) = now else {
        return Some(format!("{address} is not part of the plan any more"));
    };
    if now.is_noop() {
        let word = then.kind.as_str();
        return Some(format!("{address} was to {word}, now it is as wanted"));
    }
    if then.fingerprint == now.fingerprint {
        return None;
    }
    let was = |seen: &[(String, String)], path: &str| {
        seen.iter()
            .find(|(p, _)| p == path)
            .map_or_else(|| "absent".to_owned(), |(_, value)| value.clone())
    };
    let paths = then.seen.iter().chain(&now.seen).map(|(path, _)| path);
    for path in paths {
        let (before, after) = (was(&then.seen, path), was(&now.seen, path));
        if before != after {
            return Some(format!("{address} {path} was {before}, now it is {after}"));
        }
    }
    Some(format!("{address} has changed"))
}

/// Feeds texts into a digest, each with its length in front, so that no two lists feed the same bytes.
struct Feeder(Sha256);

impl Feeder {
    fn new() -> Self {
        Self(Sha256::new())
    }
    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }
    fn number(&mut self, number: usize) {
        self.0.update((number as u64).to_be_bytes());
    }
    fn flag(&mut self, flag: bool) {
        self.0.update([u8::from(flag)]);
    }
    fn option(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        self.text(text.unwrap_or_default());
    }
    fn list<T>(&mut self, items: impl ExactSizeIterator<Item = T>, each: impl Fn(&mut Self, T)) {
        self.number(items.len());
        for item in items {
            each(self, item);
        }
    }
    fn action(&mut self, action: &Action) {
        self.text(action.address.kind.as_str());
        self.text(&action.address.name);
        self.text(action.kind.as_str());
        self.text(action.strategy.as_str());
        self.text(&action.reason);
        self.number(action.layer);
        for set in [&action.depends_on, &action.optional] {
            self.list(set.iter(), |feeder, address| {
                feeder.text(address.kind.as_str());
                feeder.text(&address.name);
            });
        }
        self.option(action.fingerprint.as_ref().map(Digest::as_str));
        self.list(action.seen.iter(), |feeder, (path, value)| {
            feeder.text(path);
            feeder.text(value);
        });
        self.list(action.changes.iter(), Self::change);
        self.list(action.steps.iter(), Self::step);
    }
    fn change(&mut self, change: &Change) {
        self.text(&change.path);
        self.option(change.instance.map(|i| i.to_string()).as_deref());
        self.option(change.before.as_deref());
        self.option(change.after.as_deref());
        self.text(change.cause.as_str());
        self.flag(change.sensitive);
    }
    fn step(&mut self, step: &Step) {
        self.text(step.id.as_str());
        self.text(step.kind.as_str());
        self.text(match &step.kind {
            StepKind::Pull { image } => image,
            StepKind::Connect { network } | StepKind::Disconnect { network } => network,
            StepKind::Detach { service, .. } => service,
            StepKind::Hook { phase, .. } => phase.as_str(),
            StepKind::Skip { reason, .. } => reason,
            StepKind::PutBack { service } => service,
            StepKind::Perform { .. }
            | StepKind::Build
            | StepKind::CreateNetwork
            | StepKind::RemoveNetwork
            | StepKind::CreateVolume
            | StepKind::RemoveVolume
            | StepKind::Create
            | StepKind::Start
            | StepKind::Install
            | StepKind::OpenGate
            | StepKind::Health
            | StepKind::Complete
            | StepKind::Stop
            | StepKind::Remove
            | StepKind::Rename
            | StepKind::Limits
            | StepKind::Unpause
            | StepKind::Adopt => "",
        });
        match &step.kind {
            StepKind::Detach { instance, .. } => self.number(instance.0 as usize),
            StepKind::Hook { index, .. }
            | StepKind::Perform { index, .. }
            | StepKind::Skip { index, .. } => self.number(*index),
            _ => {}
        }
        self.text(step.place.as_str());
        self.option(step.instance.map(|i| i.to_string()).as_deref());
        self.flag(step.old);
        self.list(step.needs.iter(), |feeder, id| feeder.text(id.as_str()));
        self.text(&step.detail);
    }
    fn end(self) -> String {
        hex(&self.0.finalize())
    }
}
