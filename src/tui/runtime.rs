//! The loop: what happens becomes messages, messages change the model, effects are carried out, frames are drawn.
//!
//! The only file that knows a clock, a channel and a terminal at once. Nothing is drawn unless something changed,
//! never more often than thirty times a second, and never at all while nothing moves: a tick is only owed while
//! something on the screen shows a running time.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place that brings the time of day into the panel"
)]

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::Event;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use crate::app::notice::Notice;
use crate::app::session::Client;
use crate::domain::time::Wall;
use crate::tui::effect::Effect;
use crate::tui::farewell;
use crate::tui::keymap::chord::Chord;
use crate::tui::keymap::map::{Keymap, KeymapError};
use crate::tui::model::{Model, PanelOptions};
use crate::tui::msg::Msg;
use crate::tui::terminal::{Read, Reader, Screen};
use crate::tui::update::route::update;
use crate::tui::view::scratch::Scratch;
use crate::tui::view::screen::draw;

/// The least time between two frames.
const FRAME: Duration = Duration::from_millis(33);
/// How many messages are taken before a frame that is due.
const BATCH: usize = 256;

/// How the panel ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelEnd {
    /// Exit code of the process: 0, or 130 when it was interrupted or its terminal went away.
    pub exit_code: u8,
    /// One line for the normal screen; it is printed already.
    pub report: String,
}

/// Why the panel could not run.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// There is no terminal, or it does not do what is asked of it.
    #[error("the terminal cannot be used for the panel")]
    Terminal(#[source] io::Error),
    /// The signals of the process cannot be listened to.
    #[error("the signals of the process cannot be heard")]
    Signals(#[source] io::Error),
    /// The table of keys contradicts itself.
    #[error("the keys cannot be used")]
    Keys(#[source] KeymapError),
}

/// Opens the panel and returns when it was left; the terminal is as it was before, on every way out.
///
/// # Errors
/// There is no usable terminal.
pub async fn run(line: Client, options: PanelOptions) -> Result<PanelEnd, PanelError> {
    let keymap = Keymap::built_in().map_err(PanelError::Keys)?;
    let signals = Signals::listen().map_err(PanelError::Signals)?;
    let screen = Screen::take().map_err(PanelError::Terminal)?;
    let reader = Reader::start().map_err(PanelError::Terminal)?;
    let snapshot = line.snapshot.borrow().clone();
    let mut model = Model::new(options, snapshot, now());
    if let Ok(size) = screen.size() {
        model.size = size;
    }
    let mut panel = Panel {
        model,
        keymap,
        scratch: Scratch::default(),
        screen: Some(screen),
        reader: Some(reader),
        line,
        interrupted: false,
        fresh: false,
        next_frame: Instant::now(),
    };
    panel.turn(signals).await;
    let report = farewell::report(&panel.model);
    let exit_code = if panel.interrupted { 130 } else { 0 };
    drop(panel);
    if !report.is_empty() {
        // A closed standard output is no reason to fail on the way out.
        let _ = writeln!(io::stdout(), "{report}");
    }
    Ok(PanelEnd { exit_code, report })
}

fn now() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Wall(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}

/// Signals the panel answers.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    resize: Signal,
    stop: Signal,
    resume: Signal,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
enum Caught {
    End,
    Hangup,
    Resize,
    Stop,
    Resume,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let raw = |signal: rustix::process::Signal| SignalKind::from_raw(signal.as_raw());
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            resize: signal(SignalKind::window_change())?,
            stop: signal(raw(rustix::process::Signal::TSTP))?,
            resume: signal(raw(rustix::process::Signal::CONT))?,
        })
    }

    async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.terminate.recv() => Caught::End,
            _ = self.interrupt.recv() => Caught::End,
            _ = self.hangup.recv() => Caught::Hangup,
            _ = self.resize.recv() => Caught::Resize,
            _ = self.stop.recv() => Caught::Stop,
            _ = self.resume.recv() => Caught::Resume,
        }
    }
}

/// The panel with everything it touches. `screen` and `reader` are gone once the terminal is.
struct Panel {
    model: Model,
    keymap: Keymap,
    scratch: Scratch,
    screen: Option<Screen>,
    reader: Option<Reader>,
    line: Client,
    interrupted: bool,
    /// Whether a snapshot waits to be taken with the next frame.
    fresh: bool,
    next_frame: Instant,
}

/// What ended a wait.
enum Woken {
    Signal(Caught),
    Read(Read),
    Notice(Option<Box<Notice>>),
    Snapshot(bool),
    Time,
}

impl Panel {
    /// Goes round until the panel is left.
    async fn turn(&mut self, mut signals: Signals) {
        loop {
            if self.frame_due() && self.frame() {
                return;
            }
            let woken = self.wait(&mut signals).await;
            if self.tell(Msg::Tick(now())) || self.woken(woken) || self.drain() {
                return;
            }
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let owed = self.model.dirty || self.fresh;
        let second = Instant::now()
            + Duration::from_millis(1_000 - now().0.rem_euclid(1_000).unsigned_abs());
        let ticking = self.model.shows_time();
        let read = async {
            match &mut self.reader {
                Some(reader) => reader.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            caught = signals.next() => Woken::Signal(caught),
            read = read => Woken::Read(read),
            notice = self.line.notices.recv() => Woken::Notice(notice.map(Box::new)),
            changed = self.line.snapshot.changed() => Woken::Snapshot(changed.is_ok()),
            () = sleep_until(self.next_frame), if owed => Woken::Time,
            () = sleep_until(second), if ticking => Woken::Time,
        }
    }

    /// Takes what ended a wait; true when the panel is to be left.
    fn woken(&mut self, woken: Woken) -> bool {
        match woken {
            Woken::Signal(caught) => self.caught(caught),
            Woken::Read(read) => self.read(read),
            Woken::Notice(Some(notice)) => self.tell(Msg::Notice(notice)),
            Woken::Snapshot(true) => {
                self.fresh = true;
                false
            }
            Woken::Notice(None) | Woken::Snapshot(false) => self.tell(Msg::SessionLost),
            Woken::Time => false,
        }
    }

    /// Takes what else has come already, so that one frame shows all of it.
    fn drain(&mut self) -> bool {
        for _ in 0..BATCH {
            let read = self.reader.as_mut().and_then(Reader::waiting);
            let leave = match read {
                Some(read) => self.read(read),
                None => match self.line.notices.try_recv() {
                    Ok(notice) => self.tell(Msg::Notice(Box::new(notice))),
                    Err(_) => return false,
                },
            };
            if leave {
                return true;
            }
        }
        false
    }

    fn frame_due(&self) -> bool {
        (self.model.dirty || self.fresh) && Instant::now() >= self.next_frame
    }

    /// Takes the newest snapshot and draws; true when the panel is to be left.
    fn frame(&mut self) -> bool {
        self.next_frame = Instant::now() + FRAME;
        if std::mem::take(&mut self.fresh) {
            let snapshot = self.line.snapshot.borrow_and_update().clone();
            if self.tell(Msg::Snapshot(snapshot)) {
                return true;
            }
        }
        let Some(screen) = &mut self.screen else {
            self.model.dirty = false;
            return false;
        };
        if !std::mem::take(&mut self.model.dirty) {
            return false;
        }
        let drawn = screen.draw(|frame| draw(frame, &self.model, &mut self.scratch, &self.keymap));
        drawn.is_err() && self.lost()
    }

    fn read(&mut self, read: Read) -> bool {
        match read {
            Read::Event(Event::Key(key)) => match Chord::of(key) {
                Some(chord) => self.tell(Msg::Key(chord)),
                None => false,
            },
            Read::Event(Event::Paste(text)) => self.tell(Msg::Paste(text)),
            Read::Event(Event::Resize(columns, rows)) => self.tell(Msg::Resize(columns, rows)),
            Read::Event(Event::Mouse(_) | Event::FocusGained | Event::FocusLost) => false,
            Read::Lost => self.lost(),
        }
    }

    fn caught(&mut self, caught: Caught) -> bool {
        match caught {
            Caught::End => {
                self.interrupted = true;
                self.tell(Msg::Terminate)
            }
            Caught::Hangup => self.lost(),
            Caught::Resize => match self.screen.as_ref().map(Screen::size) {
                Some(Ok((columns, rows))) => self.tell(Msg::Resize(columns, rows)),
                Some(Err(_)) => self.lost(),
                None => false,
            },
            Caught::Stop => self.carry_out(vec![Effect::Suspend]),
            Caught::Resume => {
                let retaken = self.screen.as_mut().map(Screen::retake);
                self.model.dirty = true;
                matches!(retaken, Some(Err(_))) && self.lost()
            }
        }
    }

    /// The terminal is gone: nothing is drawn any more, and what runs is drained.
    fn lost(&mut self) -> bool {
        let first = self.screen.take().is_some();
        self.reader = None;
        self.interrupted = true;
        first && self.tell(Msg::TerminalLost)
    }

    /// Changes the model by one message and does what it asks for; true when the panel is to be left.
    fn tell(&mut self, msg: Msg) -> bool {
        let effects = update(&mut self.model, msg, &self.keymap);
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> bool {
        let mut leave = false;
        for effect in effects {
            leave |= match effect {
                Effect::Send { command, wish } => {
                    let ticket = self.line.handle.send(command);
                    self.tell(Msg::Sent(wish, ticket))
                }
                Effect::Copy(text) => {
                    let copied = self.screen.as_ref().map(|screen| screen.copy(&text));
                    matches!(copied, Some(Err(_))) && self.lost()
                }
                Effect::Suspend => {
                    let suspended = self.screen.as_mut().map(Screen::suspend);
                    self.model.dirty = true;
                    matches!(suspended, Some(Err(_))) && self.lost()
                }
                Effect::Redraw => {
                    let cleared = self.screen.as_mut().map(Screen::clear);
                    matches!(cleared, Some(Err(_))) && self.lost()
                }
                Effect::Quit => true,
            };
        }
        leave
    }
}
