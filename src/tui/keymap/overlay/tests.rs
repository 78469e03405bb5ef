//! What the user's keys do, and every way they can be wrong.

use std::path::Path;

use super::*;
use crate::present::report::{ReportStyle, render};
use crate::tui::keymap::trie::Found;

fn read(text: &str) -> (Option<Keymap>, String) {
    let (mut file, root) = File::read(Path::new("keymap.yml"), text);
    let keymap = root.and_then(|root| lay_over(&mut file, &root));
    let (findings, sources) = file.finish();
    (keymap, render(&findings, &sources, ReportStyle::default()))
}

fn good(text: &str) -> Keymap {
    let (keymap, report) = read(text);
    keymap.unwrap_or_else(|| panic!("{report}"))
}

fn press(keymap: &Keymap, context: Context, keys: &str) -> Found {
    keymap.find(context, &Chord::sequence(keys).expect("keys"))
}

#[test]
fn a_wish_replaces_the_keys_and_takes_them_from_who_had_them() {
    let keymap = good("services: {deploy: [C-d], logs: []}\nall: {quit: [Q, \"C-q\"]}\n");
    assert_eq!(
        press(&keymap, Context::Services, "C-d"),
        Found::Action(Action::Deploy)
    );
    assert_eq!(press(&keymap, Context::Services, "D"), Found::None);
    assert_eq!(press(&keymap, Context::Services, "l"), Found::None);
    assert_eq!(
        press(&keymap, Context::Plan, "D"),
        Found::Action(Action::Deploy)
    );
    assert_eq!(
        press(&keymap, Context::Plan, "C-d"),
        Found::Action(Action::PageDown)
    );
    assert_eq!(
        press(&keymap, Context::Services, "C-f"),
        Found::Action(Action::PageDown)
    );
    for area in [Context::Services, Context::History] {
        assert_eq!(keymap.keys(area, Action::Quit), ["Q", "C-q"]);
        assert_eq!(press(&keymap, area, "q"), Found::None);
    }
}

#[test]
fn one_context_wins_over_all_wherever_it_stands() {
    for text in [
        "plan: {refresh: [C-r]}\nall: {refresh: [F5]}\n",
        "all: {refresh: [F5]}\nplan: {refresh: [C-r]}\n",
    ] {
        let keymap = good(text);
        assert_eq!(keymap.keys(Context::Plan, Action::Refresh), ["C-r"]);
        assert_eq!(keymap.keys(Context::Run, Action::Refresh), ["F5"]);
    }
}

#[test]
fn a_longer_sequence_gives_way_to_a_shorter_wish() {
    let keymap = good(
        "services: {top: [Home], refresh: [g], to-dependency: [], to-dependent: [], to-critical: [], to-blocker: []}\n",
    );
    assert_eq!(
        press(&keymap, Context::Services, "g"),
        Found::Action(Action::Refresh)
    );
    let keymap = good("services: {clean: [\"D D\"]}\n");
    assert_eq!(
        press(&keymap, Context::Services, "D D"),
        Found::Action(Action::Clean)
    );
}

#[test]
fn a_key_before_its_action_is_turned_round() {
    let (keymap, report) = read("services:\n  q: deploy\n  Ctrl+x: [logs]\n");
    assert!(keymap.is_none());
    assert!(report.contains("did you mean `deploy: [q]`?"), "{report}");
    assert!(report.contains("did you mean `logs: [C-x]`?"), "{report}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one file with all its faults")]
fn all_faults_are_told_at_once() {
    let text = "\
servces: {deploy: [d]}
services:
  deplyo: [d]
  unlock: [u]
  deploy: [Ctrl+d, <S-x>, hyper-q, [x]]
  logs: 'x'
  refresh: ['x', 'x y']
all:
  quit: []
  confirm: [Enter]
  help: {x: 1}
dialog:
  confirm: [D]
palette: {choose: [x]}
plan: later
";
    let (keymap, report) = read(text);
    assert!(keymap.is_none());
    insta::assert_snapshot!(report, @r##"
        error[NK0602]: `servces` is no context
         --> keymap.yml:1:1
          |
        1 | servces: {deploy: [d]}
          | ^^^^^^^ keys are pressed nowhere of that name
          |
          = help: the contexts are: all, services, plan, run, drift, locks, history, logs, help, dialog, typed, filter, palette, deeds
          = help: did you mean `services`?

        error[NK0603]: `deplyo` is no action
         --> keymap.yml:3:3
          |
        3 |   deplyo: [d]
          |   ^^^^^^ no such action
          |
          = help: did you mean `deploy`?

        error[NK0604]: `unlock` does nothing in `services`
         --> keymap.yml:4:3
          |
        4 |   unlock: [u]
          |   ^^^^^^ not here
          |
          = help: it works in: locks

        error[NK0605]: `Ctrl+d` is no key
         --> keymap.yml:5:12
          |
        5 |   deploy: [Ctrl+d, <S-x>, hyper-q, [x]]
          |            ^^^^^^ no such key
          |
          = help: did you mean `C-d`?

        error[NK0605]: `<S-x>` is no key
         --> keymap.yml:5:20
          |
        5 |   deploy: [Ctrl+d, <S-x>, hyper-q, [x]]
          |                    ^^^^^ no such key
          |
          = help: did you mean `X`?

        error[NK0605]: `hyper-q` is no key
         --> keymap.yml:5:27
          |
        5 |   deploy: [Ctrl+d, <S-x>, hyper-q, [x]]
          |                           ^^^^^^^ no such key
          |
          = help: a key is a character, `C-x`, `A-x`, `Enter`, `Esc`, `Tab`, `Space`, `F5`, …; keys after one another are separated by a space

        error[NK0605]: a key is a text
         --> keymap.yml:5:36
          |
        5 |   deploy: [Ctrl+d, <S-x>, hyper-q, [x]]
          |                                    ^^^ this is a list
          |
          = help: quote what YAML reads in its own way: `"~"`, `"["`, `"#"`

        error[NK0606]: `x` is given to `logs` and to `refresh` in `services`
         --> keymap.yml:7:13
          |
        6 |   logs: 'x'
          |         --- given here
        7 |   refresh: ['x', 'x y']
          |             ^^^ given again

        error[NK0606]: `x y` is given to `logs` and to `refresh` in `services`
         --> keymap.yml:7:18
          |
        6 |   logs: 'x'
          |         --- given here
        7 |   refresh: ['x', 'x y']
          |                  ^^^^^ given again

        error[NK0610]: `quit` has no key in services, plan, run, drift, locks, history
         --> keymap.yml:9:3
          |
        9 |   quit: []
          |   ^^^^ the panel could not be left
          |
          = help: give it one: `quit: [KEY]`

        error[NK0611]: Enter never confirms
          --> keymap.yml:10:13
           |
        10 |   confirm: [Enter]
           |             ^^^^^ pressed too easily
           |
           = help: take a key that nobody presses by habit, such as `y`

        error[NK0601]: keys are a list
          --> keymap.yml:11:9
           |
        11 |   help: {x: 1}
           |         ^^^^^^ this is a mapping
           |
           = help: write `[C-d]`, or `[]` to take the keys away

        error[NK0612]: `D` would ask for `deploy` and confirm it
          --> keymap.yml:13:13
           |
        13 |   confirm: [D]
           |             ^ one key held would do both
           |
           = help: the key that confirms is never one that asks

        error[NK0609]: `x` cannot be `choose` in `palette`: it types there
          --> keymap.yml:14:20
           |
        14 | palette: {choose: [x]}
           |                    ^ types a character
           |
           = help: take a key with `C-` or `A-`, or one with a name

        error[NK0601]: a context is a mapping of actions to keys
          --> keymap.yml:15:7
           |
        15 | plan: later
           |       ^^^^^ this is a text
        "##);
}

#[test]
fn a_wish_that_makes_an_asking_key_of_the_confirming_one_is_refused() {
    let (keymap, report) = read("plan: {deploy: [\"g y\"]}\n");
    assert!(keymap.is_none(), "{report}");
    insta::assert_snapshot!(report, @r##"
        error[NK0612]: `y` would ask for `deploy` and confirm it
         --> keymap.yml:1:17
          |
        1 | plan: {deploy: ["g y"]}
          |                 ^^^^^ one key held would do both
          |
          = help: the key that confirms is never one that asks
        "##);
}

#[test]
fn who_loses_the_last_key_is_named() {
    let (keymap, report) = read("services: {refresh: [D]}\n");
    assert!(keymap.is_some());
    insta::assert_snapshot!(report, @r##"
        warning[NK0608]: `deploy` has no key left in `services`
         --> keymap.yml:1:22
          |
        1 | services: {refresh: [D]}
          |                      ^ `D` is now `refresh`
          |
          = help: give it another: `deploy: [KEY]`, or `deploy: []` if that is meant
        "##);
}

#[test]
fn an_empty_file_changes_nothing() {
    let (keymap, report) = read("# nothing yet\n");
    assert!(keymap.is_none() && report.is_empty(), "{report}");
    let (keymap, report) = read("services:\n");
    assert!(keymap.is_some(), "{report}");
}
