//! One invocation: the ground it stands on, its printer, and the few conversations every verb needs.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::app::command::Command;
use crate::app::failure::{Failure, FailureKind};
use crate::app::notice::{End, Notice};
use crate::app::session::{self, Reader, Settings};
use crate::cli::exit;
use crate::cli::ground::{Ground, Heard, Line, Loaded, Terminal};
use crate::cli::json;
use crate::cli::printer::Printer;
use crate::domain::config::near;
use crate::domain::event::{Event, EventKind, RunOutcome};
use crate::domain::ids::Address;
use crate::domain::project::project::Project;
use crate::present::report;
use crate::present::rows::{failure as failure_rows, run as run_rows};
use std::sync::Arc;

/// What JSON a verb owes on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// One document, or an error document in its place.
    Document,
    /// Lines, the last of them `run_finished`.
    RunFinished,
    /// Nothing more.
    Nothing,
}

/// One invocation.
pub struct Errand<'g> {
    /// The outside.
    pub ground: &'g mut dyn Ground,
    /// All output.
    pub printer: Printer,
    /// What is known of the terminal.
    pub terminal: Terminal,
    /// What JSON is still owed.
    pub owed: Owed,
    /// Whether everything that changes the world is refused.
    pub read_only: bool,
    /// Whether this is a conversation, in which the rituals of the panel hold.
    pub plain: bool,
}

/// What a session answered to one wish.
#[derive(Debug)]
pub struct Answer {
    /// Notices meant for the wish, in order.
    pub notices: Vec<Notice>,
    /// How it ended.
    pub end: End,
}

impl<'g> Errand<'g> {
    /// Begins.
    #[must_use]
    pub fn new(ground: &'g mut dyn Ground, printer: Printer, terminal: Terminal) -> Self {
        Self {
            ground,
            printer,
            terminal,
            owed: Owed::Document,
            read_only: false,
            plain: false,
        }
    }

    /// Loads the project; findings are said, errors end the verb.
    pub fn project(&mut self) -> Result<(Loaded, Arc<Project>), Failure> {
        let loaded = self.ground.load();
        let hydrated = &loaded.hydrated;
        self.printer
            .diagnostics(&hydrated.diagnostics, &hydrated.sources);
        match &hydrated.project {
            Some(project) => {
                let project = Arc::clone(project);
                Ok((loaded, project))
            }
            None => Err(invalid(&loaded)),
        }
    }

    /// Starts a session that sees everything through.
    pub fn connect(&mut self) -> Result<Box<dyn Line>, Failure> {
        self.ground.connect(Settings {
            live: false,
            reader: Reader::Lossless,
            read_only: self.read_only,
            workers: false,
            stays: false,
        })
    }

    /// Loads the project, asks its session one thing and returns the answer.
    pub fn question(&mut self, command: Command) -> Result<Answer, Failure> {
        self.project()?;
        let mut line = self.connect()?;
        self.ask_line(line.as_mut(), command)
    }

    /// Asks one thing on a line and returns the answer; what is warned of meanwhile is said at once.
    pub fn ask_line(&mut self, line: &mut dyn Line, command: Command) -> Result<Answer, Failure> {
        let mut notices = Vec::new();
        let end = self.listen(line, command, |errand, notice| {
            if let Notice::Event(event) = &notice
                && matches!(event.kind, EventKind::Warning { .. })
            {
                errand.printer.say(&run_rows::event(event));
            }
            notices.push(notice);
            true
        })?;
        Ok(Answer { notices, end })
    }

    /// Asks one thing and takes notices as they come; `false` from `each` ends it.
    pub fn listen(
        &mut self,
        line: &mut dyn Line,
        command: Command,
        mut each: impl FnMut(&mut Self, Notice) -> bool,
    ) -> Result<End, Failure> {
        let ticket = line.send(command)?;
        loop {
            match line.hear(None) {
                Heard::Notice(notice) => match *notice {
                    Notice::Done { ticket: t, end } if t == ticket => return Ok(end),
                    Notice::Failed {
                        ticket: Some(t),
                        failure,
                    } if t == ticket => {
                        return Err(failure);
                    }
                    notice => {
                        if !each(self, notice) {
                            return Ok(End::Plain);
                        }
                    }
                },
                Heard::Tick => {}
                Heard::Interrupt | Heard::Terminate | Heard::Hangup => {
                    return Err(Failure::new(FailureKind::Interrupted, "interrupted"));
                }
                Heard::Closed => return Err(session::gone()),
            }
        }
    }

    /// Prints or says an event of a run.
    pub fn event(&mut self, event: &Event) {
        if self.printer.json {
            self.printer.event_line(event);
            if matches!(event.kind, EventKind::RunFinished { .. }) {
                self.owed = Owed::Nothing;
            }
        } else {
            self.printer.event(event);
        }
    }

    /// Says a failure, and pays the JSON that is still owed.
    pub fn fail(&mut self, failure: &Failure) {
        self.printer.end_live();
        self.printer.say(&failure_rows::failure(failure));
        if !self.printer.json {
            return;
        }
        match self.owed {
            Owed::Document => {
                let document = json::error(failure);
                self.printer.document(&document);
            }
            Owed::RunFinished => {
                let event = refused(failure, self.ground);
                self.printer.event_line(&event);
            }
            Owed::Nothing => {}
        }
        self.owed = Owed::Nothing;
    }
}

/// Checks names of services before anything is connected; `service.api` is `api`.
pub fn targets(project: &Project, names: &[String]) -> Result<BTreeSet<String>, Failure> {
    let known = |name: &String| {
        let plain = name.strip_prefix("service.").unwrap_or(name);
        let found = [name.as_str(), plain].into_iter();
        let mut found = found.filter(|name| project.services.contains_key(*name));
        found.next().map(str::to_owned)
    };
    let found = names.iter().map(|name| {
        known(name).ok_or_else(|| {
            let mut failure =
                Failure::new(FailureKind::Failed, format!("there is no service `{name}`"))
                    .next("nkapp graph");
            let known = project.services.keys().map(String::as_str);
            if let Some(help) = near::suggestion(name, known) {
                failure = failure.hint(help);
            }
            failure
        })
    });
    found.collect()
}

/// Checks names of services and addresses of services, networks and volumes before anything is connected.
pub fn resources(project: &Project, names: &[String]) -> Result<BTreeSet<String>, Failure> {
    let services = project.services.keys().map(|name| Address::service(name));
    let networks = project.networks.keys().map(|name| Address::network(name));
    let volumes = project.volumes.keys().map(|name| Address::volume(name));
    let known: BTreeSet<Address> = services.chain(networks).chain(volumes).collect();
    let found = names.iter().map(|name| {
        let service = Some(Address::service(name));
        let found = [service, Address::parse(name)].into_iter().flatten();
        let mut found = found.filter(|address| known.contains(address));
        found.next().map(|address| address.target()).ok_or_else(|| {
            let all: Vec<String> = known.iter().map(ToString::to_string).collect();
            let failure = Failure::new(
                FailureKind::Failed,
                format!("nothing is called `{name}` here"),
            );
            let near = near::suggestion(name, all.iter().map(String::as_str));
            let failure = near.into_iter().fold(failure, Failure::hint);
            failure
                .hint(format!("there are {}", all.join(", ")))
                .next("nkapp drift")
        })
    });
    found.collect()
}

/// Splits `api[1]` into service and instance, and checks the service.
pub fn instance(project: &Project, text: &str) -> Result<(String, Option<u32>), Failure> {
    let (name, instance) = match text.strip_suffix(']').and_then(|t| t.split_once('[')) {
        Some((name, number)) => {
            let number = number.parse().map_err(|_| {
                Failure::new(
                    FailureKind::Failed,
                    format!("`{text}` is no service or instance"),
                )
                .hint("write `api` or `api[0]`")
            })?;
            (name, Some(number))
        }
        None => (text, None),
    };
    targets(project, &[name.to_owned()])?;
    Ok((name.to_owned(), instance))
}

/// The last event of a run that never began.
fn refused(failure: &Failure, ground: &dyn Ground) -> Event {
    Event {
        at: ground.now(),
        run_id: None,
        seq: 0,
        address: None,
        step: None,
        attempt: None,
        kind: EventKind::RunFinished {
            outcome: match failure.kind {
                FailureKind::Interrupted => RunOutcome::Cancelled,
                FailureKind::Failed => RunOutcome::Failed,
                FailureKind::InvalidConfig | FailureKind::Locked | FailureKind::Refused => {
                    RunOutcome::Refused
                }
            },
            exit_code: exit::code(failure.kind),
            duration: Duration::ZERO,
            message: Some(failure.message.clone()),
            warnings: 0,
            forecast: None,
        },
    }
}

/// The failure of a file with errors.
#[must_use]
pub fn invalid(loaded: &Loaded) -> Failure {
    let summary = report::summary(&loaded.hydrated.diagnostics);
    Failure::new(
        FailureKind::InvalidConfig,
        format!("the configuration has {summary}"),
    )
}
