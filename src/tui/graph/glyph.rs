//! Lines as characters: which box-drawing character leaves a cell in which directions, lightly or heavily.

use std::collections::BTreeSet;

use crate::tui::graph::drawing::{Drawing, Flow, Spot, Wire};

/// How a line leaves a cell towards the top, the right, the bottom and the left: 0 not, 1 lightly, 2 heavily.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Ink(pub [u8; 4]);

/// All characters: the top counts 1, the right 3, the bottom 9 and the left 27.
const GLYPHS: [&str; 9] = [
    " ╵╹╶└┖╺┕┗",
    "╷│╿┌├┞┍┝┡",
    "╻╽┃┎┟┠┏┢┣",
    "╴┘┚─┴┸╼┶┺",
    "┐┤┦┬┼╀┮┾╄",
    "┒┧┨┰╁╂┲╆╊",
    "╸┙┛╾┵┹━┷┻",
    "┑┥┩┭┽╃┯┿╇",
    "┓┪┫┱╅╉┳╈╋",
];

impl Ink {
    /// Lays one over the other; the heavier counts.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        let mut weights = self.0;
        for (mine, theirs) in weights.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
        Self(weights)
    }
    /// Returns its character.
    #[must_use]
    pub fn glyph(self) -> char {
        let [top, right, bottom, left] = self.0.map(|weight| usize::from(weight.min(2)));
        let row = GLYPHS.get(bottom + 3 * left).copied().unwrap_or_default();
        row.chars().nth(top + 3 * right).unwrap_or(' ')
    }
    /// Tells whether a part of it is heavy.
    #[must_use]
    pub fn heavy(self) -> bool {
        self.0.contains(&2)
    }
    fn upright(self) -> bool {
        matches!(self.0, [1 | 2, 0, 1 | 2, 0])
    }
    fn level(self) -> bool {
        matches!(self.0, [0, 1 | 2, 0, 1 | 2])
    }
}

/// One drawn cell of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stroke {
    /// Column.
    pub x: i32,
    /// Row.
    pub y: i32,
    /// What stands there.
    pub glyph: char,
    /// Whether it belongs to a heavy line.
    pub heavy: bool,
}

/// One line in one cell: row, column, whose line, how it leaves the cell.
type Trace = (i32, i32, usize, Ink);

/// Draws all lines that touch a window; `heavy` are the pieces to be drawn heavily.
///
/// Where lines of two sources cross, one goes over the other, so that only what belongs together is joined.
#[must_use]
pub fn strokes(drawing: &Drawing, window: &Spot, heavy: &BTreeSet<usize>) -> Vec<Stroke> {
    let mut traces: Vec<Trace> = Vec::new();
    let mut heads: Vec<Stroke> = Vec::new();
    for (index, wire) in drawing.wires.iter().enumerate() {
        let heavy = heavy.contains(&index);
        for pair in wire.points.windows(2) {
            if let [from, to] = pair {
                trace(
                    &mut traces,
                    *from,
                    *to,
                    window,
                    (wire.source, 1 + u8::from(heavy)),
                );
            }
        }
        if let Some(head) = head(drawing.flow, wire, heavy).filter(|h| window.holds(h.x, h.y)) {
            heads.push(head);
        }
    }
    traces.sort_unstable();
    let mut strokes = joined(&traces);
    strokes.extend(heads);
    strokes
}

fn head(flow: Flow, wire: &Wire, heavy: bool) -> Option<Stroke> {
    wire.target?;
    let &(x, y) = wire.points.last()?;
    let glyph = match flow {
        Flow::Right => '▸',
        Flow::Down => '▾',
    };
    Some(Stroke { x, y, glyph, heavy })
}

/// Leaves the traces of a straight stretch, as far as it lies in the window.
fn trace(
    traces: &mut Vec<Trace>,
    from: (i32, i32),
    to: (i32, i32),
    window: &Spot,
    (source, weight): (usize, u8),
) {
    let ((x0, x1), (y0, y1)) = (ordered(from.0, to.0), ordered(from.1, to.1));
    let xs = x0.max(window.x)..=x1.min(window.x + window.w - 1);
    let ys = y0.max(window.y)..=y1.min(window.y + window.h - 1);
    let on = |yes: bool| if yes { weight } else { 0 };
    if y0 == y1 && ys.contains(&y0) {
        // A stretch of a single cell is seen as one that goes through.
        let alone = x0 == x1;
        for x in xs {
            let ink = Ink([0, on(x < x1 || alone), 0, on(x > x0 || alone)]);
            traces.push((y0, x, source, ink));
        }
    } else if x0 == x1 && xs.contains(&x0) {
        for y in ys {
            traces.push((y, x0, source, Ink([on(y > y0), 0, on(y < y1), 0])));
        }
    }
}

fn ordered(a: i32, b: i32) -> (i32, i32) {
    (a.min(b), a.max(b))
}

/// Joins what belongs to one source, and lets lines of several go over one another.
fn joined(traces: &[Trace]) -> Vec<Stroke> {
    let mut strokes = Vec::new();
    for cell in traces.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let Some(&(y, x, ..)) = cell.first() else {
            continue;
        };
        let mut top: Option<Ink> = None;
        for own in cell.chunk_by(|a, b| a.2 == b.2) {
            let ink = own
                .iter()
                .fold(Ink::default(), |ink, trace| ink.over(trace.3));
            top = Some(match top {
                None => ink,
                Some(other) => crossing(other, ink),
            });
        }
        let ink = top.unwrap_or_default();
        strokes.push(Stroke {
            x,
            y,
            glyph: ink.glyph(),
            heavy: ink.heavy(),
        });
    }
    strokes
}

/// A heavy line goes over a light one, and an upright one over a level one; what does not cross is joined.
fn crossing(one: Ink, other: Ink) -> Ink {
    let (upright, level) = match (one.upright(), other.upright()) {
        (true, false) if other.level() => (one, other),
        (false, true) if one.level() => (other, one),
        _ => return one.over(other),
    };
    if level.heavy() && !upright.heavy() {
        level
    } else {
        upright
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_leaves_its_cell_where_it_should() {
        let cases = [
            ([1, 0, 1, 0], '│'),
            ([0, 1, 0, 1], '─'),
            ([0, 1, 1, 0], '┌'),
            ([1, 1, 1, 1], '┼'),
            ([2, 0, 2, 0], '┃'),
            ([2, 1, 2, 0], '┠'),
            ([1, 2, 1, 0], '┝'),
            ([0, 2, 0, 2], '━'),
            ([0, 0, 0, 0], ' '),
        ];
        for (ink, glyph) in cases {
            assert_eq!(Ink(ink).glyph(), glyph, "{ink:?}");
        }
    }

    #[test]
    fn lines_of_two_sources_go_over_each_other() {
        let (upright, level) = (Ink([1, 0, 1, 0]), Ink([0, 1, 0, 1]));
        assert_eq!(crossing(upright, level).glyph(), '│');
        assert_eq!(crossing(level, upright).glyph(), '│');
        assert_eq!(crossing(upright, Ink([0, 2, 0, 2])).glyph(), '━');
        assert_eq!(crossing(Ink([0, 1, 1, 0]), level).glyph(), '┬');
    }
}
