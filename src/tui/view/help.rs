//! All keys, from the one table: those that work where one came from first, then the rest.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Clear};

use crate::tui::danger::Danger;
use crate::tui::keymap::action::{Context, Group};
use crate::tui::keymap::default::{ROWS, Row};
use crate::tui::keymap::map::place_of;
use crate::tui::model::{Model, Overlay};
use crate::tui::theme::Tone;
use crate::tui::update::allowed;
use crate::tui::view::layout;
use crate::tui::view::pen::Pen;
use crate::tui::view::sheet::Sheet;

/// Room for keys.
const KEYS: usize = 18;

/// Draws the help screen.
pub fn show(frame: &mut Frame<'_>, area: Rect, model: &Model, scroll: usize, typed: &str) {
    let pen = Pen {
        theme: model.theme(),
    };
    let title = match typed {
        "" => " help: all keys ".to_owned(),
        typed => format!(" help: /{typed} "),
    };
    let block = Block::bordered()
        .border_style(model.theme().style(Tone::FrameFocus))
        .title(pen.line(&[(&title, Tone::FrameFocus)]));
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let inner = layout::inner(area);
    sheet(model, inner.width, typed).show(frame, inner, scroll);
}

/// Returns the last line the help can be scrolled to.
#[must_use]
pub fn last(model: &Model, area: Rect, typed: &str) -> usize {
    let inner = layout::inner(area);
    let lines = sheet(model, inner.width, typed).len();
    lines.saturating_sub(usize::from(inner.height))
}

/// Where the person was when they asked.
fn asked_from(model: &Model) -> Context {
    let below = model
        .overlays
        .iter()
        .rev()
        .find(|overlay| !matches!(overlay, Overlay::Help { .. } | Overlay::Filter));
    match below {
        Some(Overlay::Logs(_)) => Context::Logs,
        _ => model.area.context(),
    }
}

fn sheet(model: &Model, width: u16, typed: &str) -> Sheet {
    let pen = Pen {
        theme: model.theme(),
    };
    let mut sheet = Sheet::new(pen, width, KEYS);
    let here = asked_from(model);
    let wanted = typed.trim().to_lowercase();
    let page = Page {
        model,
        here,
        wanted: &wanted,
    };
    let (ours, others): (Vec<&Row>, Vec<&Row>) =
        ROWS.iter().partition(|row| row.contexts.contains(&here));
    for group in Group::ALL {
        let heading = match group {
            Group::Act => format!("here, in {}: {}", here.as_str(), group.as_str()),
            Group::Look | Group::Move | Group::Go | Group::Answer | Group::Panel => {
                group.as_str().to_owned()
            }
        };
        page.section(
            &mut sheet,
            &heading,
            ours.iter().filter(|row| row.group == group),
        );
    }
    page.section(&mut sheet, "elsewhere", others.iter());
    if wanted.is_empty() {
        symbols(&mut sheet);
    }
    if sheet.is_empty() {
        sheet.text("nothing fits", Tone::Dim);
    }
    sheet
}

/// What a section of the help needs to know.
struct Page<'a> {
    model: &'a Model,
    here: Context,
    wanted: &'a str,
}

impl Page<'_> {
    fn section<'r>(
        &self,
        sheet: &mut Sheet,
        heading: &str,
        rows: impl Iterator<Item = &'r &'static Row>,
    ) {
        let mut begun = false;
        for row in rows {
            let keys = self.model.setup.keymap.of_row(row, self.here);
            let keys = if keys.is_empty() {
                format!(": {}", row.name)
            } else {
                keys.join("  ")
            };
            let text = self.text(row);
            let fits = keys.to_lowercase().contains(self.wanted)
                || row.name.contains(self.wanted)
                || text.to_lowercase().contains(self.wanted);
            if !fits {
                continue;
            }
            if !begun {
                sheet.heading(heading);
                begun = true;
            }
            let off = row.contexts.contains(&self.here)
                && allowed::check(self.model, row.action).is_err();
            let tone = if off { Tone::Dim } else { Tone::Text };
            sheet.pair(&keys, &text, tone);
        }
    }

    fn text(&self, row: &Row) -> String {
        let danger = match row.danger {
            Danger::Read => String::new(),
            danger => format!(" [{} {}]", danger.symbol(), danger.as_str()),
        };
        let here = row.contexts.contains(&self.here);
        let place = if here {
            String::new()
        } else {
            format!(" ({})", place_of(row))
        };
        let off = match allowed::check(self.model, row.action) {
            Err(reason) if here => format!(". Not now: {reason}"),
            Ok(()) | Err(_) => String::new(),
        };
        format!("{}{danger}{place}{off}", row.help)
    }
}

fn symbols(sheet: &mut Sheet) {
    sheet.heading("symbols");
    for (symbol, text) in [
        ("+ ~ - •", "create, update, delete, unchanged"),
        ("⇄", "differs from what was deployed"),
        ("● ○ ◐", "running or exists, absent or waiting, under way"),
        ("✓ ✗ » ?", "done, failed, skipped, unknown"),
        (
            "· ! ✗",
            "an act that is reversible, disruptive, data-losing",
        ),
        (
            "○ ◆ ▲",
            "an environment of one's own, shared, in production",
        ),
        ("^", "shared: other services depend on it too"),
    ] {
        sheet.pair(symbol, text, Tone::Text);
    }
}
