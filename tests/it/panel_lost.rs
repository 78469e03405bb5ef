//! The terminal goes away under the panel, with a signal and without one: it ends in bounded time, does not go round
//! meanwhile, and what was under way is finished, saved and unlocked.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;
use crate::panel_terminal::Panel;

const IDLE: &str = "\
name: pty
infra: { provider: process }
services:
  web:
    start: sleep 600
";

/// Its hook tells when it began and when it is over, and takes as long as the terminal is to be gone.
const BUSY: &str = "\
name: pty
infra: { provider: process }
services:
  first:
    start: sleep 600
    hooks: { prestart: { host: 'touch began; sleep 5; touch over' } }
  second:
    start: [sh, -c, 'touch second; exec sleep 600']
    depends_on: [first]
";

/// How the panel stands to its terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tie {
    /// As from a shell: the kernel sends it a signal when the terminal goes.
    Controlled,
    /// In a session of its own: nobody tells it but the terminal itself.
    Loose,
}

const TIES: [Tie; 2] = [Tie::Controlled, Tie::Loose];

/// A shell that outlives the terminal, and writes down how the panel under it ended and what that cost.
const SHELL: &str = "\
trap '' HUP TERM
$TIE \"$NKAPP\" ui
code=$?
times > times
echo $code > code
";

struct Watched {
    env: TestEnv,
    panel: Panel,
}

impl Watched {
    fn open(project: &str, tie: Tie) -> Self {
        let env = TestEnv::with(project);
        let tie = match tie {
            Tie::Controlled => "",
            Tie::Loose => "setsid",
        };
        let environment = [("NKAPP", env!("CARGO_BIN_EXE_nkapp")), ("TIE", tie)];
        let script = ["-c", SHELL];
        let panel = Panel::program_of_ours("/bin/sh", env.folder(), &environment, &script);
        Self { env, panel }
    }

    /// Waits for the end; returns the panel's exit code and the processor time it and its children took.
    fn ends(&mut self) -> (String, Duration) {
        self.panel.gone();
        let code = self.env.read("code").trim().to_owned();
        (code, spent(&self.env.read("times")))
    }
}

/// Processor time of all children, from what `times` of a shell prints: `0m0.42s 0m0.05s` in its second line.
fn spent(times: &str) -> Duration {
    let line = times.lines().nth(1).expect("a line for the children");
    let each = line.split_whitespace().map(|word| {
        let (minutes, seconds) = word.trim_end_matches('s').split_once('m').expect("a time");
        let minutes: f64 = minutes.parse().expect("minutes");
        let seconds: f64 = seconds.parse().expect("seconds");
        Duration::from_secs_f64(minutes * 60.0 + seconds)
    });
    each.sum()
}

/// Processor time that a process has taken so far, found by its working folder.
fn spent_by(folder: &Path) -> Duration {
    let ours = |entry: &std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let panel = line.ends_with(b"nkapp\0ui\0");
        panel && std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder)
    };
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let process = entries.into_iter().find(ours).expect("the panel runs");
    let stat = std::fs::read_to_string(process.path().join("stat")).expect("alive");
    let (_, fields) = stat.rsplit_once(") ").expect("fields");
    // User and system time, in hundredths of a second.
    let ticks: u64 = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("ticks"))
        .sum();
    Duration::from_millis(ticks * 10)
}

#[test]
fn f35_a_terminal_that_goes_away_ends_an_idle_panel_at_once() {
    for tie in TIES {
        let mut watched = Watched::open(IDLE, tie);
        watched.panel.wait_for("○ web");
        watched.panel.hang_up("2");
        let gone = Instant::now();
        let (code, spent) = watched.ends();
        let took = gone.elapsed();
        // A panic would say something else.
        assert_eq!(code, "130", "{tie:?}");
        // Two seconds are promised; this machine may be busy with other tests.
        assert!(took < Duration::from_secs(10), "{tie:?}: {took:?}");
        assert!(spent < Duration::from_secs(10), "{tie:?}: {spent:?}");
    }
    let own = "f35_a_terminal_that_goes_away_ends_an_idle_panel_at_once";
    tried(own, TIES.len());
}

#[test]
fn f35_a_run_under_a_terminal_that_went_away_drains_saves_and_unlocks_without_going_round() {
    for tie in TIES {
        let mut watched = Watched::open(BUSY, tie);
        let panel = &mut watched.panel;
        panel.wait_for("plan: +");
        panel.keys("D");
        panel.wait_for("y deploy");
        panel.look();
        panel.keys("y");
        panel.wait_for("◐ deploy");
        until(&format!("{tie:?}: the hook runs"), || {
            watched.env.folder().join("began").exists()
        });
        let folder = watched.env.folder().canonicalize().expect("a folder");
        watched.panel.hang_up("3");
        let before = spent_by(&folder);
        let gone = Instant::now();
        assert!(!folder.join("over").exists(), "{tie:?}: it was too slow");
        let (code, spent) = watched.ends();
        let took = gone.elapsed();
        assert_eq!(code, "130", "{tie:?}");
        // What was under way was finished, nothing else was begun.
        assert!(folder.join("over").exists(), "{tie:?}");
        assert!(!folder.join("second").exists(), "{tie:?}");
        assert!(took < Duration::from_secs(40), "{tie:?}: {took:?}");
        // A loop would have taken all the time there was.
        let alone = spent.saturating_sub(before);
        assert!(
            alone < Duration::from_secs(2),
            "{tie:?}: {alone:?} of {took:?}"
        );
        let lock = watched
            .env
            .nkapp(&["infra", "lock", "--json"])
            .exits(0)
            .json();
        assert_eq!(lock["verdict"], "free", "{tie:?}: {lock:#}");
        assert_eq!(journals(&folder), 0, "{tie:?}: all of it is saved");
        watched.env.nkapp(&["deploy", "-y"]).exits(0);
        watched.env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    }
    let own =
        "f35_a_run_under_a_terminal_that_went_away_drains_saves_and_unlocks_without_going_round";
    tried(own, TIES.len());
}

/// Journals that are not in the state yet.
pub(crate) fn journals(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder.join(".nanokit/journal"));
    entries.map_or(0, Iterator::count)
}

/// Waits for something that takes less than a second on an idle machine.
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
