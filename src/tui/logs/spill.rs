//! What goes to disk and comes back: the oldest chunks beyond the budget, and those somebody looks at again.

use std::sync::Arc;

use crate::tui::logs::chunk::Chunk;
use crate::tui::logs::slot::State;
use crate::tui::logs::store::{Fetch, Place, Spill, Store};

/// Chunks that came back from disk and are kept for a while.
const BACK: usize = 24;

impl Store {
    /// Returns the next chunk that has to go to disk, as long as there is one.
    pub fn owed(&mut self) -> Option<Spill> {
        if self.memory <= self.budget {
            return None;
        }
        let settled: usize = self.leaving();
        if self.memory.saturating_sub(settled) <= self.budget {
            if settled > self.budget / 2 + Chunk::TEXT * 16 {
                self.give_up_oldest("the disk is too slow");
            }
            return None;
        }
        while let Some(slot) = self.slots.get_mut(self.oldest) {
            let chunk = self.oldest;
            self.oldest += 1;
            if let State::Here(lines) = &slot.state {
                let lines = Arc::clone(lines);
                slot.state = State::Leaving(Arc::clone(&lines));
                return Some(Spill {
                    store: self.id,
                    chunk,
                    bytes: lines.encode(),
                });
            }
        }
        None
    }

    /// Returns the bytes that are on their way to disk.
    fn leaving(&self) -> usize {
        // They are the last ones before `oldest`, and few.
        self.slots
            .iter()
            .take(self.oldest)
            .rev()
            .map_while(|slot| match &slot.state {
                State::Leaving(lines) => Some(lines.bytes()),
                State::Here(_)
                | State::Away(_)
                | State::Coming(_)
                | State::Back(..)
                | State::Lost => None,
            })
            .sum()
    }

    fn give_up_oldest(&mut self, why: &str) {
        let oldest = self
            .slots
            .iter_mut()
            .find(|slot| matches!(slot.state, State::Leaving(_)));
        if let Some(slot) = oldest {
            if let State::Leaving(lines) = &slot.state {
                self.memory = self.memory.saturating_sub(lines.bytes());
            }
            slot.state = State::Lost;
            self.lost += u64::from(slot.lines);
            self.why_lost = Some(why.to_owned());
        }
    }

    /// Learns that a chunk was written, or why not.
    pub fn spilled(&mut self, chunk: usize, end: Result<Place, String>) {
        let Some(slot) = self.slots.get_mut(chunk) else {
            return;
        };
        let State::Leaving(lines) = &slot.state else {
            return;
        };
        self.memory = self.memory.saturating_sub(lines.bytes());
        match end {
            Ok(place) => slot.state = State::Away(place),
            Err(why) => {
                slot.state = State::Lost;
                self.lost += u64::from(slot.lines);
                self.why_lost = Some(why);
            }
        }
    }

    /// Asks for a chunk: `Some` when it has to be read from disk now.
    pub fn want(&mut self, chunk: usize) -> Option<Fetch> {
        self.uses += 1;
        let uses = self.uses;
        let slot = self.slots.get_mut(chunk)?;
        match &mut slot.state {
            State::Away(place) => {
                let place = *place;
                slot.state = State::Coming(place);
                Some(Fetch {
                    store: self.id,
                    chunk,
                    place,
                })
            }
            State::Back(_, _, used) => {
                *used = uses;
                None
            }
            State::Here(_) | State::Leaving(_) | State::Coming(_) | State::Lost => None,
        }
    }

    /// Tells how many chunks are being read.
    #[must_use]
    pub fn coming(&self) -> usize {
        self.slots
            .iter()
            .filter(|slot| matches!(slot.state, State::Coming(_)))
            .count()
    }

    /// Takes a chunk that was read, or why it cannot be.
    pub fn fetched(&mut self, chunk: usize, end: Result<Vec<u8>, String>) {
        self.uses += 1;
        let uses = self.uses;
        let Some(slot) = self.slots.get_mut(chunk) else {
            return;
        };
        let State::Coming(place) = slot.state else {
            return;
        };
        let read = end.and_then(|bytes| {
            Chunk::decode(&bytes).ok_or_else(|| "the spool is damaged".to_owned())
        });
        match read {
            Ok(lines) => {
                self.memory += lines.bytes();
                slot.state = State::Back(place, Arc::new(lines), uses);
            }
            Err(why) => {
                slot.state = State::Lost;
                self.lost += u64::from(slot.lines);
                self.why_lost = Some(why);
            }
        }
        self.send_back();
    }

    /// Lets go of the chunks from disk that were wanted the longest ago.
    fn send_back(&mut self) {
        let mut back: Vec<(u64, usize)> = self
            .slots
            .iter()
            .enumerate()
            .filter_map(|(chunk, slot)| match &slot.state {
                State::Back(_, _, used) => Some((*used, chunk)),
                State::Here(_)
                | State::Leaving(_)
                | State::Away(_)
                | State::Coming(_)
                | State::Lost => None,
            })
            .collect();
        back.sort_unstable();
        let excess = back.len().saturating_sub(BACK);
        for (_, chunk) in back.into_iter().take(excess) {
            if let Some(slot) = self.slots.get_mut(chunk)
                && let State::Back(place, lines, _) = &slot.state
            {
                self.memory = self.memory.saturating_sub(lines.bytes());
                slot.state = State::Away(*place);
            }
        }
    }
}
