//! Hydration: from where the user stands to a loaded project, without opening a socket.
//!
//! Finds the file upwards, reads the branch from git's own files (no git program is run), and hands everything to
//! the pure loader as values.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::notice::Hydrated;
use crate::domain::config::load::{self, LoadInput, Loaded, SourceTree};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::graph::build::Graph;
use crate::domain::place::Sources;

/// Name of the project file when none is given.
pub const FILE_NAME: &str = "nanokit.yml";

/// Where the user stands and what they said about the file.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Working folder, absolute.
    pub folder: PathBuf,
    /// `--file`.
    pub file: Option<PathBuf>,
    /// `--env`.
    pub env: Option<String>,
    /// `--env-file`.
    pub env_file: Option<PathBuf>,
    /// `--override-env`.
    pub override_env: bool,
    /// Variables of this process.
    pub process_env: BTreeMap<String, String>,
}

impl Surroundings {
    /// Returns the project file: the given one, else `nanokit.yml` here or in the nearest folder above that has one,
    /// else the one that would be made here.
    #[must_use]
    pub fn project_file(&self, tree: &dyn SourceTree) -> PathBuf {
        if let Some(file) = &self.file {
            let file = self.folder.join(file);
            // By whichever way: one folder is one project, with one lock and the same paths on the platform.
            let real = file.parent().and_then(|folder| tree.real(folder));
            return match (real, file.file_name()) {
                (Some(folder), Some(name)) => folder.join(name),
                _ => file,
            };
        }
        self.folder
            .ancestors()
            .map(|folder| folder.join(FILE_NAME))
            .find(|file| tree.is_file(file) == Some(true))
            .unwrap_or_else(|| self.folder.join(FILE_NAME))
    }

    /// Returns the file's name as the user would type it from where they stand.
    #[must_use]
    pub fn shown(&self, file: &Path) -> PathBuf {
        match (&self.file, file.strip_prefix(&self.folder)) {
            (Some(given), _) => given.clone(),
            (None, Ok(below)) => below.to_owned(),
            (None, Err(_)) => file.to_owned(),
        }
    }
}

/// Loads the project file of these surroundings; a missing file is a finding like any other.
#[must_use]
pub fn load(surroundings: &Surroundings, tree: &dyn SourceTree) -> Loaded {
    let file = surroundings.project_file(tree);
    let shown = surroundings.shown(&file);
    let text = match tree.read(&file, load::FILE_LIMIT as u64) {
        Ok(Some(text)) => text,
        Ok(None) => return missing(&file, &shown),
        Err(cause) => return unreadable(&file, &shown, &cause),
    };
    load::load(&LoadInput {
        branch: branch(&file, tree),
        file,
        shown,
        text,
        tree,
        env: surroundings.env.clone(),
        process_env: surroundings.process_env.clone(),
        env_file: surroundings.env_file.clone(),
        override_env: surroundings.override_env,
    })
}

/// Turns a load into what the session and the front ends see.
#[must_use]
pub fn hydrated(loaded: &Loaded) -> Hydrated {
    let project = loaded.project.clone();
    Hydrated {
        layers: project
            .as_ref()
            .map(|project| Graph::of(project).layers())
            .unwrap_or_default(),
        project,
        diagnostics: loaded.diagnostics.clone(),
        sources: Arc::new(loaded.sources.clone()),
    }
}

fn missing(file: &Path, shown: &Path) -> Loaded {
    let finding = Diagnostic::error(
        "NK0001",
        format!(
            "there is no {} here or in any folder above",
            shown.display()
        ),
    )
    .help("run `nkapp init` to write one, or name it with `--file PATH`")
    .help("`nkapp demo` shows a whole project at work");
    only(finding, file)
}

fn unreadable(file: &Path, shown: &Path, cause: &str) -> Loaded {
    only(
        Diagnostic::error(
            "NK0002",
            format!("{} cannot be read: {cause}", shown.display()),
        ),
        file,
    )
}

fn only(finding: Diagnostic, file: &Path) -> Loaded {
    Loaded {
        diagnostics: vec![finding],
        sources: Sources::default(),
        watched: [file.to_owned()].into(),
        ..Loaded::default()
    }
}

/// Reads which branch is checked out from `.git/HEAD`, following the `.git` file of a worktree.
fn branch(file: &Path, tree: &dyn SourceTree) -> Option<String> {
    let text = |path: &Path| {
        let bytes = tree.read(path, 4096).ok().flatten()?;
        String::from_utf8(bytes).ok()
    };
    let root = file.parent()?;
    let git = root
        .ancestors()
        .map(|folder| folder.join(".git"))
        .find(|git| tree.is_file(git).is_some())?;
    let folder = if tree.is_file(&git) == Some(true) {
        let target = text(&git)?
            .trim()
            .strip_prefix("gitdir:")?
            .trim()
            .to_owned();
        git.parent()?.join(target)
    } else {
        git
    };
    let head = text(&folder.join("HEAD"))?;
    head.trim()
        .strip_prefix("ref: refs/heads/")
        .map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Digest;

    /// Files by path; a folder is whatever is above one.
    struct Files(BTreeMap<PathBuf, &'static str>);

    impl SourceTree for Files {
        fn read(&self, path: &Path, _limit: u64) -> Result<Option<Vec<u8>>, String> {
            Ok(self.0.get(path).map(|text| text.as_bytes().to_vec()))
        }
        fn names(&self, _folder: &Path) -> Vec<String> {
            Vec::new()
        }
        fn is_file(&self, path: &Path) -> Option<bool> {
            match self.0.contains_key(path) {
                true => Some(true),
                false => self
                    .0
                    .keys()
                    .any(|file| file.starts_with(path))
                    .then_some(false),
            }
        }
        fn digest_file(&self, _path: &Path) -> Option<Digest> {
            None
        }
        fn digest_tree(&self, _folder: &Path, _ignore: &[String]) -> Result<Digest, String> {
            Ok(Digest::default())
        }
    }

    fn files(list: &[(&str, &'static str)]) -> Files {
        Files(
            list.iter()
                .map(|(path, text)| (PathBuf::from(path), *text))
                .collect(),
        )
    }

    fn standing(folder: &str) -> Surroundings {
        Surroundings {
            folder: folder.into(),
            ..Surroundings::default()
        }
    }

    #[test]
    fn the_file_is_searched_upwards() {
        let tree = files(&[("/a/nanokit.yml", ""), ("/a/b/c/x", "")]);
        let here = standing("/a/b/c");
        assert_eq!(here.project_file(&tree), PathBuf::from("/a/nanokit.yml"));
        let given = Surroundings {
            file: Some("other.yml".into()),
            ..here
        };
        assert_eq!(given.project_file(&tree), PathBuf::from("/a/b/c/other.yml"));
    }

    #[test]
    fn a_missing_file_is_a_finding_with_the_next_command() {
        let loaded = load(&standing("/a"), &files(&[]));
        assert!(loaded.project.is_none());
        assert!(
            loaded
                .diagnostics
                .iter()
                .any(|d| d.help.iter().any(|line| line.contains("nkapp init")))
        );
        assert!(loaded.watched.contains(Path::new("/a/nanokit.yml")));
    }

    #[test]
    fn the_branch_is_read_from_git_itself() {
        type Listing = [(&'static str, &'static str)];
        let cases: [(&Listing, Option<&str>); 4] = [
            (
                &[("/p/.git/HEAD", "ref: refs/heads/feature/x\n")],
                Some("feature/x"),
            ),
            (&[("/p/.git/HEAD", "0123456789abcdef\n")], None),
            (
                &[
                    ("/p/.git", "gitdir: /g/worktrees/p\n"),
                    ("/g/worktrees/p/HEAD", "ref: refs/heads/main\n"),
                ],
                Some("main"),
            ),
            (&[("/p/x", "")], None),
        ];
        for (list, expected) in cases {
            assert_eq!(
                branch(Path::new("/p/nanokit.yml"), &files(list)).as_deref(),
                expected
            );
        }
    }
}
