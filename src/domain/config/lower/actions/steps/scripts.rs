//! The script files of the project that a command on the host runs: what an approved plan carries out is their content
//! too, not only their names.
//!
//! Looked at is what a command begins with, when it is a path, and what a known interpreter is given first. What a
//! script goes on to read is its own matter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::domain::config::lower::Lower;
use crate::domain::ids::Digest;
use crate::domain::project::hook::HookCommand;
use crate::domain::project::procedure::{Claim, Primitive};

/// Programs whose first argument is a script, without a version at their end.
const INTERPRETERS: [&str; 17] = [
    "sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "python", "node", "deno", "bun", "ruby",
    "perl", "php", "lua", "pwsh", "Rscript",
];
/// Words in front of a command.
const BEFORE: [&str; 16] = [
    "exec", "command", "env", "nice", "nohup", "time", "sudo", "setsid", "if", "then", "else",
    "elif", "while", "until", "do", "!",
];

/// Finds the scripts of a step, with what they hold now; a change of one asks for a new load.
pub(super) fn of(lower: &mut Lower<'_>, primitive: &Primitive) -> BTreeMap<PathBuf, Digest> {
    let (Primitive::Run { command }
    | Primitive::Assert {
        claim: Claim::Run(command),
        ..
    }) = primitive
    else {
        return BTreeMap::new();
    };
    let mut all = BTreeMap::new();
    for word in named(command) {
        let path = lower.path(word);
        let Ok(below) = path.strip_prefix(&lower.folder).map(Path::to_path_buf) else {
            continue;
        };
        if lower.input.tree.is_file(&path) == Some(true)
            && let Some(digest) = lower.input.tree.digest_file(&path)
        {
            lower.watch(&path);
            all.insert(below, digest);
        }
    }
    all
}

/// Returns the words of a command that may name a script.
fn named(command: &HookCommand) -> Vec<&str> {
    match command {
        HookCommand::Shell(line) => of_line(line),
        HookCommand::Argv(argv) => {
            let words: Vec<&str> = argv.iter().map(String::as_str).collect();
            match words.as_slice() {
                [shell, "-c" | "-ec" | "-lc", line, ..] if is_interpreter(shell) => of_line(line),
                words => of_words(words).into_iter().collect(),
            }
        }
    }
}

/// Looks at each command of a shell's line. Quotes are not minded: what is no file of the project counts for nothing.
fn of_line(line: &str) -> Vec<&str> {
    line.split(['\n', ';', '&', '|', '(', ')', '{', '}', '`'])
        .filter_map(|command| {
            let words = command.split_whitespace();
            let words: Vec<&str> = words.map(|word| word.trim_matches(['"', '\''])).collect();
            of_words(&words)
        })
        .collect()
}

fn of_words<'w>(words: &[&'w str]) -> Option<&'w str> {
    let mut words = words.iter().copied();
    let first = words.find(|word| !BEFORE.contains(word) && !is_assignment(word))?;
    if matches!(first, "." | "source") {
        return words.next();
    }
    if !is_interpreter(first) {
        return first.contains('/').then_some(first);
    }
    for word in words {
        match word {
            // Its program stands in the line itself, or comes by another way.
            "-c" | "-e" | "-m" | "-s" | "-" => return None,
            flag if flag.starts_with('-') || flag == "run" => {}
            script => return Some(script),
        }
    }
    None
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    name.is_some_and(|name| !name.is_empty() && plain(name))
}

fn is_interpreter(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or_default();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    INTERPRETERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_found_wherever_a_command_names_it() {
        let cases = [
            ("./up.sh now", &["./up.sh"][..]),
            ("A=1 exec tools/up", &["tools/up"]),
            ("sh -eu tools/up.sh", &["tools/up.sh"]),
            (
                "cd x && python3.12 -u \"migrate.py\" | tee log",
                &["migrate.py"],
            ),
            (
                ". ./lib.sh; ./a.sh || ./b.sh",
                &["./lib.sh", "./a.sh", "./b.sh"],
            ),
            ("python3 -m tool up.py; echo told >> told", &[]),
            ("sh -c 'echo up.sh'; make up", &[]),
            ("", &[]),
        ];
        for (line, expected) in cases {
            let command = HookCommand::Shell(line.to_owned());
            assert_eq!(named(&command), expected, "{line}");
        }
        let argv =
            |words: &[&str]| HookCommand::Argv(words.iter().map(|w| (*w).to_owned()).collect());
        assert_eq!(named(&argv(&["node", "up.js", "x"])), ["up.js"]);
        assert_eq!(named(&argv(&["sh", "-c", "bash up.sh"])), ["up.sh"]);
        assert_eq!(named(&argv(&["cp", "a", "b"])), Vec::<&str>::new());
    }
}
