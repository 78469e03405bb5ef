//! `nkapp logs`: output of a service.

use serde_json::{Value, json};

use crate::app::command::{Command, LogRequest};
use crate::app::failure::Failure;
use crate::app::notice::{Notice, OutputLine};
use crate::cli::errand::{Errand, Owed, instance};
use crate::cli::exit;
use crate::domain::event::{Event, EventKind, uncoloured};
use crate::domain::ids::Address;
use crate::present::clean;

pub(super) fn logs(
    errand: &mut Errand<'_>,
    service: &str,
    follow: bool,
    tail: Option<u32>,
    timestamps: bool,
) -> Result<u8, Failure> {
    let (_, project) = errand.project()?;
    let (service, instance) = instance(&project, service)?;
    let several = instance.is_none()
        && project
            .services
            .get(&service)
            .is_some_and(|s| s.instances > 1);
    let mut line = errand.connect()?;
    let request = LogRequest {
        service: service.clone(),
        instance,
        tail,
        follow,
        timestamps,
    };
    let address = Address::service(&service);
    let mut lines: Vec<Value> = Vec::new();
    let mut seq = 0;
    if errand.printer.json && follow {
        errand.owed = Owed::Nothing;
    }
    errand.listen(
        line.as_mut(),
        Command::Logs { request },
        |errand, notice| {
            let Notice::Output { line, .. } = notice else {
                return true;
            };
            match (errand.printer.json, follow) {
                (true, true) => {
                    let event = event(errand, &address, &line, seq);
                    seq += 1;
                    errand.printer.event_line(&event);
                }
                (true, false) => lines.push(json!({
                    "source": line.source,
                    "stream": line.stream.as_str(),
                    "text": uncoloured(&line.text),
                })),
                (false, _) => {
                    let text = clean::line(&line.text);
                    errand.printer.text(&if several {
                        format!("{} | {text}\n", line.source)
                    } else {
                        format!("{text}\n")
                    });
                }
            }
            !errand.printer.is_unread()
        },
    )?;
    if errand.printer.json && !follow {
        let document = json!({"service": service, "lines": lines});
        errand.printer.document(&document);
    }
    Ok(exit::DONE)
}

fn event(errand: &Errand<'_>, address: &Address, line: &OutputLine, seq: u64) -> Event {
    Event {
        at: errand.ground.now(),
        run_id: None,
        seq,
        address: Some(address.clone()),
        step: None,
        attempt: None,
        kind: EventKind::Log {
            stream: line.stream,
            text: line.text.clone(),
        },
    }
}
