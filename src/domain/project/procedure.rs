//! Procedures: what the author of the file wrote down once and an operator runs the same way every time.
//!
//! In the file and on the command line they are called actions (`actions:`, `nkapp action run`); in here an action is
//! what a plan does to one resource, so the word is procedure. A procedure is a list of steps, each of one primitive.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::ids::{Address, Digest};
use crate::domain::project::health::Probe;
use crate::domain::project::hook::HookCommand;

/// What makes a procedure run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// The project is created in an environment.
    Setup,
    /// `version` or `actions_version` has moved.
    Upgrade,
    /// Somebody asks for it.
    Manual,
}

impl Occasion {
    /// Returns the word of the key `hook`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Upgrade => "upgrade",
            Self::Manual => "manual",
        }
    }
}

/// Where in a deploy a procedure stands; strictly in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Before everything.
    Pre,
    /// After all of `pre`, right before the provider's part of the deploy.
    Core,
    /// After everything else succeeded.
    Post,
}

impl Mode {
    /// Returns the word of the key `mode`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Core => "core",
            Self::Post => "post",
        }
    }
}

/// A declared input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Name of the variable its value stands in.
    pub name: String,
    /// What it is, for whoever is asked.
    pub description: Option<String>,
    /// Value when none is given.
    pub default: Option<String>,
    /// Whether there has to be a value.
    pub required: bool,
    /// Whether the value is kept from every screen and file.
    pub secret: bool,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// So much time.
    Time(Duration),
    /// The instances of a service run, and are healthy where that is checked.
    Health {
        /// Service.
        service: String,
        /// How many of them an earlier `scale` of this procedure left running; `None`: all.
        instances: Option<u32>,
    },
    /// Every instance of a service answers.
    Answer {
        /// Service.
        service: String,
        /// How it is asked.
        ask: Probe,
    },
}

/// What an assertion looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A command in a service.
    Exec {
        /// Service.
        service: String,
        /// What is run.
        command: HookCommand,
    },
    /// A command on the host.
    Run(HookCommand),
    /// An answer of a service.
    Answer {
        /// Service.
        service: String,
        /// How it is asked.
        ask: Probe,
    },
}

/// What is expected of a command.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Expected {
    /// Exit code.
    pub exit: i64,
    /// Text its output has to hold.
    pub contains: Option<String>,
    /// Text its output has to be, but for white space around it.
    pub equals: Option<String>,
}

/// The one thing a step does. Doing it again changes nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Primitive {
    /// Stop all instances of services.
    Stop {
        /// Services, in this order.
        services: Vec<String>,
        /// Whether they stay stopped after the last step.
        keep: bool,
    },
    /// Start all instances of services.
    Start {
        /// Services, in this order.
        services: Vec<String>,
    },
    /// Stop and start services.
    Restart {
        /// Services, in this order.
        services: Vec<String>,
    },
    /// Let just so many instances of a service run.
    Scale {
        /// Service.
        service: String,
        /// How many.
        to: u32,
        /// Whether it stays so after the last step.
        keep: bool,
    },
    /// Run commands in the first running instance of a service.
    Exec {
        /// Service.
        service: String,
        /// Commands, one after another.
        commands: Vec<HookCommand>,
    },
    /// Run a command, or a script file of the project, on the host.
    Run {
        /// What is run.
        command: HookCommand,
    },
    /// Run a command in a one-off instance made like a service's.
    Job {
        /// Service.
        service: String,
        /// What is run.
        command: HookCommand,
        /// Image instead of the service's.
        image: Option<String>,
    },
    /// Wait for something.
    Wait(Wait),
    /// Write a volume into a tar file.
    Backup {
        /// Volume.
        volume: String,
        /// The file, absolute.
        file: PathBuf,
        /// Service whose image and mount are used.
        service: String,
        /// Image instead of the service's.
        image: Option<String>,
    },
    /// Replace a volume's content by that of a tar file.
    Restore {
        /// Volume.
        volume: String,
        /// The file, absolute.
        file: PathBuf,
        /// Service whose image and mount are used.
        service: String,
        /// Image instead of the service's.
        image: Option<String>,
    },
    /// Fail unless something is so.
    Assert {
        /// What is looked at.
        claim: Claim,
        /// What is expected of a command.
        expected: Expected,
    },
}

/// The kinds of primitives, without what they act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// [`Primitive::Stop`].
    Stop,
    /// [`Primitive::Start`].
    Start,
    /// [`Primitive::Restart`].
    Restart,
    /// [`Primitive::Scale`].
    Scale,
    /// [`Primitive::Exec`].
    Exec,
    /// [`Primitive::Run`].
    Run,
    /// [`Primitive::Job`].
    Job,
    /// [`Primitive::Wait`].
    Wait,
    /// [`Primitive::Backup`].
    Backup,
    /// [`Primitive::Restore`].
    Restore,
    /// [`Primitive::Assert`].
    Assert,
}

impl Verb {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Stop,
        Self::Start,
        Self::Restart,
        Self::Scale,
        Self::Exec,
        Self::Run,
        Self::Job,
        Self::Wait,
        Self::Backup,
        Self::Restore,
        Self::Assert,
    ];
    /// Returns the key in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Restart => "restart",
            Self::Scale => "scale",
            Self::Exec => "exec",
            Self::Run => "run",
            Self::Job => "job",
            Self::Wait => "wait",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Assert => "assert",
        }
    }
}

impl Primitive {
    /// Returns its kind.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Stop { .. } => Verb::Stop,
            Self::Start { .. } => Verb::Start,
            Self::Restart { .. } => Verb::Restart,
            Self::Scale { .. } => Verb::Scale,
            Self::Exec { .. } => Verb::Exec,
            Self::Run { .. } => Verb::Run,
            Self::Job { .. } => Verb::Job,
            Self::Wait(_) => Verb::Wait,
            Self::Backup { .. } => Verb::Backup,
            Self::Restore { .. } => Verb::Restore,
            Self::Assert { .. } => Verb::Assert,
        }
    }

    /// Says in one line what it acts on.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Stop { services, .. } | Self::Start { services } | Self::Restart { services } => {
                services.join(", ")
            }
            Self::Scale { service, to, .. } => format!("{service} to {to}"),
            Self::Exec { service, commands } => {
                let lines: Vec<String> = commands.iter().map(HookCommand::line).collect();
                format!("{service}: {}", lines.join("; "))
            }
            Self::Run { command } => command.line(),
            Self::Job {
                service, command, ..
            } => format!("{service}: {}", command.line()),
            Self::Wait(Wait::Time(time)) => format!("{} s", time.as_secs_f64()),
            Self::Wait(Wait::Health { service, .. }) => format!("{service} is healthy"),
            Self::Wait(Wait::Answer { service, ask }) => {
                format!("{service} answers {}", asked(ask))
            }
            Self::Backup { volume, file, .. } => format!("{volume} to {}", name(file)),
            Self::Restore { volume, file, .. } => format!("{volume} from {}", name(file)),
            Self::Assert { claim, .. } => match claim {
                Claim::Exec { service, command } => format!("{service}: {}", command.line()),
                Claim::Run(command) => command.line(),
                Claim::Answer { service, ask } => format!("{service} answers {}", asked(ask)),
            },
        }
    }
}

fn asked(probe: &Probe) -> String {
    match probe {
        Probe::None => "nothing".to_owned(),
        Probe::Command(argv) => argv.join(" "),
        Probe::Shell(line) => line.clone(),
        Probe::Http { port, path } => format!("http :{port}{path}"),
        Probe::Tcp { port } => format!("tcp :{port}"),
    }
}

fn name(file: &std::path::Path) -> String {
    file.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// One step of a procedure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcedureStep {
    /// What it is called in its procedure: its `name`, else the primitive's word, numbered where there are several.
    pub label: String,
    /// What it does.
    pub primitive: Primitive,
    /// Further attempts after a failed one.
    pub retries: u32,
    /// Pause before the second attempt, doubled each time; `None`: as for hooks.
    pub backoff: Option<Duration>,
    /// Longest time one attempt may take.
    pub timeout: Duration,
    /// Whether it is run when a manual procedure is aborted.
    pub cleanup: bool,
    /// Script files of the project its command runs, relative to the project: what was approved, and nothing else.
    pub scripts: BTreeMap<PathBuf, Digest>,
}

impl ProcedureStep {
    /// Timeout when the file says nothing.
    pub const TIMEOUT: Duration = Duration::from_secs(300);
}

/// One procedure: an entry of `actions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Procedure {
    /// Name in the file.
    pub name: String,
    /// What makes it run.
    pub occasion: Occasion,
    /// Where in a deploy; `None` for manual ones.
    pub mode: Option<Mode>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether this `post` procedure is run too when the flow it belongs to is aborted.
    pub cleanup: bool,
    /// Declared inputs.
    pub inputs: Vec<Input>,
    /// Steps, one after another.
    pub steps: Vec<ProcedureStep>,
}

impl Procedure {
    /// Name nobody else may have: the address under which services are put back as the file wants them.
    pub const PUT_BACK: &'static str = "put-back";
    /// The same for what `post` procedures leave.
    pub const PUT_BACK_POST: &'static str = "put-back-post";

    /// Returns its address in plans and events.
    #[must_use]
    pub fn address(&self) -> Address {
        Address::procedure(&self.name)
    }
    /// Finds a step by its label.
    #[must_use]
    pub fn step(&self, label: &str) -> Option<&ProcedureStep> {
        self.steps.iter().find(|step| step.label == label)
    }
}
