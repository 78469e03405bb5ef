//! The command line as clap reads it. Doc comments are the help; man page and completions come from here too.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Brings the project described in `nanokit.yml` to life and keeps it that way.
///
/// Without a command on a terminal, opens the panel.
#[derive(Clone, Debug, Parser)]
#[command(name = "nkapp", version, max_term_width = 100, after_help = crate::cli::exit::HELP)]
pub struct Cli {
    /// Flags every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Flags every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Project file [default: nanokit.yml here or in a folder above]
    #[arg(short, long, global = true, value_name = "PATH", env = "NANOKIT_FILE")]
    pub file: Option<PathBuf>,
    /// Environment [default: what git.environments says of the branch, else `local`]
    #[arg(short, long, global = true, value_name = "NAME", env = "NANOKIT_ENV")]
    pub env: Option<String>,
    /// A further .env file, above the others
    #[arg(long, global = true, value_name = "PATH")]
    pub env_file: Option<PathBuf>,
    /// Let .env files win over variables that are set already
    #[arg(long, global = true)]
    pub override_env: bool,
    /// Print JSON on standard output, and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Say less
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Platforms that can be chosen by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProviderChoice {
    /// Docker Engine.
    Docker,
    /// Host processes.
    Process,
}

/// Forms of a drawn graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Layers as text.
    #[default]
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid.
    Mermaid,
    /// JSON.
    Json,
}

/// When an action may start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ScheduleChoice {
    /// When everything in the layer before is healthy.
    #[default]
    Layered,
    /// As soon as its own dependencies are healthy.
    Eager,
}

/// Commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Open the panel
    Ui {
        /// Change nothing from the panel
        #[arg(long)]
        read_only: bool,
    },
    /// Unpack the demo project and open the panel on it; without a terminal, deploy it
    Demo {
        /// Platform [default: Docker when an engine answers, else host processes]
        #[arg(long, value_enum)]
        provider: Option<ProviderChoice>,
        /// Folder to unpack into
        #[arg(long, value_name = "FOLDER", default_value = "nanokit-demo")]
        into: PathBuf,
    },
    /// Write a nanokit.yml for this folder
    Init {
        /// Project name [default: the folder's]
        #[arg(long)]
        name: Option<String>,
    },
    /// Check the project file and report every fault in one go
    Validate,
    /// Print the merged configuration as YAML, secrets as references
    Config,
    /// Draw the dependency graph
    Graph {
        /// Form
        #[arg(long, value_enum, default_value_t)]
        format: GraphFormat,
        /// Only these services and what they need
        services: Vec<String>,
    },
    /// Print the JSON Schema of the project file
    Schema,
    /// Show what a deploy would do, and why; changes nothing
    Plan {
        /// Only these services
        services: Vec<String>,
        /// Save the plan here as well
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Exit with 2 when something would change
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Bring the project to what the file asks for
    #[command(visible_alias = "up")]
    Deploy {
        /// Only these services
        services: Vec<String>,
        /// How the run goes.
        #[command(flatten)]
        run: RunFlags,
        /// Carry out this saved plan; refused when it does not fit any more
        #[arg(long, value_name = "FILE", conflicts_with = "services")]
        plan: Option<PathBuf>,
    },
    /// Remove services and networks; volumes stay
    Destroy {
        /// Only these services
        services: Vec<String>,
        /// How the run goes.
        #[command(flatten)]
        run: RunFlags,
    },
    /// Remove services, networks and volumes with their data (needs --force)
    Clean {
        /// How the run goes.
        #[command(flatten)]
        run: RunFlags,
    },
    /// Show how everything stands
    Status,
    /// Print the output of a service
    Logs {
        /// Service
        service: String,
        /// Go on with what is written later
        #[arg(short, long)]
        follow: bool,
        /// Project file (the global flag without its `-f`, which means `--follow` here)
        #[arg(id = "file", long = "file", value_name = "PATH")]
        project_file: Option<PathBuf>,
        /// Only so many last lines
        #[arg(short = 'n', long, value_name = "LINES")]
        tail: Option<u32>,
        /// Only this instance
        #[arg(short, long, value_name = "NUMBER")]
        instance: Option<u32>,
        /// Start each line with its time
        #[arg(long)]
        timestamps: bool,
    },
    /// Run a command in a service
    Exec {
        /// Service
        service: String,
        /// Instance [default: the first that runs]
        #[arg(short, long, value_name = "NUMBER")]
        instance: Option<u32>,
        /// Command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Compare what runs with what was deployed; exit with 2 on drift
    Drift {
        /// Go on watching
        #[arg(long, conflicts_with = "restore")]
        watch: bool,
        /// Restore what drifted, through a plan that is shown first
        #[arg(long)]
        restore: bool,
        /// Only these services
        services: Vec<String>,
        /// How the run goes.
        #[command(flatten)]
        run: RunFlags,
    },
    /// Look at the lock, or clear it
    #[command(subcommand)]
    Infra(InfraVerb),
    /// Look at the recorded state
    #[command(subcommand)]
    State(StateVerb),
    /// Look at past runs
    #[command(subcommand)]
    Run(RunVerb),
    /// Make a nanokit.yml of a Compose project
    Import {
        /// The Compose file
        #[arg(value_name = "COMPOSE_FILE")]
        source: PathBuf,
        /// Write here instead of to standard output
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print completions for a shell
    Completions {
        /// Shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the man page
    Man,
    /// Check file, platform, lock, state and terminal
    Doctor,
    /// Print what changed from version to version
    Changelog,
    /// Supervise one host process (used by nkapp itself)
    #[command(name = "__supervise", hide = true)]
    Supervise {
        /// Folder of the instance
        folder: PathBuf,
    },
}

/// How a run goes.
#[derive(Clone, Debug, Args)]
pub struct RunFlags {
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Allow what loses data
    #[arg(long)]
    pub force: bool,
    /// How many steps at once [default: twice the cores, at most 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub parallelism: Option<u16>,
    /// When an action may start
    #[arg(long, value_enum, default_value_t)]
    pub schedule: ScheduleChoice,
    /// How long to wait for a held lock, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_timeout: u64,
}

impl RunFlags {
    /// Returns how long to wait for a held lock.
    #[must_use]
    pub fn lock_wait(&self) -> Duration {
        Duration::from_secs(self.lock_timeout)
    }
}

/// Commands about the lock.
#[derive(Clone, Debug, Subcommand)]
pub enum InfraVerb {
    /// Show holder, evidence and verdict
    Lock {
        /// Watch the heartbeat for as long as a verdict needs
        #[arg(long)]
        watch: bool,
    },
    /// Clear the lock; without --force only one whose holder is proven dead
    Unlock {
        /// Id of the lock that was looked at
        lock_id: Option<String>,
        /// Do not ask; clears only what is proven dead
        #[arg(short, long)]
        yes: bool,
        /// Clear it whatever the verdict; needs LOCK_ID and --reason
        #[arg(long, requires = "reason")]
        force: bool,
        /// Why, for the audit line
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// Commands about the state.
#[derive(Clone, Debug, Subcommand)]
pub enum StateVerb {
    /// Show the recorded state
    Show,
    /// Print the state document as it is stored
    Pull,
    /// Replace the state document; lineage must match and the serial be newer
    Push {
        /// The document
        source: PathBuf,
        /// Replace it even so
        #[arg(long)]
        force: bool,
    },
    /// Rebuild the state from the labels of what runs
    Rebuild,
}

/// Commands about past runs.
#[derive(Clone, Debug, Subcommand)]
pub enum RunVerb {
    /// List past runs, newest first
    List,
    /// Show one run: its steps, how they ended, and their output
    Show {
        /// Its id [default: the newest]
        run: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_short_f_is_the_file_but_after_logs_it_is_follow() {
        let read = |line: &str| Cli::try_parse_from(line.split(' ')).expect("parses");
        for line in [
            "nkapp -f x.yml status",
            "nkapp status -f x.yml",
            "nkapp logs api --file x.yml",
            "nkapp -f x.yml logs api -f",
        ] {
            assert_eq!(
                read(line).global.file,
                Some(PathBuf::from("x.yml")),
                "{line}"
            );
        }
        assert!(matches!(
            read("nkapp logs api -f").verb,
            Some(Verb::Logs { follow: true, .. })
        ));
    }
}
