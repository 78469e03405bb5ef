//! When to look again: hints from outside become looks, coalesced. Pure but for the type of its clock.
//!
//! Level-triggered: a hint carries no facts, so losing one only delays; there always is a next wake-up. No look
//! at everything during a run (the run tells what it does, and a look would find missing what it only makes anew), one
//! right after it; but what the run leaves alone is looked at also meanwhile, when something is heard of it.

use std::time::Duration;

use tokio::time::Instant;

use crate::domain::hint::Hint;
use crate::domain::project::watch::DriftWatch;

/// What is to be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Load the file again.
    pub config: bool,
    /// Status, plan and drift.
    pub live: bool,
    /// The lock.
    pub lock: bool,
    /// Drift of what the run under way leaves alone.
    pub beside: bool,
}

/// Whether a run is under way, and what can be said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// There is none.
    None,
    /// What it will change is not known yet.
    Hidden,
    /// It is known what it leaves alone.
    Known,
}

impl Look {
    /// Tells whether there is anything to look at.
    #[must_use]
    pub fn is_empty(self) -> bool {
        !(self.config || self.live || self.lock || self.beside)
    }
}

/// Collects hints and says when which look is due.
#[derive(Clone, Debug)]
pub struct Triggers {
    wanted: Look,
    config_after: Instant,
    live_after: Instant,
    lock_after: Instant,
    timer: Instant,
    period: Duration,
    /// When something that is ignored counts again.
    expiry: Option<Instant>,
}

impl Triggers {
    /// Shortest pause between two looks at the same thing.
    pub const PAUSE: Duration = Duration::from_millis(100);
    /// Longest pause after a look, however slow it was.
    pub const LONGEST: Duration = Duration::from_secs(1);
    /// How long to wait for an editor to finish writing.
    pub const SETTLE: Duration = Duration::from_millis(50);

    /// Starts with everything to be looked at at once.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            wanted: Look {
                config: false,
                live: true,
                lock: true,
                beside: false,
            },
            config_after: now,
            live_after: now,
            lock_after: now,
            timer: now + DriftWatch::INTERVAL,
            period: DriftWatch::INTERVAL,
            expiry: None,
        }
    }

    /// Takes a hint.
    pub fn hint(&mut self, hint: &Hint, now: Instant) {
        match hint {
            Hint::Config => {
                if !self.wanted.config {
                    self.config_after = self.config_after.max(now + Self::SETTLE);
                }
                self.wanted.config = true;
            }
            Hint::Live(_) | Hint::Instance { .. } | Hint::About { .. } => self.wanted.live = true,
            // Drift is what differs from the state, so another state is another drift.
            Hint::State | Hint::Timer => {
                self.wanted.live = true;
                self.wanted.lock = true;
            }
            Hint::Lock => self.wanted.lock = true,
        }
    }

    /// Sets the longest time without a look; a shorter one holds at once.
    pub fn every(&mut self, period: Duration, now: Instant) {
        self.period = period;
        self.timer = self.timer.min(now + period);
    }

    /// Sets when something that is ignored counts again, so that a look is due then; `None`: nothing does.
    pub fn expires(&mut self, at: Option<Instant>) {
        self.expiry = at;
    }

    /// Asks for a look at everything but the file, as after a run.
    pub fn arm(&mut self) {
        self.wanted.live = true;
        self.wanted.lock = true;
    }

    /// Something that the run under way may leave alone has changed.
    pub fn beside(&mut self) {
        self.wanted.beside = true;
    }

    /// Hands out what is due now and forgets it.
    pub fn take(&mut self, now: Instant, work: Work, looking: bool) -> Look {
        if now >= self.timer {
            self.timer = now + self.period;
            self.arm();
        }
        if self.expiry.is_some_and(|at| now >= at) {
            self.expiry = None;
            self.wanted.live = true;
        }
        if work == Work::None {
            // The look at everything finds it.
            self.wanted.beside = false;
        }
        let may_look = !looking && now >= self.live_after;
        let due = Look {
            config: self.wanted.config && now >= self.config_after,
            live: self.wanted.live && work == Work::None && may_look,
            lock: self.wanted.lock && now >= self.lock_after,
            beside: self.wanted.beside && work == Work::Known && may_look,
        };
        if due.config {
            self.wanted.config = false;
            self.config_after = now + Self::PAUSE;
        }
        self.wanted.live &= !due.live;
        self.wanted.beside &= !due.beside;
        if due.live || due.beside {
            self.live_after = now + Self::PAUSE;
        }
        if due.lock {
            self.wanted.lock = false;
            self.lock_after = now + Self::PAUSE;
        }
        due
    }

    /// Tells that a look at the platform took so long: the next one keeps that distance, so that a slow platform has
    /// half of its time for others, but never so much that a change seems to be lost.
    pub fn looked(&mut self, took: Duration, now: Instant) {
        self.live_after = self.live_after.max(now + took.min(Self::LONGEST));
    }

    /// Returns when to call [`Triggers::take`] next.
    #[must_use]
    pub fn next_wakeup(&self, work: Work, looking: bool) -> Instant {
        let mut next = self.expiry.map_or(self.timer, |at| at.min(self.timer));
        if self.wanted.config {
            next = next.min(self.config_after);
        }
        let wanted = match work {
            Work::None => self.wanted.live,
            Work::Hidden => false,
            Work::Known => self.wanted.beside,
        };
        if wanted && !looking {
            next = next.min(self.live_after);
        }
        if self.wanted.lock {
            next = next.min(self.lock_after);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled() -> (Triggers, Instant) {
        let now = Instant::now();
        let mut triggers = Triggers::new(now);
        let first = triggers.take(now, Work::None, false);
        assert!(first.live && first.lock && !first.config);
        (triggers, now)
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_live_events_is_one_look_a_pause_later() {
        let (mut triggers, now) = settled();
        for n in 0..100 {
            let at = now + Duration::from_millis(n);
            triggers.hint(&Hint::Live("died".into()), at);
            assert!(triggers.take(at, Work::None, false).is_empty(), "at {n} ms");
        }
        assert_eq!(
            triggers.next_wakeup(Work::None, false),
            now + Triggers::PAUSE
        );
        assert!(triggers.take(now + Triggers::PAUSE, Work::None, false).live);
        assert!(
            triggers
                .take(now + Triggers::PAUSE, Work::None, false)
                .is_empty()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_heartbeats_of_another_holder_are_looks_at_the_lock_only() {
        let (mut triggers, now) = settled();
        let (mut live, mut lock) = (0, 0);
        for beat in 1..=10_u32 {
            let at = now + Duration::from_secs(5) * beat;
            triggers.hint(&Hint::Lock, at);
            let due = triggers.take(at, Work::None, false);
            live += u32::from(due.live);
            lock += u32::from(due.lock);
        }
        assert_eq!((live, lock), (0, 10));
    }

    #[tokio::test(start_paused = true)]
    async fn no_look_during_a_run_and_one_after_it() {
        let (mut triggers, now) = settled();
        triggers.hint(&Hint::Live("started".into()), now);
        let later = now + Duration::from_secs(5);
        assert!(!triggers.take(later, Work::Hidden, false).live);
        assert!(triggers.take(later, Work::None, false).live);
    }

    #[tokio::test(start_paused = true)]
    async fn the_timer_always_has_a_next_wakeup() {
        let (mut triggers, now) = settled();
        for round in 1..5_u32 {
            let at = triggers.next_wakeup(Work::None, false);
            assert_eq!(at, now + DriftWatch::INTERVAL * round);
            assert!(triggers.take(at, Work::None, false).live);
        }
        // Also while a run holds the look back.
        let at = triggers.next_wakeup(Work::Hidden, false);
        assert!(!triggers.take(at, Work::Hidden, false).live);
        assert!(triggers.next_wakeup(Work::Hidden, false) > at);
    }

    #[tokio::test(start_paused = true)]
    async fn the_file_sets_the_longest_time_without_a_look() {
        let (mut triggers, now) = settled();
        let (short, long) = (Duration::from_secs(5), Duration::from_secs(600));
        triggers.every(short, now);
        assert_eq!(triggers.next_wakeup(Work::None, false), now + short);
        assert!(triggers.take(now + short, Work::None, false).live);
        triggers.every(long, now + short);
        // The look that is due already comes, and only then the longer pause.
        assert_eq!(triggers.next_wakeup(Work::None, false), now + short * 2);
        assert!(triggers.take(now + short * 2, Work::None, false).live);
        let next = triggers.next_wakeup(Work::None, false);
        assert_eq!(next, now + short * 2 + long);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ignored_is_looked_at_when_it_counts_again() {
        let (mut triggers, now) = settled();
        let at = now + Duration::from_secs(7);
        triggers.expires(Some(at));
        assert_eq!(triggers.next_wakeup(Work::None, false), at);
        assert!(
            !triggers
                .take(at - Duration::from_millis(1), Work::None, false)
                .live
        );
        // A run holds it back, and it is not lost.
        assert!(!triggers.take(at, Work::Hidden, false).live);
        assert!(triggers.take(at, Work::None, false).live);
        assert!(triggers.next_wakeup(Work::None, false) > at);
    }

    #[tokio::test(start_paused = true)]
    async fn a_saved_file_is_read_once_it_is_settled_also_during_a_run() {
        let (mut triggers, now) = settled();
        let saved = now + Duration::from_secs(1);
        triggers.hint(&Hint::Config, saved);
        triggers.hint(&Hint::Config, saved + Duration::from_millis(10));
        assert!(!triggers.take(saved, Work::Hidden, false).config);
        let at = triggers.next_wakeup(Work::Hidden, false);
        assert_eq!(at, saved + Triggers::SETTLE);
        assert!(triggers.take(at, Work::Hidden, false).config);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_looks_keep_their_distance() {
        let (mut triggers, now) = settled();
        let took = Duration::from_secs(2);
        triggers.looked(took, now + took);
        triggers.hint(&Hint::Live("died".into()), now + took);
        assert_eq!(
            triggers.next_wakeup(Work::None, false),
            now + took + Triggers::LONGEST
        );
        let quick = Duration::from_millis(150);
        let (mut triggers, now) = settled();
        triggers.looked(quick, now + quick);
        triggers.hint(&Hint::Live("died".into()), now + quick);
        assert_eq!(triggers.next_wakeup(Work::None, false), now + quick * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_run_leaves_alone_is_looked_at_meanwhile_once_it_is_known_what_that_is() {
        let (mut triggers, now) = settled();
        let at = now + Triggers::PAUSE;
        triggers.hint(&Hint::Live("died".into()), at);
        assert!(triggers.take(at, Work::Known, false).is_empty());
        triggers.beside();
        assert!(triggers.take(at, Work::Hidden, false).is_empty());
        assert!(triggers.take(at, Work::Known, true).is_empty());
        assert_eq!(triggers.next_wakeup(Work::Known, false), at);
        let due = triggers.take(at, Work::Known, false);
        assert!(due.beside && !due.live);
        assert!(
            triggers
                .take(at + Triggers::PAUSE, Work::Known, false)
                .is_empty()
        );
        let after = triggers.take(at + Triggers::PAUSE, Work::None, false);
        assert!(after.live && !after.beside, "everything, once it is over");
    }
}
