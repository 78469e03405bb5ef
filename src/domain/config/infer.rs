//! The runtime of a service that names neither image nor runtime, from the files in its folder.

use std::path::Path;

use crate::domain::config::load::SourceTree;

/// A built-in runtime.
pub(crate) struct BuiltIn {
    /// Its id.
    pub(crate) id: &'static str,
    /// The file that gives it away.
    pub(crate) sign: &'static str,
    /// Image when neither the service nor `runtimes` names one.
    pub(crate) image: &'static str,
    /// Files whose change asks for a new installation.
    pub(crate) manifests: &'static [&'static str],
}

/// Built-in runtimes; the first whose file is there is taken.
pub(crate) const BUILT_IN: [BuiltIn; 6] = [
    BuiltIn {
        id: "node",
        sign: "package.json",
        image: "node:22-slim",
        manifests: &[
            "package.json",
            "package-lock.json",
            "npm-shrinkwrap.json",
            "yarn.lock",
            "pnpm-lock.yaml",
            "bun.lock",
            "bun.lockb",
        ],
    },
    BuiltIn {
        id: "python",
        sign: "requirements.txt",
        image: "python:3.13-slim",
        manifests: &[
            "requirements.txt",
            "pyproject.toml",
            "poetry.lock",
            "Pipfile",
            "Pipfile.lock",
            "uv.lock",
            "setup.py",
        ],
    },
    BuiltIn {
        id: "go",
        sign: "go.mod",
        image: "golang:1.25",
        manifests: &["go.mod", "go.sum"],
    },
    BuiltIn {
        id: "php",
        sign: "composer.json",
        image: "php:8.4-apache",
        manifests: &["composer.json", "composer.lock"],
    },
    BuiltIn {
        id: "ruby",
        sign: "Gemfile",
        image: "ruby:3.4-slim",
        manifests: &["Gemfile", "Gemfile.lock"],
    },
    BuiltIn {
        id: "static",
        sign: "index.html",
        image: "nginx:1.28-alpine",
        manifests: &[],
    },
];

/// Returns the built-in runtime of that id.
pub(crate) fn built_in(id: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|runtime| runtime.id == id)
}

/// Infers the runtime of a folder.
pub(crate) fn infer(tree: &dyn SourceTree, folder: &Path) -> Option<&'static BuiltIn> {
    let names = tree.names(folder);
    BUILT_IN
        .iter()
        .find(|runtime| names.iter().any(|name| name == runtime.sign))
}

/// Returns the manifest and lock files an installation of this runtime depends on; of any, where it is unknown.
pub(crate) fn manifests(runtime: Option<&str>) -> Vec<&'static str> {
    match runtime.and_then(built_in) {
        Some(runtime) => runtime.manifests.to_vec(),
        None => BUILT_IN
            .iter()
            .flat_map(|r| r.manifests.iter().copied())
            .collect(),
    }
}
