//! `tests/FAULTS.md` names every test of a fault, and nothing that is not there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names of all functions of the tests.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("readable");
            let names = text
                .lines()
                .filter_map(|line| {
                    line.trim()
                        .strip_prefix("fn ")
                        .or(line.trim().strip_prefix("async fn "))
                })
                .filter_map(|rest| rest.split(['(', '<']).next());
            found.extend(names.map(str::to_owned));
        }
    }
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

/// Rows of the table with the tests they name, `*` standing for any rest.
fn table() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("tests/FAULTS.md")).expect("readable");
    let mut named = Vec::new();
    for line in text
        .lines()
        .filter(|line| line.starts_with("| F") || line.starts_with("| S"))
    {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let row = cells.next().unwrap_or_default().to_owned();
        let tests = cells.nth(1).unwrap_or_default();
        for name in tests.split('`').skip(1).step_by(2) {
            let name = name.rsplit("::").next().unwrap_or(name);
            named.push((row.clone(), name.to_owned()));
        }
    }
    named
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(head) => name.starts_with(head),
        None => name == pattern,
    }
}

#[test]
fn the_table_of_faults_and_the_tests_name_each_other() {
    let mut tests = BTreeSet::new();
    tests_below(&root().join("tests"), &mut tests);
    tests_below(&root().join("src"), &mut tests);
    let table = table();
    assert!(
        tests.len() > 20 && table.len() > 10,
        "{tests:#?} {table:#?}"
    );
    for (row, pattern) in &table {
        let about = row_of(pattern);
        assert!(
            about.is_none() || about.as_ref() == Some(row),
            "`{pattern}` stands in the row of {row}"
        );
        assert!(
            tests.iter().any(|name| matches(pattern, name)),
            "tests/FAULTS.md names `{pattern}`, and there is no such test"
        );
    }
    for name in tests.iter().filter(|name| row_of(name).is_some()) {
        assert!(
            table.iter().any(|(_, pattern)| matches(pattern, name)),
            "`{name}` is missing in tests/FAULTS.md: add it to the row {}",
            row_of(name).unwrap_or_default()
        );
    }
}

#[test]
fn every_fault_and_every_rule_is_in_the_table_or_says_why_not() {
    let text = std::fs::read_to_string(root().join("tests/FAULTS.md")).expect("readable");
    let (shown, left_out) = text.split_once("## Not shown").expect("both parts");
    let faults = (1..=47).map(|n| format!("F{n:02}"));
    for row in faults.chain((1..=30).map(|n| format!("S{n:02}"))) {
        let in_table = shown
            .lines()
            .any(|line| line.starts_with(&format!("| {row} |")));
        let named = left_out
            .lines()
            .any(|line| line.starts_with(&format!("* {row}, ")));
        assert!(
            in_table != named,
            "{row} has to stand in the table of tests/FAULTS.md or under what is not shown, in one of them"
        );
    }
}
