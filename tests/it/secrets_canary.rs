//! Twelve secrets in six forms each, printed by everything that can print, and then looked for everywhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::fault_cases::tried;
use crate::panel_terminal::Panel;
use crate::ran::Ran;

/// Shortest part of a secret whose sight counts.
const TELLING: usize = 8;

fn values(seed: &str) -> Vec<String> {
    [
        "{}-plain-tower",
        "{}/1+with=base64==",
        "{} \"quoted\" and \\ back",
        "{}%percent&amp<html>",
        "{}-gr\u{fc}n-\u{6f22}\u{5b57}",
        "{}-semi;colon$(x)`y`",
        "{}-'single' and \"double\"",
        "{}.dotted.name.example",
        "{}#hash!bang?mark",
        "{}[brackets]{braces}",
        "{}~tilde^caret|pipe",
        "{}-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789",
    ]
    .iter()
    .enumerate()
    .map(|(i, text)| text.replace("{}", &format!("{seed}{i}")))
    .collect()
}

fn base64(bytes: &[u8]) -> String {
    let table: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['+', '/'])
        .collect();
    bytes
        .chunks(3)
        .flat_map(|three| {
            let n = (0..3).fold(0, |n, i| n << 8 | usize::from(*three.get(i).unwrap_or(&0)));
            (0..=three.len())
                .map(|i| table[n >> (18 - 6 * i) & 63])
                .collect::<Vec<_>>()
        })
        .collect()
}

/// More forms, for whoever is not content with the first six: base64 with its padding, of the alphabet for addresses,
/// and of something longer; hexadecimal in capitals and spaced, all escaped in JSON, JSON in JSON, everything in percent.
fn odd_forms(value: &str) -> Vec<String> {
    let each = |to: &dyn Fn(u8) -> String| value.bytes().map(to).collect::<String>();
    let padded = |text: String| {
        let missing = (4 - text.len() % 4) % 4;
        text + &"=".repeat(missing)
    };
    let behind = |lead: &str| padded(base64(format!("{lead}{value}:").as_bytes()));
    let json = serde_json::to_string(value).expect("text");
    vec![
        padded(base64(value.as_bytes())),
        base64(value.as_bytes()).replace('+', "-").replace('/', "_"),
        behind("u:"),
        behind("ab:"),
        behind("abc:"),
        each(&|byte| format!("{byte:02X}")),
        each(&|byte| format!("{byte:02x} ")),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("\\x{byte:02x}")),
        value
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect(),
        serde_json::to_string(&json).expect("text"),
    ]
}

/// The six forms of a value: as it is, base64, hexadecimal, percent, JSON, quoted for a shell.
fn forms(value: &str) -> Vec<String> {
    let each = |to: &dyn Fn(u8) -> String| value.bytes().map(to).collect::<String>();
    vec![
        value.to_owned(),
        base64(value.as_bytes()),
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        }),
        serde_json::to_string(value).expect("text"),
        format!("'{}'", value.replace('\'', r"'\''")),
    ]
}

/// Everything that must be seen nowhere.
struct Needles(Vec<String>);

impl Needles {
    fn of(values: &[String], seed: &str) -> Self {
        let mut all: BTreeSet<String> = BTreeSet::new();
        for value in values {
            for form in forms(value).into_iter().chain(odd_forms(value)) {
                // Without its last characters: at the end of base64 a few bits belong to nobody.
                let inner = form.trim_end_matches('=').chars();
                // What stands before it in a longer encoding is not the secret's.
                let telling: String = inner.clone().skip(4).take(inner.count() - 8).collect();
                all.insert(telling);
            }
        }
        // Also what all of them begin with, however the rest was cut.
        all.insert(seed.to_owned());
        assert!(all.iter().all(|needle| needle.len() >= TELLING));
        Self(all.into_iter().collect())
    }
    fn seen(&self, bytes: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(bytes);
        self.0
            .iter()
            .find(|needle| text.contains(needle.as_str()))
            .map(|needle| {
                let at = text.find(needle.as_str()).unwrap_or_default();
                let around: String = text
                    .chars()
                    .skip(text[..at].chars().count().saturating_sub(80))
                    .take(240)
                    .collect();
                format!("{needle}: …{around}…")
            })
    }
    #[track_caller]
    fn absent(&self, place: &str, bytes: &[u8]) {
        if let Some(seen) = self.seen(bytes) {
            panic!("a secret is in {place}: {seen}");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| {
            let path = entry.path();
            if path.is_symlink() || !path.is_dir() {
                vec![path]
            } else {
                files(&path)
            }
        })
        .collect()
}

/// Watches the argument lists of all processes for a needle until it is dropped.
struct Watch {
    on: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<String>>>,
    thread: Option<std::thread::JoinHandle<usize>>,
}

impl Watch {
    fn start(seed: String) -> Self {
        let (on, seen) = (
            Arc::new(AtomicBool::new(true)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (until, found) = (Arc::clone(&on), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            let mut samples = 0;
            while until.load(Ordering::Relaxed) {
                for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                    let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).into_owned();
                    if line.contains(&seed) {
                        found.lock().expect("seen").push(line);
                    }
                }
                samples += 1;
                std::thread::sleep(Duration::from_millis(15));
            }
            samples
        });
        Self {
            on,
            seen,
            thread: Some(thread),
        }
    }
    fn end(mut self) {
        self.on.store(false, Ordering::Relaxed);
        let samples = self
            .thread
            .take()
            .map(|thread| thread.join().expect("watched"));
        assert!(samples > Some(10), "{samples:?} samples");
        let seen = self.seen.lock().expect("seen");
        assert!(seen.is_empty(), "in argument lists: {seen:?}");
    }
}

struct Place {
    home: tempfile::TempDir,
    values: Vec<String>,
    seed: String,
    name: String,
    /// In how many forms secrets are printed.
    forms: usize,
}

impl Place {
    fn new(provider: &str, image: &str) -> Self {
        let home = tempfile::tempdir().expect("folder");
        let seed = format!("kanarie{:x}", std::process::id());
        let mut place = Self {
            forms: 0,
            values: values(&seed),
            name: format!(
                "nkc{}{}",
                std::process::id(),
                provider.chars().next().unwrap_or('x')
            ),
            seed,
            home,
        };
        let list = |line: &dyn Fn(usize) -> String| (0..12).map(line).collect::<String>();
        // In files, so that every character is free.
        for (i, value) in place.values.iter().enumerate() {
            place.put(&format!("given/s{i}"), value);
        }
        let printed: String = place
            .values
            .iter()
            .flat_map(|value| forms(value))
            .map(|form| form + "\n")
            .collect();
        let odd: String = place
            .values
            .iter()
            .flat_map(|value| odd_forms(value))
            .map(|form| form + "\n")
            .collect();
        place.forms = printed.lines().count() + odd.lines().count();
        place.put("given/odd", &odd);
        place.put("given/printed", &printed);
        // Cut by colours in the middle of every one.
        let coloured: String = place
            .values
            .iter()
            .map(|value| {
                let (a, b) = value.split_at(4);
                format!("\u{1b}[31m{a}\u{1b}[0m\u{1b}[1m{b}\u{1b}[0m\n")
            })
            .collect();
        place.put("given/coloured", &coloured);
        place.put("print.sh", "cat \"$1/printed\" \"$1/coloured\" \"$1/odd\"; cat \"$1/printed\" >&2\n( : < \"$S0/nowhere\" )\nprintf '%s' \"$S7\" | head -c 9; printf '%s\\n' \"$S7\" | tail -c +10\n");
        let secrets = list(&|i| format!("  S{i}: file://given/s{i}\n"));
        let names: Vec<String> = (0..12).map(|i| format!("S{i}")).collect();
        let project = format!(
            "\
name: {}
infra: {{ provider: {provider} }}
secrets:
{secrets}services:
  app:
{image}    start: 'sleep 600'
    stop_grace_period: 1s
    secrets: [{}]
    volumes: ['./:/here', 'deps:/deps']
    healthcheck: {{ test: 'cat HERE/given/printed; echo $$S3', interval: 200ms, retries: 50 }}
    provisioning: {{ install: 'sh HERE/print.sh HERE/given' }}
    hooks:
      prestart: {{ host: 'sh print.sh given; exit ${{FAIL:-0}}', container: 'sh HERE/print.sh HERE/given' }}
      poststart: 'sh print.sh given'
volumes: {{ deps: {{}} }}
",
            place.name,
            names.join(", "),
        );
        let here = if provider == "docker" {
            "/here".to_owned()
        } else {
            place.folder().display().to_string()
        };
        place.put("nanokit.yml", &project.replace("HERE", &here));
        place
    }
    fn folder(&self) -> PathBuf {
        self.home.path().join("project")
    }
    fn put(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        std::fs::write(path, text).expect("written");
    }
    fn nkapp(&self, arguments: &[&str], fail: &str) -> Ran {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_nkapp"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path().join("home"))
            .env("TMPDIR", self.home.path())
            .env("LANG", "C.UTF-8")
            .env("NANOKIT_LOG", "trace")
            .env("FAIL", fail)
            .stdin(std::process::Stdio::null());
        if let Some(host) = std::env::var_os("DOCKER_HOST") {
            command.env("DOCKER_HOST", host);
        }
        Ran::of(
            format!("nkapp {}", arguments.join(" ")),
            &command.output().expect("runs"),
        )
    }
    /// Deploys, fails, looks at everything from the command line and from the panel; nothing may tell a secret.
    fn check_streams(&self, needles: &Needles) {
        let watch = Watch::start(self.seed.clone());
        let ran = self.nkapp(&["deploy", "-y", "--json"], "0").exits(0);
        assert!(
            ran.stdout.matches("[redacted]").count() >= self.forms * 3,
            "{}",
            ran.stdout
        );
        let mut all = vec![ran];
        // The environment of a hook has its exit code: what changed is deployed and fails.
        let project = std::fs::read_to_string(self.folder().join("nanokit.yml")).expect("read");
        self.put(
            "nanokit.yml",
            &project
                .replace("sleep 600", "sleep 601")
                .replace("exit 0", "exit 3"),
        );
        let failed = self.nkapp(&["deploy", "-y"], "3");
        assert_ne!(failed.code, 0, "{}", failed.stdout);
        all.push(failed);
        let mut wrong = Vec::new();
        for (arguments, code) in [
            (&["status"][..], 0),
            (&["status", "--json"], 0),
            (&["plan"], 0),
            (&["plan", "--json"], 0),
            (&["drift"], 0),
            (&["run", "list"], 0),
            (&["state", "show"], 0),
            (&["logs", "app", "--tail", "100"], 0),
            (&["exec", "app", "--", "sh", "-c", "echo $S0; echo $S11"], 0),
            (
                &[
                    "exec",
                    "app",
                    "--",
                    "sh",
                    "-c",
                    "cat /here/given/printed || cat given/printed",
                ],
                0,
            ),
            (&["doctor"], 0),
            (&["deploy", "-y", "-v"], 1),
        ] {
            let ran = self.nkapp(arguments, "3");
            if ran.code != code {
                wrong.push(format!(
                    "`{}` exits with {}: {}",
                    ran.what, ran.code, ran.stderr
                ));
            }
            all.push(ran);
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        watch.end();
        for ran in &all {
            needles.absent(
                &format!("the output of `{}`", ran.what),
                ran.stdout.as_bytes(),
            );
            needles.absent(
                &format!("the errors of `{}`", ran.what),
                ran.stderr.as_bytes(),
            );
        }
        let host = std::env::var("DOCKER_HOST")
            .unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let mut panel = Panel::within(
            &self.folder(),
            (160, 50),
            &[
                ("DOCKER_HOST", &host),
                ("NANOKIT_LOG", "trace"),
                // What a bundle tells of the terminal may be anything.
                ("TERM_PROGRAM", &self.values[0]),
                ("SSH_TTY", &self.values[5]),
            ],
        );
        panel.keys("1");
        // What the last probes printed.
        panel.wait_for("[redacted]");
        panel.keys("B");
        panel.wait_for("the bundle written: ");
        panel.wait_gone("the bundle written: ");
        for area in ["2", "3", "4", "5", "6"] {
            panel.keys(area);
            panel.look();
        }
        // What the hooks of a past run printed.
        panel.keys("\r");
        panel.wait_for("[redacted]");
        panel.keys("B");
        panel.wait_for("the bundle written: ");
        panel.keys("q");
        let end = panel.ended();
        needles.absent("the panel", &end.bytes);
        self.check_bundles(needles);
    }
    /// What the panel wrote for a report has everything but the secrets.
    fn check_bundles(&self, needles: &Needles) {
        let bundles = files(&self.folder().join(".nanokit/bundles"));
        assert_eq!(bundles.len(), 2, "{bundles:?}");
        for path in bundles {
            let text = std::fs::read_to_string(&path).expect("a bundle");
            needles.absent("a bundle", text.as_bytes());
            for part in ["nkapp", "configuration", "status", "run", "log"] {
                assert!(text.contains(&format!("== {part}\n")), "no {part}: {text}");
            }
            for name in ["TERM_PROGRAM", "SSH_TTY"] {
                let line = format!("{name}=[redacted]\n");
                assert!(text.contains(&line), "{name} is not masked: {text}");
            }
            assert!(text.contains("file://given/s0"), "no reference: {text}");
        }
    }
    fn check_files(&self, needles: &Needles) {
        let mut looked = 0;
        for path in files(self.home.path()) {
            let name = path
                .strip_prefix(self.home.path())
                .expect("inside")
                .display()
                .to_string();
            needles.absent("the name of a file", name.as_bytes());
            if name.starts_with("project/given/") || !path.is_file() {
                continue;
            }
            looked += 1;
            needles.absent(&name, &std::fs::read(&path).unwrap_or_default());
        }
        assert!(looked > 8, "{looked} files");
    }
}

#[test]
fn s10_no_secret_is_seen_anywhere_with_host_processes() {
    let place = Place::new("process", "");
    let needles = Needles::of(&place.values, &place.seed);
    place.check_streams(&needles);
    place.check_files(&needles);
    place.nkapp(&["clean", "-y", "--force"], "0").exits(0);
    place.check_files(&needles);
    let own = "s10_no_secret_is_seen_anywhere_with_host_processes";
    tried(own, place.forms);
}

/// What a dropped test leaves on the engine goes too.
struct Cleaned<'a>(&'a Place);
impl Drop for Cleaned<'_> {
    fn drop(&mut self) {
        let _ = self.0.nkapp(&["clean", "-y", "--force"], "0");
    }
}

#[test]
fn s10_no_secret_is_seen_anywhere_with_docker() {
    let place = Place::new("docker", "    image: nk-test/busybox:1\n");
    let cleaned = Cleaned(&place);
    let needles = Needles::of(&place.values, &place.seed);
    let docker = |arguments: &[&str]| {
        let output = std::process::Command::new("docker")
            .args(arguments)
            .output();
        Ran::of(
            format!("docker {}", arguments.join(" ")),
            &output.expect("docker"),
        )
    };
    let since = docker(&["system", "info", "--format", "{{.SystemTime}}"])
        .exits(0)
        .stdout;
    place.check_streams(&needles);
    place.check_files(&needles);
    // What is inspected now is whole again.
    let ran = place.nkapp(&["deploy", "-y"], "0").exits(0);
    needles.absent("the output of a deploy", ran.stdout.as_bytes());
    let filter = format!("label=nk-project={}", place.name);
    let until = docker(&["system", "info", "--format", "{{.SystemTime}}"])
        .exits(0)
        .stdout;
    let events = docker(&[
        "events",
        "--since",
        since.trim(),
        "--until",
        until.trim(),
        "--filter",
        &filter,
    ])
    .exits(0);
    assert!(events.stdout.lines().count() > 5, "{}", events.stdout);
    needles.absent("the engine's events", events.stdout.as_bytes());
    let mut objects = 0;
    for (list, kind) in [
        (vec!["ps", "-aq", "--filter", &filter], "container"),
        (vec!["network", "ls", "-q", "--filter", &filter], "network"),
        (vec!["volume", "ls", "-q", "--filter", &filter], "volume"),
    ] {
        for id in docker(&list).exits(0).stdout.split_whitespace() {
            let text = docker(&[kind, "inspect", id]).exits(0).stdout;
            let mut found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            // The file asks for the secrets in this container's environment: there the engine keeps them.
            if kind == "container" {
                let env = found[0]["Config"]["Env"].take();
                // So it keeps what its own health check printed: the container's output, as its log is.
                let health = found[0]["State"]["Health"]["Log"].take();
                assert!(!health.is_null(), "it was checked");
                assert!(env.to_string().contains(&place.seed), "it has them");
            }
            needles.absent(&format!("{kind} {id}"), found.to_string().as_bytes());
            objects += 1;
        }
    }
    assert!(objects >= 2, "{objects} objects");
    drop(cleaned);
    place.check_files(&needles);
    tried("s10_no_secret_is_seen_anywhere_with_docker", place.forms);
}
