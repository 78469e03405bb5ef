//! Inputs of actions: given on the command line, else asked for on a terminal; secret ones are not shown while typed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::app::failure::{Failure, FailureKind};
use crate::cli::errand::Errand;
use crate::cli::ground::{Came, Line};
use crate::cli::typing::{Typed, Typing};
use crate::domain::config::near;
use crate::domain::project::procedure::Input;
use crate::domain::project::project::Project;
use crate::domain::secret::Secret;
use crate::present::role::{Role, Row};

/// Inputs by name.
pub(super) type Inputs = BTreeMap<String, Secret>;

/// Reads `NAME=VALUE`, or `NAME=@FILE` for the content of a file (`@-`: standard input).
pub(super) fn given(
    errand: &Errand<'_>,
    project: &Project,
    texts: &[String],
) -> Result<Inputs, Failure> {
    let bad = |text: String| Failure::new(FailureKind::Failed, text).next("nkapp action list");
    let mut all = Inputs::new();
    for text in texts {
        let Some((name, value)) = text.split_once('=') else {
            return Err(bad(format!("`--input {text}` has no value"))
                .hint("write NAME=VALUE, or NAME=@FILE"));
        };
        let known = || project.procedures.iter().flat_map(|one| &one.inputs);
        if !known().any(|input| input.name == name) {
            let mut failure = bad(format!("no action has an input `{name}`"));
            let names: Vec<&str> = known().map(|input| input.name.as_str()).collect();
            if let Some(help) = near::suggestion(name, names) {
                failure = failure.hint(help);
            }
            return Err(failure);
        }
        let value = match value.strip_prefix('@') {
            None => value.to_owned(),
            Some(path) => {
                let bytes = errand.ground.read(Path::new(path))?;
                let text = String::from_utf8(bytes);
                let text = text.map_err(|_| bad(format!("{path} is not text")))?;
                text.strip_suffix('\n').unwrap_or(&text).to_owned()
            }
        };
        all.insert(name.to_owned(), Secret::new(value));
    }
    Ok(all)
}

/// Asks for inputs; without a terminal, or without an answer, the wish is refused, and `next` takes them.
pub(super) fn ask(
    errand: &mut Errand<'_>,
    line: &mut dyn Line,
    (inputs, next): (&[&Input], &str),
) -> Result<Inputs, Failure> {
    let mut all = Inputs::new();
    for input in inputs {
        let name = &input.name;
        let refused = || {
            Failure::new(
                FailureKind::Refused,
                format!("the input {name} has no value"),
            )
            .hint(format!(
                "give it with `--input {name}=VALUE`, or `--input {name}=@FILE`"
            ))
            .next(next)
        };
        if !errand.terminal.interactive {
            return Err(refused());
        }
        if let Some(text) = &input.description {
            errand.printer.say(&[Row::at(0).with(Role::Plain, text)]);
        }
        let answer = if input.secret {
            // Nothing is shown from before the question on: whoever answers at once is not shown either.
            line.start_reading();
            let text = format!("{name} (not shown): ");
            errand.printer.say(&[Row::at(0).with(Role::Strong, text)]);
            unseen(line)
        } else {
            errand.ground.ask(&format!("{name}: "))
        };
        let answer = answer.map(|text| text.trim_end_matches(['\n', '\r']).to_owned());
        let answer = answer.filter(|text| !text.is_empty()).ok_or_else(refused)?;
        all.insert(name.clone(), Secret::new(answer));
    }
    Ok(all)
}

/// Reads a line of which nothing is shown, since before it was asked for.
fn unseen(line: &mut dyn Line) -> Option<String> {
    let mut typed = Typed::default();
    let read = loop {
        match line.hear_or_read() {
            Came::Byte(byte, _) => match typed.take(byte) {
                Typing::Show(_) => {}
                Typing::Done(text) => break Some(text),
                Typing::End => break None,
            },
            Came::News(_) => {}
            Came::End | Came::Leave => break None,
        }
    };
    line.stop_reading();
    read
}
