//! Project files that are made to hurt: bombs, endless and odd files, duplicate keys, cycles, great graphs. The real
//! binary refuses or carries them in bounded time and memory.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;
use crate::ran::Ran;

/// Data memory a look at a project file may take, in KiB, and its stack.
const MEMORY: u32 = 200 * 1024;
const STACK: u32 = 1024;
/// Far more than it takes; a machine under load must not fail this.
const LONGEST: Duration = Duration::from_secs(20);

/// Runs the binary in little memory, and requires that it ends soon.
fn bounded(env: &TestEnv, arguments: &str) -> Ran {
    let binary = env!("CARGO_BIN_EXE_nkapp");
    let script = format!("ulimit -d {MEMORY} && ulimit -s {STACK} && exec {binary} {arguments}");
    let plain = env.command(&[]);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]).current_dir(env.folder());
    command.env_clear();
    command.envs(plain.get_envs().filter_map(|(k, v)| Some((k, v?))));
    command.stdin(std::process::Stdio::null());
    let begun = Instant::now();
    let output = command.output().expect("sh runs");
    let took = begun.elapsed();
    assert!(took < LONGEST, "`{arguments}` took {took:?}");
    Ran::of(format!("nkapp {arguments}"), &output)
}

#[test]
fn f33_bombs_are_refused_in_little_memory() {
    let mut laughs = String::from("name: x\nx-0: &a0 [l, l, l, l, l, l, l, l, l]\n");
    for n in 1..=9 {
        let list = vec![format!("*a{}", n - 1); 9].join(", ");
        writeln!(laughs, "x-{n}: &a{n} [{list}]").expect("written");
    }
    let scalar = format!(
        "name: x\nx-a: &a {}\nx-b: [{}]\n",
        "y".repeat(100_000),
        vec!["*a"; 50_000].join(", ")
    );
    let merges = (0..30).fold(String::from("name: x\nx-0: &m0 {a: 1}\n"), |mut text, n| {
        let next = n + 1;
        writeln!(
            text,
            "x-{next}: &m{next} {{<<: [*m{n}, *m{n}], k{n}: [*m{n}, *m{n}]}}"
        )
        .expect("written");
        text
    });
    let cases = [
        ("lists of aliases", laughs, "NK0103"),
        ("one text a thousand times", scalar, "NK0103"),
        ("merges of merges", merges, "NK0103"),
        ("nested lists", "[".repeat(100_000), "NK0103"),
        ("nested mappings", "{a: ".repeat(100_000), "NK0103"),
        (
            "nested blocks",
            (0..1_000).map(|n| " ".repeat(n) + "a:\n").collect(),
            "NK0103",
        ),
        (
            "an alias of itself",
            "name: x\nx-a: &a [*a]\n".into(),
            "NK0105",
        ),
        (
            "ten thousand documents",
            "name: x\n---\n".repeat(10_000),
            "NK0105",
        ),
        (
            "a text of 100 MB",
            format!("name: {}\n", "x".repeat(100_000_000)),
            "8388608 bytes",
        ),
        ("zeros", "\0".repeat(4_000_000), "NK01"),
    ];
    for (what, text, told) in &cases {
        let env = TestEnv::with(text);
        let ran = bounded(&env, "config");
        assert_eq!(ran.code, 3, "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{what}: {}", ran.stderr);
        assert!(
            ran.stderr.len() < 4_000,
            "{what}: {} bytes",
            ran.stderr.len()
        );
    }
    tried("f33_bombs_are_refused_in_little_memory", cases.len());
}

#[test]
fn f33_what_is_no_file_is_named_and_never_waited_for() {
    let env = TestEnv::new();
    let at = |name: &str| env.folder().join(name);
    let fifo = std::process::Command::new("mkfifo")
        .arg(at("fifo.yml"))
        .status();
    assert!(fifo.expect("mkfifo runs").success());
    std::os::unix::fs::symlink("/dev/zero", at("device.yml")).expect("linked");
    std::fs::create_dir(at("folder.yml")).expect("folder");
    let mut cases = 0;
    for name in ["fifo.yml", "device.yml", "folder.yml"] {
        for verb in ["config", "plan", "deploy -y", "status"] {
            let ran = bounded(&env, &format!("{verb} --file {name}"));
            assert_eq!(ran.code, 3, "{verb} {name}: {}", ran.stderr);
            ran.says(name);
            cases += 1;
        }
        let text = "name: x\ninfra: { provider: process }\nservices: { a: { kind: job, start: ['true'], env_file: NAME } }\n";
        env.put("nanokit.yml", &text.replace("NAME", name));
        let ran = bounded(&env, "config");
        assert_eq!(ran.code, 3, "{name}: {}", ran.stderr);
        ran.says(name);
        cases += 1;
    }
    tried("f33_what_is_no_file_is_named_and_never_waited_for", cases);
}

#[test]
fn f32_a_key_given_twice_is_an_error_with_both_places() {
    let service = "name: x\ninfra: { provider: process }\nservices:\n  a:\n    start: ['true']\n";
    let cases = [
        (
            "services",
            "name: x\nservices:\n  a: { image: a }\n  b: { image: b }\n  a: { image: c }\n"
                .to_owned(),
            "`a`",
            [3, 5],
        ),
        (
            "top level",
            "name: x\nservices: {}\nname: y\n".to_owned(),
            "`name`",
            [1, 3],
        ),
        (
            "env",
            format!("{service}    env:\n      A: 1\n      A: 2\n"),
            "`A`",
            [7, 8],
        ),
        (
            "hooks",
            format!("{service}    hooks:\n      prestart: a\n      prestart: b\n"),
            "`prestart`",
            [7, 8],
        ),
        (
            "quoted",
            format!("{service}    env:\n      A: 1\n      'A': 2\n"),
            "`A`",
            [7, 8],
        ),
        (
            "escaped",
            format!("{service}    env:\n      A: 1\n      \"\\x41\": 2\n"),
            "`A`",
            [7, 8],
        ),
        (
            "merges",
            format!("x-a: &a {{ kind: job }}\n{service}    <<: *a\n    <<: *a\n"),
            "`<<`",
            [7, 8],
        ),
        (
            "volumes",
            format!("{service}volumes:\n  d: {{}}\n  d: {{}}\n"),
            "`d`",
            [7, 8],
        ),
    ];
    for (what, text, key, lines) in &cases {
        let env = TestEnv::with(text);
        let ran = bounded(&env, "config");
        assert_eq!(ran.code, 3, "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains("NK0102"), "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains(key), "{what}: {}", ran.stderr);
        for line in lines {
            let shown = ran
                .stderr
                .lines()
                .any(|l| l.trim_start().split([' ', '|', '│']).next() == Some(&line.to_string()));
            assert!(shown, "{what}: line {line} is not shown\n{}", ran.stderr);
        }
    }
    let own = "f32_a_key_given_twice_is_an_error_with_both_places";
    tried(own, cases.len());
}

/// A project of services that each need those named.
fn graph(edges: &[Vec<usize>]) -> String {
    let mut text = String::from("name: x\ninfra: { provider: process }\nservices:\n");
    for (n, needs) in edges.iter().enumerate() {
        let needs: Vec<String> = needs.iter().map(|n| format!("s{n}")).collect();
        writeln!(
            text,
            "  s{n}: {{ start: ['true'], depends_on: [{}] }}",
            needs.join(", ")
        )
        .expect("written");
    }
    text
}

#[test]
fn f31_a_cycle_is_told_by_its_shortest_way_round() {
    let ring = |n: usize| (0..n).map(|i| vec![(i + 1) % n]).collect::<Vec<_>>();
    let mut chord = ring(1_000);
    chord[500].push(499);
    let mut inner = ring(5);
    inner[2].push(1);
    let cases = [
        (ring(1), vec!["s0"], 1),
        (ring(2), vec!["s0", "s1"], 2),
        (ring(1_000), vec!["s0", "s999"], 1_000),
        (chord, vec!["s499", "s500"], 2),
        (inner, vec!["s1", "s2"], 2),
    ];
    let mut tries = 0;
    for (edges, named, length) in cases {
        let env = TestEnv::with(&graph(&edges));
        for verb in ["config", "deploy -y"] {
            let ran = bounded(&env, verb);
            assert_eq!(ran.code, 3, "{length}: {}", ran.stderr);
            for name in &named {
                assert!(ran.stderr.contains(name), "{length}: {}", ran.stderr);
            }
            if let [first, second] = named[..]
                && length == 2
            {
                let either = [
                    format!("{first} -> {second} -> {first}"),
                    format!("{second} -> {first} -> {second}"),
                ];
                let told = either.iter().any(|way| ran.stderr.contains(way));
                assert!(told, "{}", ran.stderr);
            }
            assert!(ran.stderr.len() < 20_000, "{} bytes", ran.stderr.len());
            tries += 1;
        }
        assert!(!env.folder().join("state.json").exists());
    }
    tried("f31_a_cycle_is_told_by_its_shortest_way_round", tries);
}

#[test]
fn f30_a_thousand_services_of_four_shapes_are_planned() {
    let mut seed = 7_usize;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let chain: Vec<_> = (0..1_000_usize)
        .map(|n| n.checked_sub(1).into_iter().collect())
        .collect();
    let star: Vec<_> = (0..1_000)
        .map(|n| if n == 0 { vec![] } else { vec![0] })
        .collect();
    let layers: Vec<Vec<usize>> = (0..1_000)
        .map(|n| {
            (0..10)
                .filter(|_| n >= 10)
                .map(|i| n / 10 * 10 - 10 + i)
                .collect()
        })
        .collect();
    let mixed: Vec<Vec<usize>> = (0..1_000)
        .map(|n| {
            let needs: std::collections::BTreeSet<usize> =
                (0..3).filter(|_| n > 0).map(|_| random(n.max(1))).collect();
            needs.into_iter().collect()
        })
        .collect();
    let mut shapes = 0;
    for (what, edges, deep) in [
        ("chain", chain, 1_000),
        ("star", star, 2),
        ("layers", layers, 100),
        ("random", mixed, 5),
    ] {
        let env = TestEnv::with(&graph(&edges));
        let ran = bounded(&env, "plan --json").exits(0);
        let plan = ran.json();
        assert_eq!(plan["summary"]["create"], 1_001, "{what} and a network");
        let layers = plan["layers"].as_array().expect("layers").len();
        assert!(layers >= deep, "{what}: {layers} layers");
        shapes += 1;
    }
    let own = "f30_a_thousand_services_of_four_shapes_are_planned";
    tried(own, shapes);
}
