//! Saved plans that must not be carried out: damaged, edited, stale, of another state, or carried out already.

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;

const JOB: &str = "\
name: small
infra: { provider: process }
services: { one: { kind: job, start: [sh, -c, 'echo ran'] } }
";

#[test]
fn f19_a_plan_that_was_damaged_or_edited_is_refused_with_its_path() {
    let env = TestEnv::with(JOB);
    env.nkapp(&["plan", "--output", "good.plan"]).exits(0);
    let good = env.read("good.plan");
    let edited = |old: &str, new: &str| {
        assert!(good.contains(old), "{old}");
        good.replacen(old, new, 1)
    };
    let cases = [
        ("empty", String::new(), "empty"),
        ("half", good[..good.len() / 2].to_owned(), "cut off"),
        ("zeros", "\0".repeat(500), "not JSON"),
        ("deep", "[".repeat(100_000), "not JSON"),
        (
            "newer",
            edited("\"format\": 1", "\"format\": 9"),
            "format version 9",
        ),
        (
            "edited",
            edited("\"reason\": \"", "\"reason\": \"nearly "),
            "edited by hand",
        ),
        (
            "twice a key",
            edited("\"saved_at\"", "\"plan\": 1, \"saved_at\""),
            "twice",
        ),
        (
            "another scope",
            edited("\"small\"", "\"other\""),
            "edited by hand",
        ),
    ];
    for (what, text, reason) in &cases {
        env.put("bad.plan", text);
        let ran = env.nkapp(&["deploy", "-y", "--plan", "bad.plan"]);
        assert!(
            [4, 5].contains(&ran.code),
            "{what}: {} {}",
            ran.code,
            ran.stderr
        );
        ran.says("bad.plan").says(reason);
        assert!(!env.folder().join("state.json").exists(), "{what}");
    }
    let own = "f19_a_plan_that_was_damaged_or_edited_is_refused_with_its_path";
    tried(own, cases.len());
}

#[test]
fn f19_a_plan_is_carried_out_once_and_never_for_another_lineage() {
    let env = TestEnv::with(JOB);
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    env.put("nanokit.yml", &JOB.replace("ran", "ran again"));
    env.nkapp(&["plan", "--output", "next.plan"]).exits(0);
    env.nkapp(&["deploy", "-y", "--plan", "next.plan"]).exits(0);
    let after = env.read("state.json");
    let twice = env.nkapp(&["deploy", "-y", "--plan", "next.plan"]);
    assert_eq!(twice.code, 5, "{}", twice.stderr);
    assert_eq!(env.read("state.json"), after);
    // The same project in another folder has another lineage.
    let other = TestEnv::with(&JOB.replace("ran", "ran again"));
    other.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let before = other.read("state.json");
    other.put("next.plan", &env.read("next.plan"));
    other
        .nkapp(&["deploy", "-y", "--plan", "next.plan"])
        .exits(5)
        .says("lineage");
    assert_eq!(other.read("state.json"), before);
}
