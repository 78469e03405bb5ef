//! A reader of a store: where in the text it is, what it leaves out, and what it looks for.
//!
//! Only the lines on the screen are ever laid out. What needs every line (a filter, a search, the lens) is done
//! chunk by chunk, the ones near the screen first, a few with each message; see [`crate::tui::logs::settle`].

use std::collections::BTreeSet;

use crate::domain::event::Stream;
use crate::domain::time::Wall;
use crate::tui::logs::query::Query;
use crate::tui::logs::sift::{Fold, Sieve, Sifted, Verdict};
use crate::tui::logs::store::{Have, Store};

/// Where in a growing text the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum At {
    /// At the end, and going with it.
    #[default]
    Following,
    /// Held: the last row shown is this one of this line.
    Held {
        /// Number of the line.
        bottom: u64,
        /// Row of the line, from 0; more than it has means its last.
        row: usize,
    },
}

/// How the times of lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Times {
    /// Not at all.
    #[default]
    Off,
    /// As the time of day.
    Day,
    /// Since the run began, or the first line.
    Since,
}

/// What is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Typing {
    /// What to find.
    #[default]
    Search,
    /// What lines must have.
    Only,
}

/// Columns and rows for text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// A find that is being looked for beyond what was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seek {
    /// The line from which on; itself does not count.
    pub from: u64,
    /// Whether towards the end.
    pub down: bool,
    /// Whether it went round once.
    pub round: bool,
}

/// Lines before a moment, by their shape.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The moment.
    pub before: Wall,
    /// Shapes of all lines before it.
    pub shapes: BTreeSet<u64>,
    /// How far each chunk was looked at.
    pub upto: Vec<usize>,
    /// Whether every line before it was looked at.
    pub complete: bool,
}

/// A line to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its number.
    pub line: u64,
    /// What it stands for.
    pub fold: Fold,
}

/// What comes next in a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This line.
    Line(Shown),
    /// A chunk nobody looked at yet.
    Gap(usize),
    /// Nothing.
    End,
}

/// The reader.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// Where it is.
    pub at: At,
    /// Columns left off on the left.
    pub across: usize,
    /// Whether long lines are wrapped.
    pub wrap: bool,
    /// How times are shown.
    pub times: Times,
    /// What is being typed.
    pub typing: Typing,
    /// Where times since are counted from.
    pub began: Option<Wall>,
    /// The line of the find the reader is at.
    pub hit: Option<u64>,
    /// A find that is being looked for.
    pub seek: Option<Seek>,
    /// What was known before the last deploy.
    pub known: Option<Known>,
    pub(super) sieve: Sieve,
    pub(super) sifted: Vec<Option<Sifted>>,
}

impl Reader {
    /// Returns what decides which lines are shown.
    #[must_use]
    pub fn sieve(&self) -> &Sieve {
        &self.sieve
    }

    fn sift_anew(&mut self) {
        self.sifted.clear();
        self.seek = None;
    }

    /// Begins anew at the first line, with the same looks, for a text that is read from its beginning.
    pub fn restart(&mut self) {
        self.at = At::Held { bottom: 0, row: 0 };
        self.hit = None;
        if let Some(known) = &self.known {
            self.known = Some(Known {
                before: known.before,
                ..Known::default()
            });
        }
        self.sift_anew();
    }

    /// Shows only lines with this.
    pub fn only(&mut self, typed: &str) {
        self.sieve.only = Query::filter(typed);
        self.sift_anew();
    }
    /// Looks for this.
    pub fn search(&mut self, typed: &str) {
        self.sieve.search = Query::search(typed);
        self.hit = None;
        self.sift_anew();
    }
    /// Shows only one stream, then the next, then all.
    pub fn next_stream(&mut self) {
        self.sieve.stream = match self.sieve.stream {
            None => Some(Stream::Stdout),
            Some(Stream::Stdout) => Some(Stream::Stderr),
            Some(Stream::Stderr) => Some(Stream::Engine),
            Some(Stream::Engine) => None,
        };
        self.sift_anew();
    }
    /// Shows only these sources.
    pub fn sources(&mut self, sources: Option<BTreeSet<u16>>) {
        if self.sieve.sources != sources {
            self.sieve.sources = sources;
            self.sift_anew();
        }
    }
    /// Folds, or does not.
    pub fn toggle_lens(&mut self) {
        self.sieve.lens = !self.sieve.lens;
        self.sift_anew();
    }
    /// Shows times in the next way.
    pub fn next_times(&mut self) {
        self.times = match self.times {
            Times::Off => Times::Day,
            Times::Day => Times::Since,
            Times::Since => Times::Off,
        };
    }
    /// Says what marks the beginning of what is new.
    pub fn news_since(&mut self, before: Option<Wall>) {
        let same = self.known.as_ref().map(|known| known.before) == before;
        if !same {
            self.known = before.map(|before| Known {
                before,
                ..Known::default()
            });
        }
    }

    /// Returns what was found of a chunk, if it has been looked at as far as it goes.
    pub(super) fn ready(&self, store: &Store, chunk: usize) -> Option<&Sifted> {
        let sifted = self.sifted.get(chunk)?.as_ref()?;
        (sifted.upto() >= store.summary(chunk).lines).then_some(sifted)
    }

    /// Returns the next shown line before a line.
    #[must_use]
    pub fn before(&self, store: &Store, line: u64) -> Next {
        let Some(last) = line.min(store.end()).checked_sub(1) else {
            return Next::End;
        };
        let (mut chunk, index) = store.chunk_of(last);
        let mut upto = index + 1;
        loop {
            match self.find(
                store,
                chunk,
                |lines| {
                    let count = lines.partition_point(|n| usize::from(*n) < upto);
                    count.checked_sub(1)
                },
                || upto.checked_sub(1),
            ) {
                Next::End => {}
                next => return next,
            }
            let Some(above) = chunk.checked_sub(1) else {
                return Next::End;
            };
            chunk = above;
            upto = usize::MAX;
        }
    }

    /// Returns the next shown line from a line on.
    #[must_use]
    pub fn after(&self, store: &Store, line: u64) -> Next {
        let (mut chunk, mut from) = store.chunk_of(line);
        while chunk < store.chunks() {
            match self.find(
                store,
                chunk,
                |lines| {
                    let at = lines.partition_point(|n| usize::from(*n) < from);
                    (at < lines.len()).then_some(at)
                },
                || Some(from),
            ) {
                Next::End => {}
                next => return next,
            }
            chunk += 1;
            from = 0;
        }
        Next::End
    }

    /// Finds a shown line in a chunk: by position among the sifted ones, or by place where all are shown.
    fn find(
        &self,
        store: &Store,
        chunk: usize,
        position: impl Fn(&[u16]) -> Option<usize>,
        place: impl Fn() -> Option<usize>,
    ) -> Next {
        if matches!(store.have(chunk), Have::Lost) {
            return Next::End;
        }
        let summary = store.summary(chunk);
        match self.sieve.verdict(&summary) {
            Verdict::Nothing => Next::End,
            Verdict::All => {
                let last = summary.lines.checked_sub(1);
                let found = place().zip(last).and_then(|(place, last)| {
                    (place <= last || place == usize::MAX - 1).then_some(place.min(last))
                });
                found.map_or(Next::End, |place| {
                    Next::Line(Shown {
                        line: summary.first + place as u64,
                        fold: Fold::None,
                    })
                })
            }
            Verdict::Look => {
                let Some(sifted) = self.ready(store, chunk) else {
                    return Next::Gap(chunk);
                };
                let found = position(sifted.lines()).and_then(|position| {
                    Some((sifted.lines().get(position)?, sifted.fold_of(position)))
                });
                found.map_or(Next::End, |(place, fold)| {
                    Next::Line(Shown {
                        line: summary.first + u64::from(*place),
                        fold,
                    })
                })
            }
        }
    }

    /// Returns how many shown lines come after a line, as far as was looked.
    #[must_use]
    pub fn count_after(&self, store: &Store, line: u64) -> u64 {
        let (first, index) = store.chunk_of(line);
        (first..store.chunks())
            .map(|chunk| {
                let after = if chunk == first { index + 1 } else { 0 };
                self.count(store, chunk, after)
            })
            .sum()
    }

    /// Returns how many lines are shown, as far as was looked.
    #[must_use]
    pub fn count_all(&self, store: &Store) -> u64 {
        (0..store.chunks())
            .map(|chunk| self.count(store, chunk, 0))
            .sum()
    }

    fn count(&self, store: &Store, chunk: usize, from: usize) -> u64 {
        let summary = store.summary(chunk);
        let count = match self.sieve.verdict(&summary) {
            Verdict::Nothing => 0,
            Verdict::All => summary.lines.saturating_sub(from),
            Verdict::Look => self
                .sifted
                .get(chunk)
                .and_then(Option::as_ref)
                .map_or(0, |sifted| {
                    let lines = sifted.lines();
                    lines.len() - lines.partition_point(|n| usize::from(*n) < from)
                }),
        };
        count as u64
    }

    /// Returns the position of the find the reader is at, and how many there are, as far as was looked.
    #[must_use]
    pub fn finds(&self, store: &Store) -> (Option<u64>, u64) {
        let mut position = None;
        let mut count = 0;
        for (chunk, sifted) in self.sifted.iter().enumerate() {
            let Some(sifted) = sifted else {
                continue;
            };
            if let Some(hit) = self.hit {
                let first = store.first_of(chunk);
                let inside = hit.checked_sub(first).and_then(|n| u16::try_from(n).ok());
                if let Some(at) = inside.and_then(|n| sifted.hits().binary_search(&n).ok())
                    && store.chunk_of(hit).0 == chunk
                {
                    position = Some(count + at as u64 + 1);
                }
            }
            count += sifted.hits().len() as u64;
        }
        (position, count)
    }

    /// Returns how many chunks have not been looked at although they must be.
    #[must_use]
    pub fn unread(&self, store: &Store) -> usize {
        (0..store.chunks())
            .filter(|chunk| self.is_gap(store, *chunk))
            .count()
    }

    pub(super) fn is_gap(&self, store: &Store, chunk: usize) -> bool {
        !matches!(store.have(chunk), Have::Lost)
            && self.sieve.verdict(&store.summary(chunk)) == Verdict::Look
            && self.ready(store, chunk).is_none()
    }
}
