//! The whole screen: where what goes, and what lies above it.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::{Block, Paragraph};

use crate::present::clean;
use crate::tui::keymap::map::Keymap;
use crate::tui::model::{Area, Focus, Model, Overlay};
use crate::tui::theme::Tone;
use crate::tui::tree::Pane;
use crate::tui::view::pen::Pen;
use crate::tui::view::scratch::Scratch;
use crate::tui::view::tree::Look;
use crate::tui::view::{
    ascii, details, diagnostics, dialog, footer, header, help, locks, logs, palette, tree,
};
use crate::tui::words::cut;

/// The least columns and rows the panel works with.
pub const LEAST: (u16, u16) = (40, 10);
/// From this width on list and details stand side by side.
const WIDE: u16 = 100;
/// From this height of the middle on they stand one above the other.
const TALL: u16 = 12;
/// From this height of the middle on a run stands above its output even where there is width.
const ROOMY: u16 = 24;

/// Draws one frame.
pub fn draw(frame: &mut Frame<'_>, model: &Model, scratch: &mut Scratch, keymap: &Keymap) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame, area, model);
    } else {
        parts(frame, area, model, scratch, keymap);
    }
    if model.options.ascii {
        ascii::flatten(frame.buffer_mut());
    }
}

/// One plain sentence, as much of it as fits.
fn too_small(frame: &mut Frame<'_>, area: Rect, model: &Model) {
    if area.is_empty() {
        return;
    }
    let (columns, rows) = LEAST;
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

fn parts(frame: &mut Frame<'_>, area: Rect, model: &Model, scratch: &mut Scratch, keymap: &Keymap) {
    let [top, tabs, middle, line, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    header::show(frame, top, model);
    header::tabs(frame, tabs, model);
    body(frame, middle, model, scratch);
    for overlay in &model.overlays {
        match overlay {
            Overlay::Help { scroll } => help::show(frame, middle, model, keymap, *scroll),
            Overlay::Palette(list) => palette::show(frame, middle, model, keymap, list),
            Overlay::Dialog(open) => dialog::show(frame, middle, model, open),
            Overlay::Typed(typed) => dialog::typed(frame, middle, model, typed),
            Overlay::Logs(view) => logs::show(frame, middle, model, view),
            Overlay::Filter => {}
        }
    }
    footer::line(frame, line, model);
    footer::hints(frame, hints, model, keymap);
}

fn body(frame: &mut Frame<'_>, area: Rect, model: &Model, scratch: &mut Scratch) {
    if model.area == Area::Locks {
        let inner = framed(frame, area, model, "lock and state", true);
        locks::show(frame, inner, model);
        return;
    }
    if let Some(config) = model.faults() {
        let inner = framed(frame, area, model, "the project file needs mending", true);
        diagnostics::show(frame, inner, model, config);
        return;
    }
    // Output wants long lines, so a run stands above it wherever that leaves enough rows.
    let stacked = model.area == Area::Run && area.height >= ROOMY;
    let (list, side) = split(area, model.focus, stacked);
    if let Some(list) = list {
        let title = title(model);
        let inner = framed(frame, list, model, &title, model.focus == Focus::List);
        self::list(frame, inner, model, scratch);
    }
    if let Some(side) = side {
        let title = details::title(model);
        let inner = framed(frame, side, model, &title, model.focus == Focus::Details);
        details::show(frame, inner, model);
    }
}

/// Places list and details; where there is room for one only, the one with the cursor.
fn split(area: Rect, focus: Focus, stacked: bool) -> (Option<Rect>, Option<Rect>) {
    if area.width >= WIDE && !stacked {
        let [list, side] =
            Layout::horizontal([Constraint::Percentage(55), Constraint::Fill(1)]).areas(area);
        return (Some(list), Some(side));
    }
    if area.height >= TALL {
        let share = match focus {
            Focus::List => 58,
            Focus::Details => 35,
        };
        let [list, side] =
            Layout::vertical([Constraint::Percentage(share), Constraint::Fill(1)]).areas(area);
        return (Some(list), Some(side));
    }
    match focus {
        Focus::List => (Some(area), None),
        Focus::Details => (None, Some(area)),
    }
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
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

fn title(model: &Model) -> String {
    let filter = match model.pane().map(Pane::filter) {
        Some(filter) if !filter.is_empty() => format!(" /{filter}"),
        Some(_) | None => String::new(),
    };
    let name = match model.area {
        Area::Services => "services".to_owned(),
        Area::Plan => plan_title(model),
        Area::Run => run_title(model),
        Area::Locks => "lock and state".to_owned(),
        Area::Drift => match &model.snapshot.drift {
            Some(drift) => format!("drift: {} changed by hand", drift.drifted.len()),
            None => "drift".to_owned(),
        },
    };
    format!("{name}{filter}")
}

fn plan_title(model: &Model) -> String {
    let Some(plan) = &model.snapshot.plan else {
        return "plan".into();
    };
    let sum = plan.summary();
    let what = format!(
        "{}: {} create, {} update, {} delete, {} unchanged",
        plan.purpose.as_str(),
        sum.create,
        sum.update,
        sum.delete,
        sum.noop
    );
    match &model.snapshot.plan_stale {
        Some(why) => format!("STALE ({why}) {what}"),
        None => what,
    }
}

fn run_title(model: &Model) -> String {
    let Some(run) = &model.snapshot.run else {
        return "run".into();
    };
    match &run.finished {
        None => format!("{}: under way", run.command),
        Some((at, outcome, exit_code, _)) => format!(
            "{}: {outcome} (exit {exit_code}) after {}",
            run.command,
            crate::present::human::duration(crate::tui::words::between(run.started, *at))
        ),
    }
}

fn list(frame: &mut Frame<'_>, area: Rect, model: &Model, scratch: &mut Scratch) {
    let pen = Pen {
        theme: model.theme(),
    };
    let Some(pane) = model.pane() else {
        return;
    };
    if pane.rows().is_empty() {
        let text = if pane.filter().is_empty() {
            nothing(model)
        } else {
            "nothing matches the filter; Esc clears it".to_owned()
        };
        let lines: Vec<_> = crate::tui::words::wrap(&text, usize::from(area.width))
            .iter()
            .map(|line| pen.line(&[(line, Tone::Dim)]))
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let look = Look {
        pen,
        now: model.now,
        focused: model.focus == Focus::List && model.overlays.is_empty(),
    };
    tree::show(frame, area, pane, scratch.tree(model.area), look);
}

/// Says why a list is empty, and what would fill it.
fn nothing(model: &Model) -> String {
    match model.area {
        Area::Services => match &model.snapshot.config {
            None => "loading the project file".into(),
            Some(_) => "the file has no services".into(),
        },
        Area::Plan => match &model.snapshot.plan {
            None => "no plan yet; `p` makes one, `D` makes one and deploys".into(),
            Some(_) => "the plan is empty".into(),
        },
        Area::Run => "no run yet; `D` deploys".into(),
        Area::Drift => match &model.snapshot.drift {
            None => "not looked at yet; `r` looks".into(),
            Some(_) => "no drift: what runs is what was deployed".into(),
        },
        Area::Locks => String::new(),
    }
}
