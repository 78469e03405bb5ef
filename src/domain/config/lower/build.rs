//! Local builds: `true`, the path of a Dockerfile, or `context`, `dockerfile` and `args`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::config::digest::of_parts;
use crate::domain::config::lower::pairs::{check_twice, pairs};
use crate::domain::config::lower::runtime::Written;
use crate::domain::config::lower::{Lower, tidy};
use crate::domain::config::scalar;
use crate::domain::config::tree::{Kind, Node};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;
use crate::domain::project::service::Build;

/// Most bytes of a `.dockerignore` and of a Dockerfile.
const LIMIT: u64 = 1 << 20;

/// What a deploy itself writes beside the file: a change of it is no change of the context.
const OWN: [&str; 4] = [".git", ".nanokit", "state.json", "state.*.json"];

/// Reads the build of a service.
pub(crate) fn build(lower: &mut Lower<'_>, written: &Written<'_>) -> Option<Build> {
    let node = written.get("build")?;
    let mut args = BTreeMap::new();
    let (context, dockerfile) = match &node.kind {
        Kind::Scalar(scalar) => match scalar::boolean(&scalar.text).filter(|_| scalar.plain) {
            Some(false) => return None,
            Some(true) => (own_folder(lower, written), PathBuf::from("Dockerfile")),
            None => from_path(lower, written, &scalar.text),
        },
        Kind::Map(_) => {
            args = arguments(lower, written, node);
            let context = match node.text_of("context") {
                Some(text) => lower.path(text),
                None => own_folder(lower, written),
            };
            (
                context,
                PathBuf::from(node.text_of("dockerfile").unwrap_or("Dockerfile")),
            )
        }
        Kind::List(_) => return None,
    };
    make(lower, written, (context, dockerfile), (args, node.span))
}

/// Warns of what is written as a part of the project and leads out of it by a symbolic link: what lies there goes into
/// an image.
fn warn_of_links_out(lower: &mut Lower<'_>, name: &str, paths: [&PathBuf; 2], span: Span) {
    let tree = lower.input.tree;
    let real = |path: &Path| tree.real(path).unwrap_or_else(|| path.to_owned());
    let root = real(&lower.folder);
    let inside = paths
        .into_iter()
        .filter(|path| path.starts_with(&lower.folder));
    let Some((path, led)) = inside
        .map(|path| (path, real(path)))
        .find(|(_, led)| !led.starts_with(&root))
    else {
        return;
    };
    let text = format!(
        "`{name}` builds from `{}`, which is {}, outside of the project's folder",
        brief(
            &path
                .strip_prefix(&lower.folder)
                .unwrap_or(path)
                .to_string_lossy()
        ),
        brief(&led.to_string_lossy())
    );
    let finding = Diagnostic::warning("NK0424", text).at(span, "it leads out of here");
    let help = "write the whole path if that is meant, so that it can be seen";
    lower.findings.push(finding.help(help));
}

fn own_folder(lower: &Lower<'_>, written: &Written<'_>) -> PathBuf {
    written
        .folder
        .clone()
        .unwrap_or_else(|| lower.folder.clone())
}

/// A text is the path of a Dockerfile; a folder is taken as a context, as in Compose.
fn from_path(lower: &Lower<'_>, written: &Written<'_>, text: &str) -> (PathBuf, PathBuf) {
    let path = lower.path(text);
    if lower.input.tree.is_file(&path) == Some(false) {
        return (path, PathBuf::from("Dockerfile"));
    }
    let context = match &written.folder {
        Some(own) if path.starts_with(own) => own.clone(),
        _ => path
            .parent()
            .map_or_else(|| lower.folder.clone(), Path::to_path_buf),
    };
    let inside = path
        .strip_prefix(&context)
        .map(Path::to_path_buf)
        .unwrap_or(path);
    (context, inside)
}

fn arguments(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    node: &Node,
) -> BTreeMap<String, String> {
    let Some(args) = node.get("args") else {
        return BTreeMap::new();
    };
    let path = written.path("build.args");
    let list = pairs(lower, args, &path);
    check_twice(lower, &list, &path);
    let environment = lower.environment;
    let value = |name: &str| environment.value(name).unwrap_or_default();
    list.into_iter()
        .map(|pair| {
            let value = pair.value.unwrap_or_else(|| value(&pair.name));
            (pair.name, value)
        })
        .collect()
}

fn make(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    (context, dockerfile): (PathBuf, PathBuf),
    (args, span): (BTreeMap<String, String>, Span),
) -> Option<Build> {
    lower.watch(&context);
    if lower.input.tree.is_file(&context) != Some(false) {
        let text = format!(
            "`{}` builds in `{}`, which is not a folder",
            written.name,
            brief(&context.to_string_lossy())
        );
        lower.error("NK0410", text, span, "no such folder");
        return None;
    }
    // Relative to the context, else (as the format has it) to the file's folder.
    let inside = tidy(&context.join(&dockerfile));
    let beside = tidy(&lower.folder.join(&dockerfile));
    let tree = lower.input.tree;
    let path = if tree.is_file(&inside) == Some(true) || tree.is_file(&beside) != Some(true) {
        inside
    } else {
        beside
    };
    lower.watch(&path);
    if tree.is_file(&path) != Some(true) {
        let text = format!(
            "`{}` builds from `{}`, which is not there",
            written.name,
            brief(&dockerfile.to_string_lossy())
        );
        lower
            .findings
            .push(Diagnostic::error("NK0410", text).at(span, "no such Dockerfile"));
        return None;
    }
    let ignore = ignored(lower, &context);
    let files = match tree.digest_tree(&context, &ignore) {
        Ok(digest) => digest,
        Err(why) => {
            let text = format!(
                "cannot read the build context of `{}`: {}",
                written.name,
                brief(&why)
            );
            lower.error("NK0305", text, span, "this context");
            return None;
        }
    };
    let recipe = tree.digest_file(&path)?;
    warn_of_links_out(lower, written.name, [&context, &path], span);
    let dockerfile = path
        .strip_prefix(&context)
        .map(Path::to_path_buf)
        .unwrap_or(path);
    let shown = dockerfile.to_string_lossy().into_owned();
    let mut parts = vec![files.0, recipe.0, shown];
    parts.extend(
        args.iter()
            .flat_map(|(name, value)| [name.clone(), value.clone()]),
    );
    let digest = of_parts(parts.iter().map(String::as_str));
    Some(Build {
        context,
        dockerfile,
        args,
        digest,
    })
}

/// Reads the patterns of a `.dockerignore`.
fn ignored(lower: &mut Lower<'_>, context: &Path) -> Vec<String> {
    let path = context.join(".dockerignore");
    lower.watch(&path);
    let text = match lower.input.tree.read(&path, LIMIT) {
        Ok(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Ok(None) | Err(_) => String::new(),
    };
    let written = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    OWN.into_iter().chain(written).map(str::to_owned).collect()
}
