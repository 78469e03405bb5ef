//! The steps of an action: the six of a service in strict order, and those that take an instance down.
//!
//! A step needs the steps before it in its instance's chain, nothing more; the engine runs chains side by side.

use std::collections::BTreeSet;

use crate::domain::ids::{Address, Instance, StepId};
use crate::domain::live::LiveInstance;
use crate::domain::model::{normal_image, short_image};
use crate::domain::plan::instance::{Case, Fix};
use crate::domain::plan::moves::{Move, Moves};
use crate::domain::plan::origin::{Origin, named};
use crate::domain::plan::step::{Step, StepKind, StepPlace};
use crate::domain::plan::writer::{Chain, Drain, Writer, drain, one_line};
use crate::domain::project::canonical::image_of;
use crate::domain::project::hook::{HookPhase, InstallPhase};
use crate::domain::project::service::{Service, ServiceKind, UpdateStrategy};

/// Writes all steps of a service's moves.
pub(super) fn of_moves(case: &Case<'_>, moves: &Moves, address: &Address) -> Vec<Step> {
    let mut writer = Writer::new(address);
    let mut course = Course {
        case,
        image: Vec::new(),
        roll: Vec::new(),
        settled: Vec::new(),
    };
    if moves.makes_any() {
        course.image = course.fetch(&mut writer, moves);
    }
    // Where a rolling update goes on, the old ones wait until what is new is healthy.
    let patient = case.service.update_strategy == UpdateStrategy::Rolling;
    let leaves = |one: &&Move| patient && matches!(one, Move::Remove(_));
    for one in moves.list.iter().filter(|one| !leaves(one)) {
        course.take(&mut writer, one);
    }
    for one in moves.list.iter().filter(leaves) {
        course.take(&mut writer, one);
    }
    if writer.steps.is_empty() {
        writer.adopt();
    }
    writer.done()
}

/// The way through the moves of one service.
struct Course<'a, 'c> {
    case: &'c Case<'a>,
    /// Steps that bring the image.
    image: Vec<StepId>,
    /// Last step of the replacement before, which the next one waits for.
    roll: Vec<StepId>,
    /// Health of the instances that stay and had to be started or finished, in a rolling update.
    settled: Vec<StepId>,
}

impl<'a> Course<'a, '_> {
    fn service(&self) -> &'a Service {
        self.case.service
    }
    fn live(&self, instance: Instance) -> Option<&'a LiveInstance> {
        self.case
            .live
            .iter()
            .find(|live| live.instance == instance)
            .copied()
    }
    /// Hooks of the old instances: those recorded with them, else the file's.
    fn old_hooks(&self) -> Drain<'a> {
        match self.case.recorded {
            Some(recorded) => Drain {
                prestop: &recorded.teardown.prestop,
                poststop: &recorded.teardown.poststop,
            },
            None => Drain {
                prestop: &self.service().hooks.prestop,
                poststop: &self.service().hooks.poststop,
            },
        }
    }
    /// Pull or build what is not there; the engine does a pull of several services once.
    fn fetch(&self, writer: &mut Writer<'_>, moves: &Moves) -> Vec<StepId> {
        let input = self.case.world.input;
        if !input.capabilities.images {
            return Vec::new();
        }
        let there = |image: &str| input.live.images.contains_key(image);
        // A tag the user chose says nothing about what it was built from.
        let named = self.service().image.is_some() && self.service().build.is_some();
        let edited = || self.case.config.iter().any(|change| change.path == "build");
        let outdated = named && (self.case.recorded.is_none() || edited());
        let is_named = |new| !matches!(self.case.origin(new), Origin::Recorded(_));
        let mut last: Vec<StepId> = Vec::new();
        if let Some(image) = image_of(self.service(), input.project)
            && (outdated || !there(&image))
            && moves.made().any(is_named)
        {
            let detail = short_image(&image).to_owned();
            let (kind, name) = match self.service().build {
                Some(_) => (StepKind::Build, "build"),
                None => (StepKind::Pull { image }, "pull"),
            };
            last = vec![writer.push(kind, StepPlace::Provider, None, false, name, &detail, &[])];
        }
        let install = self.service().provisioning.as_ref();
        if let Some(image) = install.and_then(|p| p.image.as_deref()).map(normal_image)
            && !there(&image)
        {
            let detail = short_image(&image).to_owned();
            let kind = StepKind::Pull { image };
            let needs = last.clone();
            let name = "pull.install";
            last = vec![writer.push(
                kind,
                StepPlace::Provider,
                None,
                false,
                name,
                &detail,
                &needs,
            )];
        }
        last
    }

    fn take(&mut self, writer: &mut Writer<'_>, one: &Move) {
        match one {
            Move::Create(instance) => {
                let needs = self.image.clone();
                self.create(writer, *instance, None, needs);
            }
            Move::Recreate(instance) => {
                let needs = self.image.clone();
                self.create(writer, *instance, self.live(*instance), needs);
            }
            Move::Roll { new, old } => self.roll(writer, *new, *old),
            Move::Remove(instance) => {
                if let Some(live) = self.live(*instance) {
                    drain(writer, live, &self.old_hooks(), self.settled.clone());
                }
            }
            Move::Mend(instance, fixes) => {
                let mut chain = Self::chain(writer, *instance, Vec::new());
                let unpaused = fixes.contains(&Fix::Unpause);
                mend(&mut chain, fixes);
                if unpaused {
                    self.settle(&mut chain);
                }
            }
            Move::Start(instance, fixes) => {
                let mut chain = Self::chain(writer, *instance, Vec::new());
                chain.hooks(
                    HookPhase::Prestart,
                    &self.service().hooks.prestart_host,
                    false,
                );
                mend(&mut chain, fixes);
                chain.provider(StepKind::Start, "start", "");
                let healthy = self.finish(&mut chain);
                self.await_of(healthy);
            }
            Move::Finish(instance) => {
                let mut chain = Self::chain(writer, *instance, Vec::new());
                let healthy = self.finish(&mut chain);
                self.await_of(healthy);
            }
        }
    }
    /// Remembers what those that leave a rolling update wait for.
    fn await_of(&mut self, healthy: StepId) {
        if self.service().update_strategy == UpdateStrategy::Rolling {
            self.settled.push(healthy);
        }
    }
    fn chain<'w, 'b>(
        writer: &'w mut Writer<'b>,
        instance: Instance,
        last: Vec<StepId>,
    ) -> Chain<'w, 'b> {
        Chain {
            writer,
            instance,
            old: false,
            last,
        }
    }

    /// Steps 1 to 6, the old instance of the same number going between 1 and 2. Returns the health step's id.
    fn create(
        &self,
        writer: &mut Writer<'_>,
        instance: Instance,
        old: Option<&LiveInstance>,
        needs: Vec<StepId>,
    ) -> StepId {
        let service = self.service();
        let mut chain = Self::chain(writer, instance, needs);
        chain.hooks(HookPhase::Prestart, &service.hooks.prestart_host, false);
        let last = chain.last.clone();
        let mut chain = match old {
            None => chain,
            // `poststop` hangs beside: if it fails that is told, and the service comes up all the same.
            Some(old) => {
                let removed = drain(writer, old, &self.old_hooks(), last);
                Self::chain(writer, instance, vec![removed])
            }
        };
        let image = image_of(service, self.case.world.input.project).unwrap_or_default();
        let detail = match self.case.origin(instance) {
            Origin::Recorded(id) => named(&image, id),
            Origin::Named | Origin::Lost(_) => short_image(&image).to_owned(),
        };
        chain.provider(StepKind::Create, "create", &detail);
        chain.provider(StepKind::Start, "start", "");
        if service.needs_gate() {
            self.behind_the_gate(&mut chain);
        }
        self.finish(&mut chain)
    }
    fn behind_the_gate(&self, chain: &mut Chain<'_, '_>) {
        let service = self.service();
        let install = service.provisioning.as_ref();
        let early = install.is_some_and(|p| p.phase == InstallPhase::Early);
        let line = install.map_or_else(String::new, |p| one_line(&p.install.command.line()));
        if early {
            chain.then(StepKind::Install, StepPlace::Container, "install", &line);
        }
        chain.hooks(
            HookPhase::Prestart,
            &service.hooks.prestart_container,
            false,
        );
        if install.is_some() && !early {
            chain.then(StepKind::Install, StepPlace::Container, "install", &line);
        }
        chain.provider(StepKind::OpenGate, "open_gate", "");
    }
    /// Health (or completion), then `poststart`. Returns the id of the first.
    fn finish(&self, chain: &mut Chain<'_, '_>) -> StepId {
        let id = self.settle(chain);
        chain.hooks(HookPhase::Poststart, &self.service().hooks.poststart, false);
        id
    }
    fn settle(&self, chain: &mut Chain<'_, '_>) -> StepId {
        match self.service().kind {
            ServiceKind::Service => chain.provider(StepKind::Health, "health", ""),
            ServiceKind::Job => chain.provider(StepKind::Complete, "complete", ""),
        }
    }
    /// The new one healthy, then the old one drained; the next pair waits for that.
    fn roll(&mut self, writer: &mut Writer<'_>, new: Instance, old: Instance) {
        let mut needs = self.image.clone();
        needs.append(&mut self.roll);
        let healthy = self.create(writer, new, None, needs);
        if let Some(live) = self.live(old) {
            self.roll = vec![drain(writer, live, &self.old_hooks(), vec![healthy])];
        }
    }
}

fn mend(chain: &mut Chain<'_, '_>, fixes: &BTreeSet<Fix>) {
    for fix in fixes {
        match fix {
            Fix::Unpause => {
                chain.provider(StepKind::Unpause, "unpause", "");
            }
            Fix::Rename(holder) => {
                let detail = holder
                    .as_ref()
                    .map_or_else(String::new, |holder| format!("changes names with {holder}"));
                chain.provider(StepKind::Rename, "rename", &detail);
            }
            Fix::Limits => {
                chain.provider(StepKind::Limits, "limits", "");
            }
            Fix::Leave(network) => leave(chain, network.clone(), network),
            Fix::Rejoin(network, provider_name) => {
                leave(chain, provider_name.clone(), network);
                join(chain, network);
            }
            Fix::Join(network) => join(chain, network),
        }
    }
}
fn leave(chain: &mut Chain<'_, '_>, provider_name: String, shown: &str) {
    let name = format!("disconnect.{shown}");
    let detail = provider_name.clone();
    let kind = StepKind::Disconnect {
        network: provider_name,
    };
    chain.provider(kind, &name, &detail);
}
fn join(chain: &mut Chain<'_, '_>, network: &str) {
    let kind = StepKind::Connect {
        network: network.to_owned(),
    };
    chain.provider(kind, &format!("connect.{network}"), network);
}
