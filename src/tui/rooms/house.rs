//! All open rooms, and which one is on show.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures_util::future::{FutureExt, select_all};

use crate::tui::rooms::place::Place;
use crate::tui::rooms::room::{Heard, Room};
use crate::tui::rooms::tab::Tab;

/// The rooms; there is always one.
pub struct House {
    rooms: Vec<Room>,
    shown: usize,
}

impl House {
    /// Starts with one room.
    #[must_use]
    pub fn new(first: Room) -> Self {
        Self {
            rooms: vec![first],
            shown: 0,
        }
    }

    /// Returns all rooms.
    #[must_use]
    pub fn rooms(&self) -> &[Room] {
        &self.rooms
    }
    /// Returns all rooms.
    pub fn rooms_mut(&mut self) -> &mut [Room] {
        &mut self.rooms
    }
    /// Returns the number of the room on show.
    #[must_use]
    pub fn shown(&self) -> usize {
        self.shown
    }
    /// Returns a room.
    pub fn room(&mut self, index: usize) -> Option<&mut Room> {
        self.rooms.get_mut(index)
    }
    /// Returns the room on show.
    pub fn here(&mut self) -> Option<&mut Room> {
        self.rooms.get_mut(self.shown)
    }

    /// Returns the number of the room at this place, if it is open.
    #[must_use]
    pub fn find(&self, place: &Place) -> Option<usize> {
        self.rooms
            .iter()
            .position(|room| room.place.is(place) || room.asked.is(place))
    }

    /// Adds a room and returns its number.
    pub fn add(&mut self, room: Room) -> usize {
        self.rooms.push(room);
        self.rooms.len() - 1
    }

    /// Shows another room.
    pub fn show(&mut self, index: usize) {
        if index < self.rooms.len() {
            self.shown = index;
        }
    }

    /// Closes a room; the last one stays.
    pub fn close(&mut self, index: usize) -> Option<Room> {
        if self.rooms.len() < 2 || index >= self.rooms.len() {
            return None;
        }
        let closed = self.rooms.remove(index);
        if self.shown > index || self.shown >= self.rooms.len() {
            self.shown = self.shown.saturating_sub(1);
        }
        Some(closed)
    }

    /// Returns the number of the room so many doors further.
    #[must_use]
    pub fn beside(&self, doors: isize) -> usize {
        let count = self.rooms.len().max(1);
        let count = isize::try_from(count).unwrap_or(1);
        let here = isize::try_from(self.shown).unwrap_or(0);
        usize::try_from((here + doors).rem_euclid(count)).unwrap_or(0)
    }

    /// Returns all rooms as tabs.
    #[must_use]
    pub fn tabs(&self) -> Vec<Tab> {
        let tab = |(index, room): (usize, &Room)| Tab {
            place: room.place.clone(),
            mark: room.mark(),
            shown: index == self.shown,
        };
        self.rooms.iter().enumerate().map(tab).collect()
    }

    /// Returns all rooms as tabs when that is news to the one on show.
    pub fn news(&mut self) -> Option<Vec<Tab>> {
        for room in &mut self.rooms {
            room.settle();
        }
        self.here()?.look();
        let tabs = self.tabs();
        let known = &self.here()?.model.around.tabs;
        (*known != tabs).then_some(tabs)
    }

    /// Waits until one of the rooms says something.
    pub async fn hear(&mut self) -> (usize, Heard) {
        let rooms = self.rooms.iter_mut().filter(|room| !room.left);
        let waits: Vec<_> = rooms.map(|room| listen(room).boxed_local()).collect();
        if waits.is_empty() {
            return std::future::pending().await;
        }
        let (heard, index, _) = select_all(waits).await;
        let open = |(index, room): (usize, &Room)| (!room.left).then_some(index);
        let number = self.rooms.iter().enumerate().filter_map(open).nth(index);
        (number.unwrap_or(index), heard)
    }

    /// Takes news that has come already.
    pub fn waiting(&mut self) -> Option<(usize, Heard)> {
        self.rooms.iter_mut().enumerate().find_map(|(index, room)| {
            if let Some(answer) = room.spool.waiting() {
                return Some((index, Heard::Answer(answer)));
            }
            let notice = room.line.notices.try_recv().ok()?;
            Some((index, Heard::Notice(Box::new(notice))))
        })
    }
}

/// Waits for a room; nothing is lost when the wait is given up.
async fn listen(room: &mut Room) -> Heard {
    let line = &mut room.line;
    let mut changed = Box::pin(line.snapshot.changed());
    let mut answer = Box::pin(room.spool.next());
    let notices = &mut line.notices;
    let next = |cx: &mut Context<'_>| {
        // Lines may come without end; what comes seldom is looked for first, or a flood would hide it.
        if let Poll::Ready(Some(answer)) = answer.as_mut().poll(cx) {
            return Poll::Ready(Heard::Answer(answer));
        }
        if let Poll::Ready(Ok(())) = changed.as_mut().poll(cx) {
            return Poll::Ready(Heard::Snapshot);
        }
        let notice = notices.poll_recv(cx);
        notice.map(|notice| notice.map_or(Heard::Gone, |n| Heard::Notice(Box::new(n))))
    };
    poll_fn(next).await
}
