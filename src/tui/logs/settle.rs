//! What follows a message: lines are looked at, a few chunks at a time, and chunks are asked for from disk.
//!
//! A step costs a millisecond or two, so that a key never waits for a million lines. What the screen shows is looked
//! at first, then what a search waits for, then everything else from the newest to the oldest.

use crate::tui::logs::reader::{At, Next, Reader, Seek, Size};
use crate::tui::logs::shape::shape;
use crate::tui::logs::sift::{Sifted, Verdict, plain};
use crate::tui::logs::store::{Fetch, Have, Store};

/// Chunks that are looked at in one step.
const STEP: usize = 4;
/// Chunks that are read ahead of a search.
const AHEAD: usize = 2;
/// Shapes that are remembered.
const SHAPES: usize = 200_000;

/// What a step leaves to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// Chunks to be read.
    pub fetch: Vec<Fetch>,
    /// Whether another step is needed, without waiting for anything.
    pub more: bool,
}

/// What became of looking at a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    Done,
    Away,
    Later,
}

impl Reader {
    /// Looks at lines that just came.
    pub fn extend(&mut self, store: &Store) {
        let open = store.chunks() - 1;
        for chunk in open.saturating_sub(1)..=open {
            // A chunk that was never begun waits for a step.
            let begun = self.sifted.get(chunk).is_some_and(Option::is_some);
            if (begun || chunk == open) && self.is_gap(store, chunk) {
                self.sift(store, chunk);
            }
        }
    }

    /// Does one step.
    pub fn settle(&mut self, store: &mut Store, size: Size) -> Owed {
        let mut owed = Owed::default();
        let mut left = STEP;
        self.extend(store);
        while let Some(chunk) = self.needs(store, size) {
            if self.look(store, chunk, &mut left, &mut owed) != Looked::Done {
                break;
            }
        }
        self.keep_full(store, size);
        self.go_on_seeking(store, size, &mut left, &mut owed);
        self.look_around(store, &mut left, &mut owed);
        owed
    }

    /// Looks at a chunk, or sees to it that it can be looked at.
    fn look(
        &mut self,
        store: &mut Store,
        chunk: usize,
        left: &mut usize,
        owed: &mut Owed,
    ) -> Looked {
        owed.fetch.extend(store.want(chunk));
        match store.have(chunk) {
            Have::Lost => Looked::Done,
            Have::Away => Looked::Away,
            Have::Lines(_) if *left == 0 => {
                owed.more = true;
                Looked::Later
            }
            Have::Lines(_) => {
                *left -= 1;
                self.sift(store, chunk);
                Looked::Done
            }
        }
    }

    fn sift(&mut self, store: &Store, chunk: usize) {
        let Have::Lines(lines) = store.have(chunk) else {
            return;
        };
        if self.sifted.len() <= chunk {
            self.sifted.resize_with(chunk + 1, || None);
        }
        if let Some(slot) = self.sifted.get_mut(chunk) {
            slot.get_or_insert_with(Sifted::default)
                .extend(&self.sieve, lines);
        }
    }

    /// Looks at what no row on the screen needs, where every line must be looked at.
    fn look_around(&mut self, store: &mut Store, left: &mut usize, owed: &mut Owed) {
        // For streams and sources alone nothing is read from disk that nobody looks at.
        let thorough = self.sieve.is_thorough();
        let mut asked = store.coming();
        for chunk in (0..store.chunks()).rev() {
            let unknown = self.is_unknown(store, chunk);
            if !unknown && !self.is_gap(store, chunk) {
                continue;
            }
            if matches!(store.have(chunk), Have::Away) {
                if thorough && asked < AHEAD {
                    asked += 1;
                    owed.fetch.extend(store.want(chunk));
                }
                continue;
            }
            if *left == 0 {
                owed.more = true;
                return;
            }
            *left -= 1;
            self.sift(store, chunk);
            self.learn(store, chunk);
        }
        if asked == 0
            && let Some(known) = &mut self.known
        {
            known.complete = true;
        }
    }

    /// Tells whether a chunk may hold lines from before the deploy that were not looked at.
    fn is_unknown(&self, store: &Store, chunk: usize) -> bool {
        self.sieve.lens
            && !matches!(store.have(chunk), Have::Lost)
            && self.known.as_ref().is_some_and(|known| {
                known.upto.get(chunk).copied().unwrap_or(0) < store.summary(chunk).lines
            })
    }

    fn learn(&mut self, store: &Store, chunk: usize) {
        let Have::Lines(lines) = store.have(chunk) else {
            return;
        };
        let Some(known) = self.known.as_mut().filter(|_| self.sieve.lens) else {
            return;
        };
        if known.upto.len() <= chunk {
            known.upto.resize(chunk + 1, 0);
        }
        let Some(upto) = known.upto.get_mut(chunk) else {
            return;
        };
        for index in *upto..lines.len() {
            let old = lines.line(index).filter(|line| line.at < known.before);
            if let Some(line) = old
                && known.shapes.len() < SHAPES
            {
                known.shapes.insert(shape(&plain(&line)));
            }
        }
        *upto = lines.len();
    }

    /// Goes to the next find in a direction, as soon as it is known.
    pub fn seek(&mut self, store: &Store, down: bool, size: Size) {
        let first = || {
            self.window(store, size)
                .rows
                .first()
                .map(|row| row.shown.line)
        };
        // Without a find to start from, the line at the edge of the screen counts too.
        let from = match (self.hit, down, self.at) {
            (Some(hit), _, _) => hit,
            (None, false, At::Following) => store.end(),
            (None, false, At::Held { bottom, .. }) => bottom.saturating_add(1),
            (None, true, At::Following) => first().unwrap_or(store.end()).wrapping_sub(1),
            (None, true, At::Held { bottom, .. }) => first().unwrap_or(bottom).wrapping_sub(1),
        };
        self.seek = Some(Seek {
            from,
            down,
            round: false,
        });
    }

    fn go_on_seeking(&mut self, store: &mut Store, size: Size, left: &mut usize, owed: &mut Owed) {
        while let Some(seek) = self.seek {
            match self.next_hit(store, seek) {
                Next::Line(shown) => {
                    self.seek = None;
                    self.hit = Some(shown.line);
                    self.show(store, shown.line, size);
                    self.show_column(store, shown.line, size);
                    // What is around it may be on disk still.
                    if let Some(chunk) = self.needs(store, size) {
                        owed.more |= self.look(store, chunk, left, owed) == Looked::Done;
                    }
                }
                Next::Gap(chunk) => {
                    if self.look(store, chunk, left, owed) != Looked::Done {
                        return;
                    }
                }
                Next::End if seek.round => self.seek = None,
                Next::End => {
                    self.seek = Some(Seek {
                        from: if seek.down { u64::MAX } else { store.end() },
                        round: true,
                        ..seek
                    });
                }
            }
        }
    }

    /// Finds the next hit; `from` itself does not count, and `u64::MAX` downwards means from the first line on.
    fn next_hit(&self, store: &Store, seek: Seek) -> Next {
        let start = if seek.down {
            seek.from.wrapping_add(1)
        } else {
            seek.from
        };
        let (chunk, index) = store.chunk_of(start);
        if seek.down {
            for chunk in chunk..store.chunks() {
                let from = if chunk == store.chunk_of(start).0 {
                    index
                } else {
                    0
                };
                match self.hit_in(store, chunk, |hits| {
                    hits.iter().find(|n| usize::from(**n) >= from).copied()
                }) {
                    Next::End => {}
                    other => return other,
                }
            }
            return Next::End;
        }
        for above in (0..=chunk).rev() {
            let upto = if above == chunk { index } else { usize::MAX };
            match self.hit_in(store, above, |hits| {
                hits.iter().rev().find(|n| usize::from(**n) < upto).copied()
            }) {
                Next::End => {}
                other => return other,
            }
        }
        Next::End
    }

    fn hit_in(&self, store: &Store, chunk: usize, pick: impl Fn(&[u16]) -> Option<u16>) -> Next {
        if matches!(store.have(chunk), Have::Lost)
            || self.sieve.verdict(&store.summary(chunk)) != Verdict::Look
        {
            return Next::End;
        }
        let Some(sifted) = self.ready(store, chunk) else {
            return Next::Gap(chunk);
        };
        pick(sifted.hits()).map_or(Next::End, |place| {
            Next::Line(crate::tui::logs::reader::Shown {
                line: store.first_of(chunk) + u64::from(place),
                fold: crate::tui::logs::sift::Fold::None,
            })
        })
    }

    /// Moves sideways so that the find can be seen.
    fn show_column(&mut self, store: &Store, line: u64, size: Size) {
        if self.wrap {
            return;
        }
        let Some(line) = store.line(line) else {
            return;
        };
        let (text, _) = crate::tui::logs::text::colours(&line);
        let Some(place) = self.sieve.search.places(&text).into_iter().next() else {
            return;
        };
        let column = |at: usize| crate::tui::words::width(text.get(..at).unwrap_or_default());
        let (start, end) = (column(place.start), column(place.end));
        let room = size.width.saturating_sub(24).max(8);
        if start < self.across || end > self.across + room {
            self.across = if end <= room {
                0
            } else {
                start.saturating_sub(room / 3)
            };
        }
    }

    /// Follows the end.
    pub fn follow(&mut self) {
        self.at = At::Following;
    }
}
