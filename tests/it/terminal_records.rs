//! Files of ours that somebody wrote sequences into: runs, the lock, the state, plans. What is shown of them is text.

use std::path::Path;

use serde_json::Value;

use crate::cli_env::{SMALL, TestEnv};
use crate::fault_cases::tried;
use crate::panel_terminal::Panel;
use crate::terminal_corpus::{only_text, untouched};

/// The worst of the corpus in few bytes: title, clipboard, erasing, modes, a region, writing direction, back and over.
const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}]52;c;b3duZWQ=\u{1b}\\\u{1b}[2J\u{1b}[3;5r\u{1b}[?1049h\u{1b}[?1003h\u{9b}8m\u{9d}2;x\u{9c}\u{202e}\u{2066}\u{8}\u{8}\rover\u{1b}P$qm\u{1b}\\\u{1b}c\u{e0041}";

/// Words that a reader compares; a record that has another is none of ours.
const WORDS: [&str; 9] = [
    "format", "kind", "at", "run_id", "outcome", "status", "stream", "verdict", "stage",
];

/// Puts the sequences into every text of a document; with `words`, also where a reader expects one of its own.
fn doctored(value: &mut Value, words: bool) {
    match value {
        Value::String(text) => text.push_str(EVIL),
        Value::Array(items) => items.iter_mut().for_each(|item| doctored(item, words)),
        Value::Object(entries) => {
            for (key, entry) in entries {
                if words || !WORDS.contains(&key.as_str()) {
                    doctored(entry, words);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn doctor(path: &Path, words: bool) {
    let text = std::fs::read_to_string(path).expect("readable");
    let lines = path.extension().is_some_and(|ending| ending == "jsonl");
    let parts: Vec<&str> = if lines {
        text.lines().collect()
    } else {
        vec![&text]
    };
    let changed: Vec<String> = parts
        .into_iter()
        .map(|part| {
            let mut value: Value = serde_json::from_str(part).expect("JSON");
            doctored(&mut value, words);
            value.to_string()
        })
        .collect();
    std::fs::write(path, changed.join("\n") + "\n").expect("written");
}

fn runs(env: &TestEnv) -> Vec<std::path::PathBuf> {
    let inner = std::fs::read_dir(env.folder().join(".nanokit/runs")).expect("runs");
    inner
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
        .collect()
}

#[test]
fn f26_doctored_records_are_shown_as_text() {
    let mut cases = 0;
    for words in [false, true] {
        let env = TestEnv::with(SMALL);
        env.nkapp(&["deploy", "-y", "-q"]).exits(0);
        env.nkapp(&["plan", "--output", "saved.plan"]).exits(0);
        let good = env.read("state.json");
        let runs = runs(&env);
        let id = runs[0]
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        for run in &runs {
            doctor(run, words);
        }
        doctor(&env.folder().join("saved.plan"), words);
        doctor(&env.folder().join(".nanokit/plans/latest.json"), words);
        // Held by somebody who cannot be looked at.
        let held = include_str!("../fixtures/formats/lock-v1.json");
        let lock = env.folder().join(".nanokit/lock/state.json");
        std::fs::write(&lock, held).expect("written");
        doctor(&lock, words);
        for arguments in [
            &["run", "list"][..],
            &["run", "list", "--json"],
            &["run", "show", &id],
            &["run", "show", &id, "--json"],
            &["run", "replay", &id],
            &["infra", "lock"],
            &["infra", "lock", "--json"],
            &["infra", "unlock", "-y"],
            &["deploy", "-y", "--plan", "saved.plan"],
            &["deploy", "-y"],
            &["status"],
        ] {
            only_text(&env.nkapp(arguments));
        }
        let mut panel = Panel::within(env.folder(), (120, 40), &[]).leaving();
        panel.wait_for("top");
        for key in ["5", "6", "\r", "j", "\r", "2", "3"] {
            panel.keys(key);
            panel.look();
        }
        panel.terminate();
        untouched("the panel", panel);
        // By force, with a reason of that kind: the audit line is shown later.
        let id = format!(
            "00ff00ff00ff00ff00ff00ff00ff00ff{}",
            if words { EVIL } else { "" }
        );
        let reason = format!("because {EVIL}");
        let force = ["infra", "unlock", &id, "-y", "--force", "--reason", &reason];
        only_text(&env.nkapp(&force));
        only_text(&env.nkapp(&["infra", "lock"]));
        only_text(&env.nkapp(&["infra", "lock", "--json"]));
        doctor(&env.folder().join("state.json"), words);
        for arguments in [
            &["state", "show"][..],
            &["state", "show", "--json"],
            &["state", "pull"],
            &["plan"],
            &["drift"],
            &["status"],
        ] {
            only_text(&env.nkapp(arguments));
        }
        env.put("state.json", &good);
        let _ = std::fs::remove_file(&lock);
        cases += 1;
    }
    tried("f26_doctored_records_are_shown_as_text", cases);
}
