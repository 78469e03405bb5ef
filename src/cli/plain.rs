//! The panel line by line: what is typed at its prompt becomes a command line, and the help that goes with it.

use crate::present::shell;

/// One thing that can be typed.
struct Entry {
    /// Its name.
    name: &'static str,
    /// The key that does the same in the panel.
    key: &'static str,
    /// The command line that does it.
    line: &'static [&'static str],
    /// What it does.
    help: &'static str,
}

const fn entry(
    name: &'static str,
    key: &'static str,
    line: &'static [&'static str],
    help: &'static str,
) -> Entry {
    Entry {
        name,
        key,
        line,
        help,
    }
}

/// Names and keys of the panel, as command lines.
const ENTRIES: &[Entry] = &[
    entry("status", "r", &["status"], "how everything stands"),
    entry("plan", "p", &["plan"], "what a deploy would do, and why"),
    entry(
        "deploy",
        "D",
        &["deploy"],
        "plan, confirm, carry out; names of services narrow it",
    ),
    entry(
        "logs",
        "l",
        &["logs"],
        "the output of a service: logs api -n 50",
    ),
    entry("drift", "4", &["drift"], "what was changed by hand"),
    entry(
        "restore",
        "R",
        &["drift", "--restore"],
        "undo all drift, after showing the plan",
    ),
    entry(
        "lock",
        "5",
        &["infra", "lock"],
        "who holds the lock, with the evidence",
    ),
    entry(
        "unlock",
        "U",
        &["infra", "unlock"],
        "clear the lock as far as the evidence allows",
    ),
    entry("state", "", &["state", "show"], "what was applied last"),
    entry("runs", "6", &["run", "list"], "past runs"),
    entry(
        "replay",
        "o",
        &["run", "replay", "--speed", "0"],
        "the events of a run; the last one without an id",
    ),
    entry("graph", "v", &["graph"], "what depends on what"),
    entry(
        "destroy",
        "",
        &["destroy"],
        "take services down, volumes stay; asks for the project's name",
    ),
    entry(
        "clean",
        "",
        &["clean"],
        "take everything down, data too: clean --force",
    ),
];

/// What a typed line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// Nothing.
    Nothing,
    /// Leave.
    Quit,
    /// Say what can be typed.
    Help,
    /// Go to another environment.
    Environment(String),
    /// Do what this command line says.
    Line(Vec<String>),
    /// It cannot be read, and why.
    Unclear(String),
}

/// Reads a typed line.
#[must_use]
pub fn read(text: &str) -> Typed {
    let words = match shell::words(text) {
        Ok(words) => words,
        Err(why) => return Typed::Unclear(why.to_owned()),
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words = match words.as_slice() {
        ["nkapp", rest @ ..] => rest,
        all => all,
    };
    match words {
        [] => Typed::Nothing,
        ["quit" | "q" | "exit" | "leave"] => Typed::Quit,
        ["help" | "?" | "h"] => Typed::Help,
        ["env" | "E", name] => Typed::Environment((*name).to_owned()),
        ["env" | "E", ..] => Typed::Unclear("name one environment: env staging".to_owned()),
        ["ui" | "demo", ..] => Typed::Unclear("you are in the panel already".to_owned()),
        [first, rest @ ..] => {
            let known = ENTRIES.iter().find(|entry| {
                entry.name == *first || (!entry.key.is_empty() && entry.key == *first)
            });
            let start = known.map_or_else(|| vec![*first], |entry| entry.line.to_vec());
            Typed::Line(
                start
                    .into_iter()
                    .chain(rest.iter().copied())
                    .map(str::to_owned)
                    .collect(),
            )
        }
    }
}

/// Says what can be typed, one thing a line.
#[must_use]
pub fn help() -> Vec<String> {
    let mut lines = vec!["Type a name, or the key of the panel:".to_owned()];
    for entry in ENTRIES {
        let key = if entry.key.is_empty() {
            String::new()
        } else {
            format!(" (or {})", entry.key)
        };
        lines.push(format!("{}{key}: {}.", entry.name, entry.help));
    }
    lines.push("env NAME (or E): go to another environment.".to_owned());
    lines.push("help (or ?): this list.".to_owned());
    lines.push(
        "quit (or q): leave. Ctrl-C stops a run, a second time cuts it off; else it leaves."
            .to_owned(),
    );
    lines.push(
        "Every other command of nkapp works too: validate, config, exec api -- ls.".to_owned(),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keys_and_whole_command_lines_are_understood() {
        let line = |words: &str| Typed::Line(words.split(' ').map(str::to_owned).collect());
        let cases = [
            ("", Typed::Nothing),
            ("  ", Typed::Nothing),
            ("q", Typed::Quit),
            ("?", Typed::Help),
            ("D api", line("deploy api")),
            ("deploy api web", line("deploy api web")),
            ("restore", line("drift --restore")),
            ("replay 2026", line("run replay --speed 0 2026")),
            ("nkapp infra lock", line("infra lock")),
            ("validate", line("validate")),
            ("env staging", Typed::Environment("staging".into())),
            ("ui", Typed::Unclear("you are in the panel already".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert!(matches!(read("logs 'api"), Typed::Unclear(_)));
    }

    #[test]
    fn every_entry_is_a_command() {
        for entry in ENTRIES {
            let mut words = vec!["nkapp"];
            words.extend(entry.line);
            if entry.name == "logs" {
                words.push("api");
            }
            let read = crate::cli::args::read(words);
            assert!(
                matches!(read, crate::cli::args::Read::Cli(_)),
                "{}",
                entry.name
            );
        }
    }
}
