//! What the output of a run has shown already is not shown again: a failure repeats the last of a step's output in its
//! message, and a warning about it once more.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::event::{Event, EventKind, Stream, uncoloured};
use crate::domain::ids::Address;

/// Lines that are remembered of each resource; a message repeats at most the last 20.
const KEPT: usize = 64;

/// Remembers what was shown last.
#[derive(Debug, Default)]
pub(super) struct Echo {
    shown: BTreeMap<Option<Address>, VecDeque<String>>,
}

impl Echo {
    /// Returns an event that is about to be shown, without what was shown before.
    pub(super) fn once(&mut self, event: &Event) -> Event {
        let mut event = event.clone();
        let lines = self.shown.entry(event.address.clone()).or_default();
        match &mut event.kind {
            EventKind::Log { stream, text } if *stream != Stream::Engine => {
                keep(lines, &uncoloured(text));
            }
            EventKind::StepFinished { message, .. } | EventKind::ActionFinished { message, .. } => {
                if let Some(text) = message {
                    *text = without(lines, text);
                }
            }
            EventKind::Warning { text } => *text = without(lines, text),
            EventKind::RunStarted { .. } | EventKind::RunFinished { .. } => self.shown.clear(),
            _ => {}
        }
        event
    }
}

/// Leaves out the lines behind the first that were shown; the others are from now on.
fn without(shown: &mut VecDeque<String>, text: &str) -> String {
    let mut lines = text.lines();
    let mut kept = vec![lines.next().unwrap_or_default()];
    let fresh = |line: &&str| !shown.iter().any(|one| one == line.trim());
    kept.extend(lines.filter(fresh));
    for line in kept.iter().skip(1) {
        keep(shown, line);
    }
    kept.join("\n")
}

fn keep(shown: &mut VecDeque<String>, line: &str) {
    shown.push_back(line.trim().to_owned());
    if shown.len() > KEPT {
        shown.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::StepOutcome;
    use crate::domain::time::Wall;
    use crate::present::role::Row;
    use crate::present::rows::run;
    use std::time::Duration;

    fn event(kind: EventKind) -> Event {
        Event {
            at: Wall(0),
            run_id: None,
            seq: 0,
            address: Some(Address::service("api")),
            step: None,
            attempt: None,
            kind,
        }
    }

    fn log(text: &str) -> Event {
        event(EventKind::Log {
            stream: Stream::Stdout,
            text: text.into(),
        })
    }

    /// What a hook says that fails and only warns.
    fn hook() -> Vec<Event> {
        let message = "it ended with exit code 3\n  hello\n  oops".to_owned();
        vec![
            log("\u{1b}[31mhello\u{1b}[0m"),
            log("oops"),
            event(EventKind::StepFinished {
                outcome: StepOutcome::Failed,
                duration: Duration::ZERO,
                exit_code: Some(3),
                log: None,
                message: Some(message.clone()),
            }),
            event(EventKind::Warning {
                text: format!("the hook failed, which only warns: {message}"),
            }),
        ]
    }

    #[test]
    fn output_is_shown_once_whether_its_lines_were_or_not() {
        for from in [0, 3] {
            let mut echo = Echo::default();
            let events = hook().into_iter().skip(from);
            let rows = events.flat_map(|event| run::event(&echo.once(&event)));
            let text: String = rows.map(|row: Row| row.text() + "\n").collect();
            for line in ["hello", "oops"] {
                assert_eq!(text.matches(line).count(), 1, "{from}: {text}");
            }
            assert!(text.contains("which only warns: it ended with exit code 3"));
        }
    }
}
