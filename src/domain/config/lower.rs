//! From the merged, expanded tree to the project: every default filled in, every reference looked up.
//!
//! Types were checked by `shape` before; what is found here is what only the whole can tell (a path that is
//! not there, a network nobody declared). One file per concern below `lower/`.

pub(crate) mod actions;
pub(crate) mod build;
pub(crate) mod drift;
pub(crate) mod env;
pub(crate) mod health;
mod history;
pub(crate) mod hooks;
pub(crate) mod infra;
pub(crate) mod links;
pub(crate) mod mounts;
pub(crate) mod pairs;
pub(crate) mod provisioning;
pub(crate) mod runtime;
pub(crate) mod service;
pub(crate) mod telemetry;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::domain::config::findings::Findings;
use crate::domain::config::load::LoadInput;
use crate::domain::config::tree::Node;
use crate::domain::config::variables::Environment;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::{ComponentName, EnvName, ProjectName};
use crate::domain::place::Span;
use crate::domain::project::project::{EnvRule, Origin, Project, ProviderKind};

/// What lowering works with.
pub(crate) struct Lower<'a> {
    /// The load.
    pub(crate) input: &'a LoadInput<'a>,
    /// The merged, expanded file.
    pub(crate) root: &'a Node,
    /// Folder of the file.
    pub(crate) folder: PathBuf,
    /// Platform of the file.
    pub(crate) provider: Option<ProviderKind>,
    /// Variables.
    pub(crate) environment: &'a Environment,
    /// Bytes left for values of `env_file`s.
    pub(crate) budget: &'a mut usize,
    /// Where findings go.
    pub(crate) findings: &'a mut Findings,
    /// Every path that was looked at.
    pub(crate) watched: &'a mut BTreeSet<PathBuf>,
    /// Where effective values come from.
    pub(crate) origins: BTreeMap<String, Origin>,
}

/// Lowers the file. The result is of use only when no error was found.
pub(crate) fn lower(mut lower: Lower<'_>, env: EnvName, env_rule: EnvRule) -> Option<Project> {
    let name = lower.project_name();
    let infra = infra::infra(&mut lower);
    lower.provider = infra.provider;
    let history = history::history(&mut lower);
    let drift = drift::drift(&mut lower);
    let networks = infra::networks(&mut lower);
    let volumes = infra::volumes(&mut lower);
    let mut services = BTreeMap::new();
    for (name, entry) in lower.root.entries("services") {
        if !name.starts_with("x-") {
            let written = runtime::Written::resolve(&mut lower, name, entry);
            services.insert(name.clone(), service::service(&mut lower, &written));
        }
    }
    infra::shared_secrets(&mut lower);
    let telemetry = telemetry::telemetry(&mut lower);
    let known = actions::Known {
        services: &services,
        volumes: &volumes,
    };
    let procedures = actions::actions(&mut lower, &known);
    let root = lower.root;
    let mut project = Project {
        // A bad or missing name is a finding already; whatever else is wrong is still to be found.
        name: name.or_else(|| ProjectName::parse("unnamed").ok())?,
        version: root.text_of("version").map(str::to_owned),
        actions_version: root.text_of("actions_version").map(str::to_owned),
        component: root
            .text_of("component")
            .and_then(|text| ComponentName::parse(text).ok()),
        env,
        env_rule,
        provider: infra.provider,
        shared_infra: infra.shared,
        lock_lease: infra.lock_lease,
        telemetry,
        history,
        drift,
        root: lower.folder.clone(),
        file: lower.input.file.clone(),
        services,
        networks,
        volumes,
        procedures,
        origins: lower.origins,
    };
    infra::join_default(&mut project);
    for finding in drift::unknown(root, &project) {
        lower.findings.push(finding);
    }
    Some(project)
}

impl Lower<'_> {
    fn project_name(&mut self) -> Option<ProjectName> {
        for key in ["name", "version", "actions_version", "component"] {
            if let Some(node) = self.root.get(key) {
                self.origins.insert(key.to_owned(), Origin::File(node.span));
            }
        }
        if let Some(text) = self.root.text_of("name") {
            return ProjectName::parse(text).ok();
        }
        if self.root.get("name").is_none() {
            let finding = Diagnostic::error("NK0206", "the project has no name")
                .at(
                    Span {
                        end: self.root.span.start,
                        ..self.root.span
                    },
                    "`name` is missing",
                )
                .help("add a first line such as `name: shop`");
            self.findings.push(finding);
        }
        None
    }

    /// Makes a path of the file absolute: `~/` is the home folder, anything relative starts at the file's folder.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        let home = || self.input.process_env.get("HOME").map(PathBuf::from);
        let path = match text.strip_prefix("~/") {
            Some(rest) => home().unwrap_or_else(|| PathBuf::from("/")).join(rest),
            None if text == "~" => home().unwrap_or_else(|| PathBuf::from("/")),
            None => self.folder.join(text),
        };
        tidy(&path)
    }

    /// Remembers a path whose change asks for a new load.
    pub(crate) fn watch(&mut self, path: &Path) {
        self.watched.insert(path.to_path_buf());
    }

    /// Adds a finding.
    pub(crate) fn error(&mut self, code: &'static str, message: String, span: Span, label: &str) {
        self.findings
            .push(Diagnostic::error(code, message).at(span, label));
    }
}

/// Removes `.` and `..` from a path without looking at the disk.
pub(crate) fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}
