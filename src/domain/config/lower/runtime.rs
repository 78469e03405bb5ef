//! A service as it is written, together with the runtime it takes defaults from.

use std::path::PathBuf;

use crate::domain::config::infer::{self, BUILT_IN, built_in};
use crate::domain::config::keys::is_extension;
use crate::domain::config::lower::Lower;
use crate::domain::config::table::SERVICE;
use crate::domain::config::tree::{Entry, Node};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;

/// A service of the file and its runtime.
pub(crate) struct Written<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Where the name stands.
    pub(crate) key: Span,
    /// What stands there.
    pub(crate) node: &'a Node,
    /// Id of its runtime, named or inferred.
    pub(crate) runtime: Option<String>,
    /// The runtime's block.
    pub(crate) defaults: Option<&'a Node>,
    /// Its folder, where there is one.
    pub(crate) folder: Option<PathBuf>,
}

impl<'a> Written<'a> {
    /// Finds the folder and the runtime of a service.
    pub(crate) fn resolve<'b: 'a>(lower: &mut Lower<'b>, name: &'a str, entry: &'a Entry) -> Self {
        let node = &entry.node;
        let folder = folder(lower, name, node);
        let runtime = match node.get("runtime") {
            Some(named) => named_runtime(lower, name, named),
            None if node.get("image").is_none() && node.get("build").is_none() => {
                folder.as_ref().and_then(|folder| {
                    lower.watched.insert(folder.clone());
                    infer::infer(lower.input.tree, folder).map(|runtime| runtime.id.to_owned())
                })
            }
            None => None,
        };
        let root: &'b Node = lower.root;
        let defaults = runtime
            .as_ref()
            .and_then(|id| root.get("runtimes").and_then(|runtimes| runtimes.get(id)));
        Self {
            name,
            key: entry.key,
            node,
            runtime,
            defaults,
            folder,
        }
    }

    /// Returns a value of the service.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        self.node.get(key)
    }
    /// Tells whether the service is no mapping or has keys that nobody knows.
    pub(crate) fn is_odd(&self) -> bool {
        self.node.map().is_none_or(|map| {
            map.keys()
                .any(|key| SERVICE.key(key).is_none() && !is_extension(key))
        }) && !self.node.is_null()
    }
    /// Returns a text of the service.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.node.text_of(key)
    }
    /// Returns a value of the runtime.
    pub(crate) fn inherited(&self, key: &str) -> Option<&'a Node> {
        self.defaults.and_then(|runtime| runtime.get(key))
    }
    /// Returns the path of one of its keys, for messages and origins.
    pub(crate) fn path(&self, key: &str) -> String {
        format!("services.{}.{key}", self.name)
    }
}

/// The folder of a service: `path`, else a folder of its name beside the file.
fn folder(lower: &Lower<'_>, name: &str, node: &Node) -> Option<PathBuf> {
    if let Some(path) = node.text_of("path") {
        return Some(lower.path(path));
    }
    let folder = lower.folder.join(name);
    (lower.input.tree.is_file(&folder) == Some(false)).then_some(folder)
}

fn named_runtime(lower: &mut Lower<'_>, name: &str, node: &Node) -> Option<String> {
    let id = node.text()?;
    let declared = lower.root.get("runtimes").and_then(Node::map);
    if declared.is_some_and(|map| map.contains_key(id)) || built_in(id).is_some() {
        return Some(id.to_owned());
    }
    let text = format!(
        "`{name}` takes its defaults from `{}`, which is not a runtime",
        brief(id)
    );
    let mut finding = Diagnostic::error("NK0404", text).at(node.span, "no such runtime");
    let help = lower.findings.suggest(id, || {
        let declared = declared.into_iter().flat_map(|map| map.keys());
        let built_in = BUILT_IN.iter().map(|runtime| runtime.id);
        declared.map(String::as_str).chain(built_in)
    });
    if let Some(help) = help {
        finding = finding.help(help);
    }
    lower.findings.push(finding);
    None
}
