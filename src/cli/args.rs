//! The arguments, declared once: doc comments are the help, and the man page and completions come from here too.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
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
    Drift {
        /// Keep looking, and print what comes and goes
        #[arg(long, conflicts_with = "restore")]
        watch: bool,
        /// Put back what was recorded, through a plan
        #[arg(long)]
        restore: bool,
        /// Restore only these, by name or address
        #[arg(value_name = "SERVICE", requires = "restore")]
        services: Vec<String>,
        /// Do not ask before restoring
        #[arg(short, long, requires = "restore")]
        yes: bool,
    },
    /// Look at or clear the infrastructure lock
    #[command(subcommand)]
    Infra(Infra),
    /// Look at or mend the recorded state
    #[command(subcommand)]
    State(State),
    /// Look at past runs
    #[command(subcommand)]
    Run(Run),
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

/// `infra`.
#[derive(Clone, Debug, Subcommand)]
pub enum Infra {
    /// Show who holds the lock, the evidence and the verdict
    Lock {
        /// Watch the heartbeat for so many seconds before judging
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        watch: u32,
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
    List,
    /// Print the events of a run
    Show {
        /// Run, or the beginning of its id; the last one if not given
        #[arg(value_name = "RUN_ID")]
        run: Option<String>,
    },
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
        Err(error) if error.use_stderr() => Read::Mistake(error.render().to_string()),
        Err(error) => Read::Text(error.render().to_string()),
    }
}

/// After `logs`, `-f` follows: the flag everybody's fingers know wins over the global one there.
fn follow<I, T>(arguments: I) -> Vec<std::ffi::OsString>
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString>,
{
    let mut verb = None;
    let mut is_value = false;
    let mut out: Vec<std::ffi::OsString> = Vec::new();
    for (at, argument) in arguments.into_iter().map(Into::into).enumerate() {
        let text = argument.to_str().unwrap_or_default().to_owned();
        if at > 0 && verb.is_none() && !is_value && !text.starts_with('-') {
            verb = Some(text.clone());
        } else if verb.as_deref() == Some("logs")
            && !is_value
            && matches!(text.as_str(), "-f" | "-tf" | "-ft")
        {
            out.push("--follow".into());
            if text.len() > 2 {
                out.push("--timestamps".into());
            }
            continue;
        }
        is_value = matches!(
            text.as_str(),
            "-f" | "--file" | "-e" | "--env" | "--env-file" | "--color" | "-n" | "--tail"
        );
        out.push(argument);
    }
    match verb.as_deref() {
        Some("ui") => gathered(out),
        Some(_) | None => out,
    }
}

/// Puts project files named before `ui` behind it, since of the same option in both places only the latter counts.
fn gathered(words: Vec<std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    let mut rest = Vec::new();
    let mut files = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let text = word.to_str().unwrap_or_default();
        let joined = text.starts_with("--file=") || (text.starts_with("-f") && text.len() > 2);
        if joined {
            files.push(word);
        } else if matches!(text, "-f" | "--file") {
            files.push(word);
            files.extend(words.next());
        } else {
            rest.push(word);
        }
    }
    rest.extend(files);
    rest
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
