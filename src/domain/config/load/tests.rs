//! The whole way from text to project, on a tree in memory.

use super::*;
use crate::domain::config::digest::of_parts;
use crate::domain::project::canonical::config_hash;
use crate::domain::project::procedure::{Primitive, Wait};

/// Files in memory; folders are what their paths imply.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Memory {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| (Path::new("/p").join(path), text.as_bytes().to_vec()));
        Self {
            files: files.collect(),
        }
    }
}

impl SourceTree for Memory {
    fn read(&self, path: &Path, _limit: u64) -> Result<Option<Vec<u8>>, String> {
        Ok(self.files.get(path).cloned())
    }
    fn names(&self, folder: &Path) -> Vec<String> {
        let below = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(folder).ok());
        let names: BTreeSet<String> = below
            .filter_map(|path| Some(path.iter().next()?.to_string_lossy().into_owned()))
            .collect();
        names.into_iter().collect()
    }
    fn is_file(&self, path: &Path) -> Option<bool> {
        if self.files.contains_key(path) {
            return Some(true);
        }
        self.files
            .keys()
            .any(|file| file.starts_with(path))
            .then_some(false)
    }
    fn digest_file(&self, path: &Path) -> Option<Digest> {
        let bytes = self.files.get(path)?;
        Some(of_parts([String::from_utf8_lossy(bytes).as_ref()]))
    }
    fn digest_tree(&self, folder: &Path, ignore: &[String]) -> Result<Digest, String> {
        let files = self.files.iter().filter(|(path, _)| {
            path.strip_prefix(folder)
                .is_ok_and(|rest| !ignore.iter().any(|line| rest == Path::new(line)))
        });
        let parts: Vec<String> = files
            .flat_map(|(path, bytes)| {
                [
                    path.display().to_string(),
                    String::from_utf8_lossy(bytes).into_owned(),
                ]
            })
            .collect();
        Ok(of_parts(parts.iter().map(String::as_str)))
    }
}

pub(crate) fn input<'a>(tree: &'a Memory, text: &str) -> LoadInput<'a> {
    LoadInput {
        file: "/p/nanokit.yml".into(),
        shown: "nanokit.yml".into(),
        text: text.as_bytes().to_vec(),
        tree,
        env: None,
        branch: None,
        process_env: BTreeMap::new(),
        env_file: None,
        override_env: false,
    }
}

/// Findings as `CODE line:column message`.
pub(crate) fn told(loaded: &Loaded) -> Vec<String> {
    let line = |d: &Diagnostic| {
        let place = d
            .primary
            .as_ref()
            .and_then(|label| loaded.sources.place(label.span));
        let place = place.map_or_else(|| "-".to_owned(), |p| format!("{}:{}", p.line, p.column));
        format!("{} {place} {}", d.code, d.message)
    };
    loaded.diagnostics.iter().map(line).collect()
}

#[test]
fn an_ordinary_file_becomes_a_project() {
    let tree = Memory::with(&[("web/package.json", "{}")]);
    let text = "name: shop\nservices:\n  db:\n    image: postgres:16\n    expose: 5432\n  web:\n    path: ./web\n    port: 8080\n    depends_on: [db]\n    env: { V: 1.10 }\n";
    let loaded = load(&input(&tree, text));
    assert_eq!(told(&loaded), Vec::<String>::new());
    let project = loaded.project.expect("no errors");
    assert_eq!(project.services.len(), 2);
    let web = &project.services["web"];
    assert_eq!(web.image.as_deref(), Some("node:22-slim"));
    assert_eq!(
        web.env["V"],
        crate::domain::project::service::EnvValue::Plain("1.10".into())
    );
    assert!(project.networks.contains_key("default"));
}

/// Loads a text on an empty tree.
fn findings(text: &str) -> Vec<String> {
    let tree = Memory::default();
    told(&load(&input(&tree, text)))
}

#[test]
fn what_could_exhaust_a_machine_is_refused_by_counting() {
    let mut laughs = String::from("name: x\nx-0: &a0 [l, l, l, l, l, l, l, l, l]\n");
    for n in 1..=9 {
        let item = format!("*a{}", n - 1);
        let list = vec![item; 9].join(", ");
        laughs.push_str(&format!("x-{n}: &a{n} [{list}]\n"));
    }
    let long = "y".repeat(1 << 20);
    let texts = format!(
        "name: x\nx-a: &a {long}\nx-b: [{}]\n",
        vec!["*a"; 100].join(", ")
    );
    let anchors = format!(
        "name: x\nx-a: {}1\n",
        (0..63).map(|n| format!("&a{n} [")).collect::<String>()
    );
    let cases = [
        ("aliases of lists", laughs, "NK0103"),
        ("aliases of texts", texts, "NK0103"),
        ("flow nesting", "[".repeat(20_000), "NK0103"),
        (
            "block nesting",
            (0..70).map(|n| format!("{}a:\n", " ".repeat(n))).collect(),
            "NK0103",
        ),
        ("anchors in anchors", anchors, "NK0101"),
        (
            "many values",
            format!("name: x\nx-a:\n{}", "- 1\n".repeat(400_000)),
            "NK0103",
        ),
        ("a file too large", "#".repeat(FILE_LIMIT + 1), "NK0103"),
        (
            "one text too large",
            format!("name: {}", "x".repeat(100_000_000)),
            "NK0103",
        ),
    ];
    for (what, text, code) in cases {
        let told = findings(&text);
        assert!(
            told.iter().any(|line| line.starts_with(code)),
            "{what}: {told:?}"
        );
        assert!(
            told.iter().all(|line| line.len() < 500),
            "{what}: a finding is as long as the bomb"
        );
    }
}

#[test]
fn faults_without_end_are_counted_and_cut() {
    let services = |item: &dyn Fn(usize) -> String| -> String {
        let lines: String = (0..1_000)
            .map(|n| format!("  s{n}: {{ image: x, {} }}\n", item(n)))
            .collect();
        format!("name: x\nservices:\n{lines}")
    };
    let cases = [
        services(&|n| format!("depends_on: [gone{n}]")),
        services(&|n| format!("unknown{n}: 1")),
        services(&|n| format!("volumes: [\"vol{n}:/x\"]")),
        services(&|n| format!("env: {{ A: \"${{UNSET{n}}}\" }}")),
        services(&|_| "port: 80".to_owned()),
        services(&|_| "image: y".to_owned()),
        format!(
            "name: x\nservices:\n  a:\n    image: x\n    env: [{}]\n",
            vec!["A=1"; 50_000].join(", ")
        ),
        format!(
            "name: x\nservices:\n  a:\n    image: x\n    start: {}\n",
            "${".repeat(100_000)
        ),
        format!(
            "name: x\nservices:\n  a:\n    image: x\n    start: {}\n",
            "${X}".repeat(100_000)
        ),
    ];
    for text in cases {
        let told = findings(&text);
        assert!((1..=101).contains(&told.len()), "{}", told.len());
    }
    let ring: String = (0..1_000)
        .map(|n| {
            format!(
                "  s{n}: {{ image: x, depends_on: [s{}] }}\n",
                (n + 1) % 1_000
            )
        })
        .collect();
    let told = findings(&format!("name: x\nservices:\n{ring}"));
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("s0 -> s1 -> ") && told[0].contains("(981 more)"),
        "{}",
        told[0]
    );
}

#[test]
fn growing_variables_stop_at_the_budget() {
    let mut env = format!("A0={}\n", "x".repeat(1000));
    for n in 1..40 {
        env.push_str(&format!("A{n}=${{A{0}}}${{A{0}}}\n", n - 1));
    }
    let tree = Memory::with(&[(".env", &env)]);
    let loaded = load(&input(&tree, "name: x\nservices: { a: { image: x } }\n"));
    let told = told(&loaded);
    assert!(
        told.iter().any(|line| line.starts_with("NK0303")),
        "{told:?}"
    );
    assert!(loaded.variables.values().map(String::len).sum::<usize>() <= expand::BUDGET);
}

#[test]
fn a_large_project_loads() {
    let lines: String = (0..3_000)
        .map(|n| {
            format!(
                "  s{n}: {{ image: \"busybox:stable\", depends_on: [{}], env: {{ A: \"1\" }} }}\n",
                if n == 0 {
                    String::new()
                } else {
                    format!("s{}", n / 2)
                }
            )
        })
        .collect();
    let tree = Memory::default();
    let loaded = load(&input(
        &tree,
        &format!(
            "name: big\nservices:\n{}",
            lines.replace(
                "s0: { image: \"busybox:stable\", depends_on: [s0]",
                "s0: { image: x"
            )
        ),
    ));
    assert_eq!(told(&loaded), Vec::<String>::new());
    assert_eq!(loaded.project.map(|p| p.services.len()), Some(3_000));
}

#[test]
fn files_of_variables_have_their_order_and_the_process_wins() {
    let tree = Memory::with(&[
        (".env", "A=1\nB=1\nC=1\nD=1\nE=1\nF=1\n"),
        (".env.local", "C=3\nD=3\nE=3\nF=3\n"),
        (".env.prod", "B=2\nC=2\nD=2\nE=2\nF=2\n"),
        (".env.prod.local", "D=4\nE=4\nF=4\n"),
        ("more.env", "E=5\nF=5\nG=${F}\n"),
    ]);
    let text = "name: x\nservices: { a: { image: x, env: [A, B, C, D, E, F, G] } }\n";
    for (override_env, expected) in [(false, "1234566"), (true, "1234555")] {
        let loaded = load(&LoadInput {
            env: Some("prod".into()),
            env_file: Some("/p/more.env".into()),
            process_env: BTreeMap::from([("F".to_owned(), "6".to_owned())]),
            override_env,
            ..input(&tree, text)
        });
        let project = loaded
            .project
            .as_ref()
            .unwrap_or_else(|| panic!("{:?}", told(&loaded)));
        let values: String = project.services["a"]
            .env
            .values()
            .map(|value| match value {
                crate::domain::project::service::EnvValue::Plain(text) => text.clone(),
                crate::domain::project::service::EnvValue::Secret(_) => "?".into(),
            })
            .collect();
        assert_eq!(values, expected);
        assert!(loaded.watched.contains(Path::new("/p/.env.prod.local")));
    }
}

#[test]
fn the_environment_is_chosen_by_flag_then_branch_then_local() {
    let text = "name: x\nservices: { a: { image: x } }\nenvironments: { prod: {}, preview: {} }\ngit: { environments: { main: prod, f/*: preview } }\n";
    let tree = Memory::default();
    let check =
        |env: Option<&str>, branch: Option<&str>, expected: (&str, &str), warnings: usize| {
            let loaded = load(&LoadInput {
                env: env.map(str::to_owned),
                branch: branch.map(str::to_owned),
                ..input(&tree, text)
            });
            let project = loaded.project.expect("no errors");
            let rule = format!("{:?}", project.env_rule);
            assert_eq!(
                (project.env.as_str(), rule.split(' ').next().unwrap_or("")),
                expected
            );
            assert_eq!(loaded.diagnostics.len(), warnings);
        };
    check(Some("prod"), Some("f/x"), ("prod", "Flag"), 0);
    check(Some("pord"), None, ("pord", "Flag"), 1);
    check(None, Some("f/x/y"), ("preview", "Git"), 0);
    check(None, Some("main"), ("prod", "Git"), 0);
    check(None, Some("other"), ("local", "Default"), 0);
    check(None, None, ("local", "Default"), 0);
    let bad = load(&LoadInput {
        env: Some("../x".into()),
        ..input(&tree, text)
    });
    assert!(bad.project.is_none());
}

#[test]
fn contents_of_mounted_files_manifests_and_contexts_reach_the_digests() {
    let text = "name: x\nvolumes: { v: }\nservices:\n  a:\n    path: ./a\n    volumes: [v:/v, ./conf:/conf]\n    provisioning: { install: make }\n  b: { build: ./b }\n";
    let load_with = |conf: &str, lock: &str, page: &str, other: &str| {
        let files = [
            ("a/package.json", "{}"),
            ("a/package-lock.json", lock),
            ("a/other.js", other),
            ("conf", conf),
            ("b/Dockerfile", "FROM x"),
            ("b/page", page),
        ];
        let tree = Memory::with(&files);
        let loaded = load(&input(&tree, text));
        let project = loaded
            .project
            .as_ref()
            .unwrap_or_else(|| panic!("{:?}", told(&loaded)));
        let a = &project.services["a"];
        let content = a.mounts.iter().find_map(|m| match &m.source {
            crate::domain::project::service::MountSource::Bind { content, .. } => content.clone(),
            crate::domain::project::service::MountSource::Volume(_) => None,
        });
        let manifest = a.provisioning.as_ref().map(|p| p.manifest.clone());
        let build = project.services["b"]
            .build
            .as_ref()
            .map(|b| b.digest.clone());
        (content, manifest, build)
    };
    let base = load_with("1", "1", "1", "1");
    assert_eq!(base, load_with("1", "1", "1", "2"));
    let (conf, lock, page) = (
        load_with("2", "1", "1", "1"),
        load_with("1", "2", "1", "1"),
        load_with("1", "1", "2", "1"),
    );
    assert!(conf.0 != base.0 && conf.1 == base.1 && conf.2 == base.2);
    assert!(lock.0 == base.0 && lock.1 != base.1 && lock.2 == base.2);
    assert!(page.0 == base.0 && page.1 == base.1 && page.2 != base.2);
}

#[test]
fn values_know_where_they_come_from() {
    use crate::domain::project::project::Origin;
    let tree = Memory::default();
    let text = "name: x\nruntimes: { r: { image: i, env: { A: 1, B: 1 } } }\nservices: { a: { runtime: r, env: { B: 2 } } }\nenvironments: { local: { services: { a: { port: 80 } } } }\n";
    let loaded = load(&input(&tree, text));
    let project = loaded.project.expect("no errors");
    let place = |path: &str| match project.origins.get(path) {
        Some(Origin::File(span)) => loaded
            .sources
            .place(*span)
            .map(|p| format!("file {}:{}", p.line, p.column)),
        Some(Origin::Runtime(span)) => loaded
            .sources
            .place(*span)
            .map(|p| format!("runtime {}:{}", p.line, p.column)),
        Some(Origin::Default) => Some("default".to_owned()),
        None => None,
    };
    let cases = [
        ("services.a.image", Some("runtime 2:25")),
        ("services.a.env.A", Some("runtime 2:38")),
        ("services.a.env.B", Some("file 3:40")),
        ("services.a.port", Some("file 4:49")),
        ("services.a.instances", Some("default")),
        ("services.a.cpu", None),
        ("networks.default", Some("default")),
    ];
    for (path, expected) in cases {
        assert_eq!(place(path).as_deref(), expected, "{path}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_loading_panic(text in "(name: x\n|services:\n|  a:\n|    [a-z_]{1,6}: |image|hooks|volumes|[-{}\\[\\]&*!|>'\"%@`#?:,$ \n\t]|\u{e9}|[a-z0-9]){0,60}") {
        let tree = Memory::default();
        let loaded = load(&input(&tree, &text));
        for finding in &loaded.diagnostics {
            if let Some(label) = &finding.primary {
                let file = loaded.sources.get(label.span.file).expect("a known file");
                proptest::prop_assert!(label.span.end as usize <= file.text.len());
                proptest::prop_assert!(file.text.is_char_boundary(label.span.start as usize));
            }
        }
    }
    #[test]
    fn no_bytes_make_loading_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
        let tree = Memory::default();
        let _ = load(&LoadInput { text: bytes, ..input(&tree, "") });
    }
}

/// A file with one service on a volume, and these actions.
fn with_actions(actions: &str) -> String {
    format!(
        "name: shop\nvolumes: {{ data: }}\nservices:\n  api:\n    image: a\n    expose: 80\n    instances: 2\n    volumes: [\"data:/data\"]\nactions:\n{actions}"
    )
}

#[test]
fn every_primitive_is_read_and_steps_have_names_of_their_own() {
    let text = with_actions(
        "  - name: mend\n    hook: manual\n    inputs: { TICKET: { required: true }, TOKEN: { secret: true } }\n    steps:\n      - stop: api\n      - stop: { services: [api], keep: true }\n      - start: [api]\n      - restart: api\n      - scale: { service: api, to: 1 }\n      - exec: { service: api, commands: [[a, b], [c]] }\n      - run: [make, \"it so\"]\n      - job: { service: api, run: \"echo $X\" }\n      - wait: { time: 5s }\n      - wait: { service: api, http: /up }\n      - backup: { volume: data, to: backups/data.tar }\n      - restore: { volume: data, from: backups/data.tar }\n      - { name: check, retries: 2, backoff: 3s, timeout: 9s, assert: { run: \"true\", contains: ok } }\n",
    );
    let tree = Memory::default();
    let loaded = load(&input(&tree, &text));
    assert_eq!(told(&loaded), Vec::<String>::new());
    let project = loaded.project.unwrap();
    let mend = project.procedure("mend").unwrap();
    let steps: Vec<String> = mend
        .steps
        .iter()
        .map(|step| format!("{}: {}", step.label, step.primitive.detail()))
        .collect();
    assert_eq!(
        steps,
        [
            "stop.0: api",
            "stop.1: api",
            "start: api",
            "restart: api",
            "scale: api to 1",
            "exec: api: a b; c",
            "run: make it so",
            "job: api: echo $X",
            "wait.0: 5 s",
            "wait.1: api answers http :80/up",
            "backup: data to data.tar",
            "restore: data from data.tar",
            "check: true",
        ]
    );
    let check = mend.step("check").unwrap();
    assert_eq!((check.retries, check.timeout.as_secs()), (2, 9));
    assert!(mend.inputs[0].required && mend.inputs[1].secret);
}

#[test]
fn what_is_wrong_with_an_action_is_told_at_its_place() {
    // The action, the part of it that is pointed at, and what is said.
    let cases = [
        (
            "{ name: a, hook: manual, mode: pre, steps: [run: x] }",
            "pre,",
            "NK0203",
            "`actions.a` runs when it is asked for and takes no mode",
        ),
        (
            "{ name: a, hook: setup, steps: [run: x] }",
            "{ name",
            "NK0206",
            "`actions.a` has no mode",
        ),
        (
            "{ name: a, hook: manual, steps: [stop: apu] }",
            "apu",
            "NK0428",
            "`actions.a.steps.0.stop` names `apu`, which is not a service",
        ),
        (
            "{ name: a, hook: manual, steps: [{ run: x, stop: api }] }",
            "x, stop",
            "NK0203",
            "`actions.a.steps.0` does two things",
        ),
        (
            "{ name: a, hook: manual, steps: [{ name: x }] }",
            "{ name: x",
            "NK0206",
            "`actions.a.steps.0` does nothing",
        ),
        (
            "{ name: a, hook: manual, steps: [backup: { volume: date, to: x }] }",
            "date",
            "NK0428",
            "`actions.a.steps.0.backup` names `date`, which is not a volume",
        ),
        (
            "{ name: a, hook: manual, steps: [backup: { volume: data, to: ../x }] }",
            "../x",
            "NK0410",
            "`actions.a.steps.0.backup.to` is outside of the project",
        ),
        (
            "{ name: a, hook: manual, steps: [scale: { service: api, to: 3 }] }",
            "3 }",
            "NK0204",
            "`actions.a.steps.0.scale` asks for 3 instances of `api`",
        ),
        (
            "{ name: a, hook: manual, steps: [run: ./gone.sh] }",
            "./gone",
            "NK0410",
            "`actions.a.steps.0.run` runs `./gone.sh`, which is not there",
        ),
        (
            "{ name: a, hook: manual, steps: [{ name: x, run: x }, { name: x, run: y }] }",
            "x, run: y",
            "NK0427",
            "two steps are called `x`",
        ),
        (
            "{ name: put-back, hook: manual, steps: [run: x] }",
            "put-back",
            "NK0205",
            "an action cannot be called `put-back`",
        ),
        (
            "{ name: a, hook: manual, cleanup: true, steps: [run: x] }",
            "true",
            "NK0203",
            "`actions.a.cleanup` is for `mode: post`",
        ),
        (
            "{ name: a, hook: manual, inputs: { T: { secret: true, default: x } }, steps: [run: x] }",
            "x } }",
            "NK0203",
            "`actions.a.inputs.T` is secret and has a default",
        ),
        (
            "{ name: a, hook: manual, steps: [stop: api, { exec: { service: api, run: x } }] }",
            "{ exec",
            "NK0203",
            "`actions.a.steps.1` needs `api`, of which nothing runs by then",
        ),
        (
            "{ name: a, hook: manual, steps: [{ scale: { service: api, to: 0 } }, { wait: { healthy: api } }] }",
            "{ wait",
            "NK0203",
            "`actions.a.steps.1` needs `api`, of which nothing runs by then",
        ),
    ];
    for (action, pointed, code, message) in cases {
        let found = findings(&with_actions(&format!("  - {action}\n")));
        let column = 5 + action.find(pointed).unwrap();
        assert_eq!(found, [format!("{code} 10:{column} {message}")], "{action}");
    }
}

#[test]
fn a_wait_for_health_waits_for_what_a_scale_left_running() {
    let text = with_actions(
        "  - name: a\n    hook: manual\n    steps:\n      - wait: { healthy: api }\n      - scale: { service: api, to: 1 }\n      - wait: { healthy: api }\n      - start: api\n      - wait: { healthy: api }\n      - scale: { service: api, to: 0 }\n      - scale: { service: api, to: 2 }\n      - wait: { healthy: api }\n",
    );
    let tree = Memory::default();
    let loaded = load(&input(&tree, &text));
    assert_eq!(told(&loaded), Vec::<String>::new());
    let project = loaded.project.unwrap();
    let steps = &project.procedure("a").unwrap().steps;
    let waited: Vec<Option<u32>> = steps
        .iter()
        .filter_map(|step| match &step.primitive {
            Primitive::Wait(Wait::Health { instances, .. }) => Some(*instances),
            _ => None,
        })
        .collect();
    assert_eq!(waited, [None, Some(1), None, None]);
}

#[test]
fn what_a_script_holds_is_part_of_what_is_approved() {
    let text = with_actions(
        "  - name: a\n    hook: manual\n    steps:\n      - run: ./up.sh now\n      - run: [python3, tools/up.py]\n      - assert: { run: sh -eu ./check.sh }\n      - run: echo told >> told\n",
    );
    let files = [
        ("up.sh", "one"),
        ("tools/up.py", "two"),
        ("check.sh", "three"),
        ("told", "a script writes here"),
    ];
    let hash = |files: &[(&str, &str)]| {
        let tree = Memory::with(files);
        let loaded = load(&input(&tree, &text));
        assert_eq!(told(&loaded), Vec::<String>::new());
        for name in ["up.sh", "tools/up.py", "check.sh"] {
            assert!(loaded.watched.contains(&Path::new("/p").join(name)));
        }
        config_hash(&loaded.project.unwrap())
    };
    let before = hash(&files);
    for (index, other) in [(0, true), (1, true), (2, true), (3, false)] {
        let mut files = files;
        files[index].1 = "another";
        assert_eq!(hash(&files) != before, other, "{}", files[index].0);
    }
}
