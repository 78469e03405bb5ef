//! The variables of a load: the `.env` hierarchy and the process, in their order.
//!
//! Lowest to highest: `.env`, `.env.ENV`, `.env.local`, `.env.ENV.local`, `--env-file`; the process above all of
//! them, unless `--override-env` puts the files on top.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::config::dotenv::{self, Variables};
use crate::domain::config::findings::Findings;
use crate::domain::config::load::{LoadInput, SourceTree};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;

/// Most bytes of one file of variables.
const LIMIT: u64 = 1 << 20;

/// What `${NAME}` finds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    process: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    files_win: bool,
}

impl Environment {
    /// Returns the value of a variable.
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let (first, second) = if self.files_win {
            (&self.files, &self.process)
        } else {
            (&self.process, &self.files)
        };
        first.get(name).or_else(|| second.get(name)).cloned()
    }
    /// Returns every name that has a value.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.files
            .keys()
            .chain(self.process.keys())
            .map(String::as_str)
    }
    /// Returns all variables.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let (below, above) = if self.files_win {
            (&self.process, &self.files)
        } else {
            (&self.files, &self.process)
        };
        let mut all = below.clone();
        all.extend(
            above
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        all
    }
}

impl Variables for Environment {
    fn get(&self, name: &str) -> Option<String> {
        self.value(name)
    }
    fn set(&mut self, name: &str, value: String) {
        self.files.insert(name.to_owned(), value);
    }
}

/// Returns the files of the hierarchy, lowest first.
pub(crate) fn hierarchy(env: &str) -> [String; 4] {
    [
        ".env".to_owned(),
        format!(".env.{env}"),
        ".env.local".to_owned(),
        format!(".env.{env}.local"),
    ]
}

/// Reads files of variables, remembering which.
pub(crate) struct Files<'a> {
    /// Where they are read from.
    pub(crate) tree: &'a dyn SourceTree,
    /// Bytes left for expanded values.
    pub(crate) budget: &'a mut usize,
    /// Where findings go.
    pub(crate) findings: &'a mut Findings,
}

impl Files<'_> {
    /// Reads a file into `variables`; tells whether it was there.
    pub(crate) fn read(
        &mut self,
        path: &Path,
        shown: &Path,
        at: Option<Span>,
        variables: &mut dyn Variables,
    ) -> bool {
        let unreadable = |why: &str| {
            let finding = Diagnostic::error(
                "NK0305",
                format!("cannot read `{}`: {why}", shown.display()),
            );
            match at {
                Some(span) => finding.at(span, "named here"),
                None => finding,
            }
        };
        let bytes = match self.tree.read(path, LIMIT) {
            Ok(Some(bytes)) if bytes.len() as u64 <= LIMIT => bytes,
            Ok(Some(_)) => {
                self.findings.push(unreadable("it is larger than 1 MiB"));
                return true;
            }
            Ok(None) => return false,
            Err(why) => {
                self.findings.push(unreadable(&why));
                return true;
            }
        };
        match String::from_utf8(bytes) {
            Ok(text) => {
                let file = self.findings.source(shown, text.as_str());
                dotenv::parse(file, &text, self.budget, self.findings, variables);
            }
            Err(_) => self.findings.push(unreadable("it is not UTF-8 text")),
        }
        true
    }
}

/// Reads the hierarchy; returns the variables and every path that was looked for.
pub(crate) fn resolve(
    input: &LoadInput<'_>,
    env: &str,
    files: &mut Files<'_>,
) -> (Environment, Vec<PathBuf>) {
    let mut environment = Environment {
        process: input.process_env.clone(),
        files: BTreeMap::new(),
        files_win: input.override_env,
    };
    let root = input.file.parent().unwrap_or(Path::new("/"));
    let mut watched = Vec::new();
    let names = hierarchy(env);
    let distinct = names
        .iter()
        .enumerate()
        .filter(|(i, name)| !names.iter().take(*i).any(|n| n == *name));
    for (_, name) in distinct {
        let path = root.join(name);
        files.read(&path, Path::new(name), None, &mut environment);
        watched.push(path);
    }
    if let Some(path) = &input.env_file {
        if !files.read(path, path, None, &mut environment) {
            let text = format!("`--env-file {}` names no file", path.display());
            files.findings.push(Diagnostic::error("NK0305", text));
        }
        watched.push(path.clone());
    }
    (environment, watched)
}
