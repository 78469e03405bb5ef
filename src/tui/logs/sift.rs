//! Which lines of a chunk are shown: streams, sources, words, and the folding of repeats and stack traces.
//!
//! Each chunk is sifted for itself, so that any chunk can be done at any time and in pieces; a fold never goes
//! beyond a chunk. The result names lines by two bytes each.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::domain::event::Stream;
use crate::present::clean;
use crate::tui::logs::alike::alike;
use crate::tui::logs::chunk::{Chunk, Kind, Line};
use crate::tui::logs::query::Query;
use crate::tui::logs::shape::{Part, Trace};
use crate::tui::logs::store::Summary;

/// What decides which lines are shown and which are finds.
#[derive(Clone, Debug, Default)]
pub struct Sieve {
    /// The only stream; all without one.
    pub stream: Option<Stream>,
    /// Numbers of the only sources; all without a set.
    pub sources: Option<BTreeSet<u16>>,
    /// What lines must have.
    pub only: Query,
    /// Whether repeats and stack traces are folded.
    pub lens: bool,
    /// What is searched.
    pub search: Query,
}

/// What can be said about a chunk without its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every line is shown.
    All,
    /// None is.
    Nothing,
    /// Its lines have to be looked at.
    Look,
}

impl Sieve {
    /// Says what can be said about a chunk without its lines.
    #[must_use]
    pub fn verdict(&self, chunk: &Summary<'_>) -> Verdict {
        let [out, err, engine, marks] = chunk.kinds;
        let stream = match self.stream {
            None => Verdict::All,
            Some(stream) => {
                let wanted = match stream {
                    Stream::Stdout => out,
                    Stream::Stderr => err,
                    Stream::Engine => engine,
                };
                share(wanted, out + err + engine)
            }
        };
        let sources = match &self.sources {
            None => Verdict::All,
            Some(wanted) => {
                let all: u32 = chunk.sources.values().sum();
                let found = wanted.iter().filter_map(|n| chunk.sources.get(n)).sum();
                share(found, all.saturating_sub(marks))
            }
        };
        let looked_at = self.is_thorough();
        match (stream, sources) {
            (Verdict::Nothing, _) | (_, Verdict::Nothing) if marks == 0 => Verdict::Nothing,
            (Verdict::All, Verdict::All) if !looked_at => Verdict::All,
            _ => Verdict::Look,
        }
    }

    /// Tells whether every line's text has to be looked at.
    #[must_use]
    pub fn is_thorough(&self) -> bool {
        self.lens || !self.only.is_empty() || !self.search.is_empty()
    }

    /// Tells whether a line is shown.
    #[must_use]
    pub fn shows(&self, line: &Line<'_>) -> bool {
        self.is_from(line) && (line.kind == Kind::Mark || self.only.fits(&plain(line)))
    }

    fn is_from(&self, line: &Line<'_>) -> bool {
        match line.kind {
            Kind::Mark => true,
            Kind::Output(stream) => {
                self.stream.is_none_or(|wanted| wanted == stream)
                    && self
                        .sources
                        .as_ref()
                        .is_none_or(|wanted| wanted.contains(&line.source))
            }
        }
    }
}

fn share(found: u32, all: u32) -> Verdict {
    match found {
        0 => Verdict::Nothing,
        found if found == all => Verdict::All,
        _ => Verdict::Look,
    }
}

/// Returns the text of a line without escape sequences.
#[must_use]
pub fn plain<'a>(line: &Line<'a>) -> Cow<'a, str> {
    if line.escapes {
        Cow::Owned(clean::line(line.text))
    } else {
        Cow::Borrowed(line.text)
    }
}

/// What a shown line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fold {
    /// Itself.
    #[default]
    None,
    /// So many lines right before it that say the same, too.
    Repeats(u32),
    /// So many lines of a stack trace between the one before and this one, too.
    Trace(u32),
}

/// A chunk, sifted as far as it was there.
#[derive(Clone, Debug, Default)]
pub struct Sifted {
    upto: usize,
    lines: Vec<u16>,
    folds: Vec<Fold>,
    hits: Vec<u16>,
    folder: Folder,
}

/// Where folding stands.
#[derive(Clone, Debug, Default)]
struct Folder {
    /// Source, what it says and stream of the last shown line, when the next may be its repeat.
    last: Option<(u16, u64, Kind)>,
    /// Source of the last shown line, and whether it is a find.
    before: Option<(u16, bool)>,
    /// The trace under way: whose, of which source, and how many lines it has.
    trace: Option<(Trace, u16, u32)>,
}

impl Sifted {
    /// Looks at lines that were not looked at yet.
    pub fn extend(&mut self, sieve: &Sieve, chunk: &Chunk) {
        for index in self.upto..chunk.len() {
            let Some(line) = chunk.line(index) else {
                continue;
            };
            if !sieve.is_from(&line) {
                continue;
            }
            let text = plain(&line);
            let mark = line.kind == Kind::Mark;
            if !mark && !sieve.only.fits(&text) {
                continue;
            }
            let number = u16::try_from(index).unwrap_or(u16::MAX);
            let hit = !mark && !sieve.search.is_empty() && sieve.search.fits(&text);
            if hit {
                self.hits.push(number);
            }
            if sieve.lens {
                self.fold(number, &line, &text, hit);
            } else {
                self.lines.push(number);
            }
        }
        self.upto = chunk.len();
    }

    fn fold(&mut self, number: u16, line: &Line<'_>, text: &str, hit: bool) {
        let before = self.folder.before.replace((line.source, hit));
        let after_hit = before.is_some_and(|(_, hit)| hit);
        let last = self.folder.last.take();
        if line.kind == Kind::Mark {
            self.folder = Folder::default();
            return self.show(number, Fold::None);
        }
        if let Some((trace, source, lines)) = self.folder.trace.take()
            && source == line.source
        {
            let part = trace.part(text, lines);
            if part != Part::Outside {
                if part == Part::Inside {
                    self.folder.trace = Some((trace, source, lines + 1));
                }
                let hidden = if lines >= 2 && !after_hit {
                    self.hide()
                } else {
                    0
                };
                return self.show(number, folded(hidden));
            }
        }
        if let Some(trace) = Trace::begins(text) {
            self.folder.trace = Some((trace, line.source, 1));
            return self.show(number, Fold::None);
        }
        if let Some(trace) = Trace::follows(text) {
            let lines = if before.is_some_and(|(source, _)| source == line.source) {
                2
            } else {
                1
            };
            self.folder.trace = Some((trace, line.source, lines));
            return self.show(number, Fold::None);
        }
        let now = (line.source, alike(text), line.kind);
        self.folder.last = Some(now);
        let fold = if last == Some(now) && !hit && !after_hit {
            Fold::Repeats(self.hide())
        } else {
            Fold::None
        };
        self.show(number, fold);
    }

    fn show(&mut self, number: u16, fold: Fold) {
        self.lines.push(number);
        self.folds.push(fold);
    }

    /// Takes the last shown line away; returns how many lines its successor stands for besides itself.
    fn hide(&mut self) -> u32 {
        self.lines.pop();
        match self.folds.pop() {
            Some(Fold::Repeats(lines) | Fold::Trace(lines)) => lines + 1,
            Some(Fold::None) => 1,
            None => 0,
        }
    }

    /// Returns how far the chunk was looked at.
    #[must_use]
    pub fn upto(&self) -> usize {
        self.upto
    }
    /// Returns the places of the shown lines, in their order.
    #[must_use]
    pub fn lines(&self) -> &[u16] {
        &self.lines
    }
    /// Returns the places of the finds, in their order.
    #[must_use]
    pub fn hits(&self) -> &[u16] {
        &self.hits
    }
    /// Returns what the shown line at a position stands for.
    #[must_use]
    pub fn fold_of(&self, position: usize) -> Fold {
        self.folds.get(position).copied().unwrap_or_default()
    }
}

fn folded(hidden: u32) -> Fold {
    if hidden == 0 {
        Fold::None
    } else {
        Fold::Trace(hidden)
    }
}
