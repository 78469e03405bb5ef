//! The keys of the file: names, types, help. Data only.
//!
//! Order matters: it is the order of the canonical output. `later` marks what is accepted but has no effect yet.

mod actions;
mod drift;
mod foreign;
mod history;
mod service;
mod telemetry;

use crate::domain::config::keys::{Key, Object, Type};
use crate::domain::config::table::actions::ACTIONS;
use crate::domain::config::table::drift::DRIFT;
use crate::domain::config::table::history::HISTORY;
use crate::domain::config::table::service::{RUNTIME_TYPE, SERVICE_TYPE};
use crate::domain::config::table::telemetry::TELEMETRY;

pub(crate) use crate::domain::config::table::foreign::meant;
pub(crate) use crate::domain::config::table::service::{RUNTIME, SERVICE};

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

/// Makes a key.
pub(crate) const fn key(name: &'static str, ty: Type, help: &'static str) -> Key {
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
            "Version of the application, free text; when it moves, `upgrade` actions run.",
        ),
        key(
            "actions_version",
            Type::Text,
            "Version of the actions, free text; when it moves, `upgrade` actions run.",
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
            "history",
            Type::Object(&HISTORY),
            "How much of the past is kept.",
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
        key(
            "actions",
            ACTIONS,
            "Procedures around a deploy, or run by name; order inside a mode is not promised.",
        ),
        key(
            "drift",
            Type::Object(&DRIFT),
            "How drift is watched for, and whether the worker restores it.",
        ),
        key("telemetry", Type::Object(&TELEMETRY), "Where traces go."),
        later("state", Type::Any, "Where the state is kept."),
    ],
};

static OVERRIDES_TYPE: Type = Type::Object(&OVERRIDES);
/// One environment: what may be overridden.
pub(crate) static OVERRIDES: Object = Object {
    id: "environment",
    what: "an environment",
    keys: &[
        key("version", Type::Text, "Version of the application here."),
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
        key(
            "actions_version",
            Type::Text,
            "Version of the actions here.",
        ),
        key("actions", ACTIONS, "Actions here, in place of all others."),
        key(
            "drift",
            Type::Object(&DRIFT),
            "How drift is watched for here.",
        ),
        key(
            "telemetry",
            Type::Object(&TELEMETRY),
            "Where traces go from here.",
        ),
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
        key(
            "lockLease",
            Type::Duration,
            "How long a heartbeat of the infrastructure lock is good for, `3s` to `1h`; without it `30s`. Everything else about the lock follows from it.",
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
