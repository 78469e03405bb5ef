//! Which direction and which size of boxes suit a screen.

use crate::tui::graph::drawing::{Class, Drawing, Flow};
use crate::tui::graph::sketch::Style;
use crate::tui::graph::woven::Woven;

/// From this many screens on that boxes alone would cover, they are a single line.
const LARGE: i64 = 4;

/// From this many screens on, in millionths, they are too: one should not have to pan far.
const MANY: i64 = 2_200_000;
/// Columns that are tried as more room for words.
const WIDER: [i32; 6] = [12, 9, 6, 4, 2, 1];

/// Draws a shape for a screen of so many columns and rows: as big as can be seen whole, else small or dense and to be
/// panned.
///
/// Without a wish it flows the way the screen is longer.
#[must_use]
pub fn fit(woven: &Woven, screen: (i32, i32), wish: Option<Flow>) -> Drawing {
    let flows = match wish {
        Some(flow) => vec![flow],
        None if wide(screen) => vec![Flow::Right, Flow::Down],
        None => vec![Flow::Down, Flow::Right],
    };
    for class in Class::ALL {
        for flow in flows.iter().filter(|_| may_fit(woven, class, screen)) {
            let drawing = draw(woven, *flow, class, screen);
            if drawing.fits(screen) {
                return widened(woven, drawing, screen);
            }
        }
    }
    let best = |class: Class| {
        let drawings = flows.iter().map(|flow| draw(woven, *flow, class, screen));
        drawings.min_by_key(|drawing| screens(drawing, screen))
    };
    let small = match area(woven, Class::Small) > LARGE * cells(screen) {
        true => None,
        false => best(Class::Small).filter(|small| screens(small, screen) <= MANY),
    };
    small
        .or_else(|| best(Class::Dense))
        .unwrap_or_else(|| draw(woven, Flow::Right, Class::Dense, screen))
}

/// Tells whether a screen is wider than high; a cell is about twice as high as wide.
#[must_use]
pub fn wide((columns, rows): (i32, i32)) -> bool {
    columns >= 2 * rows
}

fn draw(woven: &Woven, flow: Flow, class: Class, screen: (i32, i32)) -> Drawing {
    let limit = match flow {
        Flow::Right => screen.0,
        Flow::Down => screen.1,
    };
    let style = Style {
        flow,
        class,
        extra: 0,
    };
    woven.draw(style, limit)
}

/// Gives boxes as much more room for words as the screen has.
fn widened(woven: &Woven, drawing: Drawing, screen: (i32, i32)) -> Drawing {
    let (flow, class) = (drawing.flow, drawing.class);
    let limit = match flow {
        Flow::Right => drawing.width,
        Flow::Down => drawing.height,
    };
    // A single line needs less.
    let most = if class.height() > 3 { 12 } else { 6 };
    let wider = WIDER.iter().filter(|extra| **extra <= most).map(|extra| {
        let style = Style {
            flow,
            class,
            extra: *extra,
        };
        // What stands beside it stays beside it.
        let more = if flow == Flow::Right { screen.0 } else { limit };
        woven.draw(style, more)
    });
    let mut wider = wider.filter(|wider| wider.fits(screen));
    wider.next().unwrap_or(drawing)
}

fn cells((columns, rows): (i32, i32)) -> i64 {
    i64::from(columns.max(1)) * i64::from(rows.max(1))
}

/// The cells all boxes cover, without what is between them.
fn area(woven: &Woven, class: Class) -> i64 {
    (0..woven.shape().nodes.len())
        .map(|node| i64::from(woven.width(node, class)) * i64::from(class.height()))
        .sum()
}

fn may_fit(woven: &Woven, class: Class, screen: (i32, i32)) -> bool {
    area(woven, class) <= cells(screen)
}

/// How many screens one would have to go through, in thousandths.
fn screens(drawing: &Drawing, (columns, rows): (i32, i32)) -> i64 {
    let parts =
        |whole: i32, part: i32| (1000 * i64::from(whole) / i64::from(part.max(1))).max(1000);
    parts(drawing.width, columns) * parts(drawing.height, rows)
}
