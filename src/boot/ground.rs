//! What the command line stands on, for real: files, terminal, session, panel.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::adapters::clock::SystemClock;
use crate::adapters::source_tree::ProjectFiles;
use crate::adapters::{demo, telemetry};
use crate::app::failure::{Failure, FailureKind};
use crate::app::session::{Reader, Settings};
use crate::boot::doctor;
use crate::boot::hydrate::{self, Surroundings};
use crate::boot::line::{SessionLine, runtime};
use crate::boot::thread::{self, Start};
use crate::boot::world::own_folder;
use crate::cli::ground::{Check, Ground, Line, Loaded, Terminal};
use crate::domain::config::load;
use crate::domain::project::project::ProviderKind;
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::time::Wall;
use crate::ports::clock::Clock;
use crate::tui::model::PanelOptions;
use crate::tui::runtime::run;
use crate::tui::theme::Colors;

/// Largest file that is read for a command.
const FILE_LIMIT: u64 = 64 * 1024 * 1024;

/// How the panel is opened.
#[derive(Clone, Debug, Default)]
pub struct PanelFlags {
    /// Whether colours may be used.
    pub color: bool,
    /// Whether everything that changes the world is refused.
    pub read_only: bool,
    /// The command line that shows the same project.
    pub command: String,
}

/// The real ground.
pub struct RealGround {
    surroundings: Surroundings,
    provider: Option<ProviderKind>,
    program: PathBuf,
    panel: PanelFlags,
    files: ProjectFiles,
    loaded: Option<load::Loaded>,
}

impl RealGround {
    /// Stands there; loads nothing yet.
    #[must_use]
    pub fn new(surroundings: Surroundings, program: PathBuf, panel: PanelFlags) -> Self {
        Self {
            surroundings,
            provider: None,
            program,
            panel,
            files: ProjectFiles::new(),
            loaded: None,
        }
    }

    fn loaded(&mut self) -> &load::Loaded {
        let (surroundings, files) = (&self.surroundings, &self.files);
        self.loaded
            .get_or_insert_with(|| hydrate::load(surroundings, files))
    }

    fn start(
        &mut self,
        settings: Settings,
    ) -> Result<(crate::app::session::Client, thread::EngineThread), Failure> {
        self.start_log();
        thread::start(Start {
            surroundings: self.surroundings.clone(),
            provider: self.provider,
            program: self.program.clone(),
            settings,
        })
    }

    /// Starts our own log where the project already has a folder of ours; a command never makes one just for that.
    fn start_log(&mut self) {
        let filter = self.surroundings.process_env.get("NANOKIT_LOG").cloned();
        let root = self
            .surroundings
            .project_file(&self.files)
            .parent()
            .map(own_folder);
        if let Some(own) = root.filter(|own| own.is_dir()) {
            // Without a log everything else still works.
            let _ = telemetry::start(&own.join("nkapp.log"), filter.as_deref());
        }
    }
}

impl Ground for RealGround {
    fn load(&mut self) -> Loaded {
        let loaded = self.loaded();
        Loaded {
            hydrated: Arc::new(hydrate::hydrated(loaded)),
            merged: loaded.merged.clone(),
        }
    }

    fn connect(&mut self, settings: Settings) -> Result<Box<dyn Line>, Failure> {
        let (client, thread) = self.start(settings)?;
        Ok(Box::new(SessionLine::new(client, thread)?))
    }

    fn panel(&mut self) -> Result<u8, Failure> {
        let settings = Settings {
            live: true,
            reader: Reader::MayLoseLines,
        };
        let (client, thread) = self.start(settings)?;
        let end = runtime()?.block_on(run(
            client,
            panel_options(&self.panel, &self.surroundings.process_env),
        ));
        thread.join();
        end.map(|end| end.exit_code).map_err(|error| {
            let failure = Failure::new(FailureKind::Refused, error.to_string());
            let failure = std::error::Error::source(&error)
                .into_iter()
                .fold(failure, |failure, cause| failure.source(cause.to_string()));
            failure.next("nkapp status")
        })
    }

    fn demo(&mut self, provider: Option<&str>) -> Result<(PathBuf, Option<String>), Failure> {
        let into = self.surroundings.folder.join("nanokit-demo");
        demo::unpack(&into).map_err(|cause| {
            Failure::new(
                FailureKind::Failed,
                format!("the demo cannot be unpacked into {}", into.display()),
            )
            .source(cause.to_string())
        })?;
        self.surroundings.folder.clone_from(&into);
        self.surroundings.file = None;
        self.loaded = None;
        let (kind, remark) =
            doctor::demo_platform(&self.surroundings.process_env, provider, &into)?;
        self.provider = Some(kind);
        self.panel.command = format!("nkapp -f {}", into.join(hydrate::FILE_NAME).display());
        Ok((into, remark))
    }

    fn checks(&mut self) -> Vec<Check> {
        let environment = self.surroundings.process_env.clone();
        let file = self.surroundings.project_file(&self.files);
        doctor::checks(self.loaded(), &file, &environment)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let read = if path == Path::new("-") {
            io::stdin().lock().take(FILE_LIMIT).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(self.surroundings.folder.join(path))
                .and_then(|file| file.take(FILE_LIMIT).read_to_end(&mut bytes))
        };
        read.map(|_| bytes).map_err(|cause| {
            Failure::new(
                FailureKind::Failed,
                format!("{} cannot be read", path.display()),
            )
            .source(cause.to_string())
        })
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.surroundings.folder.join(path));
        let written = match opened {
            Ok(mut file) => file.write_all(bytes),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => Err(error),
        };
        written.map(|()| true).map_err(|cause| {
            Failure::new(
                FailureKind::Failed,
                format!("{} cannot be written", path.display()),
            )
            .source(cause.to_string())
        })
    }

    fn has(&self, path: &Path) -> bool {
        self.surroundings.folder.join(path).exists()
    }

    fn folder(&self) -> PathBuf {
        self.surroundings.folder.clone()
    }

    fn now(&self) -> Wall {
        SystemClock.wall()
    }

    fn ask(&mut self, prompt: &str) -> Option<String> {
        let mut stderr = io::stderr().lock();
        // Without a prompt the answer is still read; it cannot be given by accident.
        let _ = write!(stderr, "{prompt}").and_then(|()| stderr.flush());
        let mut answer = String::new();
        match io::stdin().lock().take(4096).read_line(&mut answer) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(answer.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }
}

/// Looks at the terminal this process has.
#[must_use]
pub fn terminal(environment: &BTreeMap<String, String>) -> Terminal {
    let said = |name: &str| environment.get(name).map(String::as_str);
    Terminal {
        interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        stdout: io::stdout().is_terminal(),
        stderr: io::stderr().is_terminal(),
        capable: said("TERM").is_some_and(|term| !term.is_empty() && term != "dumb"),
        no_color: said("NO_COLOR").is_some_and(|value| !value.is_empty()),
        width: rustix::termios::tcgetwinsize(io::stderr())
            .ok()
            .map(|size| size.ws_col)
            .filter(|width| *width > 0),
    }
}

fn panel_options(flags: &PanelFlags, environment: &BTreeMap<String, String>) -> PanelOptions {
    let said = |name: &str| {
        environment
            .get(name)
            .map(String::as_str)
            .unwrap_or_default()
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .map(said)
        .into_iter()
        .find(|value| !value.is_empty())
        .unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    PanelOptions {
        colors: if flags.color {
            Colors::Sixteen
        } else {
            Colors::None
        },
        ascii: said("NANOKIT_ASCII") == "1"
            || !(locale.contains("utf-8") || locale.contains("utf8")),
        read_only: flags.read_only,
        command: flags.command.clone(),
        run: RunOptions {
            schedule: Schedule::Layered,
            parallelism: default_parallelism(),
        },
        lock_wait: Duration::ZERO,
    }
}

/// Returns how many steps run at once by default: twice the cores, at most 8.
#[must_use]
pub fn default_parallelism() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| (cores.get() * 2).min(8))
}
