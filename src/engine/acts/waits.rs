//! Waiting for time, health and answers.

use std::time::Duration;

use crate::domain::live::{Health, Status};
use crate::domain::project::health::Probe;
use crate::domain::project::procedure::Wait;
use crate::engine::acts::{Me, reference, services};
use crate::engine::cx::within;
use crate::ports::clock::Clock;
use crate::ports::provider::Provider;
use crate::ports::world::World;

/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Longest time one answer may take.
const ANSWER: Duration = Duration::from_secs(5);

impl<W: World> Me<'_, '_, W> {
    /// Waits, no longer than the step may take.
    pub(super) async fn wait(&self, wait: &Wait) -> Result<(), String> {
        let clock = self.cx.world.clock();
        if let Wait::Time(time) = wait {
            clock.sleep(*time).await;
            return Ok(());
        }
        let until = clock.boot().after(self.own.timeout);
        loop {
            let look = self.look(wait);
            let left = until.since(clock.boot());
            let found = within(self.cx.world, left, look).await;
            let why = match found {
                Some(Ok(())) => return Ok(()),
                Some(Err(why)) => why,
                None => "no answer".to_owned(),
            };
            if clock.boot() >= until {
                return Err(format!("{why}; {}", self.late()));
            }
            clock.sleep(LOOK_AGAIN).await;
        }
    }

    async fn look(&self, wait: &Wait) -> Result<(), String> {
        match wait {
            Wait::Time(_) => Ok(()),
            Wait::Health { service, instances } => self.is_healthy(service, *instances).await,
            Wait::Answer { service, ask } => self.answers(service, ask).await,
        }
    }

    /// Looks at the instances that are to run: all, or as many as a scale of this procedure left.
    async fn is_healthy(&self, service: &str, meant: Option<u32>) -> Result<(), String> {
        let all = services::instances(self.cx, service).await?;
        if all.is_empty() {
            return Err(format!("{service} has no instances"));
        }
        let meant = meant.map_or(all.len(), |meant| {
            usize::try_from(meant).unwrap_or(usize::MAX)
        });
        if all.len() < meant {
            return Err(format!(
                "{service} has {} instances, not {meant}",
                all.len()
            ));
        }
        for one in all.iter().take(meant) {
            let good = matches!(one.health, Health::Healthy | Health::Unchecked);
            if one.status != Status::Running || !good {
                return Err(format!(
                    "{service}[{}] is {}, {}",
                    one.instance,
                    one.status.as_str(),
                    one.health.as_str()
                ));
            }
        }
        Ok(())
    }

    /// Asks every running instance of a service once.
    pub(super) async fn answers(&self, service: &str, ask: &Probe) -> Result<(), String> {
        let all = services::instances(self.cx, service).await?;
        // One that was stopped on purpose, by a scale, is not asked.
        let running: Vec<_> = all
            .iter()
            .filter(|one| one.status == Status::Running)
            .collect();
        if running.is_empty() {
            return Err(format!("no instance of {service} runs"));
        }
        for one in running {
            let target = reference(service, one);
            let answer = self.cx.world.provider().probe(&target, ask, ANSWER);
            let answer = within(self.cx.world, ANSWER * 2, answer).await;
            let answer = answer.unwrap_or_else(|| Err("no answer in time".to_owned()));
            answer.map_err(|why| format!("{service}[{}] does not answer: {why}", one.instance))?;
        }
        Ok(())
    }
}
