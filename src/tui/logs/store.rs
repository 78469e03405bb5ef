//! The store of one text: chunks in memory up to a budget, older ones on disk, all of them countable.
//!
//! Pure: what has to be written or read is asked for as data ([`Store::owed`], [`Store::want`]) and comes back as a
//! message. Lines are named by a number that never changes, so a reader holds still by remembering one.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::event::Stream;
use crate::domain::time::Wall;
use crate::tui::logs::chunk::{Chunk, Kind, Line};
pub use crate::tui::logs::slot::{Fetch, Have, Part, Place, Spill, Summary};
use crate::tui::logs::slot::{Slot, State, slot_of};

/// The store.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) id: u32,
    pub(super) budget: usize,
    pub(super) slots: Vec<Slot>,
    open: Chunk,
    open_sources: BTreeMap<u16, u32>,
    open_kinds: [u32; 4],
    first_open: u64,
    pub(super) memory: usize,
    /// The oldest chunk that may still have to go.
    pub(super) oldest: usize,
    names: Vec<String>,
    numbers: BTreeMap<String, u16>,
    last_source: (String, u16),
    first_at: Wall,
    last_at: Wall,
    bytes: u64,
    pub(super) lost: u64,
    pub(super) why_lost: Option<String>,
    missing: u64,
    pub(super) uses: u64,
}

impl Store {
    /// Bytes kept in memory.
    pub const BUDGET: usize = 64 * 1024 * 1024;

    /// Makes an empty store.
    #[must_use]
    pub fn new(id: u32) -> Self {
        Self::with_budget(id, Self::BUDGET)
    }
    /// Makes an empty store that keeps so many bytes in memory.
    #[must_use]
    pub fn with_budget(id: u32, budget: usize) -> Self {
        Self {
            id,
            budget,
            slots: Vec::new(),
            open: Chunk::default(),
            open_sources: BTreeMap::new(),
            open_kinds: [0; 4],
            first_open: 0,
            memory: 0,
            oldest: 0,
            names: Vec::new(),
            numbers: BTreeMap::new(),
            last_source: (String::new(), 0),
            first_at: Wall(0),
            last_at: Wall(0),
            bytes: 0,
            lost: 0,
            why_lost: None,
            missing: 0,
            uses: 0,
        }
    }

    /// Takes a line of output.
    pub fn push(&mut self, at: Wall, stream: Stream, source: &str, text: &str) {
        self.add(at, Kind::Output(stream), source, text);
    }
    /// Sets a mark at the end.
    pub fn mark(&mut self, at: Wall, text: &str) {
        self.add(at, Kind::Mark, "", text);
    }

    fn add(&mut self, at: Wall, kind: Kind, source: &str, text: &str) {
        let source = self.number_of(source);
        if self.is_empty() {
            self.first_at = at;
        }
        self.last_at = at;
        self.bytes += text.len() as u64;
        self.open.push(Line {
            at,
            kind,
            source,
            escapes: false,
            text,
        });
        *self.open_sources.entry(source).or_default() += 1;
        if let Some(count) = self.open_kinds.get_mut(slot_of(kind)) {
            *count += 1;
        }
        if self.open.is_full() {
            self.seal();
        }
    }

    fn number_of(&mut self, source: &str) -> u16 {
        // Most lines come from where the one before them came.
        let (last, number) = &self.last_source;
        if last == source && !self.names.is_empty() {
            return *number;
        }
        let number = self.look_up(source);
        self.last_source = (source.to_owned(), number);
        number
    }

    fn look_up(&mut self, source: &str) -> u16 {
        if let Some(number) = self.numbers.get(source) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.names.len()) else {
            return u16::MAX;
        };
        self.names.push(source.to_owned());
        self.numbers.insert(source.to_owned(), number);
        number
    }

    fn seal(&mut self) {
        let mut chunk = std::mem::take(&mut self.open);
        chunk.seal();
        let lines = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        self.memory += chunk.bytes();
        self.slots.push(Slot {
            first: self.first_open,
            lines,
            sources: std::mem::take(&mut self.open_sources),
            kinds: std::mem::take(&mut self.open_kinds),
            state: State::Here(Arc::new(chunk)),
        });
        self.first_open += u64::from(lines);
    }

    /// Returns the number of this store; what is written and read for it carries it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }
    /// Returns the number the next line gets.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first_open + self.open.len() as u64
    }
    /// Tells whether no line arrived yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.end() == 0
    }
    /// Returns when the first line was told.
    #[must_use]
    pub fn first_at(&self) -> Wall {
        self.first_at
    }
    /// Returns when the last line was told.
    #[must_use]
    pub fn last_at(&self) -> Wall {
        self.last_at
    }
    /// Returns the bytes of text taken in.
    #[must_use]
    pub fn text_bytes(&self) -> u64 {
        self.bytes
    }
    /// Returns the bytes held in memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory + self.open.bytes()
    }
    /// Returns the names of all sources by their number.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.names
    }
    /// Returns how many lines were given up, and why.
    #[must_use]
    pub fn lost(&self) -> Option<(u64, &str)> {
        (self.lost > 0).then(|| (self.lost, self.why_lost.as_deref().unwrap_or("")))
    }
    /// Returns how many lines never arrived because reading was slow.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }
    /// Notes lines that never arrived.
    pub fn miss(&mut self, lines: u64) {
        self.missing = self.missing.saturating_add(lines);
    }

    /// Returns how many chunks there are, the open one included.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.slots.len() + 1
    }
    /// Returns the chunk a line is in, and its place there.
    #[must_use]
    pub fn chunk_of(&self, line: u64) -> (usize, usize) {
        let chunk = if line >= self.first_open {
            self.slots.len()
        } else {
            self.slots
                .partition_point(|slot| slot.first <= line)
                .saturating_sub(1)
        };
        let first = self.first_of(chunk);
        (
            chunk,
            usize::try_from(line.saturating_sub(first)).unwrap_or(usize::MAX),
        )
    }
    /// Returns the number of a chunk's first line.
    #[must_use]
    pub fn first_of(&self, chunk: usize) -> u64 {
        self.slots
            .get(chunk)
            .map_or(self.first_open, |slot| slot.first)
    }
    /// Returns what a chunk holds.
    #[must_use]
    pub fn summary(&self, chunk: usize) -> Summary<'_> {
        match self.slots.get(chunk) {
            Some(slot) => Summary {
                first: slot.first,
                lines: usize::try_from(slot.lines).unwrap_or(usize::MAX),
                sources: &slot.sources,
                kinds: slot.kinds,
                open: false,
            },
            None => Summary {
                first: self.first_open,
                lines: self.open.len(),
                sources: &self.open_sources,
                kinds: self.open_kinds,
                open: true,
            },
        }
    }
    /// Returns what can be had of a chunk.
    #[must_use]
    pub fn have(&self, chunk: usize) -> Have<'_> {
        match self.slots.get(chunk).map(|slot| &slot.state) {
            None => Have::Lines(&self.open),
            Some(State::Here(lines) | State::Leaving(lines) | State::Back(_, lines, _)) => {
                Have::Lines(lines)
            }
            Some(State::Away(_) | State::Coming(_)) => Have::Away,
            Some(State::Lost) => Have::Lost,
        }
    }
    /// Returns a line that is in memory.
    #[must_use]
    pub fn line(&self, number: u64) -> Option<Line<'_>> {
        let (chunk, index) = self.chunk_of(number);
        match self.have(chunk) {
            Have::Lines(lines) => lines.line(index),
            Have::Away | Have::Lost => None,
        }
    }
    /// Returns all chunks as somebody else can read them: their lines, or where they lie.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let sealed = self.slots.iter().filter_map(|slot| match &slot.state {
            State::Here(lines) | State::Leaving(lines) | State::Back(_, lines, _) => {
                Some(Part::Lines(Arc::clone(lines)))
            }
            State::Away(place) | State::Coming(place) => Some(Part::Disk(*place)),
            State::Lost => None,
        });
        let mut parts: Vec<Part> = sealed.collect();
        parts.push(Part::Lines(Arc::new(self.open.clone())));
        parts
    }
}
