//! Keeps the layers honest: who may name whom, which crate belongs where, how a file looks.
//!
//! One crate has no borders the compiler would defend, so this test reads every source file with `syn` and
//! compares what it names with the tables below. Its first test plants breaks and requires them to be found.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "tests touch the world and fail loudly"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

/// Layer → layers it may name beside itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("formats", &["domain"]),
    ("ports", &["domain"]),
    ("engine", &["domain", "formats", "ports"]),
    ("app", &["domain", "engine"]),
    ("present", &["domain", "app"]),
    ("tui", &["domain", "app", "present"]),
    ("cli", &["domain", "app", "present", "formats"]),
    ("adapters", &["domain", "formats", "ports"]),
    (
        "boot",
        &[
            "domain", "formats", "ports", "engine", "app", "present", "tui", "cli", "adapters",
        ],
    ),
    ("main", &["boot"]),
    ("lib", &[]),
];

/// Inside `domain`: module → rank; a module may name its own rank's modules only if it is the same one, and lower ranks.
const DOMAIN_RANKS: &[(&str, u32)] = &[
    ("ids", 0),
    ("place", 0),
    ("time", 0),
    ("diagnostic", 1),
    ("refusal", 1),
    ("secret", 1),
    ("model", 1),
    ("usage", 1),
    ("flow", 2),
    ("project", 2),
    ("live", 3),
    ("record", 3),
    ("effect", 4),
    ("graph", 4),
    ("config", 5),
    ("plan", 6),
    ("lease", 6),
    ("event", 7),
    ("hint", 7),
    ("report", 7),
    ("trace", 8),
    ("run", 9),
    ("history", 10),
];

/// What the application layer may name of the engine: the trait and the values in its signatures.
const ENGINE_DOOR: &str = "reconcile";

/// Foreign crate → path prefixes below `src/` that may name it. Crates that are not listed are free.
const CRATES: &[(&str, &[&str])] = &[
    ("petgraph", &["domain/graph"]),
    ("granit_parser", &["domain/config/yaml.rs"]),
    ("serde_yaml", &["domain/config", "cli"]),
    ("annotate_snippets", &["present/report.rs"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("tui_tree_widget", &["tui"]),
    ("ansi_to_tui", &["tui"]),
    ("nucleo_matcher", &["tui"]),
    ("clap", &["cli/args.rs", "cli/docs.rs"]),
    ("clap_complete", &["cli/args.rs", "cli/docs.rs"]),
    ("clap_mangen", &["cli/docs.rs"]),
    ("bollard", &["adapters/providers/docker"]),
    ("notify", &["adapters/watch.rs"]),
    ("h2", &["adapters/otlp"]),
    ("http", &["adapters/otlp"]),
    ("http_body_util", &["adapters/otlp"]),
    ("hyper", &["adapters/otlp"]),
    ("hyper_util", &["adapters/otlp"]),
    ("tokio_rustls", &["adapters/otlp"]),
    ("rustls_native_certs", &["adapters/otlp"]),
    ("tracing_subscriber", &["adapters/telemetry.rs"]),
    ("tracing", &["engine", "app", "adapters", "boot"]),
    (
        "serde",
        &[
            "formats",
            "domain/config",
            "tui/keymap/overlay.rs",
            "adapters",
        ],
    ),
    (
        "serde_json",
        &["formats", "domain/config", "cli", "adapters"],
    ),
    (
        "tokio",
        &[
            "engine",
            "app",
            "adapters",
            "ports",
            "tui/runtime.rs",
            "tui/runtime/",
            "tui/terminal.rs",
            "tui/spool.rs",
            "boot",
            "cli",
        ],
    ),
    (
        "rustix",
        &[
            "adapters",
            "tui/terminal.rs",
            "tui/runtime.rs",
            "tui/runtime/",
        ],
    ),
    ("tempfile", &["adapters"]),
    ("tar", &["adapters"]),
    ("getrandom", &["adapters"]),
    ("anyhow", &["boot", "main.rs"]),
];

/// Files that may be longer than the aim, each with its reason; the hard limit holds for them too.
const LONG_FILES: &[(&str, &str)] = &[
    ("app/session.rs", "the actor with all it takes"),
    ("cli/args.rs", "one definition of every argument"),
    (
        "domain/config/yaml.rs",
        "the one file that names a YAML crate",
    ),
    ("engine/lab.rs", "a world for the engine's own tests"),
    ("formats/event.rs", "one line for every kind of event"),
    ("tui/model.rs", "everything the panel is"),
    (
        "tui/runtime.rs",
        "one loop with everything that can wake it",
    ),
    (
        "tui/terminal.rs",
        "every mode that is set stands beside its undoing",
    ),
    ("tui/view/dialog.rs", "every question, beside each other"),
];
const AIM: usize = 400;
const LIMIT: usize = 600;

/// Layers in which no lock may be held: state belongs to the session's actor, or is a message.
const NO_MUTEX: &[&str] = &[
    "domain", "engine", "app", "present", "tui", "cli", "formats",
];

const TOP_LEVEL: &[&str] = &[
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "assets",
    "nanokit.yml.example",
    "src",
    "tests",
];

/// Names found in one file: `crate::` paths (module segments) and foreign crates.
#[derive(Default)]
struct Names {
    ours: BTreeSet<Vec<String>>,
    foreign: BTreeSet<String>,
    super_glob: bool,
}

impl Names {
    fn path(&mut self, segments: &[String]) {
        match segments.split_first() {
            Some((first, rest)) if first == "crate" || first == "nanokit" => {
                self.ours.insert(rest.to_vec());
            }
            Some((first, rest)) if !rest.is_empty() => {
                self.foreign.insert(first.clone());
            }
            _ => {}
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let mut here = before.to_vec();
        match tree {
            syn::UseTree::Path(path) => {
                here.push(path.ident.to_string());
                self.tree(&path.tree, &here);
            }
            syn::UseTree::Name(name) => {
                here.push(name.ident.to_string());
                self.used(&here);
            }
            syn::UseTree::Rename(rename) => {
                here.push(rename.ident.to_string());
                self.used(&here);
            }
            syn::UseTree::Glob(_) => {
                self.super_glob |= here == ["super"];
                here.push("*".into());
                self.used(&here);
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.tree(item, before));
            }
        }
    }

    fn used(&mut self, segments: &[String]) {
        if let [only] = segments {
            self.foreign.insert(only.clone());
        }
        self.path(segments);
    }

    /// Finds `a :: b :: c` in the tokens of a macro call, where no syntax tree reaches.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut i = 0;
        while i < tokens.len() {
            if let TokenTree::Group(group) = &tokens[i] {
                self.tokens(group.stream());
            }
            let mut segments = Vec::new();
            while let Some(TokenTree::Ident(ident)) = tokens.get(i) {
                segments.push(ident.to_string());
                let colons = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
                if colons(i + 1) && colons(i + 2) {
                    i += 3;
                } else {
                    break;
                }
            }
            if segments.len() > 1 && segments[0] == "crate" {
                self.path(&segments);
            }
            i += 1;
        }
    }
}

fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test_only(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test_only(&item.attrs) {
            self.tree(&item.tree, &[]);
        }
    }
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.path(&segments);
        syn::visit::visit_path(self, path);
    }
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        syn::visit::visit_macro(self, call);
    }
}

fn names_in(text: &str) -> Names {
    let file = syn::parse_file(text)
        .unwrap_or_else(|error| panic!("a source file does not parse: {error}"));
    let mut names = Names::default();
    names.visit_file(&file);
    names
}

/// Splits `engine/driver.rs` into its layer and its module inside it.
fn layer_of(path: &str) -> (String, Option<String>) {
    let mut parts = path.trim_end_matches(".rs").split('/');
    let layer = parts.next().unwrap_or_default().to_owned();
    (
        layer,
        parts
            .next()
            .filter(|part| *part != "mod")
            .map(ToOwned::to_owned),
    )
}

/// All breaks of the layer and crate tables in one file.
fn layer_breaks(path: &str, text: &str) -> Vec<String> {
    let names = names_in(text);
    let (layer, module) = layer_of(path);
    let mut breaks = Vec::new();
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!(
            "{path}: `{layer}` is no layer; add it to the table or move the file"
        )];
    };
    for segments in &names.ours {
        let Some(target) = segments
            .first()
            .filter(|t| LAYERS.iter().any(|(name, _)| name == t))
        else {
            continue;
        };
        if target != &layer && !allowed.contains(&target.as_str()) {
            breaks.push(format!("{path}: `{layer}` names `{}`", segments.join("::")));
        }
        if layer == "app" && target == "engine" && segments.get(1).is_some_and(|m| m != ENGINE_DOOR)
        {
            breaks.push(format!(
                "{path}: `app` names `{}`; only `engine::{ENGINE_DOOR}` is its door",
                segments.join("::")
            ));
        }
        if layer == "domain" && target == "domain" {
            let rank = |name: &str| {
                DOMAIN_RANKS
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, rank)| *rank)
            };
            if let (Some(from), Some(to)) = (module.as_deref(), segments.get(1).map(String::as_str))
                && from != to
            {
                match (rank(from), rank(to)) {
                    (Some(a), Some(b)) if b < a || (a == b && from == "record" && to == "live") => {
                    }
                    (Some(a), Some(b)) if b == a && rank(to) == Some(0) => {}
                    _ => breaks.push(format!("{path}: inside `domain`, `{from}` names `{to}`")),
                }
            }
        }
    }
    for name in &names.foreign {
        if let Some((_, places)) = CRATES.iter().find(|(krate, _)| krate == name)
            && !places.iter().any(|place| path.starts_with(place))
        {
            breaks.push(format!(
                "{path}: the crate `{name}` belongs to {}",
                places.join(", ")
            ));
        }
    }
    if names.super_glob {
        breaks.push(format!("{path}: `use super::*` outside of tests"));
    }
    breaks
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .expect("folder")
        .map(|entry| entry.expect("entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `src/`, with its path relative to it.
fn sources() -> BTreeMap<String, String> {
    let src = root().join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(&src)
                .expect("below src")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read_to_string(&path).expect("readable"))
        })
        .collect()
}

/// The lines before an inline test module.
fn product_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .position(|pair| {
            pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod ")
        })
        .unwrap_or(lines.len())
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[test]
fn planted_breaks_are_found() {
    let cases = [
        (
            "domain/run/a.rs",
            "use crate::{ports::clock, domain::ids};",
            1,
        ),
        (
            "domain/ids.rs",
            "fn f() { crate::engine::driver::go(); }",
            1,
        ),
        (
            "app/session.rs",
            "fn f() { tell!(\"x\", crate::adapters::disk::Disk); }",
            1,
        ),
        ("app/session.rs", "use crate::engine::driver::Driver;", 1),
        (
            "app/session.rs",
            "use crate::engine::reconcile::Reconcile;",
            0,
        ),
        ("engine/driver.rs", "use bollard::Docker;", 1),
        ("engine/driver.rs", "fn f() { ratatui::init(); }", 1),
        ("domain/ids.rs", "use crate::domain::plan::model::Plan;", 1),
        ("domain/plan/diff.rs", "use crate::domain::ids::Address;", 0),
        (
            "domain/plan/diff.rs",
            "#[cfg(test)] mod tests { use super::*; use crate::engine::x; }",
            0,
        ),
        ("present/words.rs", "// crate::engine::driver\n", 0),
        ("plugins/x.rs", "", 1),
        ("tui/x.rs", "use super::*;", 1),
        ("tui/x.rs", "use crate::cli::args::Args;", 1),
        ("cli/x.rs", "use crate::tui::model::Model;", 1),
    ];
    for (path, text, expected) in cases {
        let breaks = layer_breaks(path, text);
        assert_eq!(breaks.len(), expected, "{path}: {text}\n{breaks:#?}");
    }
}

#[test]
fn layers_and_crates_stay_where_they_belong() {
    let sources = sources();
    assert!(
        sources.len() > 50,
        "the walk found only {} files",
        sources.len()
    );
    let breaks: Vec<String> = sources
        .iter()
        .filter(|(path, _)| !is_test_file(path))
        .flat_map(|(path, text)| layer_breaks(path, text))
        .collect();
    assert!(breaks.is_empty(), "{}", breaks.join("\n"));
}

#[test]
fn files_say_what_they_are_and_stay_readable() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//!") {
            faults.push(format!("{path}: does not start with `//!` docs"));
        }
        let lines = product_lines(&text);
        let excused = LONG_FILES.iter().any(|(long, _)| *long == path);
        if !is_test_file(&path) && (lines > LIMIT || (lines > AIM && !excused)) {
            faults.push(format!(
                "{path}: {lines} lines; the aim is {AIM}, the limit {LIMIT}"
            ));
        }
        if path.ends_with("mod.rs") {
            let file = syn::parse_file(&text).expect("parses");
            let logic = file
                .items
                .iter()
                .any(|item| !matches!(item, syn::Item::Mod(_) | syn::Item::Use(_)));
            if logic {
                faults.push(format!(
                    "{path}: holds more than docs, `mod` lines and re-exports"
                ));
            }
        }
        let product = text.lines().take(lines).collect::<Vec<_>>().join("\n");
        let (layer, _) = layer_of(&path);
        if NO_MUTEX.contains(&layer.as_str())
            && ["Mutex<", "RwLock<"]
                .iter()
                .any(|word| product.contains(word))
        {
            faults.push(format!(
                "{path}: holds a lock; state belongs to an actor or a message"
            ));
        }
        if product.contains("unbounded_channel") || product.contains("mpsc::unbounded") {
            faults.push(format!("{path}: an unbounded channel"));
        }
        for word in ["TODO", "FIXME", "XXX"] {
            if text
                .lines()
                .any(|line| line.contains(word) && !line.contains("(#"))
            {
                faults.push(format!("{path}: {word} without an issue number"));
            }
        }
        if ["todo!(", "unimplemented!("]
            .iter()
            .any(|word| text.contains(word))
        {
            faults.push(format!("{path}: unfinished"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_exceptions_are_still_needed() {
    let sources = sources();
    for (path, reason) in LONG_FILES {
        assert!(!reason.is_empty(), "{path} needs a reason");
        let text = sources
            .get(*path)
            .unwrap_or_else(|| panic!("{path} is gone; take it off the list"));
        assert!(
            product_lines(text) > AIM,
            "{path} is short enough now; take it off the list"
        );
    }
}

#[test]
fn the_top_level_stays_as_agreed() {
    let output = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let entries: BTreeSet<&str> = listing
        .lines()
        .filter_map(|line| line.split('/').next())
        .filter(|name| !name.starts_with('.'))
        .collect();
    assert!(!entries.is_empty(), "git lists nothing");
    let strange: Vec<_> = entries
        .iter()
        .filter(|name| !TOP_LEVEL.contains(name))
        .collect();
    assert!(
        strange.is_empty(),
        "not in the agreed top level: {strange:?}"
    );
}

/// Packages of their own below `tests`, which no test binary reaches.
fn is_own_package(relative: &str) -> bool {
    relative.starts_with("tests/fuzz/") || relative.starts_with("tests/sim/core/")
}

#[test]
fn every_test_file_is_reachable() {
    let tests = root().join("tests");
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("manifest");
    let mut files = Vec::new();
    rust_files(&tests, &mut files);
    let texts: BTreeMap<PathBuf, String> = files
        .iter()
        .map(|path| {
            (
                path.clone(),
                std::fs::read_to_string(path).expect("readable"),
            )
        })
        .collect();
    let mut lost = Vec::new();
    for path in &files {
        let relative = path
            .strip_prefix(root())
            .expect("below root")
            .to_string_lossy()
            .into_owned();
        if manifest.contains(&format!("\"{relative}\"")) || is_own_package(&relative) {
            continue;
        }
        let stem = path
            .file_stem()
            .expect("stem")
            .to_string_lossy()
            .into_owned();
        let name = if stem == "mod" {
            path.parent()
                .and_then(Path::file_name)
                .expect("folder")
                .to_string_lossy()
                .into_owned()
        } else {
            stem
        };
        let named = texts.iter().any(|(other, text)| {
            other != path
                && text.lines().any(|line| {
                    line.trim()
                        .trim_start_matches("pub ")
                        .trim_start_matches("pub(crate) ")
                        == format!("mod {name};")
                })
        });
        if !named {
            lost.push(relative);
        }
    }
    assert!(lost.is_empty(), "no test binary reaches: {lost:?}");
}
