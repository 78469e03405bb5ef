//! The few lines that are redrawn while a run is on: what is under way, for how long.
//!
//! Everything is written in one piece, the cursor goes up over the old lines and each new one clears to its
//! end: nothing flickers. Lines are cut to the width, so that none wraps and the count of lines stays true.

use std::fmt::Write as _;
use std::time::Duration;

use unicode_width::UnicodeWidthChar;

use crate::app::snapshot::Snapshot;
use crate::cli::paint::Paint;
use crate::domain::history::view::RunView;
use crate::domain::plan::model::Action;
use crate::domain::time::Wall;
use crate::present::human;
use crate::present::role::{Role, Row, Span};

/// The live lines.
#[derive(Debug)]
pub(super) struct Live {
    width: usize,
    drawn: usize,
}

/// Steps shown at once.
const STEPS: usize = 8;

impl Live {
    /// Pause between two drawings.
    pub(super) const FRAME: Duration = Duration::from_millis(100);

    /// Starts with nothing drawn.
    #[must_use]
    pub(super) fn new(width: u16) -> Self {
        Self {
            width: usize::from(width).max(20),
            drawn: 0,
        }
    }

    /// Returns what takes the lines away.
    pub(super) fn clear(&mut self) -> String {
        if self.drawn == 0 {
            return String::new();
        }
        let text = format!("\u{1b}[{}A\r\u{1b}[J", self.drawn);
        self.drawn = 0;
        text
    }

    /// Returns what draws the lines anew.
    pub(super) fn draw(&mut self, snapshot: &Snapshot, now: Wall, paint: Paint) -> String {
        let mut text = String::new();
        if self.drawn > 0 {
            let _ = write!(text, "\u{1b}[{}A", self.drawn);
        }
        let rows = snapshot
            .run
            .as_ref()
            .map(|run| rows(run, now))
            .unwrap_or_default();
        for row in &rows {
            let _ = writeln!(text, "\r{}\u{1b}[K", paint.row(&cut(row, self.width - 1)));
        }
        if rows.len() < self.drawn {
            text.push_str("\u{1b}[J");
        }
        self.drawn = rows.len();
        text
    }
}

fn rows(run: &RunView, now: Wall) -> Vec<Row> {
    if run.finished.is_some() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    let under_way = run
        .steps
        .iter()
        .filter(|(_, step)| step.started.is_some() && step.finished.is_none());
    let mut hidden = 0;
    for (id, step) in under_way {
        if rows.len() >= STEPS {
            hidden += 1;
            continue;
        }
        let since = step.started.unwrap_or(now);
        let mut row = Row::at(1)
            .with(Role::Busy, "▸ ")
            .with(Role::Plain, id.as_str())
            .with(Role::Dim, format!(" {}", human::between(since, now)));
        if step.attempt > 1 {
            row = row.with(Role::Warn, format!(" attempt {}", step.attempt));
        }
        if let Some((done, total, unit)) = &step.progress {
            let part = match (unit.as_str(), total) {
                ("bytes", Some(total)) => {
                    format!(" {} of {}", human::size(*done), human::size(*total))
                }
                ("bytes", None) => format!(" {}", human::size(*done)),
                (unit, Some(total)) => format!(" {done} of {total} {unit}"),
                (unit, None) => format!(" {unit}"),
            };
            row = row.with(Role::Dim, part);
        }
        rows.push(row);
    }
    if hidden > 0 {
        rows.push(Row::at(1).with(Role::Dim, format!("… and {hidden} more")));
    }
    let total = run.plan.as_ref().map_or(0, |plan| {
        plan.actions.iter().filter(|a| !Action::is_noop(a)).count()
    });
    let done = run
        .actions
        .values()
        .filter(|a| a.finished.is_some())
        .count();
    let head = if total == 0 {
        run.stage.clone()
    } else {
        format!("{done} of {total} done")
    };
    rows.push(
        Row::at(0)
            .with(Role::Strong, &run.command)
            .with(Role::Plain, format!(" {head}"))
            .with(
                Role::Dim,
                format!(" · {}", human::between(run.started, now)),
            ),
    );
    rows
}

/// Cuts a row to so many cells.
fn cut(row: &Row, width: usize) -> Row {
    let mut left = width.saturating_sub(row.indent * 2);
    let mut out = Row::at(row.indent);
    for span in &row.spans {
        let mut text = String::new();
        for c in span.text.chars() {
            let cells = c.width().unwrap_or(0);
            if cells > left {
                left = 0;
                break;
            }
            left -= cells;
            text.push(c);
        }
        out.spans.push(Span {
            text,
            role: span.role,
        });
        if left == 0 {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Event, EventKind};
    use crate::domain::ids::{Address, Instance, RunId, TraceId};

    fn running(names: &[&str]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let event = |kind, step| Event {
            at: Wall(0),
            run_id: Some(RunId::new("r1")),
            seq: 0,
            address: None,
            step,
            attempt: None,
            kind,
        };
        snapshot.apply_event(&event(
            EventKind::RunStarted {
                command: "deploy".into(),
                who: String::new(),
                trace_id: TraceId::default(),
                parent: None,
                plan_id: None,
                origin: crate::domain::event::Origin::default(),
            },
            None,
        ));
        for name in names {
            let step = Address::service(name).step(Some(Instance(0)), "health");
            snapshot.apply_event(&event(EventKind::StepStarted, Some(step)));
        }
        snapshot
    }

    #[test]
    fn the_screen_shows_only_the_newest_drawing() {
        let mut live = Live::new(40);
        let mut screen = vt100::Parser::new(
            24.try_into().expect("rows"),
            40.try_into().expect("columns"),
            0,
        );
        let paint = Paint { on: true };
        let long = "a-service-with-a-name-that-is-far-too-long-for-this";
        for names in [&["db", "cache", long][..], &["db"], &[]] {
            let text = live.draw(&running(names), Wall(12_000), paint);
            screen.process(text.replace('\n', "\r\n").as_bytes());
        }
        let lines: Vec<String> = screen
            .screen()
            .rows(0, 40)
            .filter(|l| !l.is_empty())
            .collect();
        assert_eq!(lines, ["deploy  · 12 s"]);
        screen.process(live.clear().as_bytes());
        assert_eq!(screen.screen().contents(), "");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let long = "é".repeat(200);
        let row = Row::at(1).with(Role::Plain, &long).with(Role::Dim, "日本");
        assert_eq!(cut(&row, 39).text().chars().count(), 39);
    }
}
