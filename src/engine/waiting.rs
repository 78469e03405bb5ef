//! Waits for health and completion: opens gates, asks probes, answers the machine when a gate has decided.

use std::time::Duration;

use crate::domain::event::EventKind;
use crate::domain::project::service::Service;
use crate::domain::run::fact::StepEnd;
use crate::domain::run::gate::{Finding, HealthGate, Watch};
use crate::domain::run::order::{EventDraft, StepRef};
use crate::domain::time::Boot;
use crate::engine::cx::within;
use crate::engine::driver::{Came, Driver};
use crate::engine::gates::Open;
use crate::engine::perform::explain;
use crate::ports::provider::{InstanceRef, Provider};
use crate::ports::world::World;

impl<W: World> Driver<'_, W> {
    /// Opens the health gate of an instance with everything heard of it so far.
    pub(super) fn open_gate(
        &self,
        service: &Service,
        target: InstanceRef,
        job: bool,
        attempt: u32,
        now: Boot,
    ) -> Open {
        let cx = self.cx;
        let heard = self.ears.since_start(&target.id);
        let watch = if job {
            Watch::Completion
        } else {
            let platform = cx.world.provider().capabilities().health_checks;
            let image_check = cx.site.platform_check(&target);
            Watch::of(service, platform, image_check, heard.early)
        };
        let mut gate = HealthGate::new(watch, service.restart, heard.opened.unwrap_or(now));
        for kind in heard.events {
            gate.hear(kind, now);
        }
        gate.tick(now);
        Open {
            gate,
            target,
            attempt,
        }
    }

    /// Looks at the gates whose time has come, and at those that have decided.
    pub(super) fn look_at_gates(&mut self, now: Boot) {
        for at in self.gates.due(now) {
            self.probe(at, now);
            let Some(open) = self.gates.get_mut(at) else {
                continue;
            };
            let look = open.gate.takes_look();
            match open.gate.finding().clone() {
                Finding::Waiting => {
                    self.gates.rearm(at);
                    if look {
                        self.reseed();
                    }
                }
                Finding::Healthy => {
                    self.tell_health(at, "healthy", "");
                    self.gates.remove(at);
                    self.note_further(at);
                    self.ended(at, StepEnd::done());
                }
                Finding::Failed(why) => {
                    self.tell_health(at, "unhealthy", &why);
                    let Some(open) = self.gates.remove(at) else {
                        continue;
                    };
                    let cx = self.cx;
                    let attempt = open.attempt;
                    self.start(at, attempt, None, async move {
                        explain(cx, &open.target, &why, open.gate.last_output()).await
                    });
                }
            }
        }
    }

    fn probe(&mut self, at: StepRef, now: Boot) {
        let cx = self.cx;
        let Some(open) = self.gates.get_mut(at) else {
            return;
        };
        let Some((probe, timeout)) = open.gate.take_probe(now) else {
            return;
        };
        let target = open.target.clone();
        self.tasks.push(Box::pin(async move {
            let margin = timeout.saturating_add(Duration::from_secs(5));
            let asked = now;
            let answer = cx.world.provider().probe(&target, &probe, timeout);
            let result = within(cx.world, margin, answer)
                .await
                .unwrap_or_else(|| Err("no answer in time".to_owned()));
            Came::Probed { at, asked, result }
        }));
    }

    fn tell_health(&self, at: StepRef, to: &str, why: &str) {
        let Some((action, step)) = self.cx.step(at) else {
            return;
        };
        let kind = EventKind::HealthChanged {
            from: "starting".to_owned(),
            to: to.to_owned(),
            detail: why.to_owned(),
        };
        self.cx
            .emitter
            .emit(EventDraft::step(&action.address, &step.id, 1, kind));
    }
}
