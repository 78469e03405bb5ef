//! Objects that look like ours and are not: shown where they carry our labels, and never touched by any command.

use super::project::{Project, docker};
use crate::fault_cases::tried;

const FILE: &str = "
name: NAME
infra: { provider: docker }
services:
  app:
    image: nk-test/busybox:1
    start: [sleep, '100000']
    stop_grace_period: 1s
    instances: 2
    volumes: ['data:/data']
volumes: { data: {} }
";

/// What was planted: a word for the engine's client, and the name.
struct Planted {
    kind: &'static str,
    name: String,
    id: String,
    /// Commands have to show it.
    shown: bool,
}

fn id_of(kind: &str, name: &str) -> String {
    let format = match kind {
        "volume" => "{{.CreatedAt}} {{.Labels}}",
        "network" => "{{.Id}}",
        _ => "{{.Id}} {{.State.StartedAt}} {{.State.Running}} {{.Name}}",
    };
    docker(&[kind, "inspect", "-f", format, name]).stdout
}

impl Planted {
    fn new(kind: &'static str, name: String, labels: &[String], shown: bool) -> Self {
        let mut arguments: Vec<&str> = match kind {
            "container" => vec!["run", "-d", "--name", &name],
            "network" => vec!["network", "create"],
            _ => vec!["volume", "create"],
        };
        for label in labels {
            arguments.extend(["--label", label]);
        }
        match kind {
            "container" => arguments.extend(["nk-test/busybox:1", "sleep", "100000"]),
            _ => arguments.push(&name),
        }
        docker(&arguments).exits(0);
        let id = id_of(kind, &name);
        Self {
            kind,
            name,
            id,
            shown,
        }
    }
    #[track_caller]
    fn is_as_it_was(&self, after: &str) {
        assert_eq!(
            id_of(self.kind, &self.name),
            self.id,
            "{after}: {} {} was touched",
            self.kind,
            self.name
        );
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        match self.kind {
            "container" => docker(&["rm", "-fv", &self.name]),
            kind => docker(&[kind, "rm", &self.name]),
        };
    }
}

fn plant(project: &Project, lineage: &str) -> Vec<Planted> {
    let name = &project.name;
    let of = |pairs: &[(&str, &str)]| -> Vec<String> {
        let mut labels = vec![format!("nk-project={name}"), "nk-env=local".to_owned()];
        labels.extend(pairs.iter().map(|(key, value)| format!("{key}={value}")));
        labels
    };
    let place = [("nk-service", "app"), ("nk-instance", "7")];
    let with = |extra: (&'static str, &'static str)| {
        let mut all = place.to_vec();
        all.push(extra);
        of(&all)
    };
    let n = |rest: &str| format!("nk-{name}-local-{rest}");
    let lineage = format!("nk-lineage={lineage}");
    let mut claims = of(&[("nk-service", "app"), ("nk-instance", "0")]);
    claims.push(lineage.clone());
    let ours = |pairs: &[(&str, &str)]| [of(pairs), vec![lineage.clone()]].concat();
    let ghost = ours(&[("nk-service", "ghost"), ("nk-instance", "0")]);
    let lost = ours(&[("nk-volume", "lost")]);
    let mut other_project = vec![
        format!("nk-project={name}x"),
        "nk-env=local".to_owned(),
        "nk-service=app".to_owned(),
        "nk-instance=0".to_owned(),
    ];
    other_project.push(lineage.clone());
    vec![
        // 1. A name of ours, no label at all.
        Planted::new("container", n("app-2"), &[], false),
        // 2. Labels without a lineage, and with somebody else's.
        Planted::new("container", n("half"), &of(&place), true),
        Planted::new(
            "container",
            n("other"),
            &with(("nk-lineage", "01-other")),
            true,
        ),
        // 3. Only the project's label.
        Planted::new("container", n("bare"), &of(&[]), false),
        // 4. Our own lineage, in a place that another holds.
        Planted::new("container", n("double"), &claims, true),
        // 5. Another project with our lineage: a copied folder.
        Planted::new("container", n("copied"), &other_project, false),
        // 6. Networks and volumes that only begin like ours, and some with a foreign lineage.
        Planted::new("network", n("side"), &[], false),
        Planted::new(
            "network",
            n("far"),
            &of(&[("nk-network", "default"), ("nk-lineage", "01-other")]),
            true,
        ),
        Planted::new("volume", n("side"), &[], false),
        Planted::new(
            "volume",
            n("far"),
            &of(&[("nk-volume", "data"), ("nk-lineage", "01-other")]),
            true,
        ),
        // 7. Our own lineage, at addresses that neither the file nor the state knows.
        Planted::new("container", n("ghost"), &ghost, true),
        Planted::new("volume", n("lost"), &lost, true),
    ]
}

#[test]
fn f46_foreign_and_half_labelled_objects_are_shown_and_never_touched() {
    let project = Project::new(FILE);
    project.deploy();
    let lineage = project.inspect(
        &project.container("app", 0),
        "{{index .Config.Labels \"nk-lineage\"}}",
    );
    let planted = plant(&project, &lineage);
    let drift = project.nkapp(&["drift", "--json"]).json().to_string();
    let status = project
        .nkapp(&["status", "--json"])
        .exits(0)
        .json()
        .to_string();
    for one in planted.iter().filter(|one| one.shown) {
        assert!(
            drift.contains(&one.name),
            "`drift` does not show {}: {drift}",
            one.name
        );
        assert!(
            status.contains(&one.name),
            "`status` does not show {}: {status}",
            one.name
        );
    }
    // Once nobody holds its place any more, what carries our lineage and that address is ours.
    let double = format!("nk-{}-local-double", project.name);
    let all_as_they_were = |after: &str, held: bool| {
        for one in planted.iter().filter(|one| held || one.name != double) {
            one.is_as_it_was(after);
        }
    };
    all_as_they_were("a look", true);
    docker(&["rm", "-f", &project.container("app", 1)]).exits(0);
    let grow = FILE.replace("instances: 2", "instances: 2\n    env: { RELEASE: two }");
    for (arguments, file, held) in [
        (&["drift", "--restore", "-y"][..], FILE, true),
        (&["deploy", "-y"], FILE, true),
        (&["deploy", "-y"], &grow, true),
        (&["destroy", "-y"], &grow, true),
        (&["deploy", "-y"], FILE, false),
        (&["clean", "-y", "--force"], FILE, false),
    ] {
        project.write(file);
        project.nkapp(arguments).exits(0);
        all_as_they_were(&arguments.join(" "), held);
    }
    let left = docker(&["ps", "-a", "--format", "{{.Names}}"]).stdout;
    let ours = [project.container("app", 0), project.container("app", 1)];
    assert!(
        !left.lines().any(|name| ours.iter().any(|one| one == name)),
        "{left}"
    );
    let own = "f46_foreign_and_half_labelled_objects_are_shown_and_never_touched";
    tried(own, planted.len());
}

#[test]
fn f46_a_lost_state_takes_over_nothing_of_a_foreign_lineage() {
    let project = Project::new(FILE);
    let label = |text: &str| text.replace("NAME", &project.name);
    let labels = [
        label("nk-project=NAME"),
        "nk-env=local".to_owned(),
        "nk-service=app".to_owned(),
        "nk-instance=0".to_owned(),
        "nk-lineage=01-other".to_owned(),
    ];
    let planted = Planted::new("container", project.container("app", 0), &labels, true);
    // A state is missing for these labels: the deploy says so, and nothing touches the container.
    project
        .nkapp(&["deploy", "-y"])
        .exits(4)
        .says("not because nothing was deployed");
    planted.is_as_it_was("deploy");
    project.nkapp(&["destroy", "-y"]);
    planted.is_as_it_was("destroy");
    project.nkapp(&["clean", "-y", "--force"]);
    planted.is_as_it_was("clean");
}
