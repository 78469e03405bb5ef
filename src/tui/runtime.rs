//! The loop: what happens becomes messages, messages change the models, effects are carried out, frames are drawn.
//!
//! The only file that knows a clock, a channel and a terminal at once. Nothing is drawn unless something changed,
//! never more often than thirty times a second unless a key is answered, and never at all while nothing moves: a
//! tick is only owed while something on the screen shows a running time. Rooms that are not on show are folded all
//! the same, and drawn never.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place that brings the time of day and other programs into the panel"
)]

mod away;
mod doing;
mod moving;
mod signals;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossterm::event::{Event, KeyEvent};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::domain::time::Wall;
use crate::tui::farewell;
use crate::tui::keymap::chord::Chord;
use crate::tui::keymap::map::Keymap;
use crate::tui::msg::Msg;
use crate::tui::recorder::Recorder;
use crate::tui::rooms::doors::{Doors, Opened};
use crate::tui::rooms::house::House;
use crate::tui::rooms::place::Place;
use crate::tui::rooms::room::{Heard, Room};
use crate::tui::runtime::away::Away;
use crate::tui::runtime::signals::{Caught, Signals};
use crate::tui::terminal::{Read, Reader, Screen, may_stop};
use crate::tui::theme::Tone;
use crate::tui::update::route::update;
use crate::tui::view::screen::draw;

/// The least time between two frames.
const FRAME: Duration = Duration::from_millis(33);
/// The least time between a frame and one that answers a key.
const KEYED: Duration = Duration::from_millis(8);
/// How many messages are taken before a frame that is due.
const BATCH: usize = 2_048;

/// How the panel ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelEnd {
    /// Exit code of the process: 0, or 130 when it was interrupted or its terminal went away.
    pub exit_code: u8,
    /// What stays on the normal screen; it is printed already.
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
    /// No room is open.
    #[error("there is nothing to show")]
    Empty,
}

/// Opens the panel on these rooms and returns when it was left; the terminal is as it was before, on every way out.
///
/// # Errors
/// There is no usable terminal.
pub async fn run(doors: &mut dyn Doors, rooms: Vec<Opened>) -> Result<PanelEnd, PanelError> {
    let signals = Signals::listen().map_err(PanelError::Signals)?;
    let mut screen = Screen::take().map_err(PanelError::Terminal)?;
    screen.mouse(true).map_err(PanelError::Terminal)?;
    let reader = Reader::start().map_err(PanelError::Terminal)?;
    let size = screen.size().unwrap_or((80, 24));
    let mut rooms = rooms.into_iter().map(|door| Room::new(door, size, now()));
    let first = rooms.next().ok_or(PanelError::Empty)?;
    let (found, finds) = mpsc::channel(4);
    let mut panel = Panel {
        keymap: Arc::clone(&first.model.setup.keymap),
        doors,
        house: House::new(first),
        screen: Some(screen),
        reader: Some(reader),
        away: None,
        recorder: Recorder::new(now()),
        found,
        finds,
        interrupted: false,
        closing: false,
        keyed: false,
        next_frame: Instant::now(),
    };
    for room in rooms {
        panel.house.add(room);
    }
    panel.turn(signals).await;
    panel.close().await;
    let rooms = panel.house.rooms();
    let reports: Vec<String> = rooms
        .iter()
        .map(|room| farewell::report(&room.model))
        .filter(|report| !report.is_empty())
        .collect();
    let report = reports.join("\n");
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

/// The panel with everything it touches. `screen` and `reader` are gone once the terminal is.
struct Panel<'d> {
    doors: &'d mut dyn Doors,
    house: House,
    keymap: Arc<Keymap>,
    screen: Option<Screen>,
    reader: Option<Reader>,
    /// The program that has the terminal just now; nothing is drawn and nothing read then.
    away: Option<Away>,
    recorder: Recorder,
    found: mpsc::Sender<Vec<Place>>,
    finds: mpsc::Receiver<Vec<Place>>,
    interrupted: bool,
    /// Whether the panel is left as soon as every room is.
    closing: bool,
    /// Whether a key waits to be seen on the screen.
    keyed: bool,
    next_frame: Instant,
}

/// What ended a wait.
enum Woken {
    Signal(Caught),
    Read(Read),
    Heard(usize, Heard),
    Returned(Result<(), String>),
    Found(Vec<Place>),
    More,
    Time,
}

impl Panel<'_> {
    /// Goes round until the panel is left.
    async fn turn(&mut self, mut signals: Signals) {
        loop {
            if self.frame_due() {
                self.frame();
            }
            if self.over() {
                return;
            }
            let woken = self.wait(&mut signals).await;
            self.here(Msg::Tick(now()));
            self.woken(woken);
            self.drain();
            self.go_on();
            self.look_about();
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let seen = self.away.is_none() && self.screen.is_some();
        let shown = self.house.shown();
        let owed = match self.house.room(shown) {
            Some(room) => room.model.dirty || room.fresh,
            None => false,
        };
        let rooms = self.house.rooms();
        let hidden = rooms.iter().any(|room| room.fresh);
        let more = rooms.iter().any(|room| room.more && !room.left);
        let tick = rooms
            .get(shown)
            .filter(|_| seen)
            .and_then(|room| room.model.wakes_at(now()));
        let due = self.due();
        let left = tick.map_or(0, |at| at.0.saturating_sub(now().0));
        let second = Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let read = async {
            match &mut self.reader {
                Some(reader) => reader.next().await,
                None => std::future::pending().await,
            }
        };
        let returned = async {
            match &mut self.away {
                Some(away) => away.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            caught = signals.next() => Woken::Signal(caught),
            read = read => Woken::Read(read),
            end = returned => Woken::Returned(end),
            (room, heard) = self.house.hear() => Woken::Heard(room, heard),
            Some(places) = self.finds.recv() => Woken::Found(places),
            () = sleep_until(due), if (owed || hidden) && !more => Woken::Time,
            () = std::future::ready(()), if more => Woken::More,
            () = sleep_until(second), if tick.is_some() => Woken::Time,
        }
    }

    fn woken(&mut self, woken: Woken) {
        match woken {
            Woken::Signal(caught) => self.caught(caught),
            Woken::Read(read) => self.read(read),
            Woken::Heard(room, heard) => self.heard(room, heard),
            Woken::Returned(end) => self.returned(end),
            Woken::Found(places) => self.here(Msg::Places(places)),
            Woken::More | Woken::Time => {}
        }
    }

    /// Does the next step of what was begun; also while so much comes in that there is never nothing to wait for.
    fn go_on(&mut self) {
        for index in 0..self.house.rooms().len() {
            let more = self.house.room(index).map(|room| &mut room.more);
            if more.is_some_and(std::mem::take) {
                self.tell(index, Msg::More);
            }
        }
    }

    fn heard(&mut self, room: usize, heard: Heard) {
        match heard {
            Heard::Notice(notice) => self.tell(room, Msg::Notice(notice)),
            Heard::Snapshot => {
                if let Some(room) = self.house.room(room) {
                    room.fresh = true;
                }
            }
            Heard::Answer(answer) => self.tell(room, answer),
            Heard::Gone => self.tell(room, Msg::SessionLost),
        }
    }

    /// Takes what else has come already, so that one frame shows all of it.
    fn drain(&mut self) {
        for _ in 0..BATCH {
            let read = self.reader.as_mut().and_then(Reader::waiting);
            match read {
                Some(read) => self.read(read),
                None => match self.house.waiting() {
                    Some((room, heard)) => self.heard(room, heard),
                    None => return,
                },
            }
            if self.over() {
                return;
            }
        }
    }

    fn frame_due(&self) -> bool {
        let owed = |(index, room): (usize, &Room)| {
            room.fresh || (room.model.dirty && index == self.house.shown())
        };
        self.house.rooms().iter().enumerate().any(owed) && Instant::now() >= self.due()
    }

    /// When the next frame may be drawn: sooner when a key waits for it.
    fn due(&self) -> Instant {
        let sooner = if self.keyed {
            FRAME.saturating_sub(KEYED)
        } else {
            Duration::ZERO
        };
        self.next_frame
            .checked_sub(sooner)
            .unwrap_or(self.next_frame)
    }

    /// Takes the newest snapshots and draws the room on show.
    fn frame(&mut self) {
        self.next_frame = Instant::now() + FRAME;
        self.keyed = false;
        for index in 0..self.house.rooms().len() {
            let Some(room) = self.house.room(index) else {
                continue;
            };
            if std::mem::take(&mut room.fresh) {
                let snapshot = room.line.snapshot.borrow_and_update().clone();
                self.tell(index, Msg::Snapshot(snapshot));
            }
        }
        self.look_about();
        self.measure();
        let Some(room) = self.house.here() else {
            return;
        };
        if !std::mem::take(&mut room.model.dirty) || self.away.is_some() {
            return;
        }
        let Some(screen) = &mut self.screen else {
            return;
        };
        let began = Instant::now();
        let drawn = screen.draw(|frame| draw(frame, &room.model, &self.keymap));
        match drawn {
            Ok(bytes) => self.recorder.frame(now(), bytes, began.elapsed()),
            Err(_) => self.lost(),
        }
    }

    fn read(&mut self, read: Read) {
        match read {
            Read::Event(Event::Key(key)) => self.key(key),
            Read::Event(Event::Paste(text)) => self.here(Msg::Paste(text)),
            Read::Event(Event::Resize(columns, rows)) => self.here(Msg::Resize(columns, rows)),
            Read::Event(Event::Mouse(event)) => {
                if let Some(pointer) = doing::pointer(event) {
                    self.here(Msg::Mouse(pointer));
                }
            }
            Read::Event(Event::FocusGained | Event::FocusLost) => {}
            Read::Lost => self.lost(),
        }
    }

    fn key(&mut self, key: KeyEvent) {
        let Some(chord) = Chord::of(key) else {
            return;
        };
        if let Some(room) = self.house.here() {
            self.recorder.key(now(), room.model.context(), chord);
        }
        self.keyed = true;
        self.here(Msg::Key(chord));
    }

    fn caught(&mut self, caught: Caught) {
        match caught {
            Caught::End => self.terminate(),
            // While a program has the terminal, Ctrl-C is meant for it.
            Caught::Interrupt if self.away.is_some() => {}
            Caught::Interrupt => self.terminate(),
            Caught::Hangup => self.lost(),
            Caught::Resize => self.resized(),
            Caught::Stop if self.away.is_some() && !may_stop() => {}
            Caught::Stop if self.away.is_some() => {
                let stopped = self.screen.as_ref().map(Screen::stop_beside);
                if matches!(stopped, Some(Err(_))) {
                    self.lost();
                }
            }
            Caught::Stop => self.suspend(),
            Caught::Resume if self.away.is_some() => {}
            Caught::Resume => {
                let retaken = self.screen.as_mut().map(Screen::retake);
                self.retaken(matches!(retaken, Some(Err(_))));
            }
        }
    }

    fn terminate(&mut self) {
        self.interrupted = true;
        self.everybody(&Msg::Terminate);
    }

    fn resized(&mut self) {
        if self.away.is_some() {
            return;
        }
        match self.screen.as_ref().map(Screen::size) {
            Some(Ok((columns, rows))) => self.here(Msg::Resize(columns, rows)),
            Some(Err(_)) => self.lost(),
            None => {}
        }
    }

    fn suspend(&mut self) {
        if !may_stop() {
            let text = "not in the background: no shell with job control would bring it back";
            return self.here(Msg::Overheard(Tone::Warn, text.to_owned()));
        }
        let suspended = self.screen.as_mut().map(Screen::suspend);
        self.retaken(matches!(suspended, Some(Err(_))));
    }

    /// The terminal is ours again, perhaps with another size.
    fn retaken(&mut self, lost: bool) {
        if lost {
            return self.lost();
        }
        if let Some(room) = self.house.here() {
            room.model.dirty = true;
        }
        self.resized();
    }

    /// The terminal is gone: nothing is drawn any more, and what runs is drained.
    fn lost(&mut self) {
        let first = self.screen.take().is_some();
        self.reader = None;
        self.interrupted = true;
        if first {
            self.everybody(&Msg::TerminalLost);
        }
    }

    /// Tells every room that the end has come.
    fn everybody(&mut self, msg: &Msg) {
        self.closing = true;
        for index in 0..self.house.rooms().len() {
            self.tell(index, msg.clone());
        }
    }

    /// Changes the room on show by one message.
    fn here(&mut self, msg: Msg) {
        self.tell(self.house.shown(), msg);
    }

    /// Changes a room by one message and does what it asks for.
    fn tell(&mut self, index: usize, msg: Msg) {
        let shown = index == self.house.shown();
        let Some(room) = self.house.room(index) else {
            return;
        };
        self.recorder.msg(now(), &room.place.name, &msg);
        if !shown {
            update(&mut room.model, Msg::Tick(now()), &self.keymap);
        }
        let effects = update(&mut room.model, msg, &self.keymap);
        let said = if shown {
            Vec::new()
        } else {
            std::mem::take(&mut room.model.toasts)
        };
        let title = room.place.title();
        for toast in said {
            self.here(Msg::Overheard(
                toast.tone,
                format!("{title}: {}", toast.text),
            ));
        }
        for effect in effects {
            self.recorder.effect(now(), &effect);
            self.carry_out(index, effect);
        }
    }
}
