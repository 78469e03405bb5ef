//! The outside as the command line's verbs see it: files, clock, terminal, sessions, the panel, the demo.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::adapters::clock::SystemClock;
use crate::adapters::source_tree::ProjectFiles;
use crate::adapters::{demo, telemetry, terminal};
use crate::app::failure::{Failure, FailureKind};
use crate::app::session::Settings;
use crate::app::worker::mind::Identity;
use crate::boot::doors::RealDoors;
use crate::boot::hydrate::{self, Surroundings};
use crate::boot::line::{self, Running, SessionLine, Start};
use crate::boot::world::own_folder;
use crate::boot::{checks, image, looks, platform, workers};
use crate::cli::args::{Globals, When};
use crate::cli::ground::{Beacon, Check, Ground, Line, Loaded, Looks, Terminal};
use crate::domain::config::load;
use crate::domain::ids::RunId;
use crate::domain::project::project::{Project, ProviderKind};
use crate::domain::report::worker::WorkerReport;
use crate::domain::run::options::{RunOptions, Schedule};
use crate::domain::time::Wall;
use crate::ports::clock::Clock;
use crate::tui::model::PanelOptions;
use crate::tui::runtime::{self as panel, PanelError};
use crate::tui::theme::Colors;

/// Largest file a verb reads, in bytes.
const LIMIT: u64 = 64 << 20;
/// Folder of the demo.
const DEMO: &str = "nanokit-demo";

/// The outside.
pub(super) struct Outside {
    surroundings: Surroundings,
    globals: Globals,
    terminal: Terminal,
    forced: Option<ProviderKind>,
    loaded: Option<load::Loaded>,
    logging: bool,
    /// Whether Ctrl-C at a question is heard by us.
    talking: bool,
}

impl Outside {
    /// Looks where the user stands.
    pub(super) fn new(globals: &Globals) -> Result<Self, Failure> {
        let folder = std::env::current_dir().map_err(|e| {
            Failure::new(FailureKind::Failed, "the working folder cannot be read")
                .source(e.to_string())
        })?;
        let process_env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let surroundings = Surroundings {
            folder,
            file: globals.file.first().cloned(),
            env: globals.env.clone(),
            env_file: globals.env_file.clone(),
            override_env: globals.override_env,
            process_env,
        };
        Ok(Self {
            terminal: look_at_terminal(&surroundings),
            surroundings,
            globals: globals.clone(),
            forced: None,
            loaded: None,
            logging: false,
            talking: false,
        })
    }

    /// Returns what is known of the terminal.
    #[must_use]
    pub(super) fn terminal(&self) -> Terminal {
        self.terminal
    }

    fn loaded(&mut self) -> &load::Loaded {
        let surroundings = &self.surroundings;
        self.loaded
            .get_or_insert_with(|| hydrate::load(surroundings, &ProjectFiles::new()))
    }

    /// Returns the project files that were named; the demo's is one.
    fn files(&self) -> Vec<PathBuf> {
        match self.globals.file.as_slice() {
            files @ [_, _, ..] => files.to_vec(),
            [] | [_] => self.surroundings.file.iter().cloned().collect(),
        }
    }

    fn start(&mut self, settings: Settings) -> Result<Running, Failure> {
        self.start_log();
        line::start(Start {
            surroundings: self.surroundings.clone(),
            forced: self.forced,
            first: self.loaded.clone(),
            settings,
            verbose: self.globals.verbose,
            program: line::program(),
        })
    }

    /// Starts our own log where the project has its folder already; nothing is made just to log into.
    fn start_log(&mut self) {
        let file = self.surroundings.project_file(&ProjectFiles::new());
        let own = file.parent().map(own_folder);
        let Some(own) = own.filter(|_| !self.logging) else {
            return;
        };
        let filter = self.surroundings.process_env.get("NANOKIT_LOG");
        // A log that cannot be written is no reason not to work.
        let started = telemetry::start(&own, filter.map(String::as_str));
        self.logging = started.unwrap_or(false);
    }

    fn colors(&self) -> Colors {
        match self.globals.color {
            When::Never => Colors::None,
            When::Auto if self.terminal.no_color => Colors::None,
            When::Auto | When::Always => looks::colors(&self.surroundings.process_env),
        }
    }

    fn panel_options(&self) -> PanelOptions {
        let env = |name: &str| self.surroundings.process_env.get(name).map(String::as_str);
        PanelOptions {
            colors: self.colors(),
            ascii: env("NANOKIT_ASCII") == Some("1") || !speaks_utf8(&env),
            read_only: self.globals.read_only,
            command: "nkapp".to_owned(),
            run: RunOptions {
                schedule: Schedule::Layered,
                parallelism: 8,
                unseen: false,
            },
            lock_wait: Duration::ZERO,
            files: looks::files(&self.surroundings.process_env),
            own: self
                .surroundings
                .project_file(&ProjectFiles::new())
                .parent()
                .map(own_folder)
                .unwrap_or_default(),
            tmux: env("TMUX").is_some_and(|value| !value.is_empty()),
            folder: self.surroundings.folder.clone(),
            replay: None,
        }
    }
}

fn look_at_terminal(surroundings: &Surroundings) -> Terminal {
    let stdin = std::io::stdin().is_terminal();
    let stdout = std::io::stdout().is_terminal();
    let stderr = std::io::stderr().is_terminal();
    let term = surroundings.process_env.get("TERM").map(String::as_str);
    let no_color = surroundings.process_env.get("NO_COLOR");
    Terminal {
        interactive: stdin && stderr,
        stdout,
        stderr,
        capable: !matches!(term, None | Some("" | "dumb")),
        no_color: no_color.is_some_and(|value| !value.is_empty()),
        width: terminal::width(),
    }
}

/// Tells whether the locale speaks UTF-8; without any, we assume it does.
fn speaks_utf8<'a>(env: &impl Fn(&str) -> Option<&'a str>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| env(name).filter(|value| !value.is_empty()))
        .is_none_or(|locale| {
            let locale = locale.to_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}

fn io_failure(action: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        FailureKind::Failed,
        format!("{action} {} failed", path.display()),
    )
    .source(error.to_string())
}

impl Ground for Outside {
    fn load(&mut self) -> Loaded {
        let loaded = self.loaded();
        Loaded {
            hydrated: Arc::new(hydrate::hydrated(loaded)),
            merged: loaded.merged.clone(),
        }
    }

    fn connect(&mut self, settings: Settings) -> Result<Box<dyn Line>, Failure> {
        let running = self.start(settings)?;
        Ok(Box::new(SessionLine::new(running)?))
    }

    fn beacon(&mut self, project: &Project) -> Result<(Identity, Box<dyn Beacon>), Failure> {
        workers::light(&self.surroundings, &project.root)
    }

    fn workers(&mut self, project: &Project) -> Vec<WorkerReport> {
        workers::now(project)
    }

    fn panel(&mut self, fresh: bool, replay: Option<RunId>) -> Result<u8, Failure> {
        self.start_log();
        let options = PanelOptions {
            replay,
            ..self.panel_options()
        };
        let surroundings = self.surroundings.clone();
        let mut doors = RealDoors::new(surroundings, self.forced, options, fresh);
        let rooms = doors
            .given(&self.files(), self.loaded.clone())
            .map_err(|why| Failure::new(FailureKind::Failed, why))?;
        let runtime = line::runtime()?;
        let end = runtime.block_on(panel::run(&mut doors, rooms));
        doors.join()?;
        end.map(|end| end.exit_code)
            .map_err(|error| panel_failure(&error))
    }

    fn looks(&self) -> Looks {
        looks::checked(&self.surroundings.process_env)
    }

    fn demo(&mut self, provider: Option<&str>) -> Result<(PathBuf, Option<String>), Failure> {
        let shown = PathBuf::from(DEMO);
        let folder = self.surroundings.folder.join(&shown);
        demo::unpack(&folder).map_err(|e| io_failure("unpacking the demo into", &folder, &e))?;
        self.surroundings.file = Some(shown.join(hydrate::FILE_NAME));
        self.loaded = None;
        let mut remark = None;
        self.forced = match provider {
            Some("docker") => Some(ProviderKind::Docker),
            Some(_) => Some(ProviderKind::Process),
            None => {
                let project = self.loaded().project.clone();
                match project {
                    Some(project) => {
                        let (kind, said) = image::platform(
                            &project,
                            &platform::Asked {
                                forced: None,
                                process_env: &self.surroundings.process_env,
                                program: &line::program(),
                            },
                        )?;
                        remark = said;
                        Some(kind)
                    }
                    None => None,
                }
            }
        };
        Ok((shown, remark))
    }

    fn checks(&mut self) -> Vec<Check> {
        let terminal = self.terminal;
        let surroundings = self.surroundings.clone();
        let loaded = self.loaded();
        checks::all(&surroundings, loaded, terminal)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let read = if path == Path::new("-") {
            std::io::stdin().take(LIMIT).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(self.surroundings.folder.join(path))
                .and_then(|file| file.take(LIMIT).read_to_end(&mut bytes))
        };
        read.map_err(|e| io_failure("reading", path, &e))?;
        Ok(bytes)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<bool, Failure> {
        let opened = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(self.surroundings.folder.join(path));
        match opened {
            Ok(mut file) => file
                .write_all(bytes)
                .map(|()| true)
                .map_err(|e| io_failure("writing", path, &e)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(io_failure("writing", path, &error)),
        }
    }

    fn has(&self, path: &Path) -> bool {
        self.surroundings.folder.join(path).is_file()
    }

    fn folder(&self) -> PathBuf {
        self.surroundings.folder.clone()
    }

    fn now(&self) -> Wall {
        SystemClock.wall()
    }

    fn explain(&self, failure: &Failure) {
        let Some(path) = self.surroundings.process_env.get("NANOKIT_REASON") else {
            return;
        };
        let causes = failure.sources.iter().map(String::as_str);
        let text: Vec<&str> = std::iter::once(failure.message.as_str())
            .chain(causes)
            .collect();
        // Whoever asked is told by the exit code too.
        let _ = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| file.write_all(text.join(": ").as_bytes()));
    }

    fn converse(&mut self) {
        self.talking = true;
    }

    fn look_again(&mut self, env: Option<&str>) {
        self.loaded = None;
        if let Some(env) = env {
            self.surroundings.env = Some(env.to_owned());
        }
    }

    fn ask(&mut self, prompt: &str) -> Option<String> {
        let mut err = std::io::stderr();
        err.write_all(prompt.as_bytes())
            .and_then(|()| err.flush())
            .ok()?;
        if self.talking {
            return line::typed();
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line).ok()?;
        (read > 0).then_some(line)
    }
}

fn panel_failure(error: &PanelError) -> Failure {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let failure = Failure::new(FailureKind::Failed, error.to_string()).next("nkapp status");
    match cause {
        Some(cause) => failure.source(cause),
        None => failure,
    }
}
