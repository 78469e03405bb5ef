//! The keys of runtimes and services. Data only.

use crate::domain::config::keys::{Object, Type};
use crate::domain::config::table::{LABELS, PAIRS, SECRET, TEXT, TEXT_OR_LIST, TEXTS, key};

/// A runtime, as the value of a mapping.
pub(super) static RUNTIME_TYPE: Type = Type::Object(&RUNTIME);
/// A runtime.
pub(crate) static RUNTIME: Object = Object {
    id: "runtime",
    what: "a runtime",
    keys: &[
        key("image", Type::Text, "Image of its services."),
        key("env", PAIRS, "Variables its services inherit."),
        key(
            "provisioning",
            Type::Object(&PROVISIONING),
            "Installation its services inherit.",
        ),
        key(
            "depends_on",
            DEPENDS_ON,
            "Dependencies its services inherit.",
        ),
    ],
};

static DEPENDENCY_TYPE: Type = Type::Object(&DEPENDENCY);
static DEPENDENCY: Object = Object {
    id: "dependency",
    what: "a dependency",
    keys: &[
        key(
            "condition",
            Type::OneOf(&["started", "healthy", "completed"]),
            "What to wait for; default `healthy`.",
        ),
        key(
            "required",
            Type::Bool,
            "With `false`, a missing or failed dependency only warns.",
        ),
    ],
};
const DEPENDS_ON: Type = Type::Either(&[Type::List(&TEXT), Type::Map(&DEPENDENCY_TYPE)]);

static PROVISIONING: Object = Object {
    id: "provisioning",
    what: "a provisioning",
    keys: &[
        key(
            "install",
            TEXT_OR_LIST,
            "Command that fills the primary volume once: a shell line, or a list of arguments.",
        ),
        key(
            "image",
            Type::Text,
            "Image with the build tools; the install then runs in a container of its own.",
        ),
        key(
            "phase",
            Type::OneOf(&["normal", "early"]),
            "`early` runs it before the container's `prestart`.",
        ),
        key(
            "clean",
            TEXT_OR_LIST,
            "Command that empties a half-installed volume.",
        ),
        key(
            "timeout",
            Type::Duration,
            "Longest time the install may take.",
        ),
        key(
            "retries",
            Type::Count,
            "Further attempts after a failed one.",
        ),
        key(
            "volume",
            Type::Text,
            "Primary volume; default: the first named volume that is mounted.",
        ),
    ],
};

/// A service, as the value of a mapping.
pub(super) static SERVICE_TYPE: Type = Type::Object(&SERVICE);
/// A service or job.
pub(crate) static SERVICE: Object = Object {
    id: "service",
    what: "a service",
    keys: &[
        key(
            "kind",
            Type::OneOf(&["service", "job"]),
            "`job` runs once to exit code 0.",
        ),
        key("image", Type::Text, "Image to run."),
        key(
            "build",
            Type::Either(&[Type::Bool, Type::Text, Type::Object(&BUILD)]),
            "Build from a Dockerfile: `true`, its path, or `context`, `dockerfile` and `args`.",
        ),
        key(
            "runtime",
            Type::Text,
            "Runtime to take defaults from; inferred from the files under `path` without `image`.",
        ),
        key(
            "start",
            TEXT_OR_LIST,
            "Main command: a shell line, or a list of arguments.",
        ),
        key(
            "entrypoint",
            TEXT_OR_LIST,
            "Entry point instead of the image's.",
        ),
        key("path", Type::Text, "Folder mounted at `/app`."),
        key("working_dir", Type::Text, "Working folder inside."),
        key(
            "user",
            Type::Text,
            "User to run as: `uid`, `name` or `uid:gid`.",
        ),
        key("port", Type::Port, "Port published on the host."),
        key("expose", Type::Port, "Port inside; default: `port`."),
        key("host", TEXT_OR_LIST, "Domains, comma-separated."),
        key("env", PAIRS, "Plain variables."),
        key("env_file", TEXT_OR_LIST, "Files of variables, below `env`."),
        key(
            "secrets",
            Type::Either(&[Type::Variables(&SECRET), Type::List(&TEXT)]),
            "References to secrets, or names of top-level ones.",
        ),
        key("depends_on", DEPENDS_ON, "What must be healthy before."),
        key(
            "instances",
            Type::Count,
            "Number of replicas; 0 disables the service.",
        ),
        key(
            "scale",
            Type::Object(&SCALE),
            "Bounds of the number of replicas.",
        ),
        key(
            "updateStrategy",
            Type::OneOf(&["recreate", "rolling"]),
            "How a new version takes the old one's place.",
        ),
        key("cpu", Type::Cpu, "CPU limit: `0.5`, `500m`."),
        key("memory", Type::Memory, "Memory limit: `512mb`, `1gb`."),
        key(
            "restart",
            Type::Restart,
            "When the platform starts an ended instance again.",
        ),
        key(
            "healthcheck",
            Type::Object(&HEALTHCHECK),
            "How health is asked for.",
        ),
        key(
            "hooks",
            Type::Object(&HOOKS),
            "Commands around the lifecycle.",
        ),
        key(
            "provisioning",
            Type::Object(&PROVISIONING),
            "One-time installation into a shared volume.",
        ),
        key(
            "volumes",
            TEXTS,
            "Mounts, `source:target[:ro]`; the source is a named volume or a path.",
        ),
        key("tmpfs", TEXT_OR_LIST, "Paths kept in memory."),
        key(
            "networks",
            Type::Either(&[Type::List(&TEXT), Type::Map(&JOIN_TYPE)]),
            "Networks to join.",
        ),
        key("labels", LABELS, "Labels of the containers."),
        key(
            "stop_grace_period",
            Type::Duration,
            "Time between the stop signal and the kill.",
        ),
        key("stop_signal", Type::Text, "Signal that stops it."),
    ],
};

static BUILD: Object = Object {
    id: "build",
    what: "a build",
    keys: &[
        key(
            "context",
            Type::Text,
            "Folder that is sent to the engine, relative to the file.",
        ),
        key(
            "dockerfile",
            Type::Text,
            "Path of the Dockerfile inside the context.",
        ),
        key("args", LABELS, "Build arguments."),
    ],
};

static SCALE: Object = Object {
    id: "scale",
    what: "a scale",
    keys: &[
        key("min", Type::Count, "Fewest replicas."),
        key("max", Type::Count, "Most replicas."),
        key(
            "cpu_threshold",
            Type::Percent,
            "CPU target, for platforms that scale by themselves.",
        ),
    ],
};

static JOIN_TYPE: Type = Type::Object(&JOIN);
static JOIN: Object = Object {
    id: "join",
    what: "a network of a service",
    keys: &[key("aliases", Type::List(&TEXT), "Further names there.")],
};

static HEALTHCHECK: Object = Object {
    id: "healthcheck",
    what: "a health check",
    keys: &[
        key(
            "test",
            TEXT_OR_LIST,
            "A shell line, or a list that starts with `CMD`, `CMD-SHELL` or `NONE`.",
        ),
        key(
            "http",
            Type::Either(&[Type::Text, Type::Object(&HTTP)]),
            "A GET that answers 200 to 399: a path, or `port` and `path`.",
        ),
        key("tcp", Type::Port, "A port that opens."),
        key("interval", Type::Duration, "Pause between two probes."),
        key(
            "timeout",
            Type::Duration,
            "Longest time one probe may take.",
        ),
        key(
            "retries",
            Type::Count,
            "Failures in a row that make it unhealthy.",
        ),
        key(
            "start_period",
            Type::Duration,
            "Time in which failures do not count.",
        ),
        key(
            "disable",
            Type::Bool,
            "No check, also when the image has one.",
        ),
    ],
};

static HTTP: Object = Object {
    id: "http",
    what: "an HTTP check",
    keys: &[
        key("port", Type::Port, "Port inside; default: `expose`."),
        key("path", Type::Text, "Path with its leading slash."),
    ],
};

const HOOK_OR_MORE: Type = Type::Either(&[Type::Text, Type::List(&HOOK_ITEM), Type::Object(&HOOK)]);
static HOOK_ITEM: Type = Type::Either(&[Type::Text, Type::Object(&HOOK)]);
static HOOKS: Object = Object {
    id: "hooks",
    what: "the hooks of a service",
    keys: &[
        key(
            "prestart",
            Type::Either(&[
                Type::Text,
                Type::List(&HOOK_ITEM),
                Type::Object(&HOOK),
                Type::Object(&SIDES),
            ]),
            "Before the main command, inside; with `host:` and `container:` on both sides.",
        ),
        key(
            "poststart",
            HOOK_OR_MORE,
            "After the service is healthy, on the host.",
        ),
        key("prestop", HOOK_OR_MORE, "Before every stop, inside."),
        key("poststop", HOOK_OR_MORE, "After removal, on the host."),
    ],
};
static SIDES: Object = Object {
    id: "prestart",
    what: "a `prestart` with sides",
    keys: &[
        key("host", HOOK_OR_MORE, "On the host, before anything exists."),
        key(
            "container",
            HOOK_OR_MORE,
            "Inside, before the main command.",
        ),
    ],
};
static HOOK: Object = Object {
    id: "hook",
    what: "a hook",
    keys: &[
        key(
            "run",
            TEXT_OR_LIST,
            "The command: a shell line, or a list of arguments.",
        ),
        key(
            "where",
            Type::OneOf(&["host", "container"]),
            "Where it runs.",
        ),
        key(
            "timeout",
            Type::Duration,
            "Longest time one attempt may take; default `5m`.",
        ),
        key(
            "retries",
            Type::Count,
            "Further attempts after a failed one.",
        ),
        key(
            "on_failure",
            Type::OneOf(&["fail", "warn"]),
            "What a final failure means.",
        ),
    ],
};
