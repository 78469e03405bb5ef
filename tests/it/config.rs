//! Files on disk, from text to project or to findings: every fixture beside what is expected of it.
//!
//! The first lines of a fixture may say how it is loaded: `# env: NAME`, `# branch: NAME`, `# set: NAME=value`. Expected texts
//! are written anew with `NANOKIT_WRITE=1`, and then to be read before they are committed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use nanokit::adapters::source_tree::ProjectFiles;
use nanokit::domain::config::load::{LoadInput, Loaded, load};
use nanokit::domain::project::hook::Hook;
use nanokit::domain::project::project::Project;
use nanokit::domain::project::service::{EnvValue, MountSource, Service};
use nanokit::present::report::{ReportStyle, render};

fn fixtures(folder: &str) -> (PathBuf, Vec<PathBuf>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("a folder of fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "yml"))
        .collect();
    files.sort();
    (folder, files)
}

fn load_fixture(file: &Path) -> Loaded {
    let text = std::fs::read(file).expect("readable");
    let said = String::from_utf8_lossy(&text).into_owned();
    let says = |key: &str| {
        let lines = said.lines().take_while(|line| line.starts_with('#'));
        let values = lines.filter_map(|line| line.strip_prefix(&format!("# {key}: ")));
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    let set = says("set").into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let tree = ProjectFiles::new();
    load(&LoadInput {
        file: file.to_owned(),
        shown: file.file_name().expect("a name").into(),
        text,
        tree: &tree,
        env: says("env").pop(),
        branch: says("branch").pop(),
        process_env: set
            .chain([("HOME".to_owned(), "/home/nobody".to_owned())])
            .collect(),
        env_file: None,
        override_env: false,
    })
}

fn compare(expected: &Path, found: &str) -> Option<String> {
    if std::env::var_os("NANOKIT_WRITE").is_some() {
        std::fs::write(expected, found).expect("writable");
        return None;
    }
    let wanted = std::fs::read_to_string(expected).unwrap_or_default();
    (wanted != found).then(|| {
        format!(
            "== {}\n-- expected\n{wanted}\n-- found\n{found}",
            expected.display()
        )
    })
}

fn check(folder: &str, found: impl Fn(&Path, &Loaded) -> String) {
    let (root, files) = fixtures(folder);
    assert!(!files.is_empty());
    let wrong: Vec<String> = files
        .iter()
        .filter_map(|file| {
            compare(
                &file.with_extension("txt"),
                &found(&root, &load_fixture(file)),
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn valid_files_mean_what_is_written_beside_them() {
    check("valid", |root, loaded| {
        let findings = render(&loaded.diagnostics, &loaded.sources, ReportStyle::default());
        let project = loaded
            .project
            .as_ref()
            .unwrap_or_else(|| panic!("not valid:\n{findings}"));
        let text = format!("{}{findings}", summary(project));
        text.replace(&format!("{}/", root.display()), "./")
            .replace(&root.display().to_string(), ".")
    });
}

#[test]
fn invalid_files_get_every_finding_that_is_written_beside_them() {
    check("invalid", |root, loaded| {
        assert!(
            loaded.project.is_none(),
            "a file of this folder was accepted"
        );
        let text = render(&loaded.diagnostics, &loaded.sources, ReportStyle::default());
        text.replace(&root.display().to_string(), ".")
    });
}

#[test]
fn what_config_prints_means_the_same_when_it_is_loaded_again() {
    let (_, files) = fixtures("valid");
    for file in files {
        let first = load_fixture(&file);
        let text = first.merged_text().expect("merged");
        let project = first.project.expect("valid");
        let tree = ProjectFiles::new();
        let second = load(&LoadInput {
            file: file.clone(),
            shown: "again.yml".into(),
            text: text.clone().into_bytes(),
            tree: &tree,
            env: Some(project.env.to_string()),
            branch: None,
            process_env: BTreeMap::from([("HOME".to_owned(), "/home/nobody".to_owned())]),
            env_file: None,
            override_env: false,
        });
        let findings = render(&second.diagnostics, &second.sources, ReportStyle::default());
        let again = second
            .project
            .unwrap_or_else(|| panic!("{}:\n{text}\n{findings}", file.display()));
        assert_eq!(summary(&again), summary(&project), "{}", file.display());
    }
}

fn summary(project: &Project) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} {} component={:?} env={} provider={:?} shared={}",
        project.name,
        project.version.as_deref().unwrap_or("-"),
        project.component.as_ref().map(ToString::to_string),
        project.env,
        project.provider,
        project.shared_infra,
    );
    for network in project.networks.values() {
        let _ = writeln!(
            out,
            "network {} cidr={:?} internal={}",
            network.name, network.cidr, network.internal
        );
    }
    for volume in project.volumes.values() {
        let _ = writeln!(out, "volume {} {:?}", volume.name, volume.labels);
    }
    for one in project.services.values() {
        service(&mut out, one);
    }
    out
}

#[expect(clippy::too_many_lines, reason = "one property a line")]
fn service(out: &mut String, service: &Service) {
    let default = Service::named(&service.name);
    let _ = writeln!(out, "service {}", service.name);
    let mut line = |name: &str, value: String, usual: String| {
        if value != usual {
            let _ = writeln!(out, "  {name}: {value}");
        }
    };
    line(
        "kind",
        format!("{:?}", service.kind),
        format!("{:?}", default.kind),
    );
    line("image", format!("{:?}", service.image), "None".into());
    line("runtime", format!("{:?}", service.runtime), "None".into());
    line("command", format!("{:?}", service.command), "None".into());
    line(
        "entrypoint",
        format!("{:?}", service.entrypoint),
        "None".into(),
    );
    line(
        "port",
        format!("{:?} -> {:?}", service.port, service.expose),
        "None -> None".into(),
    );
    line("tmpfs", format!("{:?}", service.tmpfs), "{}".into());
    line(
        "instances",
        format!("{} {:?}", service.instances, service.scale),
        format!("1 {:?}", default.scale),
    );
    line(
        "update",
        format!("{:?}", service.update_strategy),
        "Recreate".into(),
    );
    line(
        "limits",
        format!("{:?} {:?}", service.cpu_millis, service.memory_bytes),
        "None None".into(),
    );
    line("restart", format!("{:?}", service.restart), "No".into());
    line(
        "healthcheck",
        format!("{:?}", service.healthcheck),
        "None".into(),
    );
    line("user", format!("{:?}", service.user), "None".into());
    line(
        "working_dir",
        format!("{:?}", service.working_dir),
        "None".into(),
    );
    line("labels", format!("{:?}", service.labels), "{}".into());
    line(
        "stop",
        format!("{:?} {:?}", service.stop_grace, service.stop_signal),
        "10s None".into(),
    );
    line("hosts", format!("{:?}", service.hosts), "[]".into());
    line(
        "networks",
        format!("{:?}", service.networks),
        "{\"default\": {}}".into(),
    );
    if let Some(build) = &service.build {
        let shown = format!(
            "{} {} {:?}",
            build.context.display(),
            build.dockerfile.display(),
            build.args
        );
        line("build", shown, String::new());
    }
    for (name, value) in &service.env {
        let shown = match value {
            EnvValue::Plain(text) => format!("{text:?}"),
            EnvValue::Secret(reference) => reference.to_string(),
        };
        line(&format!("env {name}"), shown, String::new());
    }
    for mount in &service.mounts {
        let source = match &mount.source {
            MountSource::Volume(name) => format!("volume {name}"),
            MountSource::Bind { path, content, .. } => {
                format!("{} file={}", path.display(), content.is_some())
            }
        };
        line(
            &format!("mount {}", mount.target),
            format!("{source} ro={}", mount.read_only),
            String::new(),
        );
    }
    for (name, dependency) in &service.depends_on {
        let shown = format!(
            "{:?} required={}",
            dependency.condition, dependency.required
        );
        line(&format!("depends on {name}"), shown, String::new());
    }
    let hooks = &service.hooks;
    let lists = [
        ("prestart host", &hooks.prestart_host),
        ("prestart container", &hooks.prestart_container),
        ("poststart", &hooks.poststart),
        ("prestop", &hooks.prestop),
        ("poststop", &hooks.poststop),
    ];
    for (name, list) in lists {
        for hook in list {
            line(name, shown(hook), String::new());
        }
    }
    if let Some(it) = &service.provisioning {
        let shown = format!(
            "{} image={:?} {:?} {} at {}",
            shown(&it.install),
            it.image,
            it.phase,
            it.volume,
            it.volume_target
        );
        line("install", shown, String::new());
    }
}

fn shown(hook: &Hook) -> String {
    format!(
        "{:?} {:?} {:?} retries={} {:?}",
        hook.command, hook.place, hook.timeout, hook.retries, hook.on_failure
    )
}

#[test]
fn the_example_loads_without_a_finding_in_every_environment() {
    let text = include_str!("../../nanokit.yml.example");
    let tree = ProjectFiles::new();
    for env in ["local", "production", "preview"] {
        let loaded = load(&LoadInput {
            file: "/nowhere/nanokit.yml".into(),
            shown: "nanokit.yml.example".into(),
            text: text.as_bytes().to_vec(),
            tree: &tree,
            env: Some(env.to_owned()),
            branch: None,
            process_env: BTreeMap::new(),
            env_file: None,
            override_env: false,
        });
        let findings = render(&loaded.diagnostics, &loaded.sources, ReportStyle::default());
        assert_eq!(findings, "", "{env}");
        assert_eq!(loaded.project.expect("no errors").services.len(), 6);
    }
}
