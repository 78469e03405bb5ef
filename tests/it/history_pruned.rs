//! Old runs go, and nothing else: links that somebody planted among them are not followed, strangers stay.

use std::os::unix::fs::symlink;

use crate::cli_env::TestEnv;

const PROJECT: &str = "\
name: pruned
infra: { provider: process }
history: { keep: 2 }
services:
  app: { start: [sh, -c, 'exec sleep 600'] }
";

#[test]
fn links_among_old_runs_go_and_what_they_lead_to_stays() {
    let env = TestEnv::with(PROJECT);
    env.nkapp(&["deploy", "-y"]).exits(0);
    let outside = env.folder().join("mine");
    std::fs::create_dir_all(outside.join("deep")).expect("a folder");
    for name in ["one", "deep/two", "three.jsonl"] {
        std::fs::write(outside.join(name), "mine").expect("a file");
    }
    let runs = env.folder().join(".nanokit/runs");
    let ended = "{\"kind\":\"run_finished\"}\n";
    // A folder, a file in a folder, a folder in a folder, the events themselves.
    symlink(&outside, runs.join("20200101-000000-0000000a")).expect("a link");
    std::fs::write(runs.join("20200101-000000-0000000a.jsonl"), ended).expect("a run");
    let folder = runs.join("20200101-000001-0000000b");
    std::fs::create_dir(&folder).expect("a folder");
    symlink(outside.join("one"), folder.join("app.log")).expect("a link");
    symlink(outside.join("deep"), folder.join("deep")).expect("a link");
    std::fs::write(runs.join("20200101-000001-0000000b.jsonl"), ended).expect("a run");
    symlink(
        outside.join("three.jsonl"),
        runs.join("20200101-000002-0000000c.jsonl"),
    )
    .expect("a link");
    std::fs::write(runs.join("notes.txt"), "mine").expect("a file");
    env.nkapp(&["deploy", "-y", "--force"]).exits(0);
    for name in ["one", "deep/two", "three.jsonl"] {
        assert_eq!(
            std::fs::read_to_string(outside.join(name)).expect(name),
            "mine"
        );
    }
    let left = std::fs::read_dir(&runs)
        .expect("runs")
        .filter_map(Result::ok);
    let mut left: Vec<String> = left
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert!(left.contains(&"notes.txt".to_owned()));
    let old: Vec<&String> = left
        .iter()
        .filter(|name| name.starts_with("20200101"))
        .collect();
    // Events that are not to be read are nobody's to remove.
    assert_eq!(old, ["20200101-000002-0000000c.jsonl"], "{left:?}");
}

#[test]
fn two_processes_that_prune_the_same_runs_at_once_fail_nobody() {
    let env =
        TestEnv::with(&PROJECT.replace("services:", "environments: { a: {}, b: {} }\nservices:"));
    std::thread::scope(|scope| {
        for name in ["a", "b"] {
            let env = &env;
            scope.spawn(move || {
                for _ in 0..8 {
                    env.nkapp(&["deploy", "-y", "--env", name]).exits(0);
                    env.nkapp(&["run", "list", "--json"]).exits(0).json();
                }
            });
        }
    });
    // Each removes what is too much when its own run has ended, so at most its neighbour's is left over.
    let listed = env.nkapp(&["run", "list", "--json"]).exits(0).json();
    let listed = listed.as_array().map(Vec::len);
    assert!(
        listed.is_some_and(|runs| (2..=3).contains(&runs)),
        "{listed:?}"
    );
    for name in ["a", "b"] {
        env.nkapp(&["clean", "-y", "--force", "--env", name])
            .exits(0);
    }
}
