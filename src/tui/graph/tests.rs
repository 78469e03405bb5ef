//! Drawings as text, and what has to hold for every one of them.

#![expect(
    clippy::cast_sign_loss,
    reason = "cells of a drawing are never negative"
)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::domain::ids::Address;
use crate::tui::graph::drawing::{Class, Drawing, Flow, Spot};
use crate::tui::graph::fit::fit;
use crate::tui::graph::glyph::strokes;
use crate::tui::graph::shape::{Needs, Shape};
use crate::tui::graph::sketch::Style;
use crate::tui::graph::woven::Woven;

pub(crate) fn needs(list: &[(&str, &[&str])]) -> Needs {
    let set = |names: &[&str]| names.iter().map(|n| Address::service(n)).collect();
    list.iter()
        .map(|(name, on)| (Address::service(name), set(on)))
        .collect()
}

fn woven(list: &[(&str, &[&str])]) -> Woven {
    Woven::of(Shape::of(&needs(list)))
}

fn style(flow: Flow, class: Class) -> Style {
    Style {
        flow,
        class,
        extra: 0,
    }
}

/// Boxes with their names, and lines, as text.
fn text(woven: &Woven, drawing: &Drawing) -> String {
    let mut cells = vec![vec![' '; drawing.width as usize]; drawing.height as usize];
    let window = Spot {
        x: 0,
        y: 0,
        w: drawing.width,
        h: drawing.height,
    };
    for stroke in strokes(drawing, &window, &BTreeSet::new()) {
        cells[stroke.y as usize][stroke.x as usize] = stroke.glyph;
    }
    for (node, spot) in drawing.boxes.iter().enumerate() {
        for y in spot.y..spot.y + spot.h {
            for x in spot.x..spot.x + spot.w {
                let (left, right) = (x == spot.x, x == spot.x + spot.w - 1);
                let (top, bottom) = (y == spot.y, y == spot.y + spot.h - 1);
                cells[y as usize][x as usize] = match (top, bottom, left, right) {
                    _ if !drawing.class.framed() => ' ',
                    (true, _, true, _) => '┌',
                    (true, _, _, true) => '┐',
                    (_, true, true, _) => '└',
                    (_, true, _, true) => '┘',
                    (true, ..) | (_, true, ..) => '─',
                    (_, _, true, _) | (_, _, _, true) => '│',
                    _ => ' ',
                };
            }
        }
        let framed = drawing.class.framed();
        let row = if framed { 1 } else { (spot.h - 1) / 2 };
        let name = &woven.shape().nodes[node].name;
        for (x, letter) in (spot.x + 2..).zip(name.chars()) {
            cells[(spot.y + row) as usize][x as usize] = letter;
        }
    }
    let lines = cells.iter().map(|row| row.iter().collect::<String>());
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

fn whole(drawing: &Drawing) -> Spot {
    Spot {
        x: 0,
        y: 0,
        w: drawing.width,
        h: drawing.height,
    }
}

fn all_ways(woven: &Woven) -> impl Iterator<Item = Drawing> + '_ {
    let flows = [Flow::Right, Flow::Down];
    let each = flows
        .into_iter()
        .flat_map(|flow| Class::ALL.map(|class| (flow, class)));
    each.map(|(flow, class)| woven.draw(style(flow, class), 100))
}

/// Cells a wire goes through.
fn cells(points: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let mut cells = vec![points[0]];
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        assert!(x0 == x1 || y0 == y1, "{pair:?} is slanted");
        let (dx, dy) = ((x1 - x0).signum(), (y1 - y0).signum());
        let (mut x, mut y) = (x0, y0);
        while (x, y) != (x1, y1) {
            (x, y) = (x + dx, y + dy);
            cells.push((x, y));
        }
    }
    cells
}

/// What has to hold for every drawing.
fn sound(woven: &Woven, drawing: &Drawing) {
    let whole = whole(drawing);
    for (index, spot) in drawing.boxes.iter().enumerate() {
        assert!(spot.w > 0 && spot.h > 0, "box {index} is empty");
        assert!(whole.holds(spot.x, spot.y), "box {index} is outside");
        assert!(whole.holds(spot.x + spot.w - 1, spot.y + spot.h - 1));
        for other in &drawing.boxes[..index] {
            assert!(!spot.meets(other), "{spot:?} meets {other:?}");
        }
    }
    let mut drawn = BTreeSet::new();
    for wire in &drawing.wires {
        let cells = cells(&wire.points);
        for (at, (x, y)) in cells.iter().enumerate() {
            assert!(whole.holds(*x, *y), "a line leaves the drawing");
            let inside = drawing.at(*x, *y);
            let leaves = at == 0 && inside == Some(wire.source);
            assert!(inside.is_none() || leaves, "a line goes through a box");
        }
        match wire.before {
            None => assert_eq!(drawing.at(cells[0].0, cells[0].1), Some(wire.source)),
            Some(before) => {
                assert_eq!(drawing.wires[before].source, wire.source);
                assert_eq!(drawing.wires[before].points.last(), wire.points.first());
            }
        }
        if let Some(target) = wire.target {
            let (x, y) = cells[cells.len() - 1];
            let ahead = match drawing.flow {
                Flow::Right => (x + 1, y),
                Flow::Down => (x, y + 1),
            };
            assert_eq!(drawing.at(ahead.0, ahead.1), Some(target));
            drawn.insert((wire.source, target));
        }
    }
    let wanted: BTreeSet<(usize, usize)> = woven
        .shape()
        .edges
        .iter()
        .map(|edge| (edge.from, edge.to))
        .collect();
    assert_eq!(drawn, wanted, "every line is drawn, and no other");
}

/// Counts stretches where lines of two sources lie on top of each other, which nobody could read.
fn muddled(drawing: &Drawing) -> usize {
    let mut seen: BTreeMap<(i32, i32, bool), BTreeSet<usize>> = BTreeMap::new();
    for wire in &drawing.wires {
        let cells = cells(&wire.points);
        for pair in cells.windows(2) {
            let level = pair[0].1 == pair[1].1;
            let (x, y) = pair[0].min(pair[1]);
            seen.entry((x, y, level)).or_default().insert(wire.source);
        }
    }
    seen.values().filter(|sources| sources.len() > 1).count()
}

fn named(number: usize) -> Address {
    Address::service(&format!("s{number:04}"))
}

/// A graph of so many services in layers, each needing a few of earlier layers.
pub(crate) fn layered(count: usize, layers: usize, per: usize) -> Needs {
    let wide = count.div_ceil(layers);
    let mut seed = 42_usize;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below.max(1)
    };
    (0..count)
        .map(|number| {
            let layer = number / wide;
            let needs = (0..per).filter(|_| layer > 0).map(|_| {
                let back = if next(5) == 0 { next(layer) } else { layer - 1 };
                named(back * wide + next(wide))
            });
            (named(number), needs.collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_drawing_is_sound(edges in prop::collection::vec((0_usize..14, 0_usize..14), 0..40), count in 1_usize..14) {
        let mut needs: Needs = (0..count).map(|n| (named(n), BTreeSet::new())).collect();
        for (a, b) in edges {
            // Circles too, which must not come but must not hurt either.
            if let Some(on) = needs.get_mut(&named(a % count)) {
                on.insert(named(b % count));
            }
        }
        let woven = Woven::of(Shape::of(&needs));
        for drawing in all_ways(&woven) {
            sound(&woven, &drawing);
            prop_assert_eq!(&drawing, &Woven::of(Shape::of(&needs)).draw(style(drawing.flow, drawing.class), 100));
        }
        for screen in [(40, 10), (120, 40), (30, 80)] {
            sound(&woven, &fit(&woven, screen, None));
        }
    }
}

#[test]
fn lines_of_two_services_seldom_lie_on_top_of_each_other() {
    let mut muddles = 0;
    for (count, layers, per) in [(20, 4, 2), (40, 6, 2), (40, 5, 3)] {
        let woven = Woven::of(Shape::of(&layered(count, layers, per)));
        for class in [Class::Medium, Class::Small] {
            for flow in [Flow::Right, Flow::Down] {
                let drawing = woven.draw(style(flow, class), 0);
                muddles += muddled(&drawing);
            }
        }
    }
    // Two that wish for each other's row in a circle cannot be helped without a third track.
    assert!(muddles < 12, "{muddles}");
}

#[test]
fn a_thousand_services_are_drawn_whole() {
    let woven = Woven::of(Shape::of(&layered(1_000, 10, 2)));
    let drawing = fit(&woven, (200, 60), None);
    assert_eq!(drawing.class, Class::Dense);
    sound(&woven, &drawing);
    let window = Spot {
        x: 20,
        y: 20,
        w: 200,
        h: 60,
    };
    let strokes = strokes(&drawing, &window, &BTreeSet::new());
    assert!(
        strokes
            .iter()
            .all(|stroke| window.holds(stroke.x, stroke.y))
    );
    assert!(strokes.len() <= 200 * 60);
}

type Edges = &'static [(&'static str, &'static [&'static str])];

#[test]
fn small_graphs() {
    let shop: &[(&str, &[&str])] = &[
        ("api", &["cache", "db", "migrate"]),
        ("cache", &[]),
        ("db", &[]),
        ("migrate", &["db"]),
        ("web", &["api"]),
        ("worker", &["cache", "db"]),
    ];
    let cases: [(&str, Edges); 6] = [
        ("chain", &[("a", &[]), ("b", &["a"]), ("c", &["b"])]),
        (
            "diamond",
            &[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"])],
        ),
        (
            "fan",
            &[("a", &["db"]), ("b", &["db"]), ("c", &["db"]), ("db", &[])],
        ),
        ("shop", shop),
        (
            "two_parts",
            &[("a", &[]), ("b", &["a"]), ("x", &[]), ("y", &["x"])],
        ),
        ("alone", &[("metrics", &[])]),
    ];
    for (name, list) in cases {
        let woven = woven(list);
        let styles = [
            (Flow::Right, Class::Medium),
            (Flow::Down, Class::Small),
            (Flow::Right, Class::Dense),
        ];
        for (flow, class) in styles {
            let drawing = woven.draw(style(flow, class), 60);
            sound(&woven, &drawing);
            insta::assert_snapshot!(format!("{name}_{flow:?}_{class:?}"), text(&woven, &drawing));
        }
    }
}

#[test]
fn what_hangs_on_nothing_of_the_file_hurts_nothing() {
    let lost = Woven::of(Shape::of(&needs(&[("a", &["gone", "a"])])));
    sound(&lost, &fit(&lost, (80, 24), None));
    let nothing = Woven::of(Shape::of(&Needs::new()));
    assert_eq!(fit(&nothing, (80, 24), None).boxes, []);
}
