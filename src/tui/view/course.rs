//! What stands above and below a run's rows: which run is replayed, its critical path in words, the letters of the bars.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::domain::history::path::Leg;
use crate::domain::history::view::RunView;
use crate::domain::ids::StepId;
use crate::present::human::duration;
use crate::tui::keymap::action::Action;
use crate::tui::model::Model;
use crate::tui::theme::Tone;
use crate::tui::timeline::bars;
use crate::tui::timeline::kind::Kind;
use crate::tui::view::pen::Pen;
use crate::tui::words::{between, cut, wrap};

/// From this height on the critical path has two lines.
const TWO_LINES: u16 = 9;
/// From this height on the letters of the bars are explained.
const LEGEND: u16 = 14;

/// The critical path in words, and what the letters mean.
#[must_use]
pub fn below(model: &Model, pen: Pen, area: Rect) -> Vec<Line<'static>> {
    let Some(run) = model.shown_run() else {
        return Vec::new();
    };
    let room = usize::from(area.width);
    let mut lines = Vec::new();
    if !model.legs.is_empty() {
        let text = critical(run, &model.legs, model);
        let most = if area.height >= TWO_LINES { 2 } else { 1 };
        let wrapped = wrap(&text, room);
        let more = wrapped.len() > most;
        for (at, line) in wrapped.into_iter().take(most).enumerate() {
            let line = if more && at + 1 == most {
                cut(&format!("{line} …"), room)
            } else {
                line
            };
            lines.push(pen.line(&[(&line, Tone::Title)]));
        }
    }
    if area.height >= LEGEND {
        let mut spans = Vec::new();
        for kind in Kind::ALL {
            spans.push(pen.span(format!("{}{} ", kind.letter(), bars::LINE), kind.tone()));
            spans.push(pen.span(format!("{}  ", kind.word()), Tone::Dim));
        }
        let rest = format!(
            "{} critical  {} waits  {} usual",
            bars::HEAVY,
            bars::WAITS,
            bars::USUAL
        );
        spans.push(pen.span(rest, Tone::Dim));
        lines.push(Line::from(spans));
        // Whoever has the trace open elsewhere finds the run by it, and the other way round.
        if !run.trace_id.as_str().is_empty() {
            let text = cut(&format!("trace {}", run.trace_id), room);
            lines.push(pen.line(&[(&text, Tone::Dim)]));
        }
    }
    lines
}

/// Says the critical path: steps with their times; what is too short to matter is counted only.
fn critical(run: &RunView, legs: &[Leg], model: &Model) -> String {
    let now = model.run_now();
    let time = |leg: &Leg| between(leg.from, leg.to.unwrap_or(now));
    let total = legs.first().map_or_else(Default::default, |first| {
        let last = legs.last().and_then(|leg| leg.to).unwrap_or(now);
        between(first.from, last)
    });
    let (long, short): (Vec<&Leg>, Vec<&Leg>) = legs
        .iter()
        .partition(|leg| time(leg).saturating_mul(50) >= total || leg.to.is_none());
    let mut words: Vec<String> = long
        .iter()
        .map(|leg| {
            let goes_on = if leg.to.is_none() && run.finished.is_none() {
                " so far"
            } else {
                ""
            };
            format!("{} {}{goes_on}", named(&leg.step), duration(time(leg)))
        })
        .collect();
    if !short.is_empty() {
        words.push(format!("{} short ones", short.len()));
    }
    format!("critical path {}: {}", duration(total), words.join(" → "))
}

/// Names a step as people do: `db health`, `api[1] start`.
#[must_use]
pub fn named(step: &StepId) -> String {
    let text = step.as_str();
    let text = text.strip_prefix("service.").unwrap_or(text);
    text.replacen("[0]/", " ", 1).replacen('/', " ", 1)
}

/// Says above the rows that this is a replay, how far it is and what leads back.
#[must_use]
pub fn banner(model: &Model, pen: Pen) -> Option<Line<'static>> {
    let replay = model.replay.as_deref()?;
    let (at, total) = replay.position();
    let id = replay.run_id().map_or("", |id| id.as_str());
    let state = match (replay.is_playing(), replay.is_over()) {
        (true, _) => "▸ plays",
        (false, true) => "■ at its end",
        (false, false) => "‖ held",
    };
    // State and way out come first, so that no narrow screen hides them.
    let text = format!("replay {state} {}", replay.speed().as_str());
    let leave = model.key(Action::LeaveReplay);
    let rest = format!("  {at} of {total} events of {id}");
    let Some(run) = model.running() else {
        let keys = format!("  {leave} leaves, {} plays", model.key(Action::Play));
        return Some(pen.line(&[
            (&text, Tone::Title),
            (&keys, Tone::Text),
            (&rest, Tone::Dim),
        ]));
    };
    let live = format!("◐ {} is UNDER WAY, {leave} shows it  ", run.command);
    Some(pen.line(&[
        (&live, Tone::Warn),
        (&text, Tone::Title),
        (&rest, Tone::Dim),
    ]))
}
