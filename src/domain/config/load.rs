//! The one way in: a file's text and what surrounds it become a project, or findings with their places.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::Digest;
use crate::domain::place::Sources;
use crate::domain::project::project::Project;

/// The files around the project file, as the composition root reads them.
pub trait SourceTree {
    /// Reads a whole file of at most `limit` bytes; `None` when it is not there; the error says why not.
    fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, String>;
    /// Lists the names in a folder, sorted; empty when it is not a folder.
    fn names(&self, folder: &Path) -> Vec<String>;
    /// Tells whether the path is a regular file (`Some(true)`), something else (`Some(false)`), or nothing.
    fn is_file(&self, path: &Path) -> Option<bool>;
    /// Digests a file's content; `None` when it is not there.
    fn digest_file(&self, path: &Path) -> Option<Digest>;
    /// Digests a folder's files (names, modes, contents) but those that match `ignore` (lines of a `.dockerignore`).
    fn digest_tree(&self, folder: &Path, ignore: &[String]) -> Result<Digest, String>;
}

/// Everything a load depends on.
pub struct LoadInput<'a> {
    /// Absolute path of the project file.
    pub file: PathBuf,
    /// The name to show for it (as the user typed it, or relative to where they stand).
    pub shown: PathBuf,
    /// Its bytes.
    pub text: Vec<u8>,
    /// Files around it.
    pub tree: &'a dyn SourceTree,
    /// `-e`.
    pub env: Option<String>,
    /// Branch that is checked out, for `git.environments`.
    pub branch: Option<String>,
    /// Variables of this process.
    pub process_env: BTreeMap<String, String>,
    /// `--env-file`.
    pub env_file: Option<PathBuf>,
    /// `--override-env`.
    pub override_env: bool,
}

/// What came of a load.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The project; `None` when a diagnostic is an error.
    pub project: Option<Project>,
    /// The merged, expanded file as YAML with secrets as references, for `config`; `None` when it could not be merged.
    pub merged: Option<serde_yaml::Value>,
    /// Findings, in order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// Texts they refer to.
    pub sources: Sources,
    /// All variables after the `.env` hierarchy, for resolving `env://` secrets.
    pub variables: BTreeMap<String, String>,
    /// Every path that was read or looked for: a change of one of them means loading again.
    pub watched: BTreeSet<PathBuf>,
}

/// Loads a project. Pure: same input, same result.
#[must_use]
pub fn load(_input: &LoadInput<'_>) -> Loaded {
    Loaded::default()
}
