//! Output over the whole middle, and the rows of output anywhere; only what is on the screen is laid out.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::event::Stream;
use crate::domain::ids::StepId;
use crate::present::clean;
use crate::present::words::count;
use crate::tui::logs::chunk::Kind;
use crate::tui::logs::open::{LogView, Whose};
use crate::tui::logs::reader::{At, Reader, Size};
use crate::tui::logs::store::Store;
use crate::tui::logs::text::{GOES_ON, Laid};
use crate::tui::logs::window::Row;
use crate::tui::model::Model;
use crate::tui::theme::{Colors, Tone};
use crate::tui::view::layout;
use crate::tui::view::pen::Pen;
use crate::tui::words::{cut, width, wrap};

/// What stands at the edge where a line that is not wrapped goes on.
const CUT: &str = "…";

/// Returns the columns and rows the view has for lines.
#[must_use]
pub fn size(model: &Model) -> Size {
    let middle = layout::page(model.size).map(|page| Block::bordered().inner(page.middle));
    middle.map_or_else(Size::default, |inner| Size {
        width: usize::from(inner.width),
        height: usize::from(inner.height),
    })
}

/// Draws the view.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, view: &LogView) {
    let pen = Pen {
        theme: model.theme(),
    };
    let store = view.store.as_ref().unwrap_or(&model.output.store);
    let room = usize::from(area.width.saturating_sub(4));
    let what = match view.whose {
        Whose::Service(_) => "logs of",
        Whose::Step(_) => "output of",
        Whose::File(_) => "whole output of",
    };
    let ended = view.ended.is_some() || view.state.is_some() || is_over(model, &view.whose);
    let mut words = vec![where_it_is(&view.reader, store, ended)];
    words.extend(looks(&view.reader, store));
    let title = format!("{what} {}: {}", view.name(), words.join(", "));
    let title = cut(&clean::line(&title), room);
    let mut block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(&format!(" {title} "), Tone::FrameFocus)]));
    let mut below = Vec::new();
    below.extend(view.state.clone());
    below.extend(view.ended.clone());
    below.extend(missing(store));
    if !below.is_empty() {
        let below = cut(&clean::line(&below.join("; ")), room);
        block = block.title_bottom(pen.line(&[(&format!(" {below} "), Tone::Warn)]));
    }
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let empty = match &view.whose {
        _ if view.ended.is_some() => "no output".to_owned(),
        Whose::Step(id) => silent(model, id),
        Whose::Service(_) | Whose::File(_) => "no output yet".to_owned(),
    };
    body(frame, inner, pen, (store, &view.reader), &empty);
}

/// Tells whether nothing can follow, since the step or its run has ended.
fn is_over(model: &Model, whose: &Whose) -> bool {
    let Whose::Step(id) = whose else {
        // What is read from a file says its end by itself, a service may go on at any time.
        return false;
    };
    model.shown_run().is_some_and(|run| {
        let step = run.steps.get(id);
        run.finished.is_some() || step.is_some_and(|step| step.outcome.is_some())
    })
}

/// Says of a step without output why there is none: it has not come yet, or the step has ended without.
#[must_use]
pub fn silent(model: &Model, step: &StepId) -> String {
    let run = model.shown_run();
    let Some(view) = run.and_then(|run| run.steps.get(step)) else {
        return "no output yet".to_owned();
    };
    let over = view.outcome.is_some() || run.is_some_and(|run| run.finished.is_some());
    match &view.message {
        Some(message) if over => format!("no output of its own; it failed because:\n{message}"),
        Some(_) | None if over => "no output".to_owned(),
        Some(_) | None => "no output yet".to_owned(),
    }
}

/// Says whether the reader goes with the end, and how far it is from it.
#[must_use]
pub fn where_it_is(reader: &Reader, store: &Store, ended: bool) -> String {
    match reader.at {
        At::Following if ended => "at the end".to_owned(),
        At::Following => "following".to_owned(),
        At::Held { bottom, .. } => {
            let newer = reader.count_after(store, bottom);
            format!("paused, {}, G follows", many(newer, "new line"))
        }
    }
}

/// Says what is left out, and what is searched.
#[must_use]
pub fn looks(reader: &Reader, store: &Store) -> Vec<String> {
    let mut words = Vec::new();
    let sieve = reader.sieve();
    if !sieve.search.typed().is_empty() {
        words.push(match sieve.search.problem() {
            Some(problem) => problem.to_owned(),
            None => format!("/{} {}", sieve.search.typed(), finds(reader, store)),
        });
    }
    if !sieve.only.typed().is_empty() {
        words.push(match sieve.only.problem() {
            Some(problem) => problem.to_owned(),
            None => {
                let lines = many(reader.count_all(store), "line");
                format!(
                    "only {}: {lines}{}",
                    sieve.only.typed(),
                    still(reader, store)
                )
            }
        });
    }
    if let Some(stream) = sieve.stream {
        words.push(format!("only {}", stream.as_str()));
    }
    if sieve.lens {
        words.push("lens".to_owned());
    }
    if reader.wrap {
        words.push("wrapped".to_owned());
    }
    if reader.across > 0 {
        words.push(format!("from column {}", reader.across + 1));
    }
    words
}

/// Says which find the reader is at: `3/128`, and how much was not looked at yet.
fn finds(reader: &Reader, store: &Store) -> String {
    let (position, found) = reader.finds(store);
    let still = still(reader, store);
    match position {
        Some(position) => format!("{position}/{found}{still}"),
        None if found == 0 && still.is_empty() => "not found".to_owned(),
        None => format!("{found} found{still}"),
    }
}

/// Counts with thin groups of three, since these numbers grow long: `1 234 567 lines`.
fn many(number: u64, noun: &str) -> String {
    let text = count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut grouped = String::with_capacity(text.len() + digits / 3);
    for (index, c) in text.chars().enumerate() {
        if index > 0 && index < digits && (digits - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(c);
    }
    grouped
}

fn still(reader: &Reader, store: &Store) -> String {
    match reader.unread(store) {
        0 => String::new(),
        unread => {
            let all = store.chunks().max(1);
            format!(" ({} % read)", (all.saturating_sub(unread)) * 100 / all)
        }
    }
}

/// Says what is not there, and why.
#[must_use]
pub fn missing(store: &Store) -> Vec<String> {
    let mut words = Vec::new();
    if store.missing() > 0 {
        words.push(format!(
            "{} never arrived: they came faster than they could be taken",
            many(store.missing(), "line")
        ));
    }
    if let Some((lines, why)) = store.lost() {
        words.push(format!("{} given up: {why}", many(lines, "older line")));
    }
    words
}

/// Draws the rows on the screen.
pub fn body(
    frame: &mut Frame<'_>,
    area: Rect,
    pen: Pen,
    (store, reader): (&Store, &Reader),
    empty: &str,
) {
    let size = Size {
        width: usize::from(area.width),
        height: usize::from(area.height),
    };
    let window = reader.window(store, size);
    let mut lines: Vec<Line<'static>> = Vec::with_capacity(size.height);
    if window.gap.is_some() {
        lines.push(pen.line(&[("looking through older lines …", Tone::Dim)]));
    } else if window.rows.is_empty() {
        let sieve = reader.sieve();
        let narrowed = !sieve.only.is_empty() || sieve.stream.is_some();
        let text = if store.is_empty() || !narrowed {
            empty
        } else {
            "no line of it fits: every one is left out"
        };
        let text = text.lines().flat_map(|line| wrap(line, size.width.max(1)));
        lines.extend(text.map(|line| pen.line(&[(&line, Tone::Dim)])));
    }
    let room = size.height.saturating_sub(lines.len());
    let hidden = window.rows.len().saturating_sub(room);
    let mut laid: Option<(u64, Option<Laid>)> = None;
    for row in window.rows.iter().skip(hidden) {
        if laid
            .as_ref()
            .is_none_or(|(line, _)| *line != row.shown.line)
        {
            laid = Some((row.shown.line, reader.lay(store, row.shown, size.width)));
        }
        let line = match &laid {
            Some((_, Some(laid))) => one(pen, store, reader, *row, laid, size.width),
            Some((_, None)) | None => pen.line(&[("reading from disk …", Tone::Dim)]),
        };
        lines.push(line);
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// Writes one row.
fn one(
    pen: Pen,
    store: &Store,
    reader: &Reader,
    row: Row,
    laid: &Laid,
    columns: usize,
) -> Line<'static> {
    let kind = store.line(row.shown.line).map(|line| line.kind);
    if kind == Some(Kind::Mark) {
        return rule(pen, &laid.text, columns);
    }
    let tone = match kind {
        Some(Kind::Output(Stream::Stderr)) => Tone::Warn,
        Some(Kind::Output(Stream::Engine)) => Tone::Dim,
        Some(Kind::Output(Stream::Stdout) | Kind::Mark) | None => Tone::Text,
    };
    let mut spans = Vec::new();
    if row.row == 0 {
        spans.extend(laid.prefix.iter().map(|(text, tone)| pen.span(text, *tone)));
    } else {
        spans.push(Span::raw(" ".repeat(laid.indent)));
        if laid.marked {
            spans.push(pen.span(GOES_ON, Tone::Dim));
        }
    }
    let Some(part) = laid.rows.get(row.row).cloned() else {
        return Line::from(spans);
    };
    if !reader.wrap {
        let (blank, _) = crate::tui::logs::text::slice(&laid.text, reader.across, 1);
        if blank > 0 {
            spans.push(Span::raw(" ".repeat(blank)));
        }
    }
    let goes_on = !reader.wrap && part.end < laid.text.len();
    let part = if goes_on {
        shorter(&laid.text, part)
    } else {
        part
    };
    let current = reader.hit == Some(row.shown.line);
    let mut finds = reader.sieve().search.places(&laid.text);
    finds.extend(reader.sieve().only.places(&laid.text));
    styled(pen, laid, &part, tone, (&finds, current), &mut spans);
    if goes_on {
        spans.push(pen.span(CUT, Tone::Dim));
    }
    Line::from(spans)
}

/// Leaves out the last letter that is seen of a part, for the mark that more follows.
fn shorter(text: &str, part: Range<usize>) -> Range<usize> {
    let seen = text.get(part.clone()).unwrap_or_default();
    let last = seen
        .grapheme_indices(true)
        .rfind(|(_, letter)| width(letter) > 0);
    let end = last.map_or(part.end, |(at, _)| part.start + at);
    part.start..end
}

/// Cuts a part of a line where its look changes, and writes the pieces.
fn styled(
    pen: Pen,
    laid: &Laid,
    part: &Range<usize>,
    tone: Tone,
    (finds, current): (&[Range<usize>], bool),
    spans: &mut Vec<Span<'static>>,
) {
    let coloured = pen.theme.colors != Colors::None;
    let mut edges = vec![part.start, part.end];
    let ranges = laid.styles.iter().map(|(range, _)| range).chain(finds);
    for range in ranges {
        edges.extend(
            [range.start, range.end]
                .into_iter()
                .filter(|at| part.contains(at)),
        );
    }
    edges.sort_unstable();
    edges.dedup();
    let base = pen.theme.style(tone);
    for pair in edges.windows(2) {
        let [start, end] = pair else {
            continue;
        };
        let Some(text) = laid.text.get(*start..*end) else {
            continue;
        };
        let mut style = base;
        let own = laid.styles.iter().find(|(range, _)| range.contains(start));
        if let Some((_, own)) = own.filter(|_| coloured) {
            style = style.patch(*own);
        }
        if finds.iter().any(|range| range.contains(start)) {
            style = style.add_modifier(if current {
                Modifier::REVERSED | Modifier::BOLD
            } else {
                Modifier::REVERSED
            });
        }
        spans.push(Span::styled(text.to_owned(), style));
    }
}

/// Writes a mark over the whole width.
fn rule(pen: Pen, text: &str, columns: usize) -> Line<'static> {
    let text = cut(text, columns.saturating_sub(6));
    let rest = columns.saturating_sub(width(&text) + 5);
    pen.line(&[
        ("── ", Tone::Key),
        (&text, Tone::Key),
        (&format!(" {}", "─".repeat(rest + 1)), Tone::Key),
    ])
}
