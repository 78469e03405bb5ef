//! The arguments, declared once: doc comments are the help, and the man page and completions come from here too.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::habits::follow;
use crate::present::clean;
pub use clap_complete::Shell;

/// Deploys containers by plan and execute: reads nanokit.yml, shows what would change, and carries it out.
///
/// Without a command, on a terminal, it opens the panel.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "nkapp",
    version,
    propagate_version = true,
    subcommand_required = false,
    max_term_width = 100,
    after_help = crate::cli::exit::HELP
)]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What applies to every command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Project file, searched upwards from here; the panel takes several
    #[arg(short, long, global = true, value_name = "PATH")]
    pub file: Vec<PathBuf>,
    /// Environment: wins over the branch rule and over `local`
    #[arg(short, long, global = true, value_name = "NAME", env = "NANOKIT_ENV")]
    pub env: Option<String>,
    /// A further .env file, above all others
    #[arg(long, global = true, value_name = "PATH")]
    pub env_file: Option<PathBuf>,
    /// Let values of .env files win over variables of this process
    #[arg(long, global = true)]
    pub override_env: bool,
    /// Refuse everything that changes something
    #[arg(
        long,
        global = true,
        env = "NANOKIT_READ_ONLY",
        hide_env_values = true,
        value_parser = clap::builder::FalseyValueParser::new()
    )]
    pub read_only: bool,
    /// Print JSON and nothing else on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
    /// Print less
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Open the panel
    ///
    /// `-f` may be given several times: each file is a project beside the others.
    Ui {
        /// Check the keymap and the themes of your own, say what is wrong with them, and leave
        #[arg(long)]
        check_keys: bool,
        /// Line by line instead of drawn: for screen readers, and for terminals that cannot do more
        #[arg(long)]
        plain: bool,
        /// Do not bring back how the panel was left
        #[arg(long)]
        fresh: bool,
    },
    /// Unpack the demo project and show it at work
    ///
    /// Makes ./nanokit-demo, then opens the panel on it. Without a terminal it deploys, prints plan, steps and
    /// status, and leaves the demo running.
    Demo {
        /// Platform: Docker when an engine answers, else host processes
        #[arg(long, value_name = "NAME")]
        provider: Option<Platform>,
    },
    /// Write a nanokit.yml for this folder
    Init {
        /// Project name: this folder's name if not given
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Check the project file and report every fault with its place
    Validate,
    /// Print the merged configuration, secrets as references
    Config,
    /// Print the dependency graph
    Graph {
        /// How to print it
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: GraphFormat,
    },
    /// Print the JSON Schema of nanokit.yml
    Schema,
    /// Show what a deploy would do, and why; changes nothing
    ///
    /// Saves the plan as .nanokit/plans/latest.json, for `nkapp deploy --plan`.
    Plan {
        /// Only these services and what they need
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        /// Save the plan there too
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Exit with 2 when there is something to do
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Bring everything to what the file asks for: plan, confirm, execute
    #[command(visible_alias = "up")]
    Deploy {
        /// Only these services and what they need
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        /// Carry out this saved plan; refused if it does not fit any more
        #[arg(long, value_name = "FILE")]
        plan: Option<PathBuf>,
        /// Value of an input of a setup or upgrade action; `NAME=@FILE` takes the content of a file
        #[arg(long = "input", value_name = "NAME=VALUE")]
        inputs: Vec<String>,
        /// How it is done.
        #[command(flatten)]
        how: How,
    },
    /// Remove services and networks; volumes stay
    Destroy {
        /// Only these services
        #[arg(value_name = "SERVICE")]
        services: Vec<String>,
        /// How it is done.
        #[command(flatten)]
        how: How,
    },
    /// Remove everything, volumes and their data too (needs --force)
    Clean {
        /// How it is done.
        #[command(flatten)]
        how: How,
    },
    /// Show how everything stands
    Status,
    /// Show the output of a service
    Logs {
        /// Service, or one instance of it (`api`, `api[1]`)
        #[arg(value_name = "SERVICE")]
        service: String,
        /// Go on with what is written later; after `logs`, -f means this and not --file
        #[arg(long)]
        follow: bool,
        /// Only so many last lines
        #[arg(short = 'n', long, value_name = "LINES")]
        tail: Option<u32>,
        /// Start each line with its time
        #[arg(short = 't', long)]
        timestamps: bool,
    },
    /// Run a command inside a service
    Exec {
        /// Service, or one instance of it (`api`, `api[1]`)
        #[arg(value_name = "SERVICE")]
        service: String,
        /// The command, after `--`
        #[arg(value_name = "CMD", last = true, required = true)]
        command: Vec<String>,
    },
    /// Compare live and recorded; exits with 2 when something drifted
    #[command(args_conflicts_with_subcommands = true)]
    Drift {
        /// What is decided about it.
        #[command(subcommand)]
        decide: Option<Drift>,
        /// Show also what matters to nobody
        #[arg(long)]
        all: bool,
        /// Keep looking, and print what comes and goes
        #[arg(long, conflicts_with = "restore")]
        watch: bool,
        /// Put back what was recorded, through a plan
        #[arg(long)]
        restore: bool,
        /// Restore only these: services by name, services, networks and volumes by address (`volume.data`)
        #[arg(value_name = "ADDRESS", requires = "restore")]
        services: Vec<String>,
        /// Do not ask before restoring
        #[arg(short, long, requires = "restore")]
        yes: bool,
    },
    /// Keep watch: see drift as it comes, and restore it by the file's policy
    ///
    /// Lives until it is told to end. `drift:` in the file says how often it looks and whether it restores (`auto`),
    /// notes a restore and shows it (`ask`, the default) or only reports (`never`). Several workers of one project choose
    /// a leader; the others stand by. HUP loads the file again; TERM finishes what is under way and ends, a second one
    /// cancels it. A file that breaks, or is of another project or environment now, is refused and the last good one holds.
    /// `nkapp status` and the panel show what it does.
    Worker,
    /// Look at or clear the infrastructure lock
    #[command(subcommand)]
    Infra(Infra),
    /// Look at or mend the recorded state
    #[command(subcommand)]
    State(State),
    /// Look at past runs
    #[command(subcommand)]
    Run(Run),
    /// Look at the actions of the file, and run one
    #[command(subcommand)]
    Action(Action),
    /// Make a nanokit.yml of a Compose project; names whatever it cannot carry over
    Import {
        /// The Compose file
        #[arg(value_name = "COMPOSE_FILE")]
        compose: PathBuf,
        /// Write here instead of nanokit.yml; `-` prints it
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions {
        /// Which shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the man page
    Man,
    /// Check what nkapp needs here, and say what to do about it
    Doctor,
    /// Print what changed between versions
    Changelog,
}

/// How a change is carried out.
#[derive(Clone, Debug, Args)]
pub struct How {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Allow data to be deleted
    #[arg(long)]
    pub force: bool,
    /// How many steps may be under way at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: u16,
    /// When a service may start: when the whole layer before is healthy, or as soon as its own dependencies are
    #[arg(long, value_name = "HOW", default_value = "layered")]
    pub schedule: ScheduleArg,
    /// Wait so long for a held lock, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_timeout: u32,
}

/// `drift`.
#[derive(Clone, Debug, Subcommand)]
pub enum Drift {
    /// Record what is live; the next plan compares the file with that
    Accept {
        /// Resource, by name or address
        #[arg(value_name = "ADDRESS")]
        address: String,
        /// Only this field of it
        #[arg(value_name = "FIELD")]
        field: Option<String>,
    },
    /// Set drift aside: it is shown as ignored and not restored
    Ignore {
        /// Resource, by name or address, with a field behind a colon for that alone (`api:memory`)
        #[arg(value_name = "ADDRESS[:FIELD]")]
        subject: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// For so long (`2d`, `12h`), or until then (`2026-12-24`); without it until it is taken back
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Let ignored drift count again
    Unignore {
        /// As it was ignored; without the field, all of that resource
        #[arg(value_name = "ADDRESS[:FIELD]")]
        subject: String,
    },
    /// List what is ignored
    Ignored,
}

/// `infra`.
#[derive(Clone, Debug, Subcommand)]
pub enum Infra {
    /// Show who holds the lock, the evidence and the verdict
    Lock {
        /// Watch the heartbeat for so many seconds before judging
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        watch: u32,
        /// Show what was done with it: who took it, gave it back or cleared it, when, and why
        #[arg(long, conflicts_with = "watch")]
        history: bool,
    },
    /// Clear the lock
    ///
    /// With -y only a lock whose holder is proven dead is cleared. --force works on any verdict; it needs a reason,
    /// and the lock id, typed or given.
    Unlock {
        /// The lock that was looked at
        #[arg(value_name = "LOCK_ID")]
        lock_id: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
        /// Clear it whatever the verdict
        #[arg(long, requires = "reason")]
        force: bool,
        /// Why, for the audit log
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Watch the heartbeat for so many seconds before judging
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        watch: u32,
    },
}

/// `state`.
#[derive(Clone, Debug, Subcommand)]
pub enum State {
    /// Show what was applied last
    Show,
    /// Print the state document
    Pull,
    /// Replace the state document, after checks of lineage and serial
    Push {
        /// The document; `-` reads standard input
        #[arg(value_name = "FILE")]
        document: PathBuf,
        /// Replace it even where lineage or serial do not fit
        #[arg(long)]
        force: bool,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Make the state anew from the labels of what runs
    Rebuild {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// `run`.
#[derive(Clone, Debug, Subcommand)]
pub enum Run {
    /// List past runs, newest first
    List {
        /// Only so many
        #[arg(short = 'n', long, value_name = "N")]
        limit: Option<usize>,
        /// Only runs of this command
        #[arg(long, value_name = "WORD")]
        command: Option<String>,
        /// Only runs that ended so
        #[arg(long, value_name = "WORD")]
        outcome: Option<OutcomeArg>,
        /// Only runs that began within this time
        #[arg(long, value_name = "TIME", value_parser = time)]
        since: Option<Duration>,
    },
    /// Show a run: how it ended, who, with what, its plan, its steps
    Show {
        /// Run, or the beginning of its id; the last one if not given
        #[arg(value_name = "RUN_ID")]
        run: Option<String>,
        /// Say what the time was spent on
        #[arg(long, conflicts_with_all = ["output", "events"])]
        critical_path: bool,
        /// Print the whole output of this step
        #[arg(long, value_name = "STEP", conflicts_with = "events")]
        output: Option<String>,
        /// Print its events line by line
        #[arg(long)]
        events: bool,
    },
    /// Play a run again: in the panel, or line by line where there is no terminal
    Replay {
        /// Run, or the beginning of its id; the last one if not given
        #[arg(value_name = "RUN_ID")]
        run: Option<String>,
        /// How many times as fast; 0: at once, line by line even on a terminal
        #[arg(long, value_name = "FACTOR", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=1000))]
        speed: u16,
    },
    /// Compare two runs: what they were to do, with what, and how long each step took
    Diff {
        /// The older one: the last but one if not given
        #[arg(value_name = "RUN_ID")]
        before: Option<String>,
        /// The newer one: the last one if not given
        #[arg(value_name = "RUN_ID", requires = "before")]
        after: Option<String>,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutcomeArg {
    /// Everything was done
    Ok,
    /// Something failed
    Failed,
    /// An operator stopped it
    Cancelled,
    /// It was not begun
    Refused,
    /// It has no end: under way, or killed
    Unfinished,
}

/// `action`.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// List the actions of the file
    List,
    /// Print one with its inputs and steps
    Show {
        /// Which
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Carry one out, as a run with a plan, under the lock
    Run(ActionRun),
}

/// `action run`.
#[derive(Clone, Debug, Args)]
pub struct ActionRun {
    /// Which
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Value of an input; `NAME=@FILE` takes the content of a file, `@-` of standard input
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Go on at the step an earlier run stopped at; what is done is not done again
    #[arg(long, visible_alias = "retry", conflicts_with_all = ["skip", "abort"])]
    pub resume: bool,
    /// Go on behind this step, without doing it
    #[arg(
        long,
        value_name = "STEP",
        requires = "reason",
        conflicts_with = "abort"
    )]
    pub skip: Option<String>,
    /// Why it is skipped, for the audit log
    #[arg(long, value_name = "TEXT", requires = "skip")]
    pub reason: Option<String>,
    /// Give an unfinished run up: only its clean-up is done
    #[arg(long)]
    pub abort: bool,
    /// How it is done.
    #[command(flatten)]
    pub how: How,
}

/// Platforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// A Docker engine
    Docker,
    /// Supervised host processes
    Process,
}

/// Formats of `graph`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Layers and edges for people
    Text,
    /// Graphviz
    Dot,
    /// Mermaid
    Mermaid,
    /// One document
    Json,
}

/// Schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScheduleArg {
    /// Layer by layer
    Layered,
    /// As soon as possible
    Eager,
}

/// Reads a time such as `2d`, `12h` or `1h30m`.
fn time(text: &str) -> Result<Duration, String> {
    crate::domain::config::scalar::duration(text)
        .ok_or_else(|| "write a time with its unit, such as `2d`, `12h` or `1h30m`".to_owned())
}

/// What came of reading the arguments.
#[derive(Debug)]
pub enum Read {
    /// Something to do.
    Cli(Box<Cli>),
    /// Help or version: print it to standard output and exit with 0.
    Text(String),
    /// A mistake: print it to standard error and exit with 1.
    Mistake(String),
}

/// Reads the arguments, the program's name first.
#[must_use]
pub fn read<I, T>(arguments: I) -> Read
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    match Cli::try_parse_from(follow(arguments)) {
        Ok(cli) => Read::Cli(Box::new(cli)),
        // It quotes what was given.
        Err(error) if error.use_stderr() => {
            Read::Mistake(clean::document(&error.render().to_string()))
        }
        Err(error) => Read::Text(error.render().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_panel_takes_every_file_wherever_it_is_named() {
        let cases: [&[&str]; 4] = [
            &["nkapp", "-f", "a.yml", "ui", "-f", "b.yml"],
            &["nkapp", "--file=a.yml", "ui", "--plain", "-fb.yml"],
            &["nkapp", "-f", "a.yml", "-f", "b.yml", "ui"],
            &["nkapp", "ui", "--file", "a.yml", "--file", "b.yml"],
        ];
        for words in cases {
            let Read::Cli(cli) = read(words) else {
                panic!("not read: {words:?}");
            };
            let files: Vec<_> = cli
                .globals
                .file
                .iter()
                .map(|f| f.display().to_string())
                .collect();
            assert_eq!(files, ["a.yml", "b.yml"], "{words:?}");
        }
    }

    #[test]
    fn after_logs_the_flag_f_follows() {
        let cases: [(&[&str], bool, Option<&str>); 4] = [
            (&["nkapp", "logs", "api", "-f"], true, None),
            (
                &["nkapp", "-f", "x.yml", "logs", "-f", "api"],
                true,
                Some("x.yml"),
            ),
            (&["nkapp", "-f", "logs", "logs", "api"], false, Some("logs")),
            (
                &["nkapp", "logs", "-tf", "api", "--file", "y"],
                true,
                Some("y"),
            ),
        ];
        for (arguments, wanted, file) in cases {
            let Read::Cli(cli) = read(arguments.iter().copied()) else {
                panic!("{arguments:?} is not understood");
            };
            let Some(Verb::Logs { follow, .. }) = cli.verb else {
                panic!("{arguments:?} is not logs");
            };
            assert_eq!(follow, wanted, "{arguments:?}");
            let files: Vec<PathBuf> = file.map(PathBuf::from).into_iter().collect();
            assert_eq!(cli.globals.file, files, "{arguments:?}");
        }
    }

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_file_flag_and_logs_follow_do_not_collide() {
        let cases: [(&[&str], bool); 8] = [
            (&["nkapp", "logs", "api", "--follow", "-n", "5"], true),
            (&["nkapp", "-f", "x.yml", "logs", "api"], true),
            (&["nkapp", "deploy", "-y", "-e", "prod", "api", "web"], true),
            (&["nkapp", "up", "--schedule", "eager"], true),
            (&["nkapp", "exec", "api", "--", "ls", "-l"], true),
            (&["nkapp", "exec", "api"], false),
            (&["nkapp", "infra", "unlock", "--force"], false),
            (&["nkapp", "deplyo"], false),
        ];
        for (arguments, good) in cases {
            let read = read(arguments.iter().copied());
            assert_eq!(
                matches!(read, Read::Cli(_)),
                good,
                "{arguments:?}: {read:?}"
            );
        }
    }
}
