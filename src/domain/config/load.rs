//! The one way in: a file's text and what surrounds it become a project, or findings with their places.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::config::export::Merged;
use crate::domain::config::findings::Findings;
use crate::domain::config::lower::{self, Lower, tidy};
use crate::domain::config::shape::{Pass, Shape};
use crate::domain::config::tree::{Kind, Node};
use crate::domain::config::variables::{self, Files};
use crate::domain::config::yaml::{Limits, parse};
use crate::domain::config::{check, environment, expand, merge, table};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::Digest;
use crate::domain::place::{Sources, Span};
use crate::domain::project::project::Project;

/// The files around the project file, as the composition root reads them.
pub trait SourceTree {
    /// Reads a whole file of at most `limit` bytes; `None` when it is not there; the error says why not.
    fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, String>;
    /// Lists the names in a folder, sorted; empty when it is not a folder.
    fn names(&self, folder: &Path) -> Vec<String>;
    /// Tells whether the path is a regular file (`Some(true)`), something else (`Some(false)`), or nothing.
    fn is_file(&self, path: &Path) -> Option<bool>;
    /// Returns where a path really leads, symbolic links followed; `None` when that cannot be told.
    fn real(&self, _path: &Path) -> Option<PathBuf> {
        None
    }
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
    pub project: Option<Arc<Project>>,
    /// The merged, expanded file, for `config`; `None` when it could not be merged.
    pub merged: Option<Merged>,
    /// Findings, in order of their places.
    pub diagnostics: Vec<Diagnostic>,
    /// Texts they refer to.
    pub sources: Sources,
    /// All variables after the `.env` hierarchy, for resolving `env://` secrets.
    pub variables: BTreeMap<String, String>,
    /// Every path that was read or looked for: a change of one of them means loading again.
    pub watched: BTreeSet<PathBuf>,
}

impl Loaded {
    /// Writes the merged file as YAML with secrets as references; `None` when it could not be merged.
    #[must_use]
    pub fn merged_text(&self) -> Option<String> {
        serde_yaml::to_string(self.merged.as_ref()?).ok()
    }
}

/// Most bytes of the project file.
pub const FILE_LIMIT: usize = Limits::FILE.bytes;

/// Loads a project. Pure: same input, same result.
#[must_use]
pub fn load(input: &LoadInput<'_>) -> Loaded {
    let mut findings = Findings::default();
    let mut loaded = Loaded::default();
    loaded.watched.insert(input.file.clone());
    if let Some(root) = read(input, &mut findings) {
        carry(input, root, &mut loaded, &mut findings);
    }
    (loaded.diagnostics, loaded.sources) = findings.finish();
    loaded
}

/// Reads the text into a tree that is a mapping.
fn read(input: &LoadInput<'_>, findings: &mut Findings) -> Option<Node> {
    let shown = input.shown.display();
    if input.text.len() > FILE_LIMIT {
        let text = format!(
            "`{shown}` has {} bytes, more than the limit of {} MiB",
            input.text.len(),
            FILE_LIMIT >> 20
        );
        findings.push(Diagnostic::error("NK0103", text));
        return None;
    }
    let text = match std::str::from_utf8(&input.text) {
        Ok(text) => text,
        Err(error) => {
            let valid = input.text.get(..error.valid_up_to()).unwrap_or_default();
            let line = valid.split(|byte| *byte == b'\n').count();
            let text = format!("`{shown}` is not UTF-8 text: line {line} has other bytes");
            findings.push(Diagnostic::error("NK0104", text).help("save the file as UTF-8"));
            return None;
        }
    };
    let file = findings.source(&input.shown, text);
    let root = parse(file, text, Limits::FILE, findings);
    if findings.has_errors() && root.is_none() {
        return None;
    }
    let start = Span {
        file,
        start: 0,
        end: 0,
    };
    match root {
        Some(root) if root.map().is_some() => Some(root),
        Some(root) if !root.is_null() => {
            let finding = Diagnostic::error("NK0202", "the file must be a mapping")
                .at(root.span, "this is not");
            findings.push(finding);
            None
        }
        Some(_) | None => {
            let finding =
                Diagnostic::error("NK0106", "the file is empty").at(start, "nothing here");
            findings.push(finding.help("`nkapp init` writes a first one"));
            None
        }
    }
}

/// Carries the tree through choice, merge, expansion, lowering and checks.
fn carry(input: &LoadInput<'_>, mut root: Node, loaded: &mut Loaded, findings: &mut Findings) {
    Shape::new(Pass::Written, findings).object(&root, &table::FILE);
    let Some((env, rule)) = environment::choose(input, &root, findings) else {
        return;
    };
    let mut budget = expand::BUDGET;
    let mut files = Files {
        tree: input.tree,
        budget: &mut budget,
        findings,
    };
    let (variables, watched) = variables::resolve(input, env.as_str(), &mut files);
    loaded.watched.extend(watched);
    loaded.variables = variables.all();

    overlay(&mut root, env.as_str(), findings);
    expand::file(&mut root, &variables, &mut budget, findings);
    Shape::new(Pass::Merged, findings).object(&root, &table::FILE);
    let lower = Lower {
        input,
        root: &root,
        folder: tidy(input.file.parent().unwrap_or(Path::new("/"))),
        provider: None,
        environment: &variables,
        budget: &mut budget,
        findings,
        watched: &mut loaded.watched,
        origins: BTreeMap::new(),
    };
    let project = lower::lower(lower, env, rule);
    if let Some(project) = &project {
        check::check(project, &root, findings);
    }
    loaded.merged = Some(Merged::of(root));
    loaded.project = project.filter(|_| !findings.has_errors()).map(Arc::new);
}

/// Takes the blocks that choose out of the tree and lays the environment's overrides on the rest.
fn overlay(root: &mut Node, env: &str, findings: &mut Findings) {
    let Kind::Map(map) = &mut root.kind else {
        return;
    };
    map.shift_remove("git");
    let overrides =
        map.shift_remove("environments")
            .and_then(|mut entry| match &mut entry.node.kind {
                Kind::Map(all) => all.shift_remove(env),
                Kind::List(_) | Kind::Scalar(_) => None,
            });
    if let Some(entry) = overrides.filter(|entry| entry.node.map().is_some()) {
        merge::merge(root, entry.node, findings);
    }
}

#[cfg(test)]
mod tests;
