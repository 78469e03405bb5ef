//! The whole screen: where what goes, and what lies above it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph};

use crate::present::clean;
use crate::present::human::clock;
use crate::present::words::{count, with_warnings};
use crate::tui::keymap::action::Action;
use crate::tui::keymap::map::Keymap;
use crate::tui::model::{Area, Focus, Model, Overlay, RunAs};
use crate::tui::overlay::Choices;
use crate::tui::theme::Tone;
use crate::tui::tree::Pane;
use crate::tui::update::marks;
use crate::tui::view::layout::{self, Page};
use crate::tui::view::pen::Pen;
use crate::tui::view::tree::Look;
use crate::tui::view::{
    ascii, course, deeds, details, diagnostics, dialog, footer, graph, header, help, history, logs,
    nothing, paint, palette, places, plan, timeline, tree, which,
};
use crate::tui::words::{cut, to_run, width};

/// Draws one frame.
pub fn draw(frame: &mut Frame<'_>, model: &Model, keymap: &Keymap) {
    let area = frame.area();
    match layout::page((area.width, area.height)) {
        None => too_small(frame, area, model),
        Some(page) => parts(frame, &page, model, keymap),
    }
    paint::finish(frame.buffer_mut(), &model.theme());
    if model.options.ascii {
        ascii::flatten(frame.buffer_mut());
    }
}

/// One plain sentence, as much of it as fits.
fn too_small(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    if area.is_empty() {
        return;
    }
    let (columns, rows) = layout::LEAST;
    let long = format!(
        "terminal too small: {}x{}, needs {columns}x{rows}",
        area.width, area.height
    );
    let short = format!("needs {columns}x{rows}");
    let room = usize::from(area.width);
    let text = if long.len() <= room {
        long
    } else if short.len() <= room {
        format!("{}\n{short}", cut("too small", room))
    } else {
        cut("too small", room)
    };
    let pen = Pen {
        theme: model.theme(),
    };
    let lines: Vec<_> = text
        .lines()
        .map(|line| pen.line(&[(line, Tone::Text)]))
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn parts(frame: &mut Frame<'_>, page: &Page, model: &Model, keymap: &Keymap) {
    let Page {
        top,
        tabs,
        middle,
        line,
        hints,
    } = *page;
    header::show(frame, top, model);
    header::tabs(frame, tabs, model);
    body(frame, middle, model);
    for overlay in &model.overlays {
        match overlay {
            Overlay::Help { scroll, typed } => help::show(frame, middle, model, *scroll, typed),
            Overlay::Palette(list) => match list.kind {
                Choices::Places | Choices::Environments => {
                    places::show(frame, middle, model, list);
                }
                Choices::Actions | Choices::Jump | Choices::Themes | Choices::Procedures => {
                    palette::show(frame, middle, model, list);
                }
            },
            Overlay::Deeds { back } => deeds::show(frame, middle, model, *back),
            Overlay::Dialog(open) => dialog::show(frame, middle, model, open),
            Overlay::Typed(typed) => dialog::typed(frame, middle, model, typed),
            Overlay::Logs(view) => logs::show(frame, middle, model, view),
            Overlay::Filter => {}
        }
    }
    which::show(frame, middle, model, keymap);
    footer::line(frame, line, model);
    match &model.figures {
        Some(figures) => footer::figures(frame, hints, model, figures),
        None => footer::hints(frame, hints, model, keymap),
    }
}

fn body(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    if let Some(config) = model.faults() {
        let inner = framed(frame, area, model, "the project file needs mending", true);
        diagnostics::show(frame, inner, model, config);
        return;
    }
    if let (Area::History, Some(comparison)) = (model.area, &model.history.comparison) {
        let inner = framed(frame, area, model, &history::title(comparison), true);
        history::compared(frame, inner, model, look(model, true));
        return;
    }
    let Some(halves) = layout::halves(model, area) else {
        return;
    };
    if let Some(list) = halves.list.filter(|_| graph::on_show(model)) {
        let title = graph::title(model);
        let inner = framed(frame, list, model, &title, model.focus == Focus::List);
        graph::show(frame, inner, model);
        graph::legend(frame, list, model);
    } else if let Some(list) = halves.list {
        let title = title(model);
        framed(frame, list, model, &title, model.focus == Focus::List);
        let rows = under_banner(frame, list, model);
        self::list(frame, rows, model);
    }
    if let Some(side) = halves.side {
        let title = details::title(model);
        let inner = framed(frame, side, model, &title, model.focus == Focus::Details);
        details::show(frame, inner, model);
    }
}

/// Draws what the plan rests on, or which run is replayed, above the rows; returns the room below.
fn under_banner(frame: &mut Frame<'_>, list: Rect, model: &Model) -> Rect {
    let pen = Pen {
        theme: model.theme(),
    };
    let rows = layout::rows(model, list);
    let line = match model.area {
        Area::Plan => plan::banner(model, pen),
        Area::Run => course::banner(model, pen),
        Area::Services | Area::Drift | Area::Locks | Area::History => None,
    };
    if let Some(line) = line.filter(|_| rows.y > list.y + 1) {
        let above = Rect {
            y: rows.y - 1,
            height: 1,
            ..rows
        };
        frame.render_widget(Paragraph::new(fit(line, rows.width)), above);
    }
    rows
}

/// Cuts a line that is too long, with a mark.
fn fit(mut line: Line<'static>, columns: u16) -> Line<'static> {
    let mut room = usize::from(columns);
    for span in &mut line.spans {
        let text = cut(&span.content, room);
        room = room.saturating_sub(width(&text));
        span.content = text.into();
    }
    line
}

fn framed(frame: &mut Frame<'_>, area: Rect, model: &Model, title: &str, focused: bool) -> Rect {
    let pen = Pen {
        theme: model.theme(),
    };
    let tone = if focused {
        Tone::FrameFocus
    } else {
        Tone::Frame
    };
    let room = usize::from(area.width).saturating_sub(4);
    let title_tone = if focused {
        Tone::FrameFocus
    } else {
        Tone::Text
    };
    let block = Block::bordered()
        .border_style(model.theme().style(tone))
        .title(pen.line(&[(&format!(" {} ", cut(&clean::line(title), room)), title_tone)]));
    frame.render_widget(block, area);
    layout::inner(area)
}

fn title(model: &Model) -> String {
    let filter = match model.pane().map(Pane::filter) {
        Some(filter) if !filter.is_empty() => format!(" /{filter}"),
        Some(_) | None => String::new(),
    };
    let name = match model.area {
        Area::Services => graph::tree_title(model),
        Area::Plan => plan_title(model),
        Area::Run => run_title(model),
        Area::Locks => "locks and state".to_owned(),
        Area::History => format!(
            "past runs: {} plays one again, {} compares two",
            model.key(Action::Open),
            model.key(Action::Compare)
        ),
        Area::Drift => match &model.snapshot.drift {
            Some(drift) => {
                let ignored = match drift.ignored_fields() {
                    0 => String::new(),
                    some => format!(", {} ignored", count(some, "field")),
                };
                match drift.drifted.len() {
                    1 => format!("drift: 1 differs{ignored}"),
                    number => format!("drift: {number} differ{ignored}"),
                }
            }
            None => "drift".to_owned(),
        },
    };
    let marked = match marks::marked(model).len() {
        0 => String::new(),
        number => format!("  {number} marked"),
    };
    let age = match model.lost_at {
        Some(at) if matches!(model.area, Area::Services | Area::Plan | Area::Drift) => {
            format!("  as of {}: the platform does not answer", clock(at))
        }
        Some(_) | None => String::new(),
    };
    let kept = match model.faulty_at {
        Some(at) if matches!(model.area, Area::Services | Area::Drift) => {
            let key = model.key(Action::Plans);
            format!(
                "  as of {}: {}, {key} shows them",
                clock(at),
                model.faults_said()
            )
        }
        Some(_) | None => String::new(),
    };
    format!("{name}{age}{kept}{marked}{filter}")
}

fn plan_title(model: &Model) -> String {
    let Some(plan) = &model.snapshot.plan else {
        return "plan".into();
    };
    let sum = plan.summary();
    let what = format!(
        "{}: {} create, {} update, {} delete, {} unchanged{}",
        plan.purpose.as_str(),
        sum.create,
        sum.update,
        sum.delete,
        sum.noop,
        to_run(sum.run)
    );
    match &model.snapshot.plan_stale {
        Some(why) => format!("STALE ({why}) {what}"),
        None => what,
    }
}

fn run_title(model: &Model) -> String {
    let Some(run) = model.shown_run() else {
        return "run".into();
    };
    match &run.finished {
        None if model.replay.is_some() => format!("replay of a {}: not at its end", run.command),
        None => format!("{}: under way", run.command),
        Some((at, outcome, exit_code, _)) => format!(
            "{}: {} (exit {exit_code}) after {}",
            run.command,
            with_warnings(outcome, run.warnings.len()),
            crate::present::human::duration(crate::tui::words::between(run.started, *at))
        ),
    }
}

fn list(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    let pen = Pen {
        theme: model.theme(),
    };
    let Some(pane) = model.pane() else {
        return;
    };
    if pane.rows().is_empty() {
        let text = if pane.filter().is_empty() {
            nothing::why(model)
        } else {
            format!(
                "nothing matches the filter; {} clears it",
                model.key(Action::Back)
            )
        };
        let lines: Vec<_> = crate::tui::words::wrap(&text, usize::from(area.width))
            .iter()
            .map(|line| pen.line(&[(line, Tone::Dim)]))
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let look = look(model, model.focus == Focus::List);
    if model.area == Area::Run && model.run_as == RunAs::Timeline {
        timeline::show(frame, area, model, look);
    } else {
        tree::show(frame, area, pane, look);
    }
}

fn look(model: &Model, focused: bool) -> Look<'_> {
    Look {
        pen: Pen {
            theme: model.theme(),
        },
        now: match model.area {
            Area::Run => model.run_now(),
            Area::Services | Area::Plan | Area::Drift | Area::Locks | Area::History => model.now,
        },
        focused: focused && model.overlays.is_empty(),
        marks: (model.area, marks::marked(model)),
        faded: match model.area {
            Area::Services | Area::Drift => model.lost_at.is_some() || model.faulty_at.is_some(),
            Area::Plan | Area::Run | Area::Locks | Area::History => false,
        },
    }
}
