//! The keys of the file: names, types, help. Data only.
//!
//! Order matters: it is the order of the canonical output. `later` marks what is accepted but has no effect yet.

use crate::domain::config::keys::{Key, Object, Type};

/// Platforms this build carries out.
pub(crate) const PROVIDERS: [&str; 2] = ["docker", "process"];
/// Platforms that are documented but not in this build.
pub(crate) const PROVIDERS_LATER: [&str; 13] = [
    "aws",
    "digitalocean",
    "gcp",
    "azure",
    "hetzner",
    "scaleway",
    "linode",
    "vercel",
    "netlify",
    "railway",
    "fly.io",
    "kubernetes",
    "firecracker",
];

/// Keys of other formats that people try, and what to write here instead.
pub(crate) const FOREIGN: [(&str, &str); 20] = [
    ("build_args", "write `build: { context: …, args: … }`"),
    ("command", "the main command is called `start`"),
    ("cmd", "the main command is called `start`"),
    (
        "container_name",
        "containers are named by nanokit; services reach each other by service name",
    ),
    ("cpus", "the limit is called `cpu`"),
    ("crons", "scheduled jobs stand under `cron`"),
    (
        "deploy",
        "replicas are `instances`, limits are `cpu` and `memory`",
    ),
    ("environment", "variables stand under `env`"),
    ("health_check", "it is called `healthcheck`"),
    (
        "install",
        "an installation stands under `provisioning.install`",
    ),
    (
        "links",
        "services on one network reach each other by name; order is `depends_on`",
    ),
    ("mem_limit", "the limit is called `memory`"),
    ("poststartup", "the hook after health is called `poststart`"),
    ("postup", "the hook after health is called `poststart`"),
    (
        "ports",
        "one port is published with `port: HOST` and `expose: INSIDE`",
    ),
    ("provider", "the platform stands under `infra.provider`"),
    ("replicas", "the number of replicas is called `instances`"),
    ("restart_policy", "it is called `restart`"),
    (
        "scripts",
        "commands around the lifecycle stand under `hooks`",
    ),
    ("environment_file", "it is called `env_file`"),
];

const fn key(name: &'static str, ty: Type, help: &'static str) -> Key {
    Key {
        name,
        ty,
        help,
        later: false,
    }
}

const fn later(name: &'static str, ty: Type, help: &'static str) -> Key {
    Key {
        name,
        ty,
        help,
        later: true,
    }
}

static TEXT: Type = Type::Text;
static SECRET: Type = Type::Secret;
static ANY: Type = Type::Any;
const TEXTS: Type = Type::List(&TEXT);
const TEXT_OR_LIST: Type = Type::Either(&[Type::Text, Type::List(&TEXT)]);
const PAIRS: Type = Type::Either(&[Type::Variables(&TEXT), Type::List(&TEXT)]);
const LABELS: Type = Type::Either(&[Type::Map(&TEXT), Type::List(&TEXT)]);

/// The whole file.
pub(crate) static FILE: Object = Object {
    id: "file",
    what: "the file",
    keys: &[
        key(
            "name",
            Type::Name,
            "Project name; repositories that share infrastructure use the same.",
        ),
        key(
            "version",
            Type::Text,
            "Version of the configuration, free text.",
        ),
        key(
            "component",
            Type::Name,
            "This repository's part of a project spread over several.",
        ),
        key("infra", Type::Object(&INFRA), "Where things run."),
        key(
            "git",
            Type::Object(&GIT),
            "How branches choose the environment.",
        ),
        key(
            "runtimes",
            Type::Names(&RUNTIME_TYPE),
            "Reusable defaults of services.",
        ),
        key("services", Type::Names(&SERVICE_TYPE), "The workloads."),
        key(
            "networks",
            Type::Names(&NETWORK_TYPE),
            "Virtual networks; without any, one is made for all.",
        ),
        key(
            "volumes",
            Type::Names(&VOLUME_TYPE),
            "Named volumes that outlive their services.",
        ),
        key(
            "secrets",
            Type::Variables(&SECRET),
            "References to secrets that services take by name.",
        ),
        key(
            "environments",
            Type::Names(&OVERRIDES_TYPE),
            "Overrides for each environment, merged over the rest.",
        ),
        later(
            "databases",
            Type::Names(&ANY),
            "Managed or containerised databases.",
        ),
        later("cron", Type::Names(&ANY), "Scheduled jobs."),
        later("gateway", Type::Any, "HTTP gateway and certificates."),
        later("gatewayPort", Type::Port, "Host port of the HTTP gateway."),
        later(
            "gatewayHttpsPort",
            Type::Port,
            "Host port of the HTTPS gateway.",
        ),
        later("deploy", Type::Any, "Remote target and code sync."),
        later("actions", Type::Any, "Actions around the lifecycle."),
        later("drift", Type::Any, "How drift is watched for."),
        later("telemetry", Type::Any, "Where traces go."),
        later("state", Type::Any, "Where the state is kept."),
    ],
};

static OVERRIDES_TYPE: Type = Type::Object(&OVERRIDES);
/// One environment: what may be overridden.
pub(crate) static OVERRIDES: Object = Object {
    id: "environment",
    what: "an environment",
    keys: &[
        key("version", Type::Text, "Version of the configuration here."),
        key("infra", Type::Object(&INFRA), "Where things run here."),
        key(
            "runtimes",
            Type::Names(&RUNTIME_TYPE),
            "Changed runtimes; `null` removes one.",
        ),
        key(
            "services",
            Type::Names(&SERVICE_TYPE),
            "Changed services; `null` removes one, `instances: 0` disables it.",
        ),
        key(
            "networks",
            Type::Names(&NETWORK_TYPE),
            "Changed networks; `null` removes one.",
        ),
        key(
            "volumes",
            Type::Names(&VOLUME_TYPE),
            "Changed volumes; `null` removes one.",
        ),
        key(
            "secrets",
            Type::Variables(&SECRET),
            "Changed references to secrets.",
        ),
        later("databases", Type::Names(&ANY), "Changed databases."),
        later("cron", Type::Names(&ANY), "Changed scheduled jobs."),
        later("gateway", Type::Any, "Changed gateway."),
        later(
            "gatewayPort",
            Type::Port,
            "Host port of the HTTP gateway here.",
        ),
        later(
            "gatewayHttpsPort",
            Type::Port,
            "Host port of the HTTPS gateway here.",
        ),
        later("deploy", Type::Any, "Remote target here."),
        later("actions", Type::Any, "Changed actions."),
        later("drift", Type::Any, "How drift is watched for here."),
        later("telemetry", Type::Any, "Where traces go from here."),
        later("state", Type::Any, "Where the state is kept here."),
    ],
};

static GIT: Object = Object {
    id: "git",
    what: "the `git` block",
    keys: &[key(
        "environments",
        Type::Map(&TEXT),
        "Branch pattern (`main`, `feature/*`) to environment; the first that matches is taken where `-e` is absent.",
    )],
};

static INFRA: Object = Object {
    id: "infra",
    what: "the `infra` block",
    keys: &[
        key(
            "provider",
            Type::Text,
            "Platform: `docker` or `process`; without one, Docker where it answers, else host processes.",
        ),
        key(
            "shared",
            Type::Bool,
            "Use networks and volumes another component owns; neither make nor remove them.",
        ),
        later("region", Type::Text, "Cloud region."),
        later("vpc", Type::Text, "Existing VPC to attach to."),
        later("cidr", Type::Text, "Range for networks that are made."),
        later(
            "scaling",
            Type::OneOf(&["manual", "auto"]),
            "Who scales machines.",
        ),
        later("min", Type::Count, "Fewest machines."),
        later("max", Type::Count, "Most machines."),
        later("instances", Type::Any, "Machine definitions."),
        later(
            "dns",
            Type::OneOf(&["aws", "digitalocean", "cloudflare", "gcp"]),
            "Who keeps the DNS records.",
        ),
        later("autoCreateDomain", Type::Bool, "Register the domain."),
    ],
};

static RUNTIME_TYPE: Type = Type::Object(&RUNTIME);
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

static SERVICE_TYPE: Type = Type::Object(&SERVICE);
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

static NETWORK_TYPE: Type = Type::Object(&NETWORK);
static NETWORK: Object = Object {
    id: "network",
    what: "a network",
    keys: &[
        key("cidr", Type::Text, "Range of addresses."),
        key(
            "visibility",
            Type::OneOf(&["public", "private"]),
            "`private` has no route to the outside.",
        ),
        later("vpcId", Type::Text, "Existing VPC to attach to."),
    ],
};

static VOLUME_TYPE: Type = Type::Object(&VOLUME);
static VOLUME: Object = Object {
    id: "volume",
    what: "a volume",
    keys: &[
        key("labels", LABELS, "Labels of the volume."),
        later(
            "type",
            Type::OneOf(&["block", "shared", "object"]),
            "Kind of storage, for clouds.",
        ),
        later("size", Type::Text, "Size, for clouds."),
        later(
            "performance",
            Type::OneOf(&["standard", "high", "ultra"]),
            "Speed, for clouds.",
        ),
        later("bucket", Type::Text, "Bucket, for clouds."),
    ],
};
