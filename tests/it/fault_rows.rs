//! Rows of the fault matrix that need the whole binary and little else: panics, few descriptors, secrets that cannot be
//! had, what a core file could hold, and what is planted at names of the panel.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cli_env::{SMALL, TestEnv};
use crate::fault_cases::tried;
use crate::panel_terminal::Panel;
use crate::ran::Ran;

/// Tells the process below which panic is wanted.
const WANTED: &str = "NK_TEST_PANIC";

/// Ways a program ends badly while the terminal is its own.
const PANICS: [&str; 4] = [
    "while drawing",
    "between frames",
    "in another thread",
    "twice",
];

/// Not a test of its own: started by the one below in a terminal, it takes it over and panics.
#[test]
fn panics_while_the_terminal_is_taken() {
    let Ok(wanted) = std::env::var(WANTED) else {
        return;
    };
    let mut screen = nanokit::tui::terminal::Screen::take().expect("a terminal");
    let text = ratatui::widgets::Paragraph::new("drawn once");
    let drawn = screen.draw(|frame| frame.render_widget(&text, frame.area()));
    drawn.expect("drawn");
    match wanted.as_str() {
        "while drawing" => {
            let _ = screen.draw(|_| panic!("planted"));
        }
        "in another thread" => {
            let other = std::thread::spawn(|| panic!("planted"));
            assert!(other.join().is_ok(), "planted too");
        }
        "twice" => {
            let _ = std::panic::catch_unwind(|| panic!("planted"));
            panic!("planted again");
        }
        _ => panic!("planted"),
    }
}

#[test]
fn f36_a_panic_gives_the_terminal_back_before_it_is_told() {
    let folder = tempfile::tempdir().expect("folder");
    let this = std::env::current_exe().expect("this program");
    for way in PANICS {
        let panel = Panel::program_of_ours(
            &this.display().to_string(),
            folder.path(),
            &[(WANTED, way), ("RUST_BACKTRACE", "0")],
            &[
                "--exact",
                "fault_rows::panics_while_the_terminal_is_taken",
                "--nocapture",
            ],
        );
        let end = panel.ended();
        assert_ne!(end.code, 0, "{way}: {}", end.screen);
        assert!(end.restored, "{way}: {}", end.screen);
        // It is told where people read it: on the screen they had.
        assert!(end.screen.contains("planted"), "{way}: {}", end.screen);
        assert!(
            String::from_utf8_lossy(&end.bytes).contains("drawn"),
            "{way}"
        );
    }
    let own = "f36_a_panic_gives_the_terminal_back_before_it_is_told";
    tried(own, PANICS.len());
}

/// Runs nkapp with so few descriptors.
fn with_descriptors(env: &TestEnv, count: u32, arguments: &[&str]) -> Ran {
    on_engine(env, count, arguments, "unix:///nowhere/docker.sock")
}

/// The same beside an engine of its own.
fn on_engine(env: &TestEnv, count: u32, arguments: &[&str], host: &str) -> Ran {
    let mut nkapp = env.command(arguments);
    nkapp.env("DOCKER_HOST", host);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", &format!("ulimit -n {count}; exec \"$0\" \"$@\"")])
        .arg(nkapp.get_program())
        .args(nkapp.get_args())
        .current_dir(env.folder())
        .env_clear()
        .stdin(std::process::Stdio::null());
    for (name, value) in nkapp.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    Ran::of(
        format!("nkapp {} with {count} descriptors", arguments.join(" ")),
        &command.output().expect("sh"),
    )
}

#[test]
fn f38_too_few_descriptors_are_an_error_and_nothing_is_left_half_done() {
    let (mut refused, mut done) = (0, 0);
    for count in [5, 8, 16, 24, 32, 48, 63, 64, 80, 128] {
        let env = TestEnv::with(&SMALL.replace("echo hook of top", "touch hooked"));
        let began = Instant::now();
        let ran = with_descriptors(&env, count, &["deploy", "-y"]);
        assert!(began.elapsed() < Duration::from_secs(60), "{count}");
        assert!(!ran.stderr.contains("panicked"), "{count}: {}", ran.stderr);
        if ran.code == 0 {
            done += 1;
        } else {
            refused += 1;
            assert!(
                !ran.stderr.is_empty(),
                "{count}: exit {} and not a word",
                ran.code
            );
            // Before any effect: no state, no journal, no lock, no process, no hook; not even a folder of ours.
            assert_eq!(entries(env.folder()), ["nanokit.yml"], "{count}");
        }
        // With enough of them the next run converges.
        let again = env.nkapp(&["deploy", "-y"]);
        assert_eq!(
            again.code, 0,
            "{count}: {}\nthen {}",
            ran.stderr, again.stderr
        );
        env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    }
    assert!(refused >= 5 && done >= 2, "{refused} refused, {done} done");
    let own = "f38_too_few_descriptors_are_an_error_and_nothing_is_left_half_done";
    tried(own, refused + done);
}

/// Names of everything in a folder.
fn entries(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("readable").flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn f38_too_few_descriptors_are_refused_before_the_engine_hears_of_it() {
    let env = TestEnv::with(
        "name: small\ninfra: { provider: docker }\nservices:\n  app: { image: 'nk-test/busybox:1', start: [sleep, '600'] }\n",
    );
    let socket = env.folder().parent().expect("home").join("engine.sock");
    let engine = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    engine.set_nonblocking(true).expect("set");
    let host = format!("unix://{}", socket.display());
    let ways: [&[&str]; 4] = [
        &["deploy", "-y"],
        &["destroy", "-y"],
        &["clean", "-y", "--force"],
        &["drift", "--restore", "-y"],
    ];
    for (count, arguments) in [16, 24, 32, 63].into_iter().zip(ways) {
        let ran = on_engine(&env, count, arguments, &host);
        assert_eq!(ran.code, 5, "{}: {}", ran.what, ran.stderr);
        let ran = ran.says(&format!("only {count} files may be open at once"));
        ran.says("nothing was begun").says("ulimit -n");
        let asked = engine.accept().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(asked, Err(std::io::ErrorKind::WouldBlock), "it was asked");
        assert_eq!(entries(env.folder()), ["nanokit.yml"], "{count}");
    }
    let own = "f38_too_few_descriptors_are_refused_before_the_engine_hears_of_it";
    tried(own, ways.len());
}

const VAULT: &str = "\
name: small
infra: { provider: process }
secrets: { TOKEN: 'vault://secret/small/app#token' }
services:
  first: { start: [sh, -c, 'touch begun; exec sleep 600'], hooks: { prestart: { host: 'touch hooked' } } }
  app:
    start: [sleep, '600']
    secrets: [TOKEN]
    depends_on: [first]
";

#[test]
fn f42_a_secret_in_vault_is_shown_as_a_reference_and_refused_before_any_effect() {
    let env = TestEnv::with(VAULT);
    env.nkapp(&["validate"])
        .exits(0)
        .says("NK0429")
        .says("nanokit.yml:8:");
    let plan = env.nkapp(&["plan", "--json"]).exits(0);
    let made = plan.json()["summary"]["create"].as_u64();
    assert!(made >= Some(2), "{}", plan.stdout);
    env.nkapp(&["plan"]).exits(0);
    env.nkapp(&["config"])
        .exits(0)
        .says("vault://secret/small/app#token");
    let mut cases = 0;
    for arguments in [&["deploy", "-y"][..], &["deploy", "-y", "--json"]] {
        let ran = env.nkapp(arguments).exits(3);
        ran.says("the secret `TOKEN` of service.app could not be resolved")
            .says("vault://secret/small/app#token")
            .says("does not speak to Vault yet")
            .says("env://NAME");
        cases += 1;
    }
    assert!(!env.folder().join("hooked").exists(), "no hook ran");
    assert!(
        !env.folder().join("state.json").exists(),
        "nothing is recorded"
    );
    assert!(
        !env.folder().join(".nanokit/processes").exists() || !env.folder().join("begun").exists()
    );
    // What is no reference to a field is told by its place.
    for (reference, label) in [
        ("vault://secret/x", "names no field"),
        ("vault://#field", "is not the place of a secret"),
        ("vault://a/../b#c", "is not the place of a secret"),
        ("vault://a//b#c", "is not the place of a secret"),
        ("vault://a#b#c", "is not the place of a secret"),
        ("vault://a b#c", "is not the place of a secret"),
        ("vault://", "names nothing"),
    ] {
        env.put(
            "nanokit.yml",
            &VAULT.replace("vault://secret/small/app#token", reference),
        );
        env.nkapp(&["validate"])
            .exits(3)
            .says(label)
            .says("nanokit.yml:3:");
        cases += 1;
    }
    // A variable that is not set is refused as early.
    env.put(
        "nanokit.yml",
        &VAULT.replace("vault://secret/small/app#token", "env://NOT_THERE"),
    );
    env.nkapp(&["deploy", "-y"])
        .exits(3)
        .says("`TOKEN` of service.app")
        .says("NOT_THERE");
    assert!(!env.folder().join("hooked").exists(), "no hook ran");
    let own = "f42_a_secret_in_vault_is_shown_as_a_reference_and_refused_before_any_effect";
    tried(own, cases + 1);
}

#[test]
fn s13_no_core_file_can_hold_a_secret() {
    let env = TestEnv::with(
        "name: small\ninfra: { provider: process }\nservices:\n  app:\n    start: [sleep, '600']\n    \
         hooks: { prestart: { host: 'touch up; while [ ! -e go ]; do sleep 0.05; done' } }\n",
    );
    let mut command = Command::new("/bin/sh");
    let nkapp = env.command(&["deploy", "-y", "-q"]);
    command
        .args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""])
        .arg(nkapp.get_program())
        .args(nkapp.get_args())
        .current_dir(env.folder());
    let mut child = command.spawn().expect("started");
    let until = Instant::now() + Duration::from_secs(60);
    while !env.folder().join("up").exists() {
        assert!(Instant::now() < until, "the hook is up");
        std::thread::sleep(Duration::from_millis(10));
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let soft = core
        .and_then(|line| line.split_whitespace().nth(4))
        .map(str::to_owned);
    env.put("go", "");
    assert!(child.wait().expect("ended").success());
    assert_eq!(soft.as_deref(), Some("0"), "{limits}");
}

#[test]
fn s14_what_is_planted_at_names_of_the_panel_is_neither_followed_nor_waited_for() {
    let mut cases = 0;
    for name in [
        ".nanokit/nkapp.log",
        ".nanokit/bundles",
        ".nanokit/runs",
        ".local/state/nkapp",
        "memory",
    ] {
        for kind in ["link", "fifo", "folder"] {
            let env = TestEnv::with(SMALL);
            let victim = env.folder().parent().expect("home").join("victim");
            std::fs::write(&victim, "untouched").expect("written");
            let own = env.folder().join(".nanokit");
            std::fs::create_dir(&own).expect("folder");
            std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o700))
                .expect("private");
            let mut places = vec![env.folder().join(name)];
            if name == "memory" {
                // Its name is known once a panel was left.
                let mut panel = Panel::within(env.folder(), (80, 24), &[]).leaving();
                panel.wait_for("top");
                panel.keys("4");
                panel.look();
                panel.keys("q");
                panel.ended();
                places = files_below(env.folder(), "room");
                assert!(!places.is_empty());
            }
            for at in &places {
                let _ = std::fs::remove_file(at);
                plant(kind, at, &victim);
            }
            let what = format!("a {kind} at {name}");
            let mut panel = Panel::within(env.folder(), (80, 24), &[]).leaving();
            panel.wait_for("top");
            panel.keys("3");
            panel.look();
            panel.keys("q");
            let end = panel.ended();
            assert!(end.restored, "{what}: {}", end.screen);
            let kept = std::fs::read_to_string(&victim).expect("there");
            assert_eq!(kept, "untouched", "{what}");
            cases += 1;
        }
    }
    let own = "s14_what_is_planted_at_names_of_the_panel_is_neither_followed_nor_waited_for";
    tried(own, cases);
}

fn plant(kind: &str, at: &std::path::Path, victim: &std::path::Path) {
    std::fs::create_dir_all(at.parent().expect("parent")).expect("folder");
    match kind {
        "link" => symlink(victim, at).expect("linked"),
        "fifo" => {
            let made = Command::new("mkfifo").arg(at).status();
            assert!(made.expect("mkfifo runs").success());
        }
        _ => std::fs::create_dir_all(at.join("theirs")).expect("folder"),
    }
}

fn files_below(folder: &std::path::Path, ending: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push(path);
        }
    }
    found
}
