//! Keys of other formats that people try, and what to write instead. Data, and one look-up.
//!
//! What is only mistyped is not here: the nearest key is found by itself.

/// Where, what, and what to write instead.
const FOREIGN: &[(&str, &str, &str)] = &[
    ("file", "project", "the project's name is called `name`"),
    (
        "file",
        "project_name",
        "the project's name is called `name`",
    ),
    ("file", "app", "the project's name is called `name`"),
    ("file", "crons", "scheduled jobs stand under `cron`"),
    (
        "file",
        "provider",
        "the platform stands under `infra.provider`",
    ),
    (
        "file",
        "platform",
        "the platform stands under `infra.provider`",
    ),
    ("file", "env", "variables stand in each service under `env`"),
    (
        "file",
        "environment",
        "variables stand in each service under `env`; overrides for each environment under `environments`",
    ),
    (
        "file",
        "profiles",
        "what differs from one environment to another stands under `environments`",
    ),
    (
        "file",
        "hooks",
        "hooks stand in each service under `hooks`; what belongs to all of them under `actions`",
    ),
    ("file", "containers", "workloads stand under `services`"),
    ("file", "jobs", "a job is a service with `kind: job`"),
    (
        "environment",
        "name",
        "the project has one name in every environment",
    ),
    (
        "environment",
        "component",
        "a component is the same in every environment",
    ),
    (
        "environment",
        "env",
        "variables stand in each service under `env`",
    ),
    (
        "environment",
        "environment",
        "variables stand in each service under `env`",
    ),
    (
        "environment",
        "provider",
        "the platform stands under `infra.provider`",
    ),
    ("infra", "platform", "the platform is called `provider`"),
    ("infra", "lock", "the lock's lease is called `lockLease`"),
    ("service", "command", "the main command is called `start`"),
    ("service", "cmd", "the main command is called `start`"),
    ("service", "run", "the main command is called `start`"),
    (
        "service",
        "args",
        "arguments are part of the main command, `start`",
    ),
    (
        "service",
        "container_name",
        "containers are named by nanokit; services reach each other by their names",
    ),
    (
        "service",
        "hostname",
        "containers are named by nanokit; services reach each other by their names",
    ),
    ("service", "domain", "domains stand under `host`"),
    ("service", "domains", "domains stand under `host`"),
    ("service", "cpus", "the limit is called `cpu`"),
    (
        "service",
        "deploy",
        "replicas are `instances`, limits are `cpu` and `memory`",
    ),
    ("service", "resources", "limits are `cpu` and `memory`"),
    ("service", "limits", "limits are `cpu` and `memory`"),
    ("service", "environment", "variables stand under `env`"),
    ("service", "variables", "variables stand under `env`"),
    ("service", "vars", "variables stand under `env`"),
    ("service", "health_check", "it is called `healthcheck`"),
    ("service", "health", "it is called `healthcheck`"),
    ("service", "dockerfile", "it stands under `build`"),
    ("service", "context", "it stands under `build`"),
    (
        "service",
        "install",
        "an installation stands under `provisioning.install`",
    ),
    (
        "service",
        "links",
        "services on one network reach each other by name; order is `depends_on`",
    ),
    ("service", "needs", "what it waits for is `depends_on`"),
    ("service", "requires", "what it waits for is `depends_on`"),
    ("service", "after", "what it waits for is `depends_on`"),
    ("service", "mem_limit", "the limit is called `memory`"),
    ("service", "ram", "the limit is called `memory`"),
    ("service", "mounts", "mounts stand under `volumes`"),
    (
        "service",
        "ports",
        "one port is published with `port: HOST` and `expose: INSIDE`",
    ),
    (
        "service",
        "replicas",
        "the number of replicas is called `instances`",
    ),
    (
        "service",
        "count",
        "the number of replicas is called `instances`",
    ),
    (
        "service",
        "privileged",
        "services run without further rights",
    ),
    (
        "service",
        "network_mode",
        "name the networks under `networks`",
    ),
    (
        "service",
        "restart_policy",
        "the restart policy is called `restart`",
    ),
    (
        "service",
        "stop_timeout",
        "the time to stop in is called `stop_grace_period`",
    ),
    ("service", "type", "a job has `kind: job`"),
    ("service", "workdir", "the folder is called `working_dir`"),
    ("service", "cwd", "the folder is called `working_dir`"),
    (
        "runtime",
        "install",
        "an installation stands under `provisioning.install`",
    ),
    ("runtime", "start", "the main command stands in the service"),
    ("runtime", "environment", "variables stand under `env`"),
    ("healthcheck", "command", "the command is called `test`"),
    ("healthcheck", "cmd", "the command is called `test`"),
    ("healthcheck", "run", "the command is called `test`"),
    ("healthcheck", "path", "a path stands under `http`"),
    ("healthcheck", "url", "a path stands under `http`"),
    (
        "healthcheck",
        "port",
        "a port that opens is `tcp`, one that answers stands under `http`",
    ),
    (
        "hooks",
        "install",
        "an installation stands under `provisioning.install`",
    ),
    (
        "hooks",
        "postup",
        "the hook after health is called `poststart`",
    ),
    (
        "hooks",
        "pre_start",
        "the hook before the main command is called `prestart`",
    ),
    ("hook", "command", "the command is called `run`"),
    ("hook", "cmd", "the command is called `run`"),
    ("provisioning", "run", "the command is called `install`"),
    ("provisioning", "command", "the command is called `install`"),
    ("network", "subnet", "the range of addresses is `cidr`"),
    (
        "network",
        "internal",
        "without a route to the outside is `visibility: private`",
    ),
];

/// Returns what to write in place of a key of another format, in an object by its id.
pub(crate) fn meant(place: &str, typed: &str) -> Option<&'static str> {
    let found = FOREIGN
        .iter()
        .find(|(object, key, _)| *object == place && *key == typed);
    found.map(|(_, _, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::config::table::{FILE, INFRA, NETWORK, OVERRIDES, RUNTIME, SERVICE};

    #[test]
    fn no_key_of_ours_is_taken_for_one_of_another_format() {
        for object in [&FILE, &OVERRIDES, &INFRA, &NETWORK, &SERVICE, &RUNTIME] {
            for name in object.names() {
                assert_eq!(meant(object.id, name), None, "{} {name}", object.id);
            }
        }
    }

    #[test]
    fn what_another_format_calls_something_is_led_to_our_word() {
        let cases = [
            ("file", "project", "`name`"),
            ("file", "environment", "`env`"),
            ("service", "environment", "`env`"),
            ("service", "command", "`start`"),
            ("service", "mounts", "`volumes`"),
            ("healthcheck", "command", "`test`"),
        ];
        for (place, typed, word) in cases {
            let hint = meant(place, typed);
            assert!(hint.is_some_and(|hint| hint.contains(word)), "{typed}");
        }
        assert_eq!(meant("service", "project"), None);
    }
}
