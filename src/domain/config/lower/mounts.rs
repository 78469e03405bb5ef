//! Mounts: named volumes, paths of the host, the folder of `path`, and memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::config::lower::Lower;
use crate::domain::config::lower::runtime::Written;
use crate::domain::config::lower::service::texts_of;
use crate::domain::config::near::suggestion;
use crate::domain::config::tree::Node;
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;
use crate::domain::project::project::Origin;
use crate::domain::project::service::{Mount, MountSource, Service};

/// Fills in mounts, `tmpfs` and the working folder.
pub(crate) fn mounts(lower: &mut Lower<'_>, written: &Written<'_>, service: &mut Service) {
    let mut spans: BTreeMap<String, Span> = BTreeMap::new();
    if let Some(node) = written.get("path")
        && let Some(mount) = code(lower, written, node)
    {
        spans.insert(mount.target.clone(), node.span);
        service.mounts.push(mount);
    }
    for node in written
        .get("volumes")
        .and_then(Node::list)
        .into_iter()
        .flatten()
    {
        if let Some(mount) = mount(lower, written, node) {
            once(lower, written, &mount.target, node.span, &mut spans);
            lower.origins.insert(
                written.path(&format!("mounts.{}", mount.target)),
                Origin::File(node.span),
            );
            service.mounts.push(mount);
        }
    }
    if let Some(node) = written.get("tmpfs") {
        for target in texts_of(node) {
            if let Some(target) = absolute(lower, written, &target, node.span) {
                once(lower, written, &target, node.span, &mut spans);
                service.tmpfs.insert(target);
            }
        }
    }
    let default = written.get("path").map(|_| Service::PATH_TARGET.to_owned());
    service.working_dir = match written.get("working_dir") {
        Some(node) => node
            .text()
            .and_then(|text| absolute(lower, written, text, node.span)),
        None => default,
    };
}

fn once(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    target: &str,
    span: Span,
    spans: &mut BTreeMap<String, Span>,
) {
    if let Some(first) = spans.get(target) {
        let text = format!(
            "`{}` mounts two things at `{}`",
            written.name,
            brief(target)
        );
        let finding = Diagnostic::error("NK0412", text)
            .at(span, "mounted again")
            .see(*first, "first mounted here");
        lower.findings.push(finding);
    }
    spans.entry(target.to_owned()).or_insert(span);
}

/// The mount that `path` makes.
fn code(lower: &mut Lower<'_>, written: &Written<'_>, node: &Node) -> Option<Mount> {
    let path = lower.path(node.text()?);
    lower.watch(&path);
    let label = match lower.input.tree.is_file(&path) {
        Some(false) => {
            stays_inside(lower, written, node.text()?, &path, node.span);
            let source = MountSource::Bind {
                real: elsewhere(lower, &path),
                path,
                content: None,
            };
            return Some(Mount {
                source,
                target: Service::PATH_TARGET.to_owned(),
                read_only: false,
            });
        }
        Some(true) => "this is a file",
        None => "no such folder",
    };
    lower.error(
        "NK0410",
        format!("`{}` must be a folder", written.path("path")),
        node.span,
        label,
    );
    None
}

/// Reads `source:target[:ro|rw]`.
fn mount(lower: &mut Lower<'_>, written: &Written<'_>, node: &Node) -> Option<Mount> {
    let text = node.text()?;
    let (rest, mode) = match text.rsplit_once(':') {
        Some((rest, mode @ ("ro" | "rw"))) => (rest, Some(mode)),
        _ => (text, None),
    };
    let Some((source, target)) = rest
        .split_once(':')
        .filter(|(source, target)| !source.is_empty() && !target.is_empty())
    else {
        let finding = Diagnostic::error(
            "NK0421",
            format!("a mount of `{}` must be `source:target`", written.name),
        )
        .at(node.span, "there is no `:` with something on both sides")
        .help("name a volume: `NAME:/path`, or keep the path in memory with `tmpfs`");
        lower.findings.push(finding);
        return None;
    };
    if let Some((target, mode)) = target.split_once(':') {
        let mut finding = Diagnostic::error(
            "NK0421",
            format!("`{}` is not a mode of a mount", brief(mode)),
        )
        .at(
            node.span,
            format!("after `{}` may stand `ro` or `rw`", brief(target)),
        );
        if let Some(help) = suggestion(mode, ["ro", "rw"]) {
            finding = finding.help(help);
        }
        lower.findings.push(finding);
        return None;
    }
    let target = absolute(lower, written, target, node.span);
    let source = source_of(lower, written, source, node.span);
    Some(Mount {
        source: source?,
        target: target?,
        read_only: mode == Some("ro"),
    })
}

/// Checks a path inside the container and brings it into its one form.
fn absolute(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    text: &str,
    span: Span,
) -> Option<String> {
    let parts: Vec<&str> = text
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let odd = parts
        .iter()
        .any(|part| *part == ".." || part.contains(':') || part.chars().any(char::is_control));
    if !text.starts_with('/') || odd {
        let message = format!(
            "`{}` is not an absolute path inside `{}`",
            brief(text),
            written.name
        );
        lower.error(
            "NK0411",
            message,
            span,
            "it starts with `/` and has no `..` and no `:`",
        );
        return None;
    }
    Some(format!("/{}", parts.join("/")))
}

fn source_of(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    text: &str,
    span: Span,
) -> Option<MountSource> {
    if !text.starts_with(['.', '/', '~']) {
        return named(lower, written, text, span);
    }
    let path = lower.path(text);
    lower.watch(&path);
    let Some(is_file) = lower.input.tree.is_file(&path) else {
        let message = format!(
            "`{}` mounts `{}`, which does not exist",
            written.name,
            brief(text)
        );
        lower.error("NK0410", message, span, "no such file or folder");
        return None;
    };
    stays_inside(lower, written, text, &path, span);
    let content = if is_file {
        lower.input.tree.digest_file(&path)
    } else {
        None
    };
    Some(MountSource::Bind {
        real: elsewhere(lower, &path),
        path,
        content,
    })
}

/// Where the machine finds a path, if symbolic links lead elsewhere.
fn elsewhere(lower: &Lower<'_>, path: &Path) -> Option<PathBuf> {
    let real = lower.input.tree.real(path);
    real.filter(|real| real != path)
}

/// Warns of a path that is written as one of the project and leads out of it, by `..` or by a symbolic link. One that
/// is written as a path of the machine says so itself.
fn stays_inside(lower: &mut Lower<'_>, written: &Written<'_>, text: &str, path: &Path, span: Span) {
    if text.starts_with(['/', '~']) {
        return;
    }
    let tree = lower.input.tree;
    let real = tree.real(path).unwrap_or_else(|| path.to_owned());
    let root = tree
        .real(&lower.folder)
        .unwrap_or_else(|| lower.folder.clone());
    if !real.starts_with(&root) {
        let message = format!(
            "`{}` mounts `{}`, which is {}, outside of the project's folder",
            written.name,
            brief(text),
            brief(&real.to_string_lossy())
        );
        let finding = Diagnostic::warning("NK0424", message).at(span, "it leads out of here");
        let help = "write the whole path if that is meant, so that it can be seen";
        lower.findings.push(finding.help(help));
    }
}

fn named(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    text: &str,
    span: Span,
) -> Option<MountSource> {
    let volumes = lower.root.get("volumes").and_then(Node::map);
    if volumes.is_some_and(|volumes| volumes.contains_key(text)) {
        return Some(MountSource::Volume(text.to_owned()));
    }
    let message = format!(
        "`{}` mounts the volume `{}`, which is not declared",
        written.name,
        brief(text)
    );
    let mut finding = Diagnostic::error("NK0403", message).at(span, "no such volume");
    let known = || {
        volumes
            .into_iter()
            .flat_map(|map| map.keys())
            .map(String::as_str)
    };
    if let Some(help) = lower.findings.suggest(text, known) {
        finding = finding.help(help);
    }
    let text = brief(text);
    let path = lower.folder.join(&text);
    let finding = if text.contains('/') || lower.input.tree.is_file(&path).is_some() {
        finding.help(format!("a path starts with `./`, `/` or `~/`: `./{text}`"))
    } else {
        finding.help(format!("declare it: `volumes: {{ {text}: {{}} }}`"))
    };
    lower.findings.push(finding);
    None
}
