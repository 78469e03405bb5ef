//! Real processes that race for one lock: never two holders, every loser sees who won, nobody starves.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use nanokit::adapters::providers::any::AnyProvider;
use nanokit::adapters::providers::process::provider::ProcessProvider;
use nanokit::boot::world::RealWorld;
use nanokit::domain::ids::{EnvName, ProjectName};
use nanokit::domain::lease::{LeaseTimes, Occupation};
use nanokit::domain::project::project::Project;
use nanokit::engine::claims::Claims;
use nanokit::engine::lease::{Lease, Wanted};
use nanokit::engine::reconcile::EngineError;

use crate::fault_cases::tried;

/// Says to a process of this very program that it is a racer, and where.
const ROOT: &str = "NANOKIT_TEST_RACE";
const RACERS: usize = 8;
const ROUNDS: u64 = 200;
const TURNS: usize = 5;

fn world(root: &Path) -> RealWorld {
    let project = Project::named(
        ProjectName::parse("race").expect("a name"),
        EnvName::parse("local").expect("a name"),
        root,
    );
    let provider = AnyProvider::Process(Box::new(ProcessProvider::new(root, Path::new("none"))));
    let program = env!("CARGO_BIN_EXE_nkapp").into();
    RealWorld::new(
        &project,
        provider,
        &BTreeMap::new(),
        BTreeMap::new(),
        program,
    )
}

fn wanted(wait: Duration) -> Wanted {
    Wanted {
        occupation: Occupation::default(),
        wait,
        times: LeaseTimes::DEFAULT,
        mends: false,
        leads: false,
        claims: Claims::default(),
    }
}

/// Makes a file that may not be there while the lock is ours.
fn alone(root: &Path) -> bool {
    std::fs::File::create_new(root.join("held")).is_ok()
}

/// Answers the one that started us, past the harness that holds back what tests print.
fn tell(answer: &str) {
    writeln!(std::io::stdout(), "race: {answer}").expect("somebody listens");
}

/// Not a test of its own: the racers are this program, started again with this name.
#[test]
fn child_of_a_race() {
    let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else {
        return;
    };
    let world = world(&root);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let mut lines = std::io::stdin().lines().map(|line| line.expect("a line"));
    tell("ready");
    while let Some(order) = lines.next() {
        if order == "turns" {
            let mut overlaps = 0;
            for _ in 0..TURNS {
                let patient = wanted(Duration::from_secs(60));
                let lease = Lease::acquire(&world, &patient, &|_| {});
                let lease = runtime.block_on(lease).expect("a turn in a minute");
                overlaps += usize::from(!alone(&root));
                let _ = std::fs::remove_file(root.join("held"));
                runtime.block_on(lease.release(&world)).expect("released");
            }
            tell(&format!("turns {overlaps}"));
            continue;
        }
        match runtime.block_on(Lease::acquire(&world, &wanted(Duration::ZERO), &|_| {})) {
            Ok(lease) => {
                let word = if alone(&root) { "won" } else { "overlap" };
                tell(&format!("{word} {} {}", lease.epoch(), std::process::id()));
                assert_eq!(lines.next().as_deref(), Some("release"));
                let _ = std::fs::remove_file(root.join("held"));
                runtime.block_on(lease.release(&world)).expect("released");
                tell("released");
            }
            Err(EngineError::Locked(report)) => {
                let holder = report.record.expect("a record").holder.pid;
                tell(&format!("lost {} {holder}", report.verdict.as_str()));
            }
            Err(error) => tell(&format!("failed {error:?}")),
        }
    }
}

struct Racer {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Racer {
    fn start(root: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "lock_races::child_of_a_race", "--nocapture"])
            .env(ROOT, root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let orders = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut racer = Self {
            child,
            orders,
            answers,
        };
        assert_eq!(racer.answer(), "ready");
        racer
    }

    fn order(&mut self, word: &str) {
        writeln!(self.orders, "{word}").expect("it listens");
    }

    fn answer(&mut self) -> String {
        loop {
            let mut line = String::new();
            let read = self.answers.read_line(&mut line).expect("readable");
            assert!(read > 0, "a racer ended");
            // The harness of the child prints on the same lines.
            if let Some((_, answer)) = line.trim_end().split_once("race: ") {
                return answer.to_owned();
            }
        }
    }
}

fn racers(root: &Path) -> Vec<Racer> {
    (0..RACERS).map(|_| Racer::start(root)).collect()
}

fn end(racers: Vec<Racer>) {
    for mut racer in racers {
        drop(racer.orders);
        assert!(racer.child.wait().expect("it ends").success());
    }
}

#[test]
fn f10_eight_processes_race_two_hundred_times_and_one_wins_each() {
    let root = tempfile::tempdir().expect("temp folder");
    let mut racers = racers(root.path());
    let mut rounds = 0;
    for round in 1..=ROUNDS {
        for racer in &mut racers {
            racer.order("race");
        }
        let answers: Vec<String> = racers.iter_mut().map(Racer::answer).collect();
        let won: Vec<usize> = (0..RACERS)
            .filter(|at| answers[*at].starts_with("won "))
            .collect();
        assert_eq!(won.len(), 1, "round {round}: {answers:?}");
        let mut words = answers[won[0]].split(' ').skip(1);
        let (epoch, pid) = (words.next().expect("epoch"), words.next().expect("pid"));
        assert_eq!(
            epoch,
            round.to_string(),
            "each round has an epoch of its own"
        );
        for (at, answer) in answers.iter().enumerate().filter(|(at, _)| *at != won[0]) {
            assert_eq!(
                *answer,
                format!("lost alive {pid}"),
                "round {round}, racer {at}"
            );
        }
        racers[won[0]].order("release");
        assert_eq!(racers[won[0]].answer(), "released");
        rounds += 1;
    }
    end(racers);
    let own = "f10_eight_processes_race_two_hundred_times_and_one_wins_each";
    tried(own, rounds);
}

#[test]
fn f10_nobody_starves() {
    let root = tempfile::tempdir().expect("temp folder");
    let mut racers = racers(root.path());
    for racer in &mut racers {
        racer.order("turns");
    }
    for racer in &mut racers {
        assert_eq!(racer.answer(), "turns 0", "no two held it at once");
    }
    tried("f10_nobody_starves", racers.len() * TURNS);
    end(racers);
}
