//! Files of an instance that cannot be read, and what stands in for them: a copy for what it was made as, `/proc` for
//! how it stands.
//!
//! Only what neither tells is lost; it is named, never taken for absent.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::adapters::providers::process::files::{FORMAT, Spec, State, StatusFile};
use crate::adapters::providers::process::folder::{
    COPY, Places, SPEC, STATUS, put_json, read_json, real_folder,
};
use crate::adapters::providers::process::identity::ProcessId;
use crate::adapters::providers::process::link::SUPERVISE;
use crate::adapters::providers::process::tree::{self, EXEC_MARKER, MARKER, Nets};
use crate::domain::plan::typed::word;

/// An instance's folder that does not tell what it is.
#[derive(Clone, Debug)]
pub(super) struct Lost {
    /// Name of the folder.
    pub(super) name: String,
    /// What is wrong with it.
    pub(super) why: String,
    /// What runs of it: its supervisor, else the main command it left.
    pub(super) runs: Option<ProcessId>,
    /// Whether it can be told from somebody else's folder, so that a dead one may be replaced.
    pub(super) real: bool,
}

impl Lost {
    pub(super) fn of(places: &Places, name: &str, error: &io::Error) -> Self {
        let folder = places.instance(name);
        let real = real_folder(&folder).is_ok();
        let why = match real {
            true => said(&folder.join(SPEC), error),
            false => error.to_string(),
        };
        let left = || {
            let status: StatusFile = read_json(&folder.join(STATUS)).ok()?;
            status.main.filter(ProcessId::is_alive)
        };
        let runs = supervisor_of(&folder).or_else(left);
        Self {
            name: name.to_owned(),
            why,
            runs: runs.filter(|_| real),
            real,
        }
    }

    /// Tells whether nothing hangs on it: it may be replaced.
    pub(super) fn is_dead(&self) -> bool {
        self.real && self.runs.is_none()
    }

    /// What it is, for people.
    pub(super) fn told(&self) -> String {
        match &self.runs {
            Some(process) => format!("{}, and process {} of it runs", self.why, process.pid),
            None => self.why.clone(),
        }
    }

    /// The command that ends and removes it: a supervisor whose folder is gone ends its instance.
    pub(super) fn remedy(&self, places: &Places) -> String {
        let folder = word(&places.instance(&self.name).to_string_lossy());
        match &self.runs {
            Some(process) => format!("kill {}; rm -r {folder}", process.pid),
            None => format!("rm -r {folder}"),
        }
    }
}

/// Says why a file cannot be read, with its name.
fn said(path: &Path, error: &io::Error) -> String {
    let why = match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::LOOP) => "it is a link".to_owned(),
        Some(Errno::NOENT) => "it is gone".to_owned(),
        _ => {
            let text = error.to_string();
            let own = format!("{}: ", path.display());
            text.strip_prefix(&own).map_or(text.clone(), str::to_owned)
        }
    };
    format!("{} cannot be read: {why}", path.display())
}

/// Writes what an instance is, with its copy behind it.
pub(super) fn write_spec(folder: &Path, spec: &Spec) -> io::Result<()> {
    put_json(&folder.join(SPEC), spec, true)?;
    put_json(&folder.join(COPY), spec, true)
}

/// Reads what an instance was made as; where its file is damaged, from the copy, and says what is wrong.
pub(super) fn read_spec(folder: &Path) -> io::Result<(Spec, Option<String>)> {
    let path = folder.join(SPEC);
    let error = match checked(&path) {
        Ok(spec) => return Ok((spec, None)),
        Err(error) => error,
    };
    match checked(&folder.join(COPY)) {
        Ok(spec) => Ok((spec, Some(said(&path, &error)))),
        Err(_) => Err(error),
    }
}

/// Reads a file that says what an instance was made as, of the one format there is.
pub(super) fn checked(path: &Path) -> io::Result<Spec> {
    let spec: Spec = read_json(path)?;
    if spec.format == FORMAT {
        Ok(spec)
    } else {
        Err(io::Error::other(format!(
            "{}: it is of format {}, this nkapp knows {FORMAT}",
            path.display(),
            spec.format
        )))
    }
}

/// Reads how an instance stands; where that is damaged, `/proc` tells, and what is wrong is said.
pub(super) fn read_status(folder: &Path, id: &str) -> (StatusFile, Option<String>) {
    let path = folder.join(STATUS);
    match read_json(&path) {
        Ok(status) => (status, None),
        // Nobody supervised it yet, unless somebody does.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let proven = proven(folder, id, State::Created);
            let gone = proven.main.is_some().then(|| said(&path, &error));
            (proven, gone)
        }
        // A power cut can leave it empty: then the machine has started anew and nothing runs.
        Err(error) => (proven(folder, id, State::Exited), Some(said(&path, &error))),
    }
}

/// How an instance stands by what lives of it; `otherwise` where its main command does not.
fn proven(folder: &Path, id: &str, otherwise: State) -> StatusFile {
    let supervisor = supervisor_of(folder);
    let main = main_of(id, supervisor.as_ref());
    StatusFile {
        format: FORMAT,
        state: main.as_ref().map_or(otherwise, |_| State::Running),
        supervisor,
        main,
        ..StatusFile::default()
    }
}

/// Finds who supervises a folder: it is where that process lives, whatever the folder is called by now.
fn supervisor_of(folder: &Path) -> Option<ProcessId> {
    let place = std::fs::symlink_metadata(folder).ok()?;
    let supervises = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(SUPERVISE.as_bytes())
    };
    let lives_there = |pid: &i32| {
        let there = std::fs::metadata(PathBuf::from(format!("/proc/{pid}/cwd")));
        there.is_ok_and(|there| (there.dev(), there.ino()) == (place.dev(), place.ino()))
    };
    let mut pids = tree::numbers("/proc").into_iter();
    let pid = pids.find(|pid| supervises(pid) && lives_there(pid))?;
    ProcessId::of(pid)
}

/// Finds the main command of an instance by its mark: the child of its supervisor, else whoever was left of it.
fn main_of(id: &str, supervisor: Option<&ProcessId>) -> Option<ProcessId> {
    let nets = Nets {
        marker: (MARKER, id),
        root: None,
        cgroup: None,
    };
    let members = nets.members();
    let is_main = |one: &&ProcessId| {
        let parent = one.stat().map(|stat| stat.parent);
        let at_the_top = match supervisor {
            Some(supervisor) => parent == Some(supervisor.pid),
            None => !members.iter().any(|other| Some(other.pid) == parent),
        };
        let beside = one.environment();
        at_the_top && !beside.iter().any(|(name, _)| name == EXEC_MARKER)
    };
    let mut mains: Vec<&ProcessId> = members.iter().filter(is_main).collect();
    mains.sort_by_key(|one| (one.start, one.pid));
    mains.into_iter().next().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::providers::process::files::{Owner, Restart};

    fn spec() -> Spec {
        Spec {
            format: FORMAT,
            id: "1".into(),
            owner: Owner {
                project: "shop".into(),
                env: "local".into(),
                component: None,
                lineage: "l".into(),
                op: "o".into(),
            },
            service: "api".into(),
            instance: 0,
            hash: "h".into(),
            one_off: false,
            gated: false,
            argv: vec!["true".into()],
            folder: "/".into(),
            env: std::collections::BTreeMap::new(),
            secrets: std::collections::BTreeSet::new(),
            port: None,
            expose: None,
            published: false,
            cpu_millis: None,
            memory_bytes: None,
            restart: Restart::No,
            networks: std::collections::BTreeMap::new(),
            mounts: std::collections::BTreeMap::new(),
            health: None,
            stop_signal: None,
            stop_grace_ms: 0,
            created_ms: 0,
        }
    }

    #[test]
    fn what_an_instance_is_outlives_every_damage_to_its_file() {
        type Damage = fn(&Path);
        let damages: [(&str, Damage); 7] = [
            ("it is gone", |path| std::fs::remove_file(path).unwrap()),
            ("EOF while parsing", |path| {
                std::fs::write(path, "").unwrap();
            }),
            ("expected", |path| std::fs::write(path, "nonsense").unwrap()),
            ("EOF while parsing", |path| {
                let bytes = std::fs::read(path).unwrap();
                std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            }),
            ("it is a link", |path| {
                std::fs::remove_file(path).unwrap();
                std::os::unix::fs::symlink("/nowhere", path).unwrap();
            }),
            ("is not a regular file", |path| {
                std::fs::remove_file(path).unwrap();
                std::fs::create_dir(path).unwrap();
            }),
            ("it is of format 2", |path| {
                let mut newer = spec();
                newer.format = 2;
                put_json(path, &newer, false).unwrap();
            }),
        ];
        for (words, damage) in damages {
            let temp = tempfile::tempdir().unwrap();
            write_spec(temp.path(), &spec()).unwrap();
            assert_eq!(read_spec(temp.path()).unwrap(), (spec(), None));
            let path = temp.path().join(SPEC);
            damage(&path);
            let (read, wrong) = read_spec(temp.path()).unwrap();
            let wrong = wrong.unwrap_or_default();
            assert_eq!(read, spec(), "{words}");
            assert!(wrong.contains(words), "{wrong}");
            assert!(wrong.starts_with(&format!("{} cannot be read: ", path.display())));
            write_spec(temp.path(), &spec()).unwrap();
            assert_eq!(read_spec(temp.path()).unwrap(), (spec(), None), "{words}");
        }
    }

    #[test]
    fn a_folder_that_tells_nothing_is_lost_and_not_absent() {
        let temp = tempfile::tempdir().unwrap();
        let places = Places {
            root: temp.path().to_path_buf(),
        };
        let folder = places.instance("nk-shop-local-api-0");
        places.make(&folder).unwrap();
        let error = read_spec(&folder).unwrap_err();
        let lost = Lost::of(&places, "nk-shop-local-api-0", &error);
        assert!(lost.is_dead());
        assert!(
            lost.told()
                .ends_with("spec.json cannot be read: it is gone")
        );
        assert_eq!(lost.remedy(&places), format!("rm -r {}", folder.display()));
    }
}
