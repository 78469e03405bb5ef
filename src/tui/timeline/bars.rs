//! The bar of a row: the steps of a resource, or one step, painted on the cells of the axis.
//!
//! Kind by letter and tone, the critical path by a full block instead of a line, waiting by a dotted line, what
//! usually would have been the end by a stroke: nothing is said by colour alone.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::event::StepOutcome;
use crate::domain::history::view::{RunView, StepView};
use crate::domain::ids::{Address, StepId};
use crate::domain::time::Wall;
use crate::tui::theme::Tone;
use crate::tui::timeline::axis::Scale;
use crate::tui::timeline::kind::Kind;

/// Body of an ordinary bar.
pub const LINE: char = '━';
/// Body of a bar on the critical path.
pub const HEAVY: char = '█';
/// Waiting.
pub const WAITS: char = '┄';
/// Where the end usually is.
pub const USUAL: char = '╎';
/// Head of a bar that goes on.
const GOES_ON: char = '▸';
/// Tail of a bar that failed.
const FAILED: char = '✗';

/// One piece of a bar; times in milliseconds since the run began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What the time went into.
    pub kind: Kind,
    /// Begin.
    pub from: i64,
    /// End, or now.
    pub to: i64,
    /// Whether it is on the critical path.
    pub critical: bool,
    /// Whether it goes on.
    pub open: bool,
    /// Whether it failed, or nobody knows how it ended.
    pub failed: bool,
}

/// The bar of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Its pieces.
    pub segments: Vec<Segment>,
    /// From when to when it waited before its first piece.
    pub waits: Option<(i64, i64)>,
    /// When it would usually have ended.
    pub usual: Option<i64>,
}

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyph {
    /// What stands in it.
    pub symbol: char,
    /// How.
    pub tone: Tone,
}

impl Glyph {
    const EMPTY: Self = Self {
        symbol: ' ',
        tone: Tone::Text,
    };
    fn new(symbol: char, tone: Tone) -> Self {
        Self { symbol, tone }
    }
}

/// What bars are made of.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The run.
    pub run: &'a RunView,
    /// Steps of its critical path.
    pub path: &'a BTreeSet<StepId>,
    /// The run's own time: now, or the moment that is replayed.
    pub now: Wall,
}

impl Ground<'_> {
    /// Returns the time since the run began.
    #[must_use]
    pub fn since(&self, at: Wall) -> i64 {
        at.0.saturating_sub(self.run.started.0).max(0)
    }

    /// Returns how far the run has come: to its end, or to now.
    #[must_use]
    pub fn end(&self) -> i64 {
        let end = self.run.finished.as_ref().map_or(self.now, |(at, ..)| *at);
        self.since(end)
    }

    /// Makes the bar of a resource out of all its steps.
    #[must_use]
    pub fn resource(&self, address: &Address, usual: Option<Duration>) -> Bar {
        let segments: Vec<Segment> = self
            .run
            .steps_of(address)
            .filter_map(|(id, view)| self.segment(id, view))
            .collect();
        let first = segments.iter().map(|piece| piece.from).min();
        Bar {
            waits: self.waits(first, self.run.actions.get(address).and_then(|a| a.outcome)),
            usual: first.and_then(|from| later(from, usual)),
            segments,
        }
    }

    /// Makes one bar of all that lies below a folded row.
    pub fn together<'a>(&self, addresses: impl Iterator<Item = &'a Address>) -> Bar {
        let segments: Vec<Segment> = addresses
            .flat_map(|address| self.run.steps_of(address))
            .filter_map(|(id, view)| self.segment(id, view))
            .collect();
        let first = segments.iter().map(|piece| piece.from).min();
        Bar {
            waits: first.map(|first| (0, first)),
            usual: None,
            segments,
        }
    }

    /// Makes the bar of one step.
    #[must_use]
    pub fn step(&self, id: &StepId, usual: Option<Duration>) -> Bar {
        let view = self.run.steps.get(id);
        let segment = view.and_then(|view| self.segment(id, view));
        let queued = view.is_some() && segment.is_none();
        Bar {
            waits: queued
                .then(|| self.waits(None, view.and_then(|view| view.outcome)))
                .flatten(),
            usual: segment.and_then(|piece| later(piece.from, usual)),
            segments: segment.into_iter().collect(),
        }
    }

    fn segment(&self, id: &StepId, view: &StepView) -> Option<Segment> {
        let from = self.since(view.started?);
        let bad = matches!(
            view.outcome,
            Some(StepOutcome::Failed | StepOutcome::Unknown)
        );
        Some(Segment {
            kind: Kind::of_id(id),
            from,
            to: view
                .finished
                .map_or(self.end(), |at| self.since(at))
                .max(from),
            critical: self.path.contains(id),
            open: view.finished.is_none() && self.run.finished.is_none(),
            failed: bad,
        })
    }

    /// What has not begun waits until it does, unless it never will.
    fn waits(&self, first: Option<i64>, outcome: Option<StepOutcome>) -> Option<(i64, i64)> {
        match (first, outcome) {
            (Some(first), _) => Some((0, first)),
            (None, Some(_)) => None,
            (None, None) => self.run.finished.is_none().then(|| (0, self.end())),
        }
    }
}

fn later(from: i64, usual: Option<Duration>) -> Option<i64> {
    let usual = i64::try_from(usual?.as_millis()).ok()?;
    Some(from.saturating_add(usual))
}

/// Paints a bar on the cells of a scale.
#[must_use]
pub fn paint(bar: &Bar, scale: &Scale) -> Vec<Glyph> {
    let mut cells = vec![Glyph::EMPTY; scale.width];
    let first = bar.segments.iter().map(|piece| piece.from).min();
    let last = bar.segments.iter().map(|piece| piece.to).max();
    for (from, to) in bar.waits.into_iter().chain(first.zip(last)) {
        if let Some((left, right)) = scale.cells(from, to).filter(|_| to > from) {
            fill(&mut cells, left, right, Glyph::new(WAITS, Tone::Dim));
        }
    }
    // The longer piece wins where several share a cell.
    let mut pieces: Vec<&Segment> = bar.segments.iter().collect();
    pieces.sort_by_key(|piece| piece.to.saturating_sub(piece.from));
    for piece in pieces {
        paint_piece(&mut cells, piece, scale);
    }
    if let Some(cell) = bar.usual.map(|at| scale.cell(at))
        && let Some(glyph) = usize::try_from(cell).ok().and_then(|at| cells.get_mut(at))
    {
        *glyph = Glyph::new(USUAL, Tone::Title);
    }
    edges(&mut cells, first.zip(last), scale);
    cells
}

fn paint_piece(cells: &mut [Glyph], piece: &Segment, scale: &Scale) {
    let Some((left, right)) = scale.cells(piece.from, piece.to) else {
        return;
    };
    let tone = if piece.failed {
        Tone::Fail
    } else {
        piece.kind.tone()
    };
    let body = if piece.critical { HEAVY } else { LINE };
    fill(cells, left, right, Glyph::new(body, tone));
    let tail = right.saturating_sub(1);
    if piece.from >= scale.from
        && let Some(cell) = cells.get_mut(left)
    {
        cell.symbol = piece.kind.letter();
    }
    let end = if piece.failed {
        Some(FAILED)
    } else {
        (piece.open && tail > left).then_some(GOES_ON)
    };
    if let (Some(symbol), Some(cell)) = (end, cells.get_mut(tail)) {
        cell.symbol = symbol;
    }
}

fn fill(cells: &mut [Glyph], left: usize, right: usize, glyph: Glyph) {
    for cell in cells.iter_mut().take(right).skip(left) {
        *cell = glyph;
    }
}

/// Says at the edge that a bar lies beside the view.
fn edges(cells: &mut [Glyph], extent: Option<(i64, i64)>, scale: &Scale) {
    let Some((from, to)) = extent else { return };
    let end = scale.from.saturating_add(scale.span);
    if to < scale.from
        && let Some(cell) = cells.first_mut()
    {
        *cell = Glyph::new('<', Tone::Dim);
    }
    if from > end
        && let Some(cell) = cells.last_mut()
    {
        *cell = Glyph::new('>', Tone::Dim);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bar: &Bar, scale: &Scale) -> String {
        paint(bar, scale).iter().map(|glyph| glyph.symbol).collect()
    }

    fn piece(kind: Kind, from: i64, to: i64) -> Segment {
        Segment {
            kind,
            from,
            to,
            critical: false,
            open: false,
            failed: false,
        }
    }

    #[test]
    fn a_bar_says_by_symbols_what_the_time_went_into() {
        let mut health = piece(Kind::Health, 12_000, 18_000);
        health.critical = true;
        health.open = true;
        let bar = Bar {
            segments: vec![
                piece(Kind::Fetch, 4_000, 10_000),
                piece(Kind::Start, 10_000, 10_020),
                health,
            ],
            waits: Some((0, 4_000)),
            usual: Some(19_500),
        };
        let scale = Scale::new(0, 20_000, 20);
        assert_eq!(text(&bar, &scale), "┄┄┄┄p━━━━━s┄c████▸ ╎");
        assert_eq!(text(&bar, &Scale::new(10_000, 10_000, 10)), "s┄c████▸ ╎");
        assert_eq!(text(&bar, &Scale::new(18_200, 1_000, 5)), "<    ");
    }

    #[test]
    fn a_failure_ends_with_its_symbol_even_in_one_cell() {
        let mut hook = piece(Kind::Hook, 1_000, 1_001);
        hook.failed = true;
        let bar = Bar {
            segments: vec![hook],
            ..Bar::default()
        };
        assert_eq!(text(&bar, &Scale::new(0, 4_000, 4)), " ✗  ");
    }
}
