//! How an instance ends: on request, by itself, and what comes after.

use std::time::Duration;

use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use crate::adapters::providers::process::cgroup;
use crate::adapters::providers::process::files::{Reply, State};
use crate::adapters::providers::process::identity::signal_named;
use crate::adapters::providers::process::supervisor::life::{FIRST_PAUSE, Life};

/// Longest pause before a restart: pauses double up to it, and start anew after a good while of running.
const GOOD_WHILE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Longest time the rest of a tree gets after its main process ended on a stop.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// A stop under way.
pub(super) struct Stopping {
    answers: Vec<oneshot::Sender<Reply>>,
    pub(super) kill_at: Instant,
    pub(super) killed: bool,
}

impl Life {
    /// Begins a stop; `answer` is sent when nothing of the instance is left.
    pub(super) fn stop(
        &mut self,
        name: Option<&str>,
        grace_ms: u64,
        answer: Option<oneshot::Sender<Reply>>,
    ) {
        self.again_at = None;
        if self.main.is_none() {
            // Whatever a hook started while the gate was shut must not stay either.
            self.nets().signal(Signal::KILL);
            if self.status.state == State::Gated {
                self.status.exit_code = Some(143);
            }
            if self.status.state != State::Created {
                self.status.state = State::Exited;
            }
            self.save();
            if let Some(answer) = answer {
                let _ = answer.send(Reply::default());
            }
            return;
        }
        let kill_at = Instant::now() + Duration::from_millis(grace_ms);
        let wish = name.or(self.spec.stop_signal.as_deref());
        let signal = wish.and_then(signal_named).unwrap_or(Signal::TERM);
        self.nets().signal(signal);
        // A frozen process would not hear it.
        self.nets().signal(Signal::CONT);
        let stopping = self.stopping.get_or_insert_with(|| Stopping {
            answers: Vec::new(),
            kill_at,
            killed: false,
        });
        stopping.kill_at = stopping.kill_at.min(kill_at);
        stopping.answers.extend(answer);
    }

    /// Somebody asked the supervisor itself to end: it ends the instance first.
    pub(super) fn retire(&mut self) {
        self.quit = true;
        self.stop(None, self.spec.stop_grace_ms, None);
    }

    /// Does what is due: the kill after the grace, the restart after the pause.
    pub(super) async fn on_time(&mut self) {
        let now = Instant::now();
        let overdue = self
            .stopping
            .as_mut()
            .filter(|stopping| !stopping.killed && stopping.kill_at <= now);
        if let Some(stopping) = overdue {
            stopping.killed = true;
            self.nets().signal(Signal::KILL);
        }
        if self.again_at.is_some_and(|at| at <= now) {
            self.again_at = None;
            self.status.restarts += 1;
            if self.launch().is_err() {
                self.rest(127);
            }
        }
        tokio::task::yield_now().await;
    }

    /// The main process has ended: with it ends the instance.
    pub(super) async fn ended(&mut self, code: i64) {
        let Some(main) = self.main.take() else {
            return;
        };
        if let Some(checker) = main.checker {
            checker.abort();
        }
        if let Some(stopping) = &self.stopping {
            let patience = stopping.kill_at.min(Instant::now() + STRAGGLERS);
            while Instant::now() < patience && !self.nets().members().is_empty() {
                sleep(Duration::from_millis(20)).await;
            }
        }
        self.kill_rest().await;
        for task in main.tasks {
            let _ = timeout(Duration::from_secs(1), task).await;
        }
        let _ = self.log.borrow_mut().finish();
        self.status.main = None;
        self.status.exit_code = Some(code);
        if let Some(group) = self.status.cgroup.take() {
            self.status.out_of_memory = cgroup::memory_kills(&group) > self.memory_kills;
            cgroup::remove(&group);
        }
        if main.since.elapsed() >= GOOD_WHILE {
            self.pause = FIRST_PAUSE;
        }
        match self.stopping.take() {
            Some(stopping) => {
                self.status.state = State::Exited;
                self.save();
                for answer in stopping.answers {
                    let _ = answer.send(Reply::default());
                }
            }
            None => self.rest(code),
        }
    }

    /// Decides what comes after an end nobody asked for.
    fn rest(&mut self, code: i64) {
        if !self.quit && self.spec.restart.again(code, self.status.restarts) {
            self.status.state = State::Restarting;
            self.again_at = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        } else {
            self.status.state = State::Exited;
        }
        self.save();
    }

    async fn kill_rest(&self) {
        for _ in 0..200 {
            if self.nets().signal(Signal::KILL) == 0 {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        self.note("something of this instance could not be killed");
    }
}
