//! Times the reading of output with a million lines held: taking lines in, keys, search, and the way back to the first.
//!
//! `cargo bench --bench logs` prints the table of `assets/docs/BENCHMARKS.md`. Everything goes the way it goes in the
//! panel: messages change the model, old lines go to the real spool on disk, each key is followed by a whole frame
//! of 120 by 40 cells. Only the terminal is missing.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::cast_precision_loss,
    clippy::needless_pass_by_value,
    clippy::wrong_self_convention,
    reason = "a benchmark measures time, prints, and stops when it cannot set up its world"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nanokit::app::command::Ticket;
use nanokit::app::notice::{Notice, OutputLine};
use nanokit::app::snapshot::Snapshot;
use nanokit::domain::event::Stream;
use nanokit::domain::run::options::{RunOptions, Schedule};
use nanokit::domain::time::Wall;
use nanokit::tui::effect::Effect;
use nanokit::tui::keymap::chord::Chord;
use nanokit::tui::keymap::map::Keymap;
use nanokit::tui::logs::open::LogView;
use nanokit::tui::logs::store::Store;
use nanokit::tui::model::{Model, Overlay, PanelOptions};
use nanokit::tui::msg::Msg;
use nanokit::tui::setup::UserFiles;
use nanokit::tui::spool::{Job, Spool};
use nanokit::tui::theme::Colors;
use nanokit::tui::update::route::update;
use nanokit::tui::view::screen::draw;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const LINES: u64 = 1_000_000;
const BATCH: u64 = 10_000;
const SCREEN: (u16, u16) = (120, 40);

fn main() {
    let mut desk = Desk::new();
    let taken = desk.fill();
    let store = desk.store();
    let held = store.memory() as u64;
    let resident = resident();
    println!("| what | figure |\n|---|---|");
    row("lines held", format!("{}", store.end()));
    row(
        "text of a line",
        format!("{} bytes", store.text_bytes() / store.end()),
    );
    row("in memory, of 64 MiB", format!("{:.1} MiB", mib(held)));
    row(
        "resident, whole process",
        format!("{:.0} MiB", mib(resident)),
    );
    row("bytes a retained line", format!("{:.0}", each_retained()));
    let per_second = LINES as f64 / taken.as_secs_f64();
    row(
        "taken in, 1,000,000 lines",
        format!("{per_second:.0} lines/s"),
    );
    row(
        "given up",
        format!("{}", desk.store().lost().map_or(0, |lost| lost.0)),
    );
    let top = desk.to_the_first();
    row("the first line on the screen, from disk", ms(top));
    desk.key("G");
    desk.rest();
    let mut all = Vec::new();
    for (name, keys) in [("scroll a row up", "k"), ("scroll half a screen up", "C-u")] {
        let mut times: Vec<Duration> = (0..300).map(|_| desk.key(keys)).collect();
        row(name, quantiles(&mut times));
        all.extend(times);
    }
    desk.key("G");
    let mut typed = Vec::new();
    desk.key("/");
    for key in ["n", "e", "e", "d", "l", "e"] {
        typed.push(desk.key(key));
    }
    let began = Instant::now();
    desk.key("Enter");
    let steps = desk.rest();
    row("search typed, a key", quantiles(&mut typed));
    row(
        "search of everything, half of it on disk",
        ms(began.elapsed()),
    );
    let mut times = Vec::new();
    for _ in 0..300 {
        times.push(desk.key("N"));
        desk.rest();
    }
    row("next find, a key", quantiles(&mut times));
    all.extend(typed);
    all.extend(times);
    desk.key("G");
    let mut typed = Vec::new();
    desk.key("&");
    for key in ["t", "o", "o", "k", "Space", "7"] {
        typed.push(desk.key(key));
    }
    desk.key("Enter");
    let filtered = desk.rest();
    row("filter typed, a key", quantiles(&mut typed));
    all.extend(typed);
    let lens = desk.key("L");
    all.push(lens);
    let lensed = desk.rest();
    row("lens on, a key", ms(lens));
    row("any of these keys", quantiles(&mut all));
    let longest = [steps, filtered, lensed]
        .into_iter()
        .max()
        .unwrap_or_default();
    row("longest step between keys", ms(longest));
}

fn row(name: &str, figure: String) {
    println!("| {name} | {figure} |");
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn quantiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!("p50 {}, p99 {}", ms(at(50)), ms(at(99)))
}

/// A line of about 94 bytes.
fn text(number: u64) -> String {
    let word = match number % 997 {
        0 => "needle",
        _ => "request",
    };
    let (id, took) = (number * 7_919 % 100_000, number * 31 % 977);
    format!(
        "{word} {number:07} GET /api/v1/orders/{id:05} from 10.0.3.17 status=200 bytes=5120 took {took:03} ms ok"
    )
}

/// Bytes of a line in a store that keeps all of them in memory.
fn each_retained() -> f64 {
    let mut store = Store::with_budget(9, usize::MAX);
    for number in 0..100_000 {
        store.push(Wall(0), Stream::Stdout, "service.api[0]", &text(number));
    }
    store.memory() as f64 / store.end() as f64
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// The panel without its terminal.
struct Desk {
    model: Model,
    keymap: Keymap,
    terminal: Terminal<TestBackend>,
    spool: Spool,
    more: bool,
    waiting: usize,
}

impl Desk {
    fn new() -> Self {
        let options = PanelOptions {
            replay: None,
            colors: Colors::Sixteen,
            ascii: false,
            read_only: false,
            command: "nkapp".into(),
            run: RunOptions {
                schedule: Schedule::Layered,
                parallelism: 4,
                unseen: false,
            },
            lock_wait: Duration::ZERO,
            own: std::env::temp_dir(),
            tmux: false,
            files: UserFiles::default(),
            folder: std::env::temp_dir(),
        };
        let mut model = Model::new(options, Arc::new(Snapshot::default()), Wall(0));
        model.size = SCREEN;
        let mut view = LogView::service("api", 7);
        view.ticket = Some(Ticket(1));
        model.overlays.push(Overlay::Logs(Box::new(view)));
        let terminal = Terminal::new(TestBackend::new(SCREEN.0, SCREEN.1)).expect("a screen");
        Self {
            model,
            keymap: Keymap::built_in().expect("keys"),
            terminal,
            spool: Spool::new(PathBuf::from("/var/tmp")),
            more: false,
            waiting: 0,
        }
    }

    fn store(&self) -> &Store {
        self.model.reading().expect("a view").0
    }

    fn tell(&mut self, msg: Msg) {
        for effect in update(&mut self.model, msg, &self.keymap) {
            let refused = match effect {
                Effect::Spill(spill) => self.spool.give(Job::Spill(spill)),
                Effect::Fetch(fetch) => self.spool.give(Job::Fetch(fetch)),
                Effect::More => {
                    self.more = true;
                    continue;
                }
                _ => continue,
            };
            self.waiting += 1;
            if let Some(refused) = refused {
                self.waiting -= 1;
                self.tell(refused);
            }
        }
    }

    fn answers(&mut self) {
        while let Some(answer) = self.spool.waiting() {
            self.waiting -= 1;
            self.tell(answer);
        }
    }

    /// Takes all lines in, with a frame every 33 ms of lines as they come at 50,000 a second.
    fn fill(&mut self) -> Duration {
        let mut taken = Duration::ZERO;
        for batch in 0..LINES / BATCH {
            let lines: Vec<Msg> = (batch * BATCH..(batch + 1) * BATCH)
                .map(|number| {
                    let line = OutputLine {
                        source: "service.api[0]".into(),
                        stream: Stream::Stdout,
                        text: format!("2026-11-21T07:26:00.123Z {}", text(number)),
                    };
                    let ticket = Ticket(1);
                    Msg::Notice(Box::new(Notice::Output { ticket, line }))
                })
                .collect();
            let began = Instant::now();
            for (index, line) in lines.into_iter().enumerate() {
                self.tell(line);
                if index % 1_650 == 0 {
                    self.answers();
                    self.draw();
                }
            }
            taken += began.elapsed();
        }
        self.rest();
        taken
    }

    fn draw(&mut self) {
        let (model, keymap) = (&self.model, &self.keymap);
        self.terminal
            .draw(|frame| draw(frame, model, keymap))
            .expect("a frame");
    }

    /// Presses a key; the time until its frame is drawn.
    fn key(&mut self, key: &str) -> Duration {
        let chord = Chord::parse(key).expect("a key");
        let began = Instant::now();
        self.tell(Msg::Key(chord));
        self.draw();
        began.elapsed()
    }

    /// Goes on until nothing is left to do; the longest step.
    fn rest(&mut self) -> Duration {
        let mut longest = Duration::ZERO;
        while self.more || self.waiting > 0 {
            let began = Instant::now();
            self.answers();
            if std::mem::take(&mut self.more) {
                self.tell(Msg::More);
            } else {
                std::thread::yield_now();
            }
            longest = longest.max(began.elapsed());
        }
        longest
    }

    /// Goes to the first line of all; the time until it is on the screen.
    fn to_the_first(&mut self) -> Duration {
        let began = Instant::now();
        self.tell(Msg::Key(Chord::parse("Home").expect("a key")));
        while self.store().line(0).is_none() {
            self.answers();
            std::thread::yield_now();
        }
        self.draw();
        began.elapsed()
    }
}
