//! What an action is told: inputs that are asked for at a terminal, and the versions an upgrade moves between.

use crate::cli_env::TestEnv;
use crate::panel_terminal::{End, Panel};

const FILE: &str = "\
name: asked
infra: { provider: process }
version: '1'
actions_version: 'OWN'
services:
  app: { start: [sleep, '600'] }
actions:
  - name: greet
    hook: manual
    inputs:
      WHO: { required: true, description: whom to greet }
      TOKEN: { required: true, secret: true }
    steps:
      - { name: greet, run: 'echo \"$$WHO $$TOKEN\" >> greeted' }
      - { name: gate, run: 'test -e open' }
  - name: move
    hook: upgrade
    mode: pre
    steps:
      - run: 'echo \"$$NANOKIT_VERSION_OLD $$NANOKIT_VERSION_NEW $$NANOKIT_ACTIONS_VERSION_OLD $$NANOKIT_ACTIONS_VERSION_NEW\" >> moved'
";

const RUN: [&str; 3] = ["action", "run", "greet"];
const TOKEN: &str = "canary-of-the-terminal";

fn deployed() -> TestEnv {
    let env = TestEnv::with(&FILE.replace("OWN", "1"));
    env.nkapp(&["deploy", "-y"]).exits(0);
    env
}

/// Runs a command at a terminal: waits for each text, then types what belongs to it.
fn talk(env: &TestEnv, arguments: &[&str], turns: &[(&str, &str)]) -> End {
    let mut terminal = Panel::command(env.folder(), (100, 40), arguments);
    for (asked, typed) in turns {
        terminal.wait_for(asked);
        terminal.keys(typed);
    }
    terminal.ended()
}

fn written(end: &End) -> String {
    String::from_utf8_lossy(&end.bytes).into_owned()
}

#[test]
fn inputs_are_asked_for_at_a_terminal_and_a_secret_one_is_not_shown() {
    let env = deployed();
    // A slip is taken back without a trace.
    let typed = format!("{TOKEN}x\u{7f}\r");
    let asked = [
        ("WHO: ", "ann\r"),
        ("TOKEN (not shown): ", typed.as_str()),
        ("Type `yes` to go on", "yes\r"),
    ];
    let failed = talk(&env, &RUN, &asked);
    assert_eq!(failed.code, 1, "{}", failed.screen);
    assert!(failed.restored, "{}", failed.screen);
    let told = written(&failed);
    for text in [
        "whom to greet",
        "(sensitive)",
        "nkapp action run greet --resume",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
    assert!(!told.contains("canary"), "the secret was shown: {told}");
    assert_eq!(env.read("greeted"), format!("ann {TOKEN}\n"));

    // Whoever goes on is asked for the secret alone: the other is remembered.
    env.put("open", "");
    let resume = ["action", "run", "greet", "--resume"];
    let resumed = talk(&env, &resume, &[asked[1], asked[2]]);
    assert_eq!(resumed.code, 0, "{}", resumed.screen);
    let told = written(&resumed);
    assert!(
        !told.contains("WHO: ") && !told.contains("canary"),
        "{told}"
    );
    assert_eq!(env.read("greeted").lines().count(), 1);
}

#[test]
fn no_answer_and_a_wrong_one_refuse_and_nothing_is_run() {
    let env = deployed();
    let (who, token) = (("WHO: ", "ann\r"), ("TOKEN (not shown): ", "t0ken\r"));
    let none = "the input WHO has no value";
    for (turns, says) in [
        (vec![("WHO: ", "\r")], none),
        (vec![("WHO: ", "\u{4}")], none),
        (vec![who, (token.0, "\r")], "the input TOKEN has no value"),
        (
            vec![who, (token.0, "t0k\u{4}")],
            "the input TOKEN has no value",
        ),
        (
            vec![who, token, ("Type `yes` to go on", "y\r")],
            "nothing was changed",
        ),
    ] {
        let end = talk(&env, &RUN, &turns);
        let told = written(&end);
        assert_eq!(end.code, 5, "{turns:?}: {told}");
        assert!(told.contains(says) && end.restored, "{turns:?}: {told}");
        assert_eq!(env.read("greeted"), "", "{turns:?}");
    }
    // It never began, so there is nothing to go on with.
    let resume = ["action", "run", "greet", "--resume", "-y"];
    env.nkapp(&resume)
        .exits(5)
        .says("no run of `greet` is unfinished");
}

#[test]
fn a_move_of_the_actions_version_alone_is_an_upgrade_with_old_and_new_in_hand() {
    let env = deployed();
    env.nkapp(&["deploy", "-y"]).exits(0);
    assert_eq!(env.read("moved"), "", "neither version has moved");
    env.put("nanokit.yml", &FILE.replace("OWN", "2"));
    let plan = env.nkapp(&["plan", "--detailed-exitcode"]).exits(2);
    plan.says("upgrade actions_version 1 -> 2");
    env.nkapp(&["deploy", "-y"]).exits(0);
    assert_eq!(env.read("moved"), "1 1 1 2\n");
    env.nkapp(&["plan", "--detailed-exitcode"]).exits(0);
    // Both at once are one upgrade.
    let both = FILE
        .replace("OWN", "3")
        .replace("version: '1'\n", "version: '2'\n");
    env.put("nanokit.yml", &both);
    env.nkapp(&["deploy", "-y"])
        .exits(0)
        .says("upgrade version 1 -> 2, actions_version 2 -> 3");
    assert_eq!(env.read("moved"), "1 1 1 2\n1 2 2 3\n");
}
