//! `nkapp ui --plain`: the panel line by line, for screen readers and for terminals that can do nothing else.
//!
//! The same verbs on the same sessions as everywhere; only the loop is here. Nothing is drawn over anything, nothing
//! spins, and whatever happens is said in a line of its own.

use crate::app::session::{Reader, Settings};
use crate::cli::args::{self, Read};
use crate::cli::errand::Errand;
use crate::cli::exit;
use crate::cli::ground::{Came, Line};
use crate::cli::news::News;
use crate::cli::plain::{self, Typed as Meant};
use crate::cli::typing::{Typed, Typing};
use crate::cli::verbs::dispatch;
use crate::present::report;
use crate::present::role::{Role, Row};
use crate::present::words::count;

/// Talks until somebody leaves; returns the exit code.
pub(super) fn converse(errand: &mut Errand<'_>) -> u8 {
    errand.printer.speak_plainly();
    errand.plain = true;
    errand.ground.converse();
    greet(errand);
    let mut ear = Ear::new();
    loop {
        let prompt = prompt(errand);
        let Some(line) = ear.ask(errand, &prompt) else {
            return exit::DONE;
        };
        match plain::read(&line) {
            Meant::Nothing => {}
            Meant::Quit => return exit::DONE,
            Meant::Help => {
                let rows: Vec<Row> = plain::help()
                    .iter()
                    .map(|line| Row::at(0).with(Role::Plain, line))
                    .collect();
                errand.printer.rows(&rows);
            }
            Meant::Environment(env) => {
                errand.ground.look_again(Some(&env));
                greet(errand);
                ear = Ear::new();
            }
            Meant::Unclear(why) => errand.printer.remark(Role::Warn, &why),
            Meant::Line(words) => {
                ear.rest();
                act(errand, words);
            }
        }
        errand.ground.look_again(None);
    }
}

/// Listens to the project while a command is awaited.
struct Ear {
    line: Option<Box<dyn Line>>,
    news: News,
}

impl Ear {
    fn new() -> Self {
        Self {
            line: None,
            news: News::new(std::process::id()),
        }
    }

    /// Hangs up; what is said already is not said again.
    fn rest(&mut self) {
        self.line = None;
    }

    /// Asks for a line, and says meanwhile what changes: each thing in lines of its own, after which the prompt and
    /// what was typed already stand there again.
    fn ask(&mut self, errand: &mut Errand<'_>, prompt: &str) -> Option<String> {
        self.news.knows(&errand.ground.load().hydrated);
        if self.line.is_none() {
            // It loads the file itself, so that no change falls between this and its watching.
            errand.ground.look_again(None);
            // Where nobody can be listened to, a line can be typed all the same.
            self.line = errand
                .ground
                .connect(Settings {
                    live: true,
                    reader: Reader::MayLoseLines,
                    read_only: true,
                    workers: false,
                    stays: false,
                })
                .ok();
        }
        let Some(line) = self.line.as_deref_mut() else {
            return errand.ground.ask(prompt);
        };
        // Before the prompt: what is typed as soon as it stands there is ours to show.
        line.start_reading();
        errand.printer.prompt(prompt);
        let mut typed = Typed::default();
        let read = loop {
            match line.hear_or_read() {
                Came::Byte(byte, silent) => match typed.take(byte) {
                    Typing::Show(text) if silent => errand.printer.prompt(&text),
                    Typing::Show(_) => {}
                    Typing::Done(text) => {
                        if silent {
                            errand.printer.prompt("\n");
                        }
                        break Some(text);
                    }
                    Typing::End => break None,
                },
                Came::News(notice) => {
                    let said = self.news.hear(&notice);
                    if !said.is_empty() {
                        let text = format!("\n{}\n{prompt}{}", said.join("\n"), typed.text());
                        errand.printer.prompt(&text);
                    }
                }
                Came::End => {
                    let rest = typed.text();
                    break (!rest.is_empty()).then_some(rest);
                }
                Came::Leave => break None,
            }
        };
        line.stop_reading();
        read
    }
}

fn prompt(errand: &mut Errand<'_>) -> String {
    let loaded = errand.ground.load();
    match &loaded.hydrated.project {
        Some(project) => format!("nkapp {} [{}]> ", project.name, project.env),
        None => "nkapp [file has errors]> ".to_owned(),
    }
}

fn greet(errand: &mut Errand<'_>) {
    let loaded = errand.ground.load();
    let hydrated = &loaded.hydrated;
    errand
        .printer
        .diagnostics(&hydrated.diagnostics, &hydrated.sources);
    let text = match &hydrated.project {
        Some(project) => format!(
            "Project {} in environment {}, {}.",
            project.name,
            project.env,
            count(project.services.len(), "service")
        ),
        None => format!(
            "The project file has {}.",
            report::summary(&hydrated.diagnostics)
        ),
    };
    let mode = if errand.read_only {
        " Read-only: everything that changes something is refused."
    } else {
        ""
    };
    let row = Row::at(0).with(
        Role::Plain,
        format!("{text}{mode} Type help for what can be done."),
    );
    errand.printer.rows(&[row]);
}

/// Does what a command line says, and says what became of it.
fn act(errand: &mut Errand<'_>, words: Vec<String>) {
    let all = std::iter::once("nkapp".to_owned()).chain(words);
    let cli = match args::read(all) {
        Read::Cli(cli) => cli,
        Read::Text(text) | Read::Mistake(text) => {
            errand.printer.text(&text);
            return;
        }
    };
    if let Some(verb) = &cli.verb {
        let done = dispatch::dispatch(errand, Some(verb));
        match done {
            Ok(exit::DONE) => {}
            Ok(code) => errand
                .printer
                .remark(Role::Plain, &format!("Ended with code {code}.")),
            Err(failure) => errand.fail(&failure),
        }
    }
}
