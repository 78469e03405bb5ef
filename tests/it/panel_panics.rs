//! The panel panics in the middle of a run: the terminal is given back, and what the engine does on its own thread is
//! finished, saved and unlocked before the process ends.

use nanokit::app::session::{Reader, Settings};
use nanokit::boot::hydrate::Surroundings;
use nanokit::boot::line::{self, Running, Start};
use nanokit::domain::run::options::{RunOptions, Schedule};
use nanokit::tui::model::PanelOptions;
use nanokit::tui::rooms::doors::{Doors, Errand, Keepsake, Opened, Program, Search};
use nanokit::tui::rooms::place::{Found, Place};
use nanokit::tui::runtime as panel;
use nanokit::tui::setup::UserFiles;
use nanokit::tui::theme::Colors;

use crate::cli_env::TestEnv;
use crate::panel_lost::{journals, until};
use crate::panel_terminal::Panel;

/// Tells the process below that it is the panel.
const WANTED: &str = "NK_TEST_PANIC_BESIDE_A_RUN";

const PROJECT: &str = "\
name: pty
infra: { provider: process }
services:
  first:
    start: sleep 600
    hooks: { prestart: { host: 'echo once >> began; until test -e go; do sleep 0.05; done' } }
  second:
    start: [sh, -c, 'touch second; exec sleep 600']
    depends_on: [first]
";

/// Doors that panic when they are to keep something, which happens in the middle of the panel's own loop.
struct Trapdoors {
    /// Dropped, also by a panic, it waits for its session.
    _running: Running,
}

impl Doors for Trapdoors {
    fn search(&self, _: &Place) -> Search {
        Box::new(Vec::new)
    }
    fn open(&mut self, _: &Place) -> Result<Opened, String> {
        Err("there is one room".to_owned())
    }
    fn program(&self, _: &Place, _: &Errand) -> Result<Program, String> {
        Err("there is none".to_owned())
    }
    fn reason(&self, _: &Program) -> Option<String> {
        None
    }
    fn keep(&mut self, _: &Place, _: &Keepsake) -> Result<String, String> {
        panic!("planted in the panel")
    }
}

/// Not a test of its own: started by the one below in a terminal, it is the panel, on a real session.
#[test]
fn panics_beside_a_run() {
    if std::env::var_os(WANTED).is_none() {
        return;
    }
    let folder = std::env::current_dir().expect("a folder");
    let surroundings = Surroundings {
        folder: folder.clone(),
        file: None,
        env: None,
        env_file: None,
        override_env: false,
        process_env: std::env::vars().collect(),
    };
    let running = line::start(Start {
        surroundings,
        forced: None,
        first: None,
        settings: Settings {
            live: true,
            reader: Reader::MayLoseLines,
            read_only: false,
            workers: false,
            stays: false,
        },
        verbose: false,
        program: env!("CARGO_BIN_EXE_nkapp").into(),
    });
    let Ok(mut running) = running else {
        panic!("no session");
    };
    let room = Opened {
        place: Place {
            file: folder.join("nanokit.yml"),
            env: None,
            name: "pty".to_owned(),
            shown: "nanokit.yml".to_owned(),
            found: Found::Given,
        },
        line: running.client.take().expect("a line"),
        options: PanelOptions {
            colors: Colors::Sixteen,
            ascii: false,
            read_only: false,
            command: "nkapp".to_owned(),
            run: RunOptions {
                schedule: Schedule::Layered,
                parallelism: 8,
                unseen: false,
            },
            lock_wait: std::time::Duration::ZERO,
            files: UserFiles::default(),
            own: folder.join(".nanokit"),
            tmux: false,
            folder,
            replay: None,
        },
        memory: None,
        note: None,
    };
    let mut doors = Trapdoors { _running: running };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let _ = runtime.block_on(panel::run(&mut doors, vec![room]));
}

#[test]
fn f36_a_panic_beside_a_run_lets_it_drain_save_and_unlock() {
    let env = TestEnv::with(PROJECT);
    let this = std::env::current_exe().expect("this program");
    let mut panel = Panel::program_of_ours(
        &this.display().to_string(),
        env.folder(),
        &[(WANTED, "1"), ("RUST_BACKTRACE", "0")],
        &[
            "--exact",
            "panel_panics::panics_beside_a_run",
            "--nocapture",
        ],
    );
    panel.wait_for("plan: +");
    panel.keys("D");
    panel.wait_for("y deploy");
    panel.look();
    panel.keys("y");
    until("the hook runs", || env.folder().join("began").exists());
    panel.wait_for("◐ deploy");
    panel.keys("B");
    panel.wait_for("planted in the panel");
    assert!(!panel.is_drawn(), "the terminal is given back first");
    // It drains: the hook is still waited for, under a lock that says so.
    let lock = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    assert_eq!(lock["verdict"], "alive", "{lock:#}");
    env.put("go", "");
    let end = panel.ended();
    assert_ne!(end.code, 0, "a panic is no success: {}", end.screen);
    assert!(end.restored, "{}", end.screen);
    let lock = env.nkapp(&["infra", "lock", "--json"]).exits(0).json();
    assert_eq!(lock["verdict"], "free", "{lock:#}");
    assert_eq!(journals(env.folder()), 0, "all of it is saved");
    assert!(env.folder().join("state.json").exists(), "nothing is saved");
    assert!(!env.folder().join("second").exists(), "something was begun");
    // The next run goes on from there, and does nothing twice.
    env.nkapp(&["deploy", "-y"]).exits(0);
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    let begun = env.read("began");
    assert!(begun.lines().count() <= 2, "{begun}");
}
