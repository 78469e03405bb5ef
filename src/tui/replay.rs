//! A past run played again: its events, how far they were folded, and how fast time goes.
//!
//! The fold is the session's own, so what is seen is what was seen. Keyframes, the view as it was every so many
//! events, make going back cheap. Output goes the way it goes live; what was fed of it is counted here.

use std::sync::Arc;

use crate::app::snapshot::Snapshot;
use crate::domain::event::{Event, EventKind, StepOutcome};
use crate::domain::history::view::RunView;
use crate::domain::ids::RunId;
use crate::domain::time::Wall;

/// Keyframes that are kept at most.
const KEYFRAMES: usize = 48;
/// Least distance of two keyframes.
const APART: usize = 256;
/// How many events are taken with one tick at the greatest speed.
const BURST: usize = 2_000;

/// How fast a replay goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Speed {
    /// Four times slower.
    Quarter,
    /// Half as fast.
    Half,
    /// As it was.
    #[default]
    One,
    /// Twice as fast.
    Two,
    /// Four times.
    Four,
    /// Eight times.
    Eight,
    /// Sixteen times.
    Sixteen,
    /// As fast as it can be drawn.
    Max,
}

impl Speed {
    const ALL: [Self; 8] = [
        Self::Quarter,
        Self::Half,
        Self::One,
        Self::Two,
        Self::Four,
        Self::Eight,
        Self::Sixteen,
        Self::Max,
    ];

    /// Returns its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quarter => "1/4×",
            Self::Half => "1/2×",
            Self::One => "1×",
            Self::Two => "2×",
            Self::Four => "4×",
            Self::Eight => "8×",
            Self::Sixteen => "16×",
            Self::Max => "max",
        }
    }

    /// Quarters of the run's own time that go by; `None`: without a clock.
    fn quarters(self) -> Option<i64> {
        match self {
            Self::Quarter => Some(1),
            Self::Half => Some(2),
            Self::One => Some(4),
            Self::Two => Some(8),
            Self::Four => Some(16),
            Self::Eight => Some(32),
            Self::Sixteen => Some(64),
            Self::Max => None,
        }
    }

    fn beside(self, by: isize) -> Self {
        let here = Self::ALL.iter().position(|speed| *speed == self);
        let there = here.unwrap_or(0).saturating_add_signed(by);
        let last = Self::ALL.len() - 1;
        Self::ALL.get(there.min(last)).copied().unwrap_or_default()
    }
}

/// A view that was kept.
#[derive(Clone, Debug)]
struct Keyframe {
    /// Events folded into it.
    at: usize,
    /// The view.
    view: RunView,
}

/// A past run that is being played.
#[derive(Clone, Debug)]
pub struct Replay {
    events: Arc<Vec<Event>>,
    /// How many events are folded.
    at: usize,
    /// How many events went to whoever shows output.
    pub fed: usize,
    fold: Snapshot,
    keyframes: Vec<Keyframe>,
    apart: usize,
    clock: Wall,
    speed: Speed,
    playing: bool,
    ticked: Option<Wall>,
}

impl Replay {
    /// Opens a run at its start; `None` when there is nothing in it to show.
    #[must_use]
    pub fn open(events: Arc<Vec<Event>>) -> Option<Self> {
        let first = events.first()?;
        first.run_id.as_ref()?;
        let mut replay = Self {
            apart: (events.len() / KEYFRAMES).max(APART),
            clock: first.at,
            events,
            at: 0,
            fed: 0,
            fold: Snapshot::default(),
            keyframes: Vec::new(),
            speed: Speed::default(),
            playing: false,
            ticked: None,
        };
        replay.seek(1);
        Some(replay)
    }

    /// Returns the run as it stood at this point.
    #[must_use]
    pub fn view(&self) -> Option<&RunView> {
        self.fold.run.as_ref()
    }
    /// Returns the run's id.
    #[must_use]
    pub fn run_id(&self) -> Option<&RunId> {
        self.events.first()?.run_id.as_ref()
    }
    /// Returns how many events were played, and how many there are.
    #[must_use]
    pub fn position(&self) -> (usize, usize) {
        (self.at, self.events.len())
    }
    /// Returns the events played so far, for whoever shows output.
    #[must_use]
    pub fn played(&self) -> &[Event] {
        self.events.get(..self.at).unwrap_or_default()
    }
    /// Returns the run's own time at this point.
    #[must_use]
    pub fn now(&self) -> Wall {
        self.clock
    }
    /// Returns how fast it goes.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed
    }
    /// Tells whether time goes on.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing
    }
    /// Tells whether everything was played.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at >= self.events.len()
    }

    /// Lets time go on, or holds it; at the end it begins anew.
    pub fn play(&mut self) {
        if !self.playing && self.is_over() {
            self.start();
        }
        self.playing = !self.playing;
        self.ticked = None;
    }
    /// Goes one step faster.
    pub fn faster(&mut self) {
        self.speed = self.speed.beside(1);
    }
    /// Goes one step slower.
    pub fn slower(&mut self) {
        self.speed = self.speed.beside(-1);
    }
    /// Goes one event further, and holds.
    pub fn forward(&mut self) {
        self.playing = false;
        self.seek(self.at.saturating_add(1));
    }
    /// Goes one event back, and holds.
    pub fn back(&mut self) {
        self.playing = false;
        self.seek(self.at.saturating_sub(1));
    }
    /// Goes to the first event.
    pub fn start(&mut self) {
        self.seek(1);
    }
    /// Goes to the last event, and holds.
    pub fn end(&mut self) {
        self.playing = false;
        self.seek(self.events.len());
    }

    /// Goes to the next failure behind this point, and holds; false when there is none.
    pub fn next_failure(&mut self) -> bool {
        let found = self.next(failed);
        if let Some(at) = found {
            self.playing = false;
            self.seek(at + 1);
        }
        found.is_some()
    }

    fn next(&self, fits: impl Fn(&Event) -> bool) -> Option<usize> {
        let later = self.events.iter().enumerate().skip(self.at);
        later
            .filter(|(_, event)| fits(event))
            .map(|(at, _)| at)
            .next()
    }

    /// Goes to the point where so many events are played; the first one always is.
    pub fn seek(&mut self, to: usize) {
        let to = to.clamp(1, self.events.len().max(1));
        if to < self.at {
            self.rewind(to);
        }
        while self.at < to {
            self.one();
        }
        let played = self
            .at
            .checked_sub(1)
            .and_then(|last| self.events.get(last));
        self.clock = played.map_or(self.clock, |event| event.at);
    }

    /// Takes the time: events whose time has come are played. Tells whether anything is to be drawn.
    pub fn tick(&mut self, now: Wall) -> bool {
        let before = self.ticked.replace(now);
        if !self.playing {
            self.ticked = None;
            return false;
        }
        let Some(before) = before else { return false };
        match self.speed.quarters() {
            None => self.seek(self.at.saturating_add(BURST)),
            Some(quarters) => {
                let gone = now.0.saturating_sub(before.0).clamp(0, 10_000);
                self.clock = Wall(self.clock.0.saturating_add(gone * quarters / 4));
                while self
                    .events
                    .get(self.at)
                    .is_some_and(|event| event.at <= self.clock)
                {
                    self.one();
                }
            }
        }
        if self.is_over() {
            self.playing = false;
            self.ticked = None;
        }
        true
    }

    /// Lets no time go by until the next tick but one.
    pub fn rest(&mut self) {
        self.ticked = None;
    }

    /// Plays one event.
    fn one(&mut self) {
        let Some(event) = self.events.get(self.at) else {
            return;
        };
        self.fold.apply_event(event);
        self.at += 1;
        let known = self.keyframes.last().map_or(0, |frame| frame.at);
        if self.at >= known.saturating_add(self.apart)
            && let Some(run) = &self.fold.run
        {
            self.keyframes.push(Keyframe {
                at: self.at,
                view: run.clone(),
            });
        }
    }

    /// Goes back to the nearest keyframe, or to the very start.
    fn rewind(&mut self, to: usize) {
        let fitting = self.keyframes.partition_point(|frame| frame.at <= to);
        let frame = fitting.checked_sub(1).and_then(|at| self.keyframes.get(at));
        self.at = frame.map_or(0, |frame| frame.at);
        self.fold.run = frame.map(|frame| frame.view.clone());
    }
}

/// Tells whether a step failed with this event, or an action that had no step to fail.
fn failed(event: &Event) -> bool {
    matches!(
        event.kind,
        EventKind::StepFinished {
            outcome: StepOutcome::Failed | StepOutcome::Unknown,
            ..
        } | EventKind::ActionFinished {
            outcome: StepOutcome::Failed | StepOutcome::Unknown,
            ..
        }
    )
}
