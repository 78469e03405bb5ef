//! `nkapp ui --plain`: the panel line by line, for screen readers and for terminals that can do nothing else.
//!
//! The same verbs on the same sessions as everywhere; only the loop is here. Nothing is drawn over anything, nothing
//! spins, and whatever happens is said in a line of its own.

use crate::cli::args::{self, Read};
use crate::cli::errand::Errand;
use crate::cli::exit;
use crate::cli::plain::{self, Typed};
use crate::cli::verbs::dispatch;
use crate::present::report;
use crate::present::role::{Role, Row};

/// Talks until somebody leaves; returns the exit code.
pub(super) fn converse(errand: &mut Errand<'_>) -> u8 {
    errand.printer.speak_plainly();
    errand.plain = true;
    errand.ground.converse();
    greet(errand);
    loop {
        let prompt = prompt(errand);
        let Some(line) = errand.ground.ask(&prompt) else {
            return exit::DONE;
        };
        match plain::read(&line) {
            Typed::Nothing => {}
            Typed::Quit => return exit::DONE,
            Typed::Help => {
                let rows: Vec<Row> = plain::help()
                    .iter()
                    .map(|line| Row::at(0).with(Role::Plain, line))
                    .collect();
                errand.printer.rows(&rows);
            }
            Typed::Environment(env) => {
                errand.ground.look_again(Some(&env));
                greet(errand);
            }
            Typed::Unclear(why) => errand.printer.remark(Role::Warn, &why),
            Typed::Line(words) => act(errand, words),
        }
        errand.ground.look_again(None);
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
            "Project {} in environment {}, {} services.",
            project.name,
            project.env,
            project.services.len()
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
