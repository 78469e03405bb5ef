//! Store, sifting and reading together: tables, and any sequence of what may happen.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::domain::event::Stream;
use crate::domain::time::Wall;
use crate::tui::logs::chunk::Chunk;
use crate::tui::logs::query::Query;
use crate::tui::logs::reader::{At, Reader, Size};
use crate::tui::logs::sift::{Fold, Sieve, Sifted};
use crate::tui::logs::store::{Place, Spill, Store};

const SIZE: Size = Size {
    width: 40,
    height: 5,
};

/// A disk that answers at once, or not at all.
#[derive(Default)]
struct Spool {
    kept: BTreeMap<u64, Vec<u8>>,
    end: u64,
    full: bool,
}

impl Spool {
    fn write(&mut self, spill: &Spill) -> Result<Place, String> {
        if self.full {
            return Err("the disk is full".into());
        }
        let offset = self.end;
        let len = u32::try_from(spill.bytes.len()).expect("small");
        self.end += u64::from(len);
        self.kept.insert(offset, spill.bytes.clone());
        Ok(Place { offset, len })
    }
    fn spill(&mut self, store: &mut Store) {
        while let Some(spill) = store.owed() {
            let end = self.write(&spill);
            store.spilled(spill.chunk, end);
        }
    }
    /// Does steps until nothing is left to do; returns how many.
    fn settle(&mut self, store: &mut Store, reader: &mut Reader) -> usize {
        for step in 1.. {
            let owed = reader.settle(store, SIZE);
            let idle = owed.fetch.is_empty() && !owed.more;
            for fetch in owed.fetch {
                let bytes = self.kept.get(&fetch.place.offset).cloned();
                store.fetched(fetch.chunk, bytes.ok_or_else(|| "gone".to_owned()));
            }
            if idle {
                return step;
            }
            assert!(step < 10_000, "it never settles");
        }
        0
    }
}

fn filled(lines: u64, budget: usize) -> (Store, Spool) {
    let mut store = Store::with_budget(1, budget);
    let mut spool = Spool::default();
    for number in 0..lines {
        let stream = if number % 10 == 3 {
            Stream::Stderr
        } else {
            Stream::Stdout
        };
        let at = Wall(i64::try_from(number).expect("small"));
        store.push(at, stream, "service.api[0]", &text(number));
        spool.spill(&mut store);
    }
    (store, spool)
}

fn text(number: u64) -> String {
    let word = match number % 1_000 {
        7 => "Needle",
        _ => "hay",
    };
    format!("line {number} {word} {}", "x".repeat(80))
}

fn shown(store: &Store, reader: &Reader) -> Vec<u64> {
    let rows = reader.window(store, SIZE).rows;
    rows.iter().map(|row| row.shown.line).collect()
}

#[test]
fn a_hundred_thousand_lines_stay_within_the_budget_and_the_first_is_reached() {
    let budget = 2 * 1024 * 1024;
    let (mut store, mut spool) = filled(100_000, budget);
    assert!(
        store.memory() < budget + 2 * Chunk::TEXT,
        "{}",
        store.memory()
    );
    assert_eq!(store.lost(), None);
    assert_eq!(store.line(0), None);
    let mut reader = Reader::default();
    reader.top(&store, SIZE);
    spool.settle(&mut store, &mut reader);
    assert_eq!(shown(&store, &reader), [0, 1, 2, 3, 4]);
    assert_eq!(
        store.line(0).map(|line| line.text.to_owned()),
        Some(text(0))
    );
    reader.down(&store, 2, SIZE);
    assert_eq!(shown(&store, &reader), [2, 3, 4, 5, 6]);
    reader.up(&store, 9, SIZE);
    assert_eq!(shown(&store, &reader), [0, 1, 2, 3, 4]);
    assert!(store.memory() < budget + 4 * Chunk::TEXT);
}

#[test]
fn a_line_takes_less_than_150_bytes() {
    let (store, _) = filled(20_000, Store::BUDGET);
    let each = store.memory() as u64 / store.end();
    assert!(each < 150, "{each} bytes");
}

#[test]
fn a_full_disk_costs_old_lines_that_are_counted() {
    let mut store = Store::with_budget(1, 600_000);
    let mut spool = Spool {
        full: true,
        ..Spool::default()
    };
    for number in 0..20_000 {
        store.push(Wall(0), Stream::Stdout, "a", &text(number));
        spool.spill(&mut store);
    }
    let (lost, why) = store.lost().expect("lost");
    assert_eq!(why, "the disk is full");
    let mut reader = Reader::default();
    reader.top(&store, SIZE);
    spool.settle(&mut store, &mut reader);
    assert_eq!(shown(&store, &reader).first(), Some(&lost));
    assert_eq!(reader.count_all(&store), 20_000);
}

#[test]
fn a_search_finds_everything_in_either_direction_and_goes_round() {
    let (mut store, mut spool) = filled(12_000, 600_000);
    let mut reader = Reader::default();
    reader.search("Needle");
    reader.seek(&store, false, SIZE);
    spool.settle(&mut store, &mut reader);
    assert_eq!(reader.hit, Some(11_007));
    assert_eq!(reader.finds(&store), (Some(12), 12));
    for (down, expected) in [
        (false, 10_007),
        (false, 9_007),
        (true, 10_007),
        (true, 11_007),
        (true, 7),
        (false, 11_007),
    ] {
        reader.seek(&store, down, SIZE);
        spool.settle(&mut store, &mut reader);
        assert_eq!(reader.hit, Some(expected));
        assert!(shown(&store, &reader).contains(&expected));
    }
    reader.search("nowhere");
    reader.seek(&store, true, SIZE);
    spool.settle(&mut store, &mut reader);
    assert_eq!((reader.hit, reader.seek), (None, None));
    assert_eq!(reader.finds(&store), (None, 0));
}

#[test]
fn filters_leave_only_what_fits_and_new_lines_join() {
    let (mut store, mut spool) = filled(12_000, 600_000);
    let mut reader = Reader::default();
    reader.only("needle line");
    spool.settle(&mut store, &mut reader);
    assert_eq!(reader.count_all(&store), 12);
    assert_eq!(
        shown(&store, &reader),
        [7_007, 8_007, 9_007, 10_007, 11_007]
    );
    store.push(Wall(0), Stream::Stderr, "a", "no line of interest");
    store.push(Wall(0), Stream::Stderr, "a", "line with a needle");
    reader.extend(&store);
    assert_eq!(shown(&store, &reader).last(), Some(&12_001));
    reader.next_stream();
    reader.next_stream();
    spool.settle(&mut store, &mut reader);
    assert_eq!(reader.sieve().stream, Some(Stream::Stderr));
    assert_eq!(shown(&store, &reader), [12_001]);
    reader.only("");
    spool.settle(&mut store, &mut reader);
    assert_eq!(reader.count_all(&store), 1_202);
}

#[test]
fn a_held_reader_stays_while_lines_arrive() {
    let (mut store, _) = filled(100, Store::BUDGET);
    let mut reader = Reader::default();
    assert_eq!(shown(&store, &reader), [95, 96, 97, 98, 99]);
    reader.up(&store, 3, SIZE);
    assert_eq!(shown(&store, &reader), [92, 93, 94, 95, 96]);
    store.push(Wall(0), Stream::Stdout, "a", "new");
    assert_eq!(shown(&store, &reader), [92, 93, 94, 95, 96]);
    let At::Held { bottom, .. } = reader.at else {
        panic!("not held");
    };
    assert_eq!(reader.count_after(&store, bottom), 4);
    reader.down(&store, 4, SIZE);
    assert_eq!(reader.at, At::Following);
}

#[test]
fn wrapped_rows_are_scrolled_one_by_one() {
    let (store, _) = filled(10, Store::BUDGET);
    let mut reader = Reader {
        wrap: true,
        ..Reader::default()
    };
    let rows = |reader: &Reader| -> Vec<(u64, usize)> {
        let rows = reader.window(&store, SIZE).rows;
        rows.iter().map(|row| (row.shown.line, row.row)).collect()
    };
    assert_eq!(rows(&reader), [(8, 1), (8, 2), (9, 0), (9, 1), (9, 2)]);
    reader.up(&store, 1, SIZE);
    assert_eq!(rows(&reader), [(8, 0), (8, 1), (8, 2), (9, 0), (9, 1)]);
    reader.top(&store, SIZE);
    assert_eq!(rows(&reader), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]);
    reader.down(&store, 1, SIZE);
    assert_eq!(rows(&reader), [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
}

fn folded(lines: &[&str]) -> Vec<(String, Fold)> {
    let mut store = Store::new(0);
    for line in lines {
        store.push(Wall(0), Stream::Stdout, "a", line);
    }
    let sieve = Sieve {
        lens: true,
        ..Sieve::default()
    };
    let mut sifted = Sifted::default();
    let crate::tui::logs::store::Have::Lines(chunk) = store.have(0) else {
        panic!("there");
    };
    sifted.extend(&sieve, chunk);
    let shown = sifted.lines().iter().enumerate();
    shown
        .map(|(at, line)| (lines[usize::from(*line)].to_owned(), sifted.fold_of(at)))
        .collect()
}

type Case = (&'static [&'static str], Vec<(String, Fold)>);

#[test]
fn the_lens_folds_repeats_and_the_traces_of_five_languages() {
    let plain = |text: &str| (text.to_owned(), Fold::None);
    let trace = |text: &str, lines| (text.to_owned(), Fold::Trace(lines));
    let cases: [Case; 9] = [
        (
            &["tick in 1ms", "tick in 2ms", "tick in 3ms", "tock"],
            vec![("tick in 3ms".into(), Fold::Repeats(2)), plain("tock")],
        ),
        // What `seq 1 3` writes: every number is news.
        (&["1", "2", "3"], vec![plain("1"), plain("2"), plain("3")]),
        (
            &[
                "java.lang.E: bad",
                "\tat a.B.c(B.java:1)",
                "\tat a.B.d(B.java:2)",
                "Caused by: x",
                "\t... 7 more",
                "next",
            ],
            vec![
                plain("java.lang.E: bad"),
                trace("\t... 7 more", 3),
                plain("next"),
            ],
        ),
        (
            &[
                "Traceback (most recent call last):",
                "  File \"a.py\", line 1, in <module>",
                "    f()",
                "ValueError: bad",
                "next",
            ],
            vec![
                plain("Traceback (most recent call last):"),
                trace("ValueError: bad", 2),
                plain("next"),
            ],
        ),
        (
            &[
                "thread 'main' panicked at src/main.rs:2:5:",
                "boom",
                "stack backtrace:",
                "   0: rust_begin_unwind",
                "             at /rustc/x.rs:1:1",
                "   1: main",
                "note: run with x",
                "next",
            ],
            vec![
                plain("thread 'main' panicked at src/main.rs:2:5:"),
                trace("note: run with x", 5),
                plain("next"),
            ],
        ),
        (
            &[
                "panic: boom",
                "",
                "goroutine 1 [running]:",
                "main.main()",
                "\t/src/main.go:4 +0x1d",
                "exit status 2",
                "next",
            ],
            vec![
                plain("panic: boom"),
                trace("exit status 2", 4),
                plain("next"),
            ],
        ),
        (
            &[
                "Error: bad",
                "    at Object.<anonymous> (/a.js:1:7)",
                "    at node:internal/main:1:1",
                "next",
            ],
            vec![
                plain("Error: bad"),
                trace("    at node:internal/main:1:1", 1),
                plain("next"),
            ],
        ),
        (&["one", "two"], vec![plain("one"), plain("two")]),
        (&["", ""], vec![(String::new(), Fold::Repeats(1))]),
    ];
    for (lines, expected) in cases {
        assert_eq!(folded(lines), expected);
    }
}

#[test]
fn what_was_never_there_before_the_deploy_is_new() {
    let mut store = Store::new(0);
    for (at, text) in [
        (1, "GET /a 200"),
        (2, "started"),
        (10, "GET /a 17"),
        (11, "OutOfMemory at 7"),
    ] {
        store.push(Wall(at), Stream::Stdout, "a", text);
    }
    let mut reader = Reader::default();
    reader.news_since(Some(Wall(5)));
    reader.toggle_lens();
    Spool::default().settle(&mut store, &mut reader);
    let labels: Vec<bool> = reader
        .window(&store, SIZE)
        .rows
        .iter()
        .map(|row| {
            let laid = reader.lay(&store, row.shown, 80).expect("here");
            laid.prefix.iter().any(|(text, _)| text == "new ")
        })
        .collect();
    assert_eq!(labels, [false, false, false, true]);
}

#[test]
fn one_step_is_short_however_much_there_is() {
    let (mut store, _) = filled(60_000, Store::BUDGET);
    let mut reader = Reader::default();
    reader.only("hay");
    let owed = reader.settle(&mut store, SIZE);
    assert!(owed.more, "there is more to do");
    assert!(reader.unread(&store) > 5);
    assert_eq!(
        shown(&store, &reader).len(),
        5,
        "the screen is filled at once"
    );
}

/// What may happen to a reader.
#[derive(Clone, Debug)]
enum Deed {
    Push(u16, bool),
    Long,
    Mark,
    Up(usize),
    Down(usize),
    Top,
    Follow,
    Only(u8),
    Search(u8),
    Seek(bool),
    Stream,
    Lens,
    Wrap,
    Step,
    DiskFull(bool),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (1_u16..3_000, any::<bool>()).prop_map(|(n, err)| Deed::Push(n, err)),
        1 => Just(Deed::Long),
        1 => Just(Deed::Mark),
        2 => (0_usize..20).prop_map(Deed::Up),
        2 => (0_usize..20).prop_map(Deed::Down),
        1 => Just(Deed::Top),
        1 => Just(Deed::Follow),
        1 => (0_u8..3).prop_map(Deed::Only),
        1 => (0_u8..3).prop_map(Deed::Search),
        2 => any::<bool>().prop_map(Deed::Seek),
        1 => Just(Deed::Stream),
        1 => Just(Deed::Lens),
        1 => Just(Deed::Wrap),
        3 => Just(Deed::Step),
        1 => any::<bool>().prop_map(Deed::DiskFull),
    ];
    proptest::collection::vec(deed, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_rows_are_in_order_and_nothing_is_lost_but_counted(deeds in deeds()) {
        let mut store = Store::with_budget(1, 300_000);
        let mut spool = Spool::default();
        let mut reader = Reader::default();
        let mut pushed = 0_u64;
        for deed in deeds {
            match deed {
                Deed::Push(lines, err) => {
                    let stream = if err { Stream::Stderr } else { Stream::Stdout };
                    for _ in 0..lines {
                        store.push(Wall(0), stream, if err { "a" } else { "b" }, &text(pushed));
                        pushed += 1;
                        reader.extend(&store);
                        spool.spill(&mut store);
                    }
                }
                Deed::Long => {
                    store.push(Wall(0), Stream::Stdout, "a", &"日本 long \u{1b}[31m".repeat(6_000));
                    pushed += 1;
                }
                Deed::Mark => {
                    store.mark(Wall(0), "mark");
                    pushed += 1;
                }
                Deed::Up(rows) => reader.up(&store, rows, SIZE),
                Deed::Down(rows) => reader.down(&store, rows, SIZE),
                Deed::Top => reader.top(&store, SIZE),
                Deed::Follow => reader.follow(),
                Deed::Only(which) => reader.only(["", "needle", "re:line 1.*7"][usize::from(which)]),
                Deed::Search(which) => reader.search(["", "Needle", "x"][usize::from(which)]),
                Deed::Seek(down) => reader.seek(&store, down, SIZE),
                Deed::Stream => reader.next_stream(),
                Deed::Lens => reader.toggle_lens(),
                Deed::Wrap => reader.wrap = !reader.wrap,
                Deed::Step => {
                    reader.settle(&mut store, SIZE);
                    // What was asked for and never comes is asked for by nobody else.
                    for chunk in 0..store.chunks() {
                        store.fetched(chunk, Err("no answer".into()));
                    }
                }
                Deed::DiskFull(full) => spool.full = full,
            }
            let rows = reader.window(&store, SIZE).rows;
            prop_assert!(rows.len() <= SIZE.height);
            let in_order = rows
                .windows(2)
                .all(|pair| (pair[0].shown.line, pair[0].row) < (pair[1].shown.line, pair[1].row));
            prop_assert!(in_order);
        }
        prop_assert_eq!(store.end(), pushed);
        let mut all = Reader::default();
        spool.settle(&mut store, &mut all);
        let lost = store.lost().map_or(0, |(lines, _)| lines);
        let mut line = 0;
        let mut found = 0;
        while let crate::tui::logs::reader::Next::Line(shown) = all.after(&store, line) {
            found += 1;
            line = shown.line + 1;
        }
        prop_assert_eq!(found + lost, pushed);
    }
}

#[test]
fn a_query_that_is_none_shows_everything() {
    let mut reader = Reader::default();
    reader.only("re:(");
    assert!(reader.sieve().only.is_empty() && reader.sieve().only.problem().is_some());
    assert!(Query::filter("").is_empty());
}
