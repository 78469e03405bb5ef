//! Going from room to room, out to other programs, and home.

use crate::tui::memory;
use crate::tui::msg::Msg;
use crate::tui::rooms::doors::{Errand, Keepsake};
use crate::tui::rooms::place::Place;
use crate::tui::rooms::room::Room;
use crate::tui::runtime::away::Away;
use crate::tui::runtime::{Panel, now};
use crate::tui::terminal::{Reader, Screen};

impl Panel<'_> {
    /// Opens a room, or goes to it when it is open.
    pub(super) fn enter(&mut self, place: &Place) {
        if let Some(index) = self.house.find(place) {
            return self.show(index);
        }
        match self.doors.open(place) {
            Ok(opened) => {
                let size = self.house.here().map_or((80, 24), |room| room.model.size);
                let index = self.house.add(Room::new(opened, size, now()));
                self.show(index);
            }
            Err(why) => self.here(Msg::NoRoom(why)),
        }
    }

    /// Shows another room; what goes on in this one goes on.
    pub(super) fn show(&mut self, index: usize) {
        let left = self.house.here().map(|room| {
            // A half-typed sequence of keys is not meant for whoever comes back.
            room.model.pending.clear();
            (room.model.size, room.model.figures, room.model.hand.away)
        });
        self.here(Msg::Shown(false));
        self.house.show(index);
        self.here(Msg::Tick(now()));
        self.here(Msg::Shown(true));
        if let Some(((columns, rows), figures, away)) = left {
            // There is one mouse for all rooms.
            if let Some(room) = self.house.here() {
                room.model.hand.away = away;
            }
            self.here(Msg::Figures(figures));
            self.here(Msg::Resize(columns, rows));
        }
        self.look_about();
    }

    /// Tells the room on show how the others stand.
    pub(super) fn look_about(&mut self) {
        if let Some(tabs) = self.house.news() {
            self.here(Msg::Tabs(tabs));
        }
    }

    /// Tells the room on show how the panel itself does, if it wants to know.
    pub(super) fn measure(&mut self) {
        let wanted = self
            .house
            .here()
            .is_some_and(|room| room.model.figures.is_some());
        if wanted {
            self.here(Msg::Figures(Some(self.recorder.figures())));
        }
    }

    /// Ends what runs in the other rooms; the panel is left when all of them are.
    pub(super) fn leave_others(&mut self, index: usize) {
        self.closing = true;
        for other in 0..self.house.rooms().len() {
            if other != index {
                self.tell(other, Msg::Terminate);
            }
        }
    }

    /// Looks for places on a thread of its own; a disk can be slow.
    pub(super) fn look_around(&mut self, index: usize) {
        let Some(room) = self.house.room(index) else {
            return;
        };
        let search = self.doors.search(&room.place);
        let found = self.found.clone();
        let started = std::thread::Builder::new()
            .name("places".into())
            .spawn(move || {
                // Nobody waits for it any more when the panel was left.
                let _ = found.blocking_send(search());
            });
        if started.is_err() {
            self.here(Msg::Places(Vec::new()));
        }
    }

    /// Hands the terminal to a program.
    pub(super) fn errand(&mut self, index: usize, errand: Errand) {
        if self.away.is_some() || self.screen.is_none() {
            return;
        }
        let Some(room) = self.house.room(index) else {
            return;
        };
        let program = match self.doors.program(&room.place, &errand) {
            Ok(program) => program,
            Err(why) => return self.tell(index, Msg::Returned(errand, Err(why))),
        };
        // First the reader: whatever it still took would be missing in the program.
        if let Some(reader) = self.reader.take() {
            reader.stop();
        }
        if let Some(screen) = &mut self.screen {
            screen.lend();
        }
        self.tell(index, Msg::Shown(false));
        match Away::start(errand.clone(), index, program) {
            Ok(away) => self.away = Some(away),
            Err(why) => {
                self.reclaim();
                self.tell(index, Msg::Returned(errand, Err(why)));
            }
        }
    }

    /// Takes the terminal back from a program that ended.
    pub(super) fn returned(&mut self, end: Result<(), String>) {
        let Some(away) = self.away.take() else {
            return;
        };
        let end = end.map_err(|code| match self.doors.reason(&away.program) {
            Some(reason) => reason,
            None => code,
        });
        self.reclaim();
        self.tell(away.room, Msg::Returned(away.errand, end));
    }

    fn reclaim(&mut self) {
        let reclaimed = self.screen.as_mut().map(Screen::reclaim);
        let reader = Reader::start();
        match (reclaimed, reader) {
            (Some(Ok(())), Ok(reader)) => {
                self.reader = Some(reader);
                self.here(Msg::Shown(true));
                self.retaken(false);
            }
            (None, _) => {}
            (Some(_), _) => self.lost(),
        }
    }

    /// Keeps something as a file and says where.
    pub(super) fn keep(&mut self, index: usize, keepsake: &Keepsake) {
        let what = match keepsake {
            Keepsake::Script(_) => "the script",
            Keepsake::Bundle(_) => "the bundle",
            Keepsake::Memory(_) => "the memory",
        };
        let Some(room) = self.house.room(index) else {
            return;
        };
        let kept = self.doors.keep(&room.place, keepsake);
        self.tell(index, Msg::Kept(what, kept));
    }

    /// A room is done with: the panel is left when no other keeps it open.
    pub(super) fn quit(&mut self, index: usize) {
        let shown = index == self.house.shown();
        let Some(room) = self.house.room(index) else {
            return;
        };
        room.left = true;
        if self.closing {
            return;
        }
        if shown {
            self.everybody(&Msg::Terminate);
            return;
        }
        // The session of a room nobody looks at ended by itself.
        let title = room.place.title();
        let text = format!("{title} was closed: its session ended");
        self.house.close(index);
        self.here(Msg::NoRoom(text));
    }

    /// Tells whether every room is left; while one is not, it is the one on show.
    pub(super) fn over(&mut self) -> bool {
        if !self.closing {
            return false;
        }
        let Some(busy) = self.house.rooms().iter().position(|room| !room.left) else {
            return true;
        };
        if self
            .house
            .rooms()
            .get(self.house.shown())
            .is_none_or(|room| room.left)
        {
            self.show(busy);
        }
        false
    }

    /// Remembers how every room is left, and ends the program that still has the terminal.
    pub(super) async fn close(&mut self) {
        if let Some(away) = self.away.take() {
            away.end().await;
            if let Some(Err(_)) = self.screen.as_mut().map(Screen::reclaim) {
                self.screen = None;
            }
        }
        for room in self.house.rooms() {
            let memory = memory::of(&room.model);
            let keepsake = Keepsake::Memory(Box::new(memory));
            // What cannot be remembered is no reason to hold anybody up. Who comes back without naming an
            // environment finds the room too.
            let _ = self.doors.keep(&room.place, &keepsake);
            if !room.asked.is(&room.place) {
                let asked = Place {
                    name: room.place.name.clone(),
                    ..room.asked.clone()
                };
                let _ = self.doors.keep(&asked, &keepsake);
            }
        }
    }
}
