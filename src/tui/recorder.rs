//! The flight recorder: what happened in the last minutes, in a ring, and how the panel itself does.
//!
//! Keys are recorded as keys, and typed text only as "a character": whatever is typed may be a password. News is
//! recorded by its kind, never with its text.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use crate::app::notice::Notice;
use crate::domain::event::EventKind;
use crate::domain::time::Wall;
use crate::present::human;
use crate::tui::effect::Effect;
use crate::tui::keymap::action::Context;
use crate::tui::keymap::chord::Chord;
use crate::tui::msg::Msg;

/// Most entries that are kept.
const ENTRIES: usize = 4_000;
/// How long an entry is kept, in milliseconds.
const KEPT: i64 = 10 * 60 * 1_000;

/// How the panel itself does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Frames drawn.
    pub frames: u64,
    /// Bytes written to the terminal.
    pub bytes: u64,
    /// How long the last frame took to draw and write.
    pub last: Duration,
    /// How long the slowest one took.
    pub slowest: Duration,
    /// How long all of them took.
    pub all: Duration,
    /// Keys taken.
    pub keys: u64,
    /// News of the sessions taken.
    pub notices: u64,
    /// News of the sessions within the last full second.
    pub rate: u64,
    /// Lines of output that were dropped because reading was slow.
    pub dropped: u64,
    /// When counting began.
    pub since: Wall,
}

impl Figures {
    /// Returns them as one line.
    #[must_use]
    pub fn line(&self) -> String {
        let average = self
            .all
            .checked_div(u32::try_from(self.frames.max(1)).unwrap_or(u32::MAX))
            .unwrap_or_default();
        format!(
            "{} frames, {} written, {} a draw (last {}, most {}), {} keys, {} news ({}/s), {} lines dropped",
            self.frames,
            human::size(self.bytes),
            millis(average),
            millis(self.last),
            millis(self.slowest),
            self.keys,
            self.notices,
            self.rate,
            self.dropped,
        )
    }
}

fn millis(span: Duration) -> String {
    format!(
        "{}.{:02} ms",
        span.as_millis(),
        span.as_micros() % 1_000 / 10
    )
}

/// The recorder.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    ring: VecDeque<(Wall, String)>,
    figures: Figures,
    /// The second that is being counted, and its news so far.
    second: (i64, u64),
}

impl Recorder {
    /// Starts counting.
    #[must_use]
    pub fn new(now: Wall) -> Self {
        Self {
            figures: Figures {
                since: now,
                ..Figures::default()
            },
            ..Self::default()
        }
    }

    /// Returns how the panel does.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// Records a key that was pressed there.
    pub fn key(&mut self, now: Wall, context: Context, chord: Chord) {
        self.figures.keys += 1;
        let text = if context.takes_text() && chord.typed().is_some() {
            format!("key in {}: a character", context.as_str())
        } else {
            format!("key in {}: {chord}", context.as_str())
        };
        self.note(now, text);
    }

    /// Records a message that is no key; ticks are left out.
    pub fn msg(&mut self, now: Wall, room: &str, msg: &Msg) {
        let text = match msg {
            Msg::Key(_)
            | Msg::Tick(_)
            | Msg::Snapshot(_)
            | Msg::Tabs(_)
            | Msg::Shown(_)
            | Msg::Spilled(..)
            | Msg::Fetched(..)
            | Msg::More
            | Msg::Figures(_)
            | Msg::Overheard(..) => return,
            Msg::Notice(notice) => {
                self.heard(now, notice);
                match kind(notice) {
                    Some(kind) => format!("{room}: {kind}"),
                    None => return,
                }
            }
            Msg::Paste(text) => format!("{} characters pasted", text.chars().count()),
            Msg::Resize(columns, rows) => format!("resized to {columns}x{rows}"),
            Msg::Mouse(pointer) => {
                format!("mouse {:?} at {},{}", pointer.press, pointer.x, pointer.y)
            }
            Msg::Saved(..) => "output saved".into(),
            Msg::Sent(wish, ticket) => format!("{room}: sent {wish:?}, {ticket:?}"),
            Msg::Places(places) => format!("{} places found", places.len()),
            Msg::NoRoom(_) => "a room could not be opened".into(),
            Msg::Returned(errand, end) => {
                let word = if end.is_ok() { "ended" } else { "failed" };
                format!("{} {word}", errand.title())
            }
            Msg::Kept(what, _) => format!("kept: {what}"),
            Msg::Terminate => "asked to end".into(),
            Msg::TerminalLost => "the terminal is lost".into(),
            Msg::SessionLost => format!("{room}: the session is lost"),
        };
        self.note(now, text);
    }

    /// Records what was asked of the world.
    pub fn effect(&mut self, now: Wall, effect: &Effect) {
        let text = match effect {
            Effect::Spill(_) | Effect::Fetch(_) | Effect::More => return,
            Effect::Save(_) => "save output".into(),
            Effect::Send { wish, .. } => format!("send {wish:?}"),
            Effect::Copy(text) => format!("copy {} characters", text.chars().count()),
            Effect::Enter(_) => "enter a room".into(),
            Effect::Beside(_) => "to the room beside".into(),
            Effect::LookAround => "look for places".into(),
            Effect::Errand(errand) => format!("start {}", errand.title()),
            Effect::Keep(_) => "keep a file".into(),
            Effect::Bundle => "write a bundle".into(),
            Effect::Mouse(on) => format!("mouse {on}"),
            Effect::Suspend => "to the background".into(),
            Effect::Redraw => "redraw".into(),
            Effect::LeaveAll => "leave all rooms".into(),
            Effect::Quit => "leave".into(),
        };
        self.note(now, text);
    }

    /// Records a frame.
    pub fn frame(&mut self, now: Wall, bytes: u64, took: Duration) {
        self.figures.frames += 1;
        self.figures.bytes += bytes;
        self.figures.last = took;
        self.figures.slowest = self.figures.slowest.max(took);
        self.figures.all += took;
        self.note(now, format!("frame: {bytes} bytes, {}", millis(took)));
    }

    fn heard(&mut self, now: Wall, notice: &Notice) {
        self.figures.notices += 1;
        if let Notice::OutputLost { lines, .. } = notice {
            self.figures.dropped += lines;
        }
        let second = now.0.div_euclid(1_000);
        if self.second.0 == second {
            self.second.1 += 1;
        } else {
            self.figures.rate = if self.second.0 + 1 == second {
                self.second.1
            } else {
                0
            };
            self.second = (second, 1);
        }
    }

    fn note(&mut self, now: Wall, text: String) {
        self.ring.push_back((now, text));
        while self.ring.len() > ENTRIES
            || self
                .ring
                .front()
                .is_some_and(|(at, _)| now.0.saturating_sub(at.0) > KEPT)
        {
            self.ring.pop_front();
        }
    }

    /// Returns the ring as text, the oldest first.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (at, what) in &self.ring {
            let _ = writeln!(
                text,
                "{}.{:03} {what}",
                human::clock(*at),
                at.0.rem_euclid(1_000)
            );
        }
        text
    }
}

/// Names what kind of news it is; output lines are too many to be worth an entry each.
fn kind(notice: &Notice) -> Option<&'static str> {
    Some(match notice {
        Notice::Event(event) => return happened(&event.kind),
        Notice::Config(_) => "the file was loaded",
        Notice::Link(_) => "link",
        Notice::Trouble(_) => "trouble",
        Notice::Planned { .. } => "planned",
        Notice::PlanStale { .. } => "plan stale",
        Notice::Status { .. } => "status",
        Notice::Drift { .. } => "drift report",
        Notice::Lock { .. } => "lock report",
        Notice::Unlocked { .. } => "unlocked",
        Notice::LockHistory { .. } => "lock history",
        Notice::Record { .. } => "record",
        Notice::Runs { .. } => "runs",
        Notice::RunEvents { .. } => "run events",
        Notice::Output { .. } => return None,
        Notice::Heard(_) => "the platform reported something",
        Notice::Usual(_) => "usual durations",
        Notice::Usage { .. } => return None,
        Notice::Probes { .. } => "probes",
        Notice::Stored { .. } => "stored state",
        Notice::Looked | Notice::Leadership(_) => return None,
        Notice::Amended { .. } => "drift decided",
        Notice::Ignored { .. } => "ignored drift",
        Notice::Workers(_) => "workers",
        Notice::Installs { .. } => "installations",
        Notice::OutputLost { .. } => "output lost",
        Notice::Done { .. } => "done",
        Notice::Failed { .. } => "failed",
    })
}

fn happened(kind: &EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::RunStarted { .. } => "run started",
        EventKind::StageStarted { .. } => "stage started",
        EventKind::PlanMade { .. } => "plan made",
        EventKind::LayerStarted { .. } => "layer started",
        EventKind::ActionStarted { .. } => "action started",
        EventKind::ActionFinished { .. } => "action finished",
        EventKind::StepQueued { .. } => "step queued",
        EventKind::StepStarted => "step started",
        EventKind::StepProgress { .. } | EventKind::Log { .. } => return None,
        EventKind::StepFinished { .. } => "step finished",
        EventKind::HealthChanged { .. } => "health changed",
        EventKind::LockChanged { .. } => "lock changed",
        EventKind::DriftFound { .. } => "drift found",
        EventKind::DriftCleared => "drift cleared",
        EventKind::ConfigChanged => "the file changed",
        EventKind::Warning { .. } => "warning",
        EventKind::RunFinished { .. } => "run finished",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::chord::Key;

    fn typed(c: char) -> Chord {
        Chord {
            key: Key::Char(c),
            ctrl: false,
            alt: false,
        }
    }

    #[test]
    fn typed_text_is_never_recorded() {
        let mut recorder = Recorder::new(Wall(0));
        for c in "canary".chars() {
            recorder.key(Wall(1), Context::Typed, typed(c));
        }
        recorder.key(Wall(1), Context::Plan, typed('D'));
        recorder.msg(Wall(2), "shop", &Msg::Paste("canary".into()));
        let text = recorder.text();
        assert!(!text.contains("key in typed confirmation: c\n"), "{text}");
        assert!(text.contains("key in plan: D"), "{text}");
        assert!(text.contains("6 characters pasted"), "{text}");
    }

    #[test]
    fn the_ring_keeps_the_last_minutes_only() {
        let mut recorder = Recorder::new(Wall(0));
        for n in 0..10_000 {
            recorder.frame(Wall(n), 10, Duration::from_millis(2));
        }
        assert_eq!(recorder.text().lines().count(), ENTRIES);
        recorder.frame(Wall(KEPT + 10_001), 10, Duration::from_millis(4));
        assert_eq!(recorder.text().lines().count(), 1);
        let figures = recorder.figures();
        assert_eq!((figures.frames, figures.bytes), (10_001, 100_010));
        assert_eq!(figures.slowest, Duration::from_millis(4));
    }
}
