//! `tests/FAULTS.md` names every test of a fault with its cases and its result, and nothing that is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::fault_cases::{CASES, Cases};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect("readable")
}

/// A function that the harness runs, the modules it stands in, and its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    name: String,
    modules: Vec<String>,
    file: PathBuf,
}

/// All tests below a folder: functions with an attribute that says so, and no others.
fn tests_below(folder: &Path, modules: &[String], found: &mut BTreeSet<Test>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut inside = modules.to_vec();
        if stem != "mod" {
            inside.push(stem.into_owned());
        }
        if path.is_dir() {
            tests_below(&path, &inside, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            found.extend(names_of_tests(&text).into_iter().map(|name| Test {
                name,
                modules: inside.clone(),
                file: path.clone(),
            }));
        }
    }
}

fn names_of_tests(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        }
        let function = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = function.strip_prefix("fn ") {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            if is_test {
                names.push(name.to_owned());
            }
            is_test = false;
        }
    }
    names
}

fn all_tests() -> BTreeSet<Test> {
    let mut tests = BTreeSet::new();
    tests_below(&root().join("tests"), &[], &mut tests);
    tests_below(&root().join("src"), &[], &mut tests);
    tests
}

/// The row a test is about, by its name: `f05_…` and `docker_f05_…` are about the fault F05, `s16_…` about the rule S16.
fn row_of(name: &str) -> Option<String> {
    let name = name.strip_prefix("docker_").unwrap_or(name);
    let (number, _) = name.split_once('_')?;
    let kind = number.chars().next().filter(|c| ['f', 's'].contains(c))?;
    let digits = number
        .get(1..)
        .filter(|digits| (1..=2).contains(&digits.len()))?;
    let is_row = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_row.then(|| format!("{}{digits:0>2}", kind.to_ascii_uppercase()))
}

/// A name in a table: `MODULES::NAME`, where `*` at the end stands for any rest.
#[derive(Clone, Debug)]
struct Pattern {
    name: String,
    modules: Vec<String>,
}

impl Pattern {
    fn all_in(cell: &str) -> Vec<Self> {
        let texts = cell.split('`').skip(1).step_by(2);
        texts
            .map(|text| {
                let mut modules: Vec<String> = text.split("::").map(str::to_owned).collect();
                let name = modules.pop().unwrap_or_default();
                Self { name, modules }
            })
            .collect()
    }
    fn means(&self, test: &Test) -> bool {
        let named = match self.name.strip_suffix('*') {
            Some(head) => test.name.starts_with(head),
            None => self.name == test.name,
        };
        named && test.modules.ends_with(&self.modules)
    }
}

/// One line of a table, its cells by the names of their columns.
struct Line {
    row: String,
    cells: BTreeMap<String, String>,
}

impl Line {
    #[track_caller]
    fn cell(&self, column: &str) -> &str {
        let cell = self.cells.get(column).map(String::as_str);
        cell.unwrap_or_else(|| panic!("{} has no column {column}", self.row))
    }
}

/// Lines of all tables of the document whose first column is called so.
fn table(first: &str) -> Vec<Line> {
    let mut columns: Vec<String> = Vec::new();
    let mut lines = Vec::new();
    for line in read("tests/FAULTS.md").lines() {
        let Some(inner) = line.strip_prefix("| ").and_then(|l| l.strip_suffix(" |")) else {
            continue;
        };
        let cells: Vec<String> = inner.split(" | ").map(|c| c.trim().to_owned()).collect();
        if ["Row", "Invariant"].contains(&cells[0].as_str()) {
            columns = cells;
        } else if columns.first().is_some_and(|own| own == first) {
            assert_eq!(cells.len(), columns.len(), "cells of {line}");
            lines.push(Line {
                row: cells[0].clone(),
                cells: columns.iter().cloned().zip(cells).collect(),
            });
        }
    }
    lines
}

#[test]
fn only_what_the_harness_runs_counts_as_a_test() {
    let text = "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test(start_paused = true)]\nasync fn two() {}\n\
                #[test]\n#[expect(dead_code)]\nfn three() {}\n// #[test]\nfn four<T>() {}\nasync fn five() {}\n";
    assert_eq!(names_of_tests(text), ["one", "two", "three"]);
}

#[test]
fn the_table_of_faults_and_the_tests_name_each_other() {
    let tests = all_tests();
    let table = table("Row");
    assert!(tests.len() > 500 && table.len() > 60, "{}", table.len());
    let mut named: BTreeSet<&Test> = BTreeSet::new();
    for line in &table {
        let row = &line.row;
        let patterns = Pattern::all_in(line.cell("Tests"));
        let mut own = BTreeSet::new();
        for pattern in &patterns {
            let about = row_of(&pattern.name);
            assert!(
                about.is_none() || about.as_ref() == Some(row),
                "`{}` stands in the row of {row}",
                pattern.name
            );
            let found: Vec<&Test> = tests.iter().filter(|test| pattern.means(test)).collect();
            assert!(
                !found.is_empty(),
                "tests/FAULTS.md names `{}` in {row}, and there is no such test",
                pattern.name
            );
            own.extend(found);
        }
        check_line(line, &own);
        for test in own.iter().filter(|test| row_of(&test.name).is_some()) {
            assert!(!named.contains(test), "`{}` stands twice", test.name);
        }
        named.extend(own);
    }
    for test in tests.iter().filter(|test| row_of(&test.name).is_some()) {
        assert!(
            named.contains(test),
            "`{}` is missing in tests/FAULTS.md: add it to the row {}",
            test.name,
            row_of(&test.name).unwrap_or_default()
        );
    }
}

/// What a line says of its tests: how many cases they have together, and what they came to.
#[track_caller]
fn check_line(line: &Line, tests: &BTreeSet<&Test>) {
    let (row, said, result) = (&line.row, line.cell("Cases"), line.cell("Result"));
    if tests.is_empty() {
        assert_eq!((said, result), ("see there", "see there"), "{row}");
        assert!(line.cell("Fault").contains(": see "), "{row}: see where?");
        return;
    }
    let (number, rest) = match said.find(|c: char| !c.is_ascii_digit() && c != ',') {
        Some(end) => said.split_at(end),
        None => (said, ""),
    };
    let counted = tests.iter().map(|test| cases_of(&test.name));
    let sum = counted.map(|cases| cases.map_or(1, number_of)).sum();
    assert_eq!(number.trim_end_matches(','), thousands(sum), "{row}: cases");
    let open = |test: &&&Test| matches!(cases_of(&test.name), Some(Cases::AtLeast(_)));
    let elsewhere = |test: &&Test| !test.modules.iter().any(|module| module == "it");
    let is_open = rest.starts_with(" and more");
    assert!(
        is_open || !tests.iter().any(|test| open(&test)),
        "{row}: there may be more than {number} cases"
    );
    assert!(
        !is_open || tests.iter().any(|test| open(&test) || elsewhere(test)),
        "{row}: there are {number} cases and no more"
    );
    let reason = result.strip_prefix("bound: ");
    assert!(
        result == "held" || reason.is_some_and(|reason| reason.len() > 20),
        "{row}: `{result}` is no result"
    );
}

/// What is said of a test that tries more than one case.
fn cases_of(test: &str) -> Option<&'static Cases> {
    let found = CASES.iter().find(|(name, _)| *name == test);
    found.map(|(_, cases)| cases)
}

fn number_of(cases: &Cases) -> usize {
    match cases {
        Cases::Counted(number) | Cases::AtLeast(number) | Cases::Written(number, _) => *number,
    }
}

/// Writes a number as the tables do: 2,718.
fn thousands(number: usize) -> String {
    match (number / 1_000, number % 1_000) {
        (0, below) => below.to_string(),
        (above, below) => format!("{},{below:03}", thousands(above)),
    }
}

#[test]
fn whoever_tries_more_than_one_case_counts_them() {
    let tests = all_tests();
    let mut seen = BTreeSet::new();
    for (name, cases) in &CASES {
        assert!(seen.insert(name), "`{name}` is counted twice");
        let of_name: Vec<&Test> = tests.iter().filter(|test| test.name == *name).collect();
        let [test] = of_name[..] else {
            panic!("{} tests are called `{name}`", of_name.len());
        };
        let file = std::fs::read_to_string(&test.file).expect("readable");
        let words = match cases {
            Cases::Counted(_) | Cases::AtLeast(_) => {
                assert!(file.contains("tried("), "`{name}` counts nothing");
                &format!("\"{name}\"")
            }
            Cases::Written(_, words) => *words,
        };
        assert!(
            file.contains(words),
            "{}: `{words}` gives {} cases and is not there: count them again in tests/support/fault_cases.rs",
            test.file.display(),
            number_of(cases)
        );
    }
}

#[test]
fn every_fault_and_every_rule_is_in_the_table_or_says_why_not() {
    let text = read("tests/FAULTS.md");
    let (_, left_out) = text.split_once("## Not shown").expect("both parts");
    let shown: BTreeSet<String> = table("Row").into_iter().map(|line| line.row).collect();
    let faults = (1..=47).map(|n| format!("F{n:02}"));
    for row in faults.chain((1..=30).map(|n| format!("S{n:02}"))) {
        let named = left_out
            .lines()
            .find_map(|line| line.strip_prefix(&format!("* {row}, ")));
        assert!(
            shown.contains(&row) != named.is_some(),
            "{row} has to stand in the table of tests/FAULTS.md or under what is not shown, in one of them"
        );
        let reason = named.map(|named| named.split_once(": ").map_or("", |(_, why)| why));
        assert!(
            reason.is_none_or(|reason| reason.len() > 20),
            "{row} is not shown, without a reason"
        );
    }
}

/// The bugs that are planted in the simulation, by the number of the invariant that has to catch them.
fn planted() -> BTreeMap<String, String> {
    let text = read("tests/sim/swarm/mutants.rs");
    let (_, table) = text.split_once("const TABLE").expect("a table");
    let (table, _) = table.split_once("];").expect("its end");
    let words: Vec<&str> = table
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let bugs = words.windows(4).filter(|four| four[0] == "P");
    bugs.filter(|four| four[2] == "Invariant")
        .map(|four| {
            let digits: String = four[3].chars().skip(1).collect();
            let digits = digits.split(|c: char| !c.is_ascii_digit()).next();
            (
                four[1].to_owned(),
                format!("I{}", digits.unwrap_or_default()),
            )
        })
        .collect()
}

#[test]
fn every_invariant_names_its_planted_bugs_and_what_else_shows_it() {
    let (tests, mut planted) = (all_tests(), planted());
    assert!(planted.len() >= 28, "{planted:#?}");
    // No schedule meets this one: the tests of actions plant it.
    planted.insert("MarksForgotten".to_owned(), "I14".to_owned());
    let table = table("Invariant");
    let rows: Vec<&str> = table.iter().map(|line| line.row.as_str()).collect();
    let all: Vec<String> = (1..=18).map(|n| format!("I{n}")).collect();
    assert_eq!(rows, all);
    for line in &table {
        let row = &line.row;
        let bugs = Pattern::all_in(line.cell("Planted bugs"));
        for bug in &bugs {
            let by = planted.remove(&bug.name);
            assert_eq!(by.as_ref(), Some(row), "`{}` is caught by", bug.name);
        }
        let elsewhere = Pattern::all_in(line.cell("Elsewhere"));
        for pattern in &elsewhere {
            assert!(
                tests.iter().any(|test| pattern.means(test)),
                "{row} names `{}`, and there is no such test",
                pattern.name
            );
        }
        if bugs.is_empty() {
            let why = line.cell("Planted bugs").strip_prefix("not simulated: ");
            assert!(why.is_some_and(|why| why.len() > 10), "{row}: why not?");
            assert!(!elsewhere.is_empty(), "{row} is shown nowhere");
        }
    }
    assert!(planted.is_empty(), "missing in the table: {planted:?}");
}
