//! From the process's arguments to its exit code.

use std::io::Write;
use std::process::ExitCode;

use crate::adapters::private;
use crate::app::failure::{Failure, FailureKind};
use crate::boot::outside::Outside;
use crate::boot::supervise;
use crate::cli::args::{self, Read};
use crate::cli::paint::Paint;
use crate::cli::{exit, start};
use crate::present::rows::failure;

/// Fewest files that must be able to be open at once: sockets, pipes of hooks, the journal and the lock.
const DESCRIPTORS: u64 = 64;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = supervise::if_asked() {
        return ExitCode::from(code);
    }
    // From here on secrets may be in memory.
    private::withhold();
    let cli = match args::read(std::env::args_os()) {
        Read::Cli(cli) => cli,
        Read::Text(text) => return print(&mut std::io::stdout(), &text, exit::DONE),
        Read::Mistake(text) => return print(&mut std::io::stderr(), &text, 1),
    };
    if let Some(count) = private::descriptors().filter(|count| *count < DESCRIPTORS) {
        return fail(&too_few(count));
    }
    let mut outside = match Outside::new(&cli.globals) {
        Ok(outside) => outside,
        Err(problem) => return fail(&problem),
    };
    let terminal = outside.terminal();
    let (out, err) = (Box::new(std::io::stdout()), Box::new(std::io::stderr()));
    ExitCode::from(start::run(&cli, &mut outside, terminal, out, err))
}

fn too_few(count: u64) -> Failure {
    Failure::new(
        FailureKind::Refused,
        format!("only {count} files may be open at once, and a run needs {DESCRIPTORS} or more"),
    )
    .hint("nothing was begun; raise the limit of this shell and try again")
    .next("ulimit -n 1024")
}

fn fail(problem: &Failure) -> ExitCode {
    let paint = Paint::default();
    let rows = failure::failure(problem);
    let text: String = rows.iter().map(|row| paint.row(row) + "\n").collect();
    print(&mut std::io::stderr(), &text, exit::code(problem.kind))
}

fn print(to: &mut dyn Write, text: &str, code: u8) -> ExitCode {
    // Nobody listening is no failure.
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
    ExitCode::from(code)
}
