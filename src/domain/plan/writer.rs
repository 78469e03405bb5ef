//! Writes steps down: single ones, an instance's chain, the way an instance goes.

use crate::domain::ids::{Address, Instance, StepId};
use crate::domain::live::{LiveInstance, Status};
use crate::domain::plan::step::{Step, StepKind, StepPlace};
use crate::domain::project::hook::{Hook, HookPhase, HookPlace};

/// Longest command shown as a step's detail, in characters.
const DETAIL: usize = 80;

/// Collects the steps of one resource.
pub(super) struct Writer<'a> {
    address: &'a Address,
    pub(super) steps: Vec<Step>,
}

impl<'a> Writer<'a> {
    /// Starts without a step.
    pub(super) fn new(address: &'a Address) -> Self {
        Self {
            address,
            steps: Vec::new(),
        }
    }
    /// Adds a step and returns its id.
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument for each field of a step, called in one line each"
    )]
    pub(super) fn push(
        &mut self,
        kind: StepKind,
        place: StepPlace,
        instance: Option<Instance>,
        old: bool,
        name: &str,
        detail: &str,
        needs: &[StepId],
    ) -> StepId {
        let id = self.address.step(instance, name);
        self.steps.push(Step {
            id: id.clone(),
            kind,
            place,
            instance,
            old,
            needs: needs.to_vec(),
            detail: detail.to_owned(),
        });
        id
    }
    /// Adds the step that takes what exists already into the state.
    pub(super) fn adopt(&mut self) {
        let detail = "into the state";
        self.push(
            StepKind::Adopt,
            StepPlace::Provider,
            None,
            false,
            "adopt",
            detail,
            &[],
        );
    }
    /// Returns the steps.
    pub(super) fn done(self) -> Vec<Step> {
        self.steps
    }
}

/// One instance's chain of steps: each needs the one before.
pub(super) struct Chain<'w, 'a> {
    pub(super) writer: &'w mut Writer<'a>,
    pub(super) instance: Instance,
    pub(super) old: bool,
    pub(super) last: Vec<StepId>,
}

impl Chain<'_, '_> {
    /// Adds a step behind the last one.
    pub(super) fn then(
        &mut self,
        kind: StepKind,
        place: StepPlace,
        name: &str,
        detail: &str,
    ) -> StepId {
        let id = self.writer.push(
            kind,
            place,
            Some(self.instance),
            self.old,
            name,
            detail,
            &self.last,
        );
        self.last = vec![id.clone()];
        id
    }
    /// Adds a step at the provider.
    pub(super) fn provider(&mut self, kind: StepKind, name: &str, detail: &str) -> StepId {
        self.then(kind, StepPlace::Provider, name, detail)
    }
    /// Adds the hooks of one phase in the order of the file.
    pub(super) fn hooks(&mut self, phase: HookPhase, list: &[Hook], skip_inside: bool) {
        let total = |place: HookPlace| list.iter().filter(|hook| hook.place == place).count();
        let (mut on_host, mut inside) = (0, 0);
        for hook in list {
            let (word, index) = match hook.place {
                HookPlace::Host => ("host", &mut on_host),
                HookPlace::Container => ("container", &mut inside),
            };
            let position = *index;
            *index += 1;
            if skip_inside && hook.place == HookPlace::Container {
                continue;
            }
            let phase_word = phase.as_str();
            let name = if total(hook.place) > 1 {
                format!("{phase_word}.{word}.{position}")
            } else {
                format!("{phase_word}.{word}")
            };
            let kind = StepKind::Hook {
                phase,
                index: position,
            };
            self.then(
                kind,
                hook.place.into(),
                &name,
                &one_line(&hook.command.line()),
            );
        }
    }
}

/// How an instance is taken down.
pub(super) struct Drain<'a> {
    /// Hooks before the stop.
    pub(super) prestop: &'a [Hook],
    /// Hooks after the removal.
    pub(super) poststop: &'a [Hook],
}

/// Writes the steps that take an instance down and returns the id of the removal.
pub(super) fn drain(
    writer: &mut Writer<'_>,
    live: &LiveInstance,
    hooks: &Drain<'_>,
    needs: Vec<StepId>,
) -> StepId {
    let mut chain = Chain {
        writer,
        instance: live.instance,
        old: true,
        last: needs,
    };
    // Inside an instance that does not run, nothing can be run.
    let inside = live.status == Status::Running;
    chain.hooks(HookPhase::Prestop, hooks.prestop, !inside);
    match live.status {
        Status::Running | Status::Paused | Status::Restarting => {
            chain.provider(StepKind::Stop, "stop", &live.name);
        }
        Status::Created | Status::Exited(_) | Status::Dead => {}
    }
    let removed = chain.provider(StepKind::Remove, "remove", &live.name);
    chain.hooks(HookPhase::Poststop, hooks.poststop, false);
    removed
}

/// Writes the steps of a service that goes away for good.
pub(super) fn removal(
    address: &Address,
    instances: &[&LiveInstance],
    hooks: &Drain<'_>,
) -> Vec<Step> {
    let mut writer = Writer::new(address);
    for live in instances {
        drain(&mut writer, live, hooks, Vec::new());
    }
    writer.done()
}

/// Shortens a command to one line.
pub(super) fn one_line(text: &str) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    let more = text.trim().lines().count() > 1;
    let mut short: String = first.chars().take(DETAIL).collect();
    if more || short.len() < first.len() {
        short.push('…');
    }
    short
}
