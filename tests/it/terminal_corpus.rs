//! Everything a terminal can be told by bytes, sent through every way that foreign text takes to a screen: it leaves
//! the terminal as it was.

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;
use crate::panel_terminal::Panel;
use crate::ran::Ran;
use crate::terminal_model::{Model, corpus, is_text, printed, text_lines};

use nanokit::engine::cutter::clean_lines;
use nanokit::engine::redact::Redactor;
use nanokit::present::clean;

/// Requires that everything a command printed is text, and leaves a terminal untouched.
#[track_caller]
pub(crate) fn only_text(ran: &Ran) {
    for (stream, text) in [("output", &ran.stdout), ("errors", &ran.stderr)] {
        let what = format!("the {stream} of `{}`", ran.what);
        is_text(&what, text);
        Model::shown(text).is_untouched(&what);
    }
}

/// What a JSON document says, a terminal cannot be told by printing it.
#[track_caller]
pub(crate) fn only_ascii_controls_escaped(ran: &Ran) {
    only_text(ran);
    for line in ran.stdout.lines().filter(|line| line.starts_with('{')) {
        assert!(!line.contains('\u{1b}'), "{}: {line}", ran.what);
    }
}

#[test]
fn f26_each_sequence_cut_anywhere_leaves_text_and_a_cursor_behind_it() {
    let mut cases = 0;
    for (name, bytes) in corpus() {
        let line = [b"before ", &bytes[..], b" after"].concat();
        let redactor = Redactor::default();
        for at in 0..=line.len() {
            let (one, two) = line.split_at(at);
            let mut shown = clean_lines(&[one, two], &redactor);
            for text in &mut shown {
                *text = clean::line(text);
            }
            shown.push(clean::bytes(one));
            shown.push(clean::bytes(two));
            shown.push(clean::lines(&String::from_utf8_lossy(&line)));
            let mut model = Model::new(120, 60);
            for (row, text) in shown.iter().enumerate() {
                is_text(&name, text);
                model.take(text.as_bytes());
                assert_eq!(usize::from(model.cursor().0), row + 1, "{name} at {at}");
                model.take(b"\r\n");
            }
            model.is_untouched(&name);
            assert!(
                shown[0].starts_with("before ") || name.contains("return"),
                "{name}: {shown:?}"
            );
            cases += 1;
        }
    }
    let own = "f26_each_sequence_cut_anywhere_leaves_text_and_a_cursor_behind_it";
    tried(own, cases);
}

const PROJECT: &str = "\
name: small
infra: { provider: process }
services:
  app:
    start: [sh, -c, 'cat HERE; cat HERE >&2; exec sleep 600']
    healthcheck: { test: 'cat HERE; cat HERE >&2', interval: 200ms, retries: 50 }
    hooks:
      prestart: { host: 'cat HERE; cat HERE >&2' }
      poststart: { run: 'cat HERE; cat HERE >&2; exit 3', on_failure: warn }
";

/// A place whose programs print the corpus wherever they can.
fn noisy() -> TestEnv {
    let env = TestEnv::new();
    let corpus = env.folder().join("corpus");
    std::fs::write(&corpus, printed()).expect("written");
    env.put(
        "nanokit.yml",
        &PROJECT.replace("HERE", &corpus.display().to_string()),
    );
    env
}

#[test]
fn f26_what_programs_print_leaves_the_terminal_of_the_command_line_as_it_was() {
    let env = noisy();
    only_text(&env.nkapp(&["deploy", "-y", "-v"]).exits(0));
    let logs = env.nkapp(&["logs", "app"]).exits(0);
    assert!(logs.stdout.lines().count() > 200, "{}", logs.stdout);
    only_text(&logs);
    let runs = env.nkapp(&["run", "list", "--json"]).exits(0).json();
    let id = runs.to_string();
    let id = id
        .split("\"id\":\"")
        .nth(1)
        .or_else(|| id.split("\"run_id\":\"").nth(1));
    let id = id
        .and_then(|rest| rest.split('"').next())
        .expect("a run")
        .to_owned();
    let mut wrong = Vec::new();
    for (arguments, code) in [
        (&["status"][..], 0),
        (&["run", "list"], 0),
        (&["run", "show", &id], 0),
        (&["run", "replay", &id], 0),
        (
            &[
                "exec",
                "app",
                "--",
                "cat",
                "../corpus",
                "corpus",
                "/dev/null",
            ],
            1,
        ),
        (&["drift"], 0),
        (&["plan"], 0),
        (&["doctor"], 0),
    ] {
        let ran = env.nkapp(arguments);
        if ran.code != code {
            wrong.push(format!(
                "`{}` exits with {}: {}",
                ran.what, ran.code, ran.stderr
            ));
        }
        only_text(&ran);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for arguments in [
        &["logs", "app", "--json"][..],
        &["status", "--json"],
        &["run", "show", &id, "--json"],
        &["deploy", "-y", "--force", "--json"],
    ] {
        only_ascii_controls_escaped(&env.nkapp(arguments).exits(0));
    }
    // Files that people read with `cat`.
    let mut files = 0;
    let mut waiting = vec![env.folder().join(".nanokit/runs")];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let inner = std::fs::read_dir(&path).expect("readable").flatten();
            waiting.extend(inner.map(|entry| entry.path()));
            continue;
        }
        let text = std::fs::read(&path).expect("readable");
        is_text(&path.display().to_string(), &String::from_utf8_lossy(&text));
        files += 1;
    }
    assert!(files >= 3, "{files}");
}

/// Ends a panel or a command in a terminal and requires that nothing but our own grammar was ever written.
pub(crate) fn untouched(what: &str, panel: Panel) -> String {
    let end = panel.ended();
    assert!(end.restored, "{what}: {}", end.screen);
    let mut model = Model::new(200, 1000);
    model.take(&end.bytes);
    let changes: Vec<String> = model
        .changes()
        .into_iter()
        // Lines of a run go up and down below it.
        .filter(|change| change != "what stood above")
        .collect();
    assert!(changes.is_empty(), "{what} changes a terminal: {changes:?}");
    String::from_utf8_lossy(&end.bytes).into_owned()
}

#[test]
fn f26_live_lines_and_the_panel_show_what_programs_print_and_nothing_else() {
    let env = noisy();
    let live = Panel::command(env.folder(), (100, 30), &["deploy", "-y", "-v"]);
    let said = untouched("a deploy with live lines", live);
    assert!(said.contains("csi-clear<>"), "the corpus was printed");
    let live = Panel::command(env.folder(), (100, 30), &["logs", "app"]);
    let said = untouched("the logs", live);
    is_text("the logs in a terminal", &said);
    for size in [(160, 50), (80, 24)] {
        let mut panel = Panel::within(env.folder(), size, &[]).leaving();
        panel.wait_for("app");
        for area in ["1", "2", "3", "4", "5", "6", "7"] {
            panel.keys(area);
            panel.look();
        }
        panel.keys("1");
        panel.look();
        panel.keys("l");
        panel.wait_for("open-charset<");
        for key in ["g", "G", "w", "w", "t"] {
            panel.keys(key);
            panel.look();
        }
        panel.keys("B");
        panel.wait_for("the bundle written");
        panel.terminate();
        untouched("the panel", panel);
    }
    // What it writes for a report is read with `cat`, too.
    let bundles = env.folder().join(".nanokit/bundles");
    let written = std::fs::read_dir(bundles).expect("bundles").flatten();
    let mut bytes = 0;
    for bundle in written {
        let text = std::fs::read_to_string(bundle.path()).expect("a bundle");
        is_text(&bundle.path().display().to_string(), &text);
        Model::shown(&text).is_untouched("a bundle");
        bytes += text.len();
    }
    assert!(bytes > 2_000, "{bytes} bytes of bundles");
}

#[test]
fn f26_keys_values_and_names_in_the_file_are_shown_as_text() {
    let quoted = |text: &str| {
        // As YAML writes it: with escapes in double quotes.
        text.chars()
            .map(|c| match c {
                '"' | '\\' => format!("\\{c}"),
                c if c.is_control() || !c.is_ascii() => {
                    format!("\\U{:08x}", u32::from(c))
                }
                c => c.to_string(),
            })
            .collect::<String>()
    };
    let env = TestEnv::new();
    for batch in text_lines().chunks(12) {
        let mut file = String::new();
        for text in batch {
            let value = quoted(text);
            file.push_str(&format!(
                "\"{value}\": 1\n\"{value}-name\": {{ image: \"{value}\", \"{value}\": 2 }}\n"
            ));
        }
        file.push_str("services:\n");
        for (n, text) in batch.iter().enumerate() {
            let value = quoted(text);
            file.push_str(&format!(
                "  \"{value}\": {{ image: \"{value}\", \"{value}\": 2 }}\n  ok{n}: {{ image: \"x:${{NOWHERE:?{value}}}\", \
                 depends_on: [\"{value}\"], env_file: \"{value}\", volumes: [\"{value}:/x\"], secrets: [\"{value}\"] }}\n"
            ));
        }
        env.put("nanokit.yml", &file);
        let ran = env.nkapp(&["validate"]);
        assert_eq!(ran.code, 3, "{} {}", ran.stdout, ran.stderr);
        only_text(&ran);
        only_ascii_controls_escaped(&env.nkapp(&["validate", "--json"]));
        // The same bytes raw, where YAML may refuse them.
        let raw: String = batch
            .iter()
            .map(|text| format!("  {text}:\n    image: {text}\n# {text}\n"))
            .collect();
        env.put("nanokit.yml", &format!("name: small\nservices:\n{raw}"));
        only_text(&env.nkapp(&["validate"]));
    }
    // What is allowed is shown as well, by what prints the file again.
    let value = quoted(&text_lines().concat());
    env.put(
        "nanokit.yml",
        &format!(
            "name: small\ninfra: {{ provider: process }}\nservices:\n  app:\n    kind: job\n    start: [echo, \"{value}\"]\n    \
             environment: {{ A: \"{value}\" }}\n    labels: {{ b: \"{value}\" }}\n"
        ),
    );
    for arguments in [
        &["validate"][..],
        &["plan"],
        &["plan", "--json"],
        &["config", "--json"],
        &["graph"],
        &["deploy", "-y", "-v"],
        &["deploy", "-y", "--json"],
        &["state", "show"],
        &["state", "show", "--json"],
        &["status", "--json"],
    ] {
        only_text(&env.nkapp(arguments));
    }
    for arguments in [
        &["config"][..],
        &["state", "pull"],
        &["plan"],
        &["config", "--json"],
    ] {
        let shown = untouched(
            "a result",
            Panel::command(env.folder(), (120, 40), arguments),
        );
        is_text(&format!("{arguments:?} at a terminal"), &shown);
    }
}

#[test]
fn f26_names_of_files_branches_and_arguments_are_shown_as_text() {
    let env = TestEnv::with("name: small\ngit: { environments: { '*': prod } }\nservices: {}\n");
    let mut cases = 0;
    for (n, text) in text_lines().into_iter().enumerate() {
        let text = text.replace('\0', "");
        let name = text.replace('/', "_");
        let folder = env.folder().join(&name);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("nanokit.yml"), "name: small\nbad: 1\n").expect("written");
        env.put(".git/HEAD", &format!("ref: refs/heads/{text}\n"));
        let file = format!("{name}/nanokit.yml");
        let gone = format!("{name}.yml");
        let flag = format!("--{text}");
        let ways = [
            &["-f", file.as_str(), "validate"][..],
            &["-f", &gone, "validate"],
            &["import", &name],
            &["deploy", "-y", "--plan", &name],
            &["plan"],
            &["-e", &text, "plan"],
            &[&text],
            &["--", &text],
            &["logs", &text],
            &["run", "show", &text],
            &["infra", "unlock", &text, "-y"],
            &["graph", "--format", &text],
            &["action", "run", &text],
            &[&flag],
        ];
        // Each entry goes two of the ways, each way gets many entries.
        for way in [n % ways.len(), (n / ways.len() + n + 5) % ways.len()] {
            only_text(&env.nkapp(ways[way]));
            cases += 1;
        }
    }
    // A terminal takes colours of the tool that reads arguments, and nothing of the arguments.
    for text in text_lines().into_iter().step_by(17) {
        let text = text.replace('\0', "");
        for arguments in [&[text.as_str()][..], &["graph", "--format", &text]] {
            let shown = untouched(
                "a mistake",
                Panel::command(env.folder(), (120, 40), arguments),
            );
            is_text(&format!("{arguments:?} at a terminal"), &shown);
            cases += 1;
        }
    }
    let own = "f26_names_of_files_branches_and_arguments_are_shown_as_text";
    tried(own, cases);
}
