//! What fuzzing calls, once for the fuzzer and once for the test that replays the kept inputs: every function that
//! reads bytes from outside, with what must hold of its answer. A broken promise panics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nanokit::adapters::providers::docker::ignore::Rules;
use nanokit::cli::compose::convert::convert;
use nanokit::domain::config::load::{LoadInput, SourceTree, load};
use nanokit::domain::config::settings::File;
use nanokit::domain::ids::Digest;
use nanokit::domain::secret::Secret;
use nanokit::engine::cutter::clean_lines;
use nanokit::engine::redact::Redactor;
use nanokit::formats::{audit, event, ignored, journal, lock, plan, state, worker};
use nanokit::present::clean;
use nanokit::present::report::{ReportStyle, render};
use nanokit::present::rows::lock_history;
use nanokit::tui::keymap::overlay::lay_over;
use nanokit::tui::memory::Memory;
use nanokit::tui::theme::file::read as read_theme;

/// An entry: its name, which is also that of its folder of inputs, and what it does with one.
pub(crate) type Entry = (&'static str, fn(&[u8]));

/// All entries.
pub(crate) const ENTRIES: [Entry; 16] = [
    ("manifest", manifest),
    ("dotenv", dotenv),
    ("state", read_state),
    ("journal", read_journal),
    ("plan", read_plan),
    ("lock", read_lock),
    ("event", read_event),
    ("output", output),
    ("clean", sanitiser),
    ("redact", redactor),
    ("settings", settings),
    ("ignored", read_ignored),
    ("worker", read_worker),
    ("memory", read_memory),
    ("compose", compose),
    ("dockerignore", dockerignore),
];

/// Runs an entry by its name.
///
/// # Panics
/// When there is none, or when a promise is broken.
#[allow(dead_code, reason = "the replay calls the entries from the table")]
pub(crate) fn run(name: &str, data: &[u8]) {
    let found = ENTRIES.iter().find(|(entry, _)| *entry == name);
    found.expect("an entry of that name").1(data);
}

/// One file in an empty folder.
struct One(&'static str, Vec<u8>);

impl SourceTree for One {
    fn read(&self, path: &Path, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let found = path.ends_with(self.0) && self.1.len() as u64 <= limit;
        Ok(found.then(|| self.1.clone()))
    }
    fn names(&self, _: &Path) -> Vec<String> {
        vec![self.0.to_owned()]
    }
    fn is_file(&self, path: &Path) -> Option<bool> {
        path.ends_with(self.0).then_some(true)
    }
    fn digest_file(&self, _: &Path) -> Option<Digest> {
        None
    }
    fn digest_tree(&self, _: &Path, _: &[String]) -> Result<Digest, String> {
        Ok(Digest::default())
    }
}

fn loaded(text: &[u8], tree: &One) {
    let loaded = load(&LoadInput {
        file: PathBuf::from("/project/nanokit.yml"),
        shown: PathBuf::from("nanokit.yml"),
        text: text.to_vec(),
        tree,
        env: None,
        branch: None,
        process_env: BTreeMap::new(),
        env_file: None,
        override_env: false,
    });
    let errors = loaded
        .diagnostics
        .iter()
        .any(nanokit::domain::diagnostic::Diagnostic::is_error);
    assert_eq!(loaded.project.is_none(), errors, "a project or an error");
    let report = render(&loaded.diagnostics, &loaded.sources, ReportStyle::default());
    assert_printable(&report);
}

fn manifest(data: &[u8]) {
    loaded(data, &One("nothing", Vec::new()));
}

fn dotenv(data: &[u8]) {
    loaded(b"name: x\nservices: {}\n", &One(".env", data.to_vec()));
}

fn read_state(data: &[u8]) {
    if let Ok(read) = state::decode(data) {
        let written = state::encode(&read, "fuzz");
        let again = state::decode(&written).expect("what was written can be read");
        assert_eq!(again, read, "and says the same");
    }
    let _ = (state::head_of(data), state::serial_of(data));
}

fn read_journal(data: &[u8]) {
    let _ = journal::decode(data);
}

fn read_plan(data: &[u8]) {
    if let Ok((read, _)) = plan::decode(data) {
        let written = plan::to_json(&read).to_string();
        let (again, _) = plan::decode(written.as_bytes()).expect("what was written can be read");
        assert_eq!(again, read);
    }
}

fn read_lock(data: &[u8]) {
    if let Ok(read) = lock::decode(data) {
        let again = lock::decode(&lock::encode(&read)).expect("what was written can be read");
        assert_eq!(again, read);
    }
    for deed in audit::read(&[data]).deeds {
        let _ = clean::line(&lock_history::said(&deed));
        assert_eq!(audit::read(&[audit::line(&deed).as_bytes()]).deeds, [deed]);
    }
}

fn read_event(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for line in text.lines() {
        let _ = (event::kind_of(line), event::glance(line));
        if let Some(read) = event::decode_line(line) {
            let written = event::encode_line(&read);
            assert!(!written.trim_end().contains('\n'), "one event, one line");
            assert_eq!(event::decode_line(&written), Some(read));
        }
    }
}

fn read_ignored(data: &[u8]) {
    if let Ok(read) = ignored::decode(data) {
        let again = ignored::decode(&ignored::encode(&read)).expect("what was written can be read");
        assert_eq!(again, read);
    }
}

fn read_worker(data: &[u8]) {
    if let Ok(read) = worker::decode_line(data) {
        let written = worker::encode_line(&read);
        assert!(!written.trim_end().contains('\n'), "one report, one line");
        assert_eq!(worker::decode_line(written.as_bytes()), Ok(read));
    }
}

fn read_memory(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(read) = Memory::from_text(&text) {
        let written = read.to_text();
        let again = Memory::from_text(&written).expect("what was written can be read");
        assert_eq!(again.to_text(), written, "and says the same");
    }
}

/// What is made of a Compose file is a text that a project file is read from, with or without faults.
fn compose(data: &[u8]) {
    if let Ok(made) = convert(data, Path::new("/project")) {
        loaded(made.text.as_bytes(), &One("nothing", Vec::new()));
    }
}

/// The last line is a path, the others are the rules.
fn dockerignore(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (rules, path) = text.rsplit_once('\n').unwrap_or(("", &text));
    let read = Rules::parse(rules);
    if !read.has_exceptions() && read.ignores(path) {
        assert!(read.ignores(&format!("{path}/below")), "with all below it");
    }
}

const SECRET: &str = "correct-horse/battery";

fn secrets() -> Redactor {
    let mut redactor = Redactor::default();
    redactor.register(&Secret::new(SECRET.into()));
    redactor
}

/// The first byte cuts the rest into the chunks a stream comes in; however it is cut, the lines are the same.
fn output(data: &[u8]) {
    let Some((first, stream)) = data.split_first() else {
        return;
    };
    let redactor = secrets();
    let chunks: Vec<&[u8]> = stream.chunks(usize::from(*first) + 1).collect();
    let cut = clean_lines(&chunks, &redactor);
    for line in &cut {
        assert!(line.len() <= 64 * 1024, "a line of {} bytes", line.len());
        assert!(!line.contains(SECRET), "a secret came through");
        let bare = line.replace('\u{1b}', "");
        assert!(!bare.chars().any(char::is_control), "{line:?}");
        // What is left of escape sequences is colours, and those go as soon as a line is cleaned for a screen.
        assert!(!clean::line(line).contains('\u{1b}'));
    }
    if stream.len() < 4 * 1024 {
        assert_eq!(cut, clean_lines(&[stream], &redactor), "cut at {first}");
    }
}

fn sanitiser(data: &[u8]) {
    let once = clean::bytes(data);
    assert_printable(&once);
    assert!(!once.contains('\n'));
    assert!(once.len() <= clean::LINE_CAP + 16);
    assert_eq!(clean::line(&once), once, "what is clean stays as it is");
    assert_printable(&clean::lines(&String::from_utf8_lossy(data)));
}

fn redactor(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (secret, text) = text.split_once('\n').unwrap_or((SECRET, &text));
    let mut redactor = Redactor::default();
    redactor.register(&Secret::new(secret.into()));
    let shown = redactor.redact(&format!("{text} {secret} {text}"));
    if secret.len() >= 4 && !nanokit::engine::redact::MASK.contains(secret) {
        let mut between = shown.split(nanokit::engine::redact::MASK);
        assert!(
            !between.any(|part| part.contains(secret)),
            "a secret came through"
        );
    }
}

fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (mut file, root) = File::read(Path::new("keymap.yml"), text);
    if let Some(root) = root {
        let keymap = lay_over(&mut file, &root);
        let (findings, sources) = file.finish();
        let errors = findings
            .iter()
            .any(nanokit::domain::diagnostic::Diagnostic::is_error);
        assert_eq!(keymap.is_none(), errors, "keys or an error");
        assert_printable(&render(&findings, &sources, ReportStyle::default()));
    }
    let (mut file, root) = File::read(Path::new("theme.yml"), text);
    if let Some(root) = root {
        let _ = read_theme(&mut file, &root, &["terminal"], |_| None);
        let (findings, sources) = file.finish();
        assert_printable(&render(&findings, &sources, ReportStyle::default()));
    }
}

fn assert_printable(text: &str) {
    let odd = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(odd, None, "a control character in {text:?}");
}
