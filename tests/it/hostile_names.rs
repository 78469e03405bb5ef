//! Names, values and paths of a project file that try to be more than that: what a shell would run, what leaves the
//! project's folder, what would hand over the machine.

use crate::cli_env::TestEnv;
use crate::fault_cases::tried;

const HOSTILE: [&str; 12] = [
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
    "a|touch pwned",
    "a&touch pwned",
    "a\\ntouch pwned",
    "-rf",
    "--privileged",
    "../up",
    "a/b",
    "a'b",
    "a\\u001b[31m",
];

#[test]
fn s16_names_that_a_shell_or_a_path_would_take_apart_are_refused_with_their_place() {
    let mut cases = 0;
    for name in HOSTILE {
        let places = [
            ("project", format!("name: \"{name}\"\nservices: {{}}\n")),
            (
                "service",
                format!("name: x\nservices: {{ \"{name}\": {{ image: a }} }}\n"),
            ),
            (
                "volume",
                format!("name: x\nservices: {{}}\nvolumes: {{ \"{name}\": {{}} }}\n"),
            ),
            (
                "network",
                format!("name: x\nservices: {{}}\nnetworks: {{ \"{name}\": {{}} }}\n"),
            ),
        ];
        for (what, text) in places {
            let env = TestEnv::with(&text);
            let ran = env.nkapp(&["config"]);
            assert_eq!(ran.code, 3, "{what} {name}: {}{}", ran.stdout, ran.stderr);
            assert!(
                ran.stderr.contains("nanokit.yml:"),
                "{what} {name}: {}",
                ran.stderr
            );
            assert!(!ran.stderr.contains('\u{1b}'), "{what} {name}");
            assert!(!env.folder().join("pwned").exists());
            cases += 1;
        }
        let env = TestEnv::with("name: x\nservices: {}\n");
        if !name.contains('\\') {
            let ran = env.nkapp(&["config", &format!("--env={name}")]);
            assert_eq!(ran.code, 3, "{name}: {}", ran.stderr);
            cases += 1;
        }
    }
    let own = "s16_names_that_a_shell_or_a_path_would_take_apart_are_refused_with_their_place";
    tried(own, cases);
}

#[test]
fn s16_values_reach_commands_through_the_environment_alone() {
    let value = "$(touch pwned) `touch pwned`; touch pwned\\n-rf 'x\\\" ${HOME:+x}";
    let text = format!(
        "name: x\ninfra: {{ provider: process }}\nservices:\n  a:\n    kind: job\n    env: {{ NASTY: \"{}\" }}\n    \
         start: [sh, -c, 'printf %s \"$NASTY\" > got']\n    path: .\n    hooks: {{ prestart: 'printf %s \"$NASTY\" > hooked' }}\n",
        value.replace("${", "$${")
    );
    let env = TestEnv::with(&text);
    env.nkapp(&["deploy", "-y", "-q"]).exits(0);
    let wanted = value.replace("\\n", "\n").replace("\\\"", "\"");
    assert_eq!(env.read("got"), wanted);
    assert!(!env.folder().join("pwned").exists());
}

/// A service with one more line, and what stands beside it.
fn mounting(line: &str) -> TestEnv {
    let env = TestEnv::new();
    std::os::unix::fs::symlink("/etc", env.folder().join("config")).expect("linked");
    std::os::unix::fs::symlink("/run/docker.sock", env.folder().join("engine")).expect("linked");
    std::os::unix::fs::symlink("data", env.folder().join("near")).expect("linked");
    std::os::unix::fs::symlink(".", env.folder().join("far")).expect("linked");
    env.put("containerd.sock", "");
    std::fs::create_dir(env.folder().join("data")).expect("folder");
    let beside = env.folder().parent().expect("parent").join("beside");
    std::fs::create_dir(&beside).expect("folder");
    std::fs::write(beside.join("recipe"), "FROM scratch\n").expect("a Dockerfile");
    std::os::unix::fs::symlink("../../beside/recipe", env.folder().join("data/recipe"))
        .expect("linked");
    env.put("data/Dockerfile", "FROM scratch\n");
    env.put(
        "nanokit.yml",
        &format!("name: x\ninfra: {{ provider: process }}\nservices:\n  a:\n    image: a\n    start: ['true']\n    {line}\n"),
    );
    env
}

#[test]
fn s17_what_hands_over_the_machine_is_marked_in_the_plan() {
    let marked = [
        "/:/host",
        "/etc:/x",
        "/etc/shadow:/x:ro",
        "/etc/../etc/ssh:/x",
        "/proc:/x",
        "/sys:/x:ro",
        "/dev:/x",
        "/root:/x",
        "/var:/x",
        "/var/lib:/x",
        "/run:/x",
        "/usr/bin:/x",
        "/var/run/docker.sock:/var/run/docker.sock",
        "/run/docker.sock:/x:ro",
        "./containerd.sock:/x",
        // Symbolic links: to a folder, a part of it, a socket.
        "./config:/x",
        "./config/ssh:/x:ro",
        "./engine:/x",
        "./far/config:/x",
    ];
    let left_alone = [
        "./data:/x",
        "./near:/x",
        "/etc/hosts:/x:ro",
        "./config/hosts:/x:ro",
        "/srv:/x",
        "/opt:/x",
    ];
    let mut cases = 0;
    for (mounts, expected) in [(&marked[..], true), (&left_alone[..], false)] {
        for mount in mounts {
            let env = mounting(&format!("volumes: ['{mount}']"));
            let ran = env.nkapp(&["plan", "--json"]).exits(0);
            let warnings = ran.json()["warnings"].to_string();
            assert_eq!(
                warnings.contains("whole machine"),
                expected,
                "{mount}: {warnings}"
            );
            assert_eq!(
                warnings.contains("service.a"),
                expected,
                "{mount}: {warnings}"
            );
            cases += 1;
        }
    }
    let ran = mounting("volumes: ['./config:/x']")
        .nkapp(&["plan"])
        .exits(0);
    ran.says("/config, which leads to /etc, of the host at /x");
    // What would hand it over in Compose is no key of this format.
    for line in [
        "privileged: true",
        "cap_add: [SYS_ADMIN]",
        "pid: host",
        "network_mode: host",
        "devices: ['/dev/sda:/dev/sda']",
        "security_opt: [seccomp=unconfined]",
    ] {
        let env = mounting(line);
        env.nkapp(&["plan"]).exits(3).says("nanokit.yml:7");
        cases += 1;
    }
    let own = "s17_what_hands_over_the_machine_is_marked_in_the_plan";
    tried(own, cases);
}

#[test]
fn s18_a_path_that_leads_out_of_the_project_is_told_with_its_place() {
    let leaving = [
        "volumes: ['../beside:/x']",
        "volumes: ['./../beside:/x']",
        "volumes: ['data/../../beside:/x']",
        "volumes: ['./config:/x']",
        "volumes: ['./config/ssl:/x:ro']",
        "path: ../beside",
        "path: ./config",
        "build: { context: ./data, dockerfile: recipe }",
    ];
    for line in leaving {
        let env = mounting(&line.replace("'data/", "'./data/"));
        let ran = env.nkapp(&["config"]).exits(0);
        assert!(ran.stderr.contains("NK0424"), "{line}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("nanokit.yml:7"),
            "{line}: {}",
            ran.stderr
        );
    }
    let staying = [
        "volumes: ['./data:/x']",
        "path: .",
        "path: ./data/../data",
        "build: ./data",
    ];
    for line in staying {
        let ran = mounting(line).nkapp(&["config"]).exits(0);
        assert!(!ran.stderr.contains("NK0424"), "{line}: {}", ran.stderr);
    }
    let own = "s18_a_path_that_leads_out_of_the_project_is_told_with_its_place";
    tried(own, leaving.len() + staying.len());
}

#[test]
fn s17_an_approved_plan_is_not_carried_out_with_another_folder() {
    let env = mounting("volumes: ['./data:/x']");
    env.nkapp(&["plan", "--output", "my.plan"]).exits(0);
    let data = env.folder().join("data");
    std::fs::remove_dir_all(&data).expect("it was there");
    std::os::unix::fs::symlink("/etc", &data).expect("a link");
    env.nkapp(&["deploy", "--plan", "my.plan", "-y"])
        .exits(5)
        .says("config_hash was");
}
