//! `nkapp exec`: a command inside a service; its exit code is ours.

use serde_json::{Value, json};

use crate::app::command::{Command, ExecRequest};
use crate::app::failure::Failure;
use crate::app::notice::{End, Notice};
use crate::cli::errand::{Errand, instance};
use crate::domain::event::{Stream, uncoloured};
use crate::present::clean;
use crate::present::role::{Role, Row};

pub(super) fn exec(
    errand: &mut Errand<'_>,
    service: &str,
    command: &[String],
) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    let (service, instance) = instance(&project, service)?;
    let mut line = errand.connect()?;
    let request = ExecRequest {
        service: service.clone(),
        instance,
        argv: command.to_vec(),
        interactive: errand.terminal.interactive && errand.terminal.stdout && !errand.printer.json,
    };
    if request.interactive {
        // A terminal that was handed through has to be put back, whoever ends us.
        line.listen_to_signals();
    }
    let mut lines: Vec<Value> = Vec::new();
    let end = errand.listen(
        line.as_mut(),
        Command::Exec { request },
        |errand, notice| {
            if let Notice::Output { line, .. } = notice {
                let text = clean::line(&line.text);
                match (errand.printer.json, line.stream) {
                    (true, stream) => {
                        lines.push(
                            json!({"stream": stream.as_str(), "text": uncoloured(&line.text)}),
                        );
                    }
                    (false, Stream::Stdout) => errand.printer.text(&format!("{text}\n")),
                    (false, Stream::Stderr | Stream::Engine) => {
                        errand.printer.say(&[Row::at(0).with(Role::Plain, text)]);
                    }
                }
            }
            true
        },
    )?;
    let code = match end {
        End::Exit(code) => u8::try_from(code).unwrap_or(1),
        End::Plain | End::Run(_) => 0,
    };
    if errand.printer.json {
        let document = json!({"service": service, "exit_code": code, "lines": lines});
        errand.printer.document(&document);
    }
    Ok(code)
}
