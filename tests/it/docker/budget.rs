//! What a deploy costs in calls to the engine; every HTTP request counts, `_ping` too.

use crate::fault_proxy::{FaultProxy, engine_socket};

use super::project::Project;

/// Deploys twice through the proxy and returns the requests of both runs.
fn cost_of_two_deploys(file: &str) -> (Vec<String>, Vec<String>) {
    let mut project = Project::new(file);
    let folder = tempfile::tempdir().expect("temp folder");
    let proxy =
        FaultProxy::start(&folder.path().join("s"), &engine_socket()).expect("the proxy listens");
    project.through(proxy.path());
    project.deploy();
    let first = proxy.take();
    let again = project.nkapp(&["deploy", "-y"]).exits(0);
    let second = proxy.take();
    assert!(
        !first.is_empty() && !second.is_empty(),
        "the proxy saw nothing: {}",
        again.stderr
    );
    (first, second)
}

fn flat(services: u32) -> String {
    let mut file = String::from("\nname: NAME\ninfra: { provider: docker }\nservices:\n");
    for n in 0..services {
        file.push_str(&format!(
            "  s{n}: {{ image: nk-test/busybox:1, start: [sleep, '100000'], stop_grace_period: 1s }}\n"
        ));
    }
    file
}

fn chain(services: u32) -> String {
    let mut file = String::from("\nname: NAME\ninfra: { provider: docker }\nservices:\n");
    for n in 0..services {
        let depends = if n > 0 {
            format!("depends_on: [c{}], ", n - 1)
        } else {
            String::new()
        };
        file.push_str(&format!(
            "  c{n}: {{ {depends}image: nk-test/busybox:1, start: [sleep, '100000'], stop_grace_period: 1s, \
             healthcheck: {{ test: [CMD, 'true'], interval: 200ms, timeout: 5s }} }}\n"
        ));
    }
    file
}

#[test]
fn docker_a_first_deploy_of_16_services_costs_two_calls_each() {
    let (first, second) = cost_of_two_deploys(&flat(16));
    assert!(
        first.len() <= 2 * 16 + 8,
        "{} calls:\n{}",
        first.len(),
        first.join("\n")
    );
    assert!(
        second.len() <= 5 + 16,
        "{} calls:\n{}",
        second.len(),
        second.join("\n")
    );
}

#[test]
fn docker_a_noop_of_a_six_deep_chain_costs_the_same_as_a_flat_one() {
    let (_, second) = cost_of_two_deploys(&chain(6));
    assert!(
        second.len() <= 5 + 6,
        "{} calls:\n{}",
        second.len(),
        second.join("\n")
    );
    assert!(
        second.iter().all(|call| call.starts_with("GET ")),
        "a no-op only reads:\n{}",
        second.join("\n")
    );
}
