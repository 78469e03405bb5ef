//! All output of the command line: results to standard output, talk and progress to standard error, JSON by itself.
//!
//! A closed pipe is no failure: what nobody reads is not written, and a run goes on to its end.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use crate::app::snapshot::Snapshot;
use crate::cli::args::{Globals, When};
use crate::cli::echo::Echo;
use crate::cli::ground::Terminal;
use crate::cli::live::Live;
use crate::cli::paint::Paint;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::event::{Event, EventKind};
use crate::domain::place::Sources;
use crate::domain::time::Wall;
use crate::present::clean;
use crate::present::human;
use crate::present::report::{self, ReportStyle};
use crate::present::role::{Role, Row};
use crate::present::rows::run::{self, Weight};

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only what is wrong, and results.
    Quiet,
    /// The usual.
    Normal,
    /// Every step.
    Verbose,
}

/// The printer.
pub struct Printer {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    out_gone: bool,
    err_gone: bool,
    out_paint: Paint,
    err_paint: Paint,
    terminal: Terminal,
    live: Option<Live>,
    echo: Echo,
    /// The line that names the trace of the run under way.
    trace: Option<Row>,
    /// Whether standard output carries JSON and nothing else.
    pub json: bool,
    /// How much is said.
    pub verbosity: Verbosity,
}

impl Printer {
    /// Makes a printer for these flags.
    #[must_use]
    pub fn new(
        out: Box<dyn Write>,
        err: Box<dyn Write>,
        terminal: Terminal,
        globals: &Globals,
    ) -> Self {
        let paint = |is_terminal: bool| Paint {
            on: match globals.color {
                When::Always => true,
                When::Never => false,
                When::Auto => is_terminal && terminal.capable && !terminal.no_color,
            },
        };
        Self {
            out,
            err,
            out_gone: false,
            err_gone: false,
            out_paint: Paint {
                on: paint(terminal.stdout).on && !globals.json,
            },
            err_paint: paint(terminal.stderr),
            terminal,
            live: None,
            echo: Echo::default(),
            trace: None,
            json: globals.json,
            verbosity: match (globals.quiet, globals.verbose) {
                (true, _) => Verbosity::Quiet,
                (_, true) => Verbosity::Verbose,
                (false, false) => Verbosity::Normal,
            },
        }
    }

    /// Says everything in whole lines without colours from now on, for whoever hears the screen.
    pub fn speak_plainly(&mut self) {
        self.out_paint = Paint { on: false };
        self.err_paint = Paint { on: false };
        self.terminal.capable = false;
    }

    /// Tells whether standard output was closed by its reader.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.out_gone
    }

    /// Prints text, a result: as it is, unless a terminal would see it.
    pub fn text(&mut self, text: &str) {
        if self.terminal.stdout {
            self.raw(&clean::document(text));
        } else {
            self.raw(text);
        }
    }

    fn raw(&mut self, text: &str) {
        write_to(&mut self.out, &mut self.out_gone, text);
    }

    /// Prints rows, a result.
    pub fn rows(&mut self, rows: &[Row]) {
        let paint = self.out_paint;
        let text: String = rows.iter().map(|row| paint.row(row) + "\n").collect();
        self.raw(&text);
    }

    /// Prints one JSON document, a result.
    pub fn document(&mut self, value: &Value) {
        let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
        text.push('\n');
        self.raw(&clean::json(&text));
    }

    /// Prints one event as a JSON line, at once.
    pub fn event_line(&mut self, event: &Event) {
        let mut line = crate::formats::event::encode_line(event);
        if !line.ends_with('\n') {
            line.push('\n');
        }
        self.raw(&clean::json(&line));
    }

    /// Prints one value as a JSON line, at once.
    pub fn json_line(&mut self, value: &Value) {
        let line = format!("{value}\n");
        self.raw(&clean::json(&line));
    }

    /// Writes one value as a JSON line to standard error: a log, for machines.
    pub fn log_line(&mut self, value: &Value) {
        let line = format!("{value}\n");
        write_to(&mut self.err, &mut self.err_gone, &line);
    }

    /// Writes a prompt, or what is typed at it, as it is.
    pub fn prompt(&mut self, text: &str) {
        write_to(&mut self.err, &mut self.err_gone, text);
    }

    /// Says something on standard error, above the live lines.
    pub fn say(&mut self, rows: &[Row]) {
        let paint = self.err_paint;
        let text: String = rows.iter().map(|row| paint.row(row) + "\n").collect();
        self.above(&text);
    }

    /// Says something that is left out with `-q`.
    pub fn remark(&mut self, role: Role, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.say(&[Row::at(0).with(role, text)]);
        }
    }

    /// Says findings about the file.
    pub fn diagnostics(&mut self, findings: &[Diagnostic], sources: &Sources) {
        if findings.is_empty() {
            return;
        }
        let style = ReportStyle {
            color: self.err_paint.on,
            width: self.terminal.width.map_or(100, usize::from),
            ascii: true,
        };
        let text = report::render(findings, sources, style);
        self.above(&text);
    }

    /// Says what happened in a run, as weighty as the flags ask for.
    pub fn event(&mut self, event: &Event) {
        let least = match self.verbosity {
            Verbosity::Quiet => Weight::Alarm,
            Verbosity::Normal => Weight::News,
            Verbosity::Verbose => Weight::Detail,
        };
        if run::weight(event) < least {
            return;
        }
        let event = &self.echo.once(event);
        let mut rows = run::event(event);
        if self.verbosity == Verbosity::Verbose {
            self.trace = run::trace(event).or(self.trace.take());
            if matches!(event.kind, EventKind::RunFinished { .. }) {
                rows.extend(self.trace.take());
            }
        }
        if self.live.is_some() {
            self.say(&rows);
            return;
        }
        let paint = self.err_paint;
        let at = paint.row(&Row::at(0).with(Role::Dim, human::clock(event.at)));
        let mut text = String::new();
        for row in &rows {
            for part in [&at, " ", &paint.row(row), "\n"] {
                text.push_str(part);
            }
        }
        self.above(&text);
    }

    /// Starts live lines where the terminal can do them.
    pub fn start_live(&mut self) {
        let can =
            self.terminal.stderr && self.terminal.capable && self.verbosity > Verbosity::Quiet;
        if let (true, false, Some(width)) = (can, self.json, self.terminal.width) {
            self.live = Some(Live::new(width));
        }
    }

    /// Returns how often the live lines want to be drawn.
    #[must_use]
    pub fn frame(&self) -> Option<Duration> {
        self.live.as_ref().map(|_| Live::FRAME)
    }

    /// Draws the live lines anew.
    pub fn draw(&mut self, snapshot: &Snapshot, now: Wall) {
        let paint = self.err_paint;
        if let Some(live) = &mut self.live {
            let text = live.draw(snapshot, now, paint);
            write_to(&mut self.err, &mut self.err_gone, &text);
        }
    }

    /// Takes the live lines away.
    pub fn end_live(&mut self) {
        if let Some(mut live) = self.live.take() {
            let text = live.clear();
            write_to(&mut self.err, &mut self.err_gone, &text);
        }
    }

    fn above(&mut self, text: &str) {
        let mut whole = self.live.as_mut().map(Live::clear).unwrap_or_default();
        whole.push_str(text);
        write_to(&mut self.err, &mut self.err_gone, &whole);
    }
}

fn write_to(to: &mut Box<dyn Write>, gone: &mut bool, text: &str) {
    if *gone || text.is_empty() {
        return;
    }
    let written = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    *gone = written.is_err();
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_noticed_and_not_written_to_again() {
        let mut printer = Printer::new(
            Box::new(Closed),
            Box::new(Vec::new()),
            Terminal::default(),
            &Globals::default(),
        );
        assert!(!printer.is_unread());
        printer.text("hello\n");
        assert!(printer.is_unread());
        printer.text("again\n");
    }
}
