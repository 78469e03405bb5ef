//! `nkapp worker`: the loop that keeps watch, as a long-lived process.
//!
//! Two phases and an end, each a value of its own: [`Hydrated`] has the file and opens nothing; [`Active`] has the
//! session, the beacon and the leader's lease; its teardown runs in every case, also after an error. What it does about
//! drift is decided in [`app::worker`](crate::app::worker).

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::app::command::{Command, Stop, Ticket};
use crate::app::failure::Failure;
use crate::app::notice::Notice;
use crate::app::session::{self, Reader, Settings};
use crate::app::worker::mind::{Level, Said, Worker};
use crate::app::worker::news;
use crate::cli::errand::{Errand, Owed};
use crate::cli::exit;
use crate::cli::ground::{Beacon, Heard, Line};
use crate::domain::event::{Event, EventKind};
use crate::domain::project::project::Project;
use crate::domain::time::Wall;
use crate::formats::{event, text};
use crate::present::human;
use crate::present::role::{Role, Row};

/// Longest time without a sign of life.
const PULSE: Duration = Duration::from_secs(5);
/// How long ago the session may have answered to count as alive.
const ANSWERED: Duration = Duration::from_secs(10);
/// Shortest time between two.
const FRAME: Duration = Duration::from_millis(50);

pub(super) fn worker(errand: &mut Errand<'_>) -> Result<u8, Failure> {
    errand.owed = Owed::Nothing;
    let hydrated = Hydrated::load(errand)?;
    let mut active = hydrated.activate(errand)?;
    let ended = active.watch(errand);
    active.tear_down(errand);
    ended.map(|()| exit::DONE)
}

/// The file is loaded and checked; nothing is opened yet.
struct Hydrated {
    project: Arc<Project>,
}

impl Hydrated {
    fn load(errand: &mut Errand<'_>) -> Result<Self, Failure> {
        let (_, project) = errand.project()?;
        Ok(Self { project })
    }

    /// Starts the session, which connects by itself, lights the beacon, and asks to lead.
    fn activate(self, errand: &mut Errand<'_>) -> Result<Active, Failure> {
        let (identity, beacon) = errand.ground.beacon(&self.project)?;
        let mut line = errand.ground.connect(Settings {
            live: true,
            reader: Reader::Lossless,
            read_only: errand.read_only,
            workers: false,
            stays: true,
        })?;
        line.listen_to_signals();
        if !errand.read_only {
            line.send(Command::Lead)?;
        }
        let mind = Worker::new(identity, self.project, Instant::now(), errand.ground.now());
        Ok(Active {
            mind,
            beacon: Some(beacon),
            line: Some(line),
            vigil: Vigil::default(),
            asked_to_end: 0,
            shown: None,
        })
    }
}

/// Everything is open: the session's line, the beacon, the wish to lead.
struct Active {
    mind: Worker,
    beacon: Option<Box<dyn Beacon>>,
    line: Option<Box<dyn Line>>,
    /// Whether the session, which does all the work, still answers.
    vigil: Vigil,
    /// How often somebody asked it to end.
    asked_to_end: u32,
    /// When it was shown last.
    shown: Option<Instant>,
}

impl Active {
    /// The loop: hears, wishes, shows; until it was asked to end and nothing is under way.
    fn watch(&mut self, errand: &mut Errand<'_>) -> Result<(), Failure> {
        loop {
            self.wish(errand)?;
            self.ask_for_proof()?;
            let shown = self.show(errand.ground.now());
            let longest = if shown { PULSE } else { FRAME };
            if self.asked_to_end > 0 && !self.mind.is_busy() {
                return Ok(());
            }
            let patience = self.mind.patience(Instant::now());
            let patience = patience.map_or(longest, |patience| patience.min(longest));
            let heard = match self.line.as_mut() {
                Some(line) => line.hear(Some(patience)),
                None => Heard::Closed,
            };
            match heard {
                Heard::Notice(notice) => {
                    self.vigil.hear(&notice, Instant::now());
                    self.mind.hear(&notice, Instant::now(), errand.ground.now());
                    for event in self.mind.take_news() {
                        log_event(errand, &event);
                    }
                    if let Notice::Event(event) = *notice
                        && !news::is_drift(&event)
                    {
                        log_event(errand, &event);
                    }
                }
                Heard::Tick => {}
                Heard::Hangup => self.send(Command::Reload)?,
                Heard::Interrupt | Heard::Terminate => self.end()?,
                Heard::Closed => return Err(session::gone()),
            }
        }
    }

    fn wish(&mut self, errand: &mut Errand<'_>) -> Result<(), Failure> {
        while let Some(command) = self.mind.wish(Instant::now()) {
            let Some(line) = self.line.as_mut() else {
                return Err(session::gone());
            };
            let ticket = line.send(command.clone())?;
            self.mind.sent(&command, ticket);
        }
        for said in self.mind.take_said() {
            log_said(errand, &said);
        }
        Ok(())
    }

    /// A session that hangs is no life, however well this loop does: it is asked, and has to answer.
    fn ask_for_proof(&mut self) -> Result<(), Failure> {
        if self.vigil.is_due(Instant::now()) {
            let Some(line) = self.line.as_mut() else {
                return Err(session::gone());
            };
            self.vigil.asked = Some(line.send(Command::Prove)?);
        }
        Ok(())
    }

    /// Shows what it does, but not more often than anybody could want to know: a run says much. Tells whether it did.
    fn show(&mut self, wall: Wall) -> bool {
        if self.shown.is_some_and(|at| at.elapsed() < FRAME) {
            return false;
        }
        self.shown = Some(Instant::now());
        let now = Instant::now();
        let report = self.mind.report(now, wall);
        let alive = self.vigil.is_alive(now);
        if let Some(beacon) = self.beacon.as_mut() {
            beacon.show(&report, alive);
        }
        true
    }

    /// The first time what is under way is finished, the second time it is cancelled.
    fn end(&mut self) -> Result<(), Failure> {
        self.asked_to_end += 1;
        let stop = if self.asked_to_end > 1 {
            Stop::Cancel
        } else {
            self.mind.drain();
            if let Some(beacon) = self.beacon.as_mut() {
                beacon.ending();
            }
            Stop::Drain
        };
        self.send(Command::Stop { stop })
    }

    fn send(&mut self, command: Command) -> Result<(), Failure> {
        match self.line.as_mut() {
            Some(line) => line.send(command).map(|_| ()),
            None => Err(session::gone()),
        }
    }

    /// Gives the lead back, lets the session end, and takes the beacon down, in that order.
    fn tear_down(mut self, errand: &mut Errand<'_>) {
        // A session that is gone has given everything back already.
        let _ = self.send(Command::Resign);
        self.line = None;
        self.beacon = None;
        let said = Said {
            level: Level::Info,
            topic: "life",
            text: "ended".to_owned(),
            address: None,
        };
        log_said(errand, &said);
    }
}

/// Watches over the session: asks it again and again, and remembers when it answered last.
#[derive(Clone, Copy, Debug, Default)]
struct Vigil {
    asked: Option<Ticket>,
    answered: Option<Instant>,
}

impl Vigil {
    fn is_due(&self, now: Instant) -> bool {
        let fresh = |at: Instant| now.saturating_duration_since(at) < PULSE;
        self.asked.is_none() && !self.answered.is_some_and(fresh)
    }

    fn hear(&mut self, notice: &Notice, now: Instant) {
        if let Notice::Done { ticket, .. } = notice
            && self.asked == Some(*ticket)
        {
            self.asked = None;
            self.answered = Some(now);
        }
    }

    fn is_alive(&self, now: Instant) -> bool {
        let lately = |at: Instant| now.saturating_duration_since(at) <= ANSWERED;
        self.answered.is_some_and(lately)
    }
}

fn log_said(errand: &mut Errand<'_>, said: &Said) {
    let at = errand.ground.now();
    if errand.terminal.stderr {
        let role = match said.level {
            Level::Info => Role::Plain,
            Level::Warn => Role::Warn,
            Level::Error => Role::Bad,
        };
        let row = Row::at(0)
            .with(Role::Dim, format!("{} ", human::clock(at)))
            .with(role, &said.text);
        errand.printer.say(&[row]);
        return;
    }
    let line = json!({
        "at": text::rfc3339(at),
        "level": said.level.as_str(),
        "kind": "worker",
        "topic": said.topic,
        "address": said.address.as_ref().map(ToString::to_string),
        "text": said.text,
    });
    errand.printer.log_line(&line);
}

fn log_event(errand: &mut Errand<'_>, event: &Event) {
    if errand.terminal.stderr {
        errand.printer.event(event);
        return;
    }
    let level = match &event.kind {
        EventKind::Log { .. } | EventKind::StepProgress { .. } | EventKind::StepQueued { .. } => {
            return;
        }
        EventKind::Warning { .. } | EventKind::DriftFound { .. } => Level::Warn,
        _ => Level::Info,
    };
    let Ok(Value::Object(mut line)) = serde_json::from_str(&event::encode_line(event)) else {
        return;
    };
    // A plan is kept with its run; in a log it would drown everything else.
    line.remove("plan");
    line.insert("level".to_owned(), json!(level.as_str()));
    errand.printer.log_line(&Value::Object(line));
}

#[cfg(test)]
mod tests;
