//! The doors of the panel's house: opens rooms, names programs, keeps files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::adapters::disk::ProjectDisk;
use crate::adapters::source_tree::ProjectFiles;
use crate::app::session::{self, Reader, Settings};
use crate::boot::hydrate::Surroundings;
use crate::boot::line::{self, Running, Start};
use crate::boot::world::own_folder;
use crate::boot::{bundle, keep, places, programs};
use crate::domain::config::load::{Loaded, SourceTree as _};
use crate::domain::project::project::ProviderKind;
use crate::domain::time::Wall;
use crate::ports::clock::Clock as _;
use crate::ports::disk::Disk as _;
use crate::present::shell;
use crate::tui::model::PanelOptions;
use crate::tui::rooms::doors::{Doors, Errand, Keepsake, Opened, Program, Search};
use crate::tui::rooms::place::{Found, Place};

/// The real doors.
pub(super) struct RealDoors {
    /// Where the user stands; file and environment are those of the first room.
    surroundings: Surroundings,
    forced: Option<ProviderKind>,
    options: PanelOptions,
    /// Whether nothing of earlier times is brought back.
    fresh: bool,
    memories: Option<keep::Memories>,
    /// Where this process writes its log.
    log: PathBuf,
    running: Vec<Running>,
}

impl RealDoors {
    pub(super) fn new(
        surroundings: Surroundings,
        forced: Option<ProviderKind>,
        options: PanelOptions,
        fresh: bool,
    ) -> Self {
        Self {
            memories: keep::Memories::of(&surroundings.process_env),
            log: surroundings
                .project_file(&ProjectFiles::new())
                .parent()
                .map(own_folder)
                .unwrap_or_default(),
            surroundings,
            forced,
            options,
            fresh,
            running: Vec::new(),
        }
    }

    /// Opens the rooms that were asked for when the panel was started; `first` is what was loaded already.
    pub(super) fn given(
        &mut self,
        files: &[PathBuf],
        first: Option<Loaded>,
    ) -> Result<Vec<Opened>, String> {
        let mut first = first;
        let mut rooms = Vec::new();
        let none = [self.surroundings.project_file(&ProjectFiles::new())];
        let files: Vec<PathBuf> = match files {
            [] => none.to_vec(),
            files => files
                .iter()
                .map(|file| self.surroundings.folder.join(file))
                .collect(),
        };
        for file in files {
            let place = Place {
                name: places::folder_name(&file),
                shown: self.shown(&file),
                env: self.surroundings.env.clone(),
                found: Found::Given,
                file,
            };
            if rooms.iter().any(|room: &Opened| room.place.is(&place)) {
                continue;
            }
            rooms.push(self.enter(&place, first.take())?);
        }
        Ok(rooms)
    }

    fn shown(&self, file: &Path) -> String {
        let below = file.strip_prefix(&self.surroundings.folder).unwrap_or(file);
        below.display().to_string()
    }

    /// Returns where somebody would stand who works on this place alone.
    fn within(&self, place: &Place) -> Surroundings {
        Surroundings {
            file: self.named(place),
            env: place.env.clone(),
            ..self.surroundings.clone()
        }
    }

    /// Returns the file as an argument; `None` where it is found without one.
    fn named(&self, place: &Place) -> Option<PathBuf> {
        let unnamed = Surroundings {
            file: None,
            ..self.surroundings.clone()
        };
        (unnamed.project_file(&ProjectFiles::new()) != place.file).then(|| {
            let below = place.file.strip_prefix(&self.surroundings.folder);
            below.unwrap_or(&place.file).to_owned()
        })
    }

    fn enter(&mut self, place: &Place, first: Option<Loaded>) -> Result<Opened, String> {
        let surroundings = self.within(place);
        let mut command = String::from("nkapp");
        if let Some(file) = &surroundings.file {
            command.push_str(&format!(
                " -f {}",
                shell::quote(&file.display().to_string())
            ));
        }
        if let Some(env) = &surroundings.env {
            command.push_str(&format!(" -e {}", shell::quote(env)));
        }
        let mut running = line::start(Start {
            surroundings,
            forced: self.forced,
            first,
            settings: Settings {
                live: true,
                reader: Reader::MayLoseLines,
                read_only: self.options.read_only,
                workers: true,
                stays: false,
            },
            verbose: false,
            program: line::program(),
        })
        .map_err(|failure| failure.message)?;
        let client = running.client.take();
        self.running.push(running);
        let (memory, note) = match &self.memories {
            Some(memories) if !self.fresh => memories.read(place),
            _ => (None, None),
        };
        Ok(Opened {
            place: place.clone(),
            line: client.ok_or_else(|| session::gone().message)?,
            options: PanelOptions {
                own: place.file.parent().map(own_folder).unwrap_or_default(),
                command,
                ..self.options.clone()
            },
            memory,
            note,
        })
    }

    /// Waits for every session, after their rooms are gone.
    pub(super) fn join(mut self) -> Result<(), crate::app::failure::Failure> {
        let ends = self.running.iter_mut().map(Running::join);
        ends.fold(Ok(()), Result::and)
    }

    #[expect(
        clippy::unused_self,
        reason = "reads as what it is: the doors' own files"
    )]
    fn own(&self, place: &Place) -> Result<ProjectDisk, String> {
        let folder = place.file.parent().ok_or("the project has no folder")?;
        Ok(ProjectDisk::new(own_folder(folder)))
    }

    fn write(&self, place: &Place, name: &str, text: &str) -> Result<String, String> {
        let disk = self.own(place)?;
        let folder = place.file.parent().map(own_folder).unwrap_or_default();
        if self.options.read_only && !folder.is_dir() {
            let shown = self.shown(&folder);
            return Err(format!(
                "the panel was opened read-only, and there is no {shown} yet"
            ));
        }
        let told = |error: crate::ports::disk::DiskError| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            cause.unwrap_or_else(|| error.to_string())
        };
        disk.replace(Path::new(name), text.as_bytes())
            .map_err(told)?;
        let path = folder.join(name);
        if Path::new(name).extension().is_some_and(|kind| kind == "sh") {
            keep::make_runnable(&path).map_err(|error| error.to_string())?;
        }
        Ok(self.shown(&path))
    }
}

impl Doors for RealDoors {
    fn search(&self, here: &Place) -> Search {
        let from = self.surroundings.folder.clone();
        let known = self
            .memories
            .as_ref()
            .map(keep::Memories::places)
            .unwrap_or_default();
        let here = here.clone();
        Box::new(move || places::search(&from, &here, known))
    }

    fn open(&mut self, place: &Place) -> Result<Opened, String> {
        if ProjectFiles::new().is_file(&place.file) != Some(true) {
            return Err(format!("{} is not there any more", place.shown));
        }
        self.enter(place, None)
    }

    fn program(&self, place: &Place, errand: &Errand) -> Result<Program, String> {
        let env = &self.surroundings.process_env;
        match errand {
            Errand::Edit { file, line } => {
                let file = self.surroundings.folder.join(file);
                programs::editor(env, &file, *line)
            }
            Errand::Shell { service } => {
                let within = self.within(place);
                let mut before: Vec<OsString> = Vec::new();
                let flags = [
                    ("-f", within.file.clone().map(OsString::from)),
                    ("-e", within.env.clone().map(OsString::from)),
                    ("--env-file", within.env_file.clone().map(OsString::from)),
                ];
                for (flag, value) in flags {
                    if let Some(value) = value {
                        before.extend([OsString::from(flag), value]);
                    }
                }
                if within.override_env {
                    before.push("--override-env".into());
                }
                Ok(programs::shell(
                    &line::program(),
                    before,
                    service,
                    self.memories.as_ref().and_then(keep::Memories::private),
                ))
            }
        }
    }

    fn reason(&self, program: &Program) -> Option<String> {
        programs::reason(program)
    }

    fn keep(&mut self, place: &Place, keepsake: &Keepsake) -> Result<String, String> {
        let stamp = keep::stamp(Wall(crate::adapters::clock::SystemClock.wall().0));
        match keepsake {
            Keepsake::Script(text) => self.write(place, &format!("scripts/nkapp-{stamp}.sh"), text),
            Keepsake::Bundle(parts) => {
                let text = bundle::text(&self.within(place), &ProjectDisk::new(&self.log), parts);
                self.write(place, &format!("bundles/nkapp-{stamp}.txt"), &text)
            }
            Keepsake::Memory(memory) => match &self.memories {
                Some(memories) => memories.write(place, memory),
                None => Err("there is no folder to remember in".to_owned()),
            },
        }
    }
}
