//! From arguments to an exit code.

use std::io::Write;

use crate::app::failure::{Failure, FailureKind};
use crate::cli::args::{Cli, Verb};
use crate::cli::errand::Errand;
use crate::cli::exit;
use crate::cli::ground::{Ground, Terminal};
use crate::cli::printer::Printer;
use crate::cli::verbs::dispatch;

/// Does what the arguments ask for and returns the exit code. Failures are printed here, once.
pub fn run(
    cli: &Cli,
    ground: &mut dyn Ground,
    terminal: Terminal,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
) -> u8 {
    let printer = Printer::new(out, err, terminal, &cli.globals);
    let mut errand = Errand::new(ground, printer, terminal);
    errand.read_only = cli.globals.read_only;
    let several = cli.globals.file.len() > 1;
    if several && !matches!(cli.verb, None | Some(Verb::Ui { .. })) {
        let failure = Failure::new(
            FailureKind::Refused,
            "only the panel takes several project files",
        )
        .hint("name one with `--file`");
        return failed(&mut errand, &failure);
    }
    match dispatch::dispatch(&mut errand, cli.verb.as_ref()) {
        Ok(code) => code,
        Err(failure) => failed(&mut errand, &failure),
    }
}

fn failed(errand: &mut Errand<'_>, failure: &Failure) -> u8 {
    errand.fail(failure);
    errand.ground.explain(failure);
    exit::code(failure.kind)
}
