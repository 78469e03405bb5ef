//! The keys of actions and their steps. Data only.

use crate::domain::config::keys::{Object, Type};
use crate::domain::config::table::{TEXT, TEXT_OR_LIST, TEXTS, key};

/// The list of actions.
pub(super) const ACTIONS: Type = Type::List(&ACTION_TYPE);

static ACTION_TYPE: Type = Type::Object(&ACTION);
static ACTION: Object = Object {
    id: "action",
    what: "an action",
    keys: &[
        key("name", Type::Name, "Its name; `action.NAME` in plans."),
        key(
            "hook",
            Type::OneOf(&["setup", "upgrade", "manual"]),
            "When it runs: when the project is created, when a version moved, or when it is asked for.",
        ),
        key(
            "mode",
            Type::OneOf(&["pre", "core", "post"]),
            "Where in the deploy: first, right before the services, or after all succeeded; none for `manual`.",
        ),
        key("description", Type::Text, "What it is for."),
        key(
            "cleanup",
            Type::Bool,
            "With `true`, this `post` action also runs when its flow is aborted.",
        ),
        key(
            "inputs",
            Type::Variables(&INPUT_TYPE),
            "Values it asks for, as variables of its steps.",
        ),
        key("steps", Type::List(&STEP_TYPE), "What is done, in order."),
    ],
};

static INPUT_TYPE: Type = Type::Object(&INPUT);
static INPUT: Object = Object {
    id: "input",
    what: "an input",
    keys: &[
        key(
            "description",
            Type::Text,
            "What it is, for whoever is asked.",
        ),
        key("default", Type::Text, "Value when none is given."),
        key("required", Type::Bool, "Whether there has to be a value."),
        key(
            "secret",
            Type::Bool,
            "With `true`, its value is kept from every screen and file.",
        ),
    ],
};

static STEP_TYPE: Type = Type::Object(&STEP);
/// A step of an action.
pub(crate) static STEP: Object = Object {
    id: "action_step",
    what: "a step of an action",
    keys: &[
        key(
            "name",
            Type::Name,
            "What it is called; without one the word of what it does.",
        ),
        key("stop", SERVICES, "Stop services."),
        key("start", SERVICES_ONLY, "Start services."),
        key("restart", SERVICES_ONLY, "Stop and start services."),
        key(
            "scale",
            Type::Object(&SCALE_TO),
            "Let only so many instances of a service run.",
        ),
        key(
            "exec",
            Type::Object(&EXEC),
            "Run commands inside a running service.",
        ),
        key(
            "run",
            TEXT_OR_LIST,
            "Run a command on the host: a shell line, or a list of arguments; a script file of the project may be one.",
        ),
        key(
            "job",
            Type::Object(&JOB),
            "Run a command in a container of its own, made like a service's.",
        ),
        key("wait", Type::Object(&WAIT), "Wait for something."),
        key(
            "backup",
            Type::Object(&BACKUP),
            "Write a volume into a tar file of the project; never over another one.",
        ),
        key(
            "restore",
            Type::Object(&RESTORE),
            "Replace a volume's content by that of a tar file.",
        ),
        key(
            "assert",
            Type::Object(&ASSERT),
            "Fail unless something is so.",
        ),
        key(
            "retries",
            Type::Count,
            "Further attempts after a failed one.",
        ),
        key(
            "backoff",
            Type::Duration,
            "Pause before the second attempt, doubled each time; default `1s`.",
        ),
        key("timeout", Type::Duration, "Longest time of one attempt."),
        key(
            "cleanup",
            Type::Bool,
            "With `true`, this step of a `manual` action runs when it is aborted.",
        ),
    ],
};

const SERVICES_ONLY: Type = Type::Either(&[Type::Text, Type::List(&TEXT)]);
const SERVICES: Type = Type::Either(&[Type::Text, Type::List(&TEXT), Type::Object(&STOP)]);

static STOP: Object = Object {
    id: "action_stop",
    what: "a `stop` step",
    keys: &[
        key("services", TEXT_OR_LIST, "What is stopped."),
        key(
            "keep",
            Type::Bool,
            "With `true`, they stay stopped after the last action.",
        ),
    ],
};

static SCALE_TO: Object = Object {
    id: "action_scale",
    what: "a `scale` step",
    keys: &[
        key("service", Type::Text, "What is scaled."),
        key(
            "to",
            Type::Count,
            "How many instances run, at most as many as `instances` asks for.",
        ),
        key(
            "keep",
            Type::Bool,
            "With `true`, it stays so after the last action.",
        ),
    ],
};

static EXEC: Object = Object {
    id: "action_exec",
    what: "an `exec` step",
    keys: &[
        key("service", Type::Text, "In which service."),
        key(
            "run",
            TEXT_OR_LIST,
            "One command: a shell line, or a list of arguments.",
        ),
        key(
            "commands",
            Type::List(&TEXT_LIST),
            "Several commands, each a list of arguments.",
        ),
    ],
};
static TEXT_LIST: Type = TEXTS;

static JOB: Object = Object {
    id: "action_job",
    what: "a `job` step",
    keys: &[
        key(
            "service",
            Type::Text,
            "Whose image, variables, volumes and networks it has.",
        ),
        key(
            "run",
            TEXT_OR_LIST,
            "The command: a shell line, or a list of arguments.",
        ),
        key("image", Type::Text, "Image instead of the service's."),
    ],
};

static WAIT: Object = Object {
    id: "action_wait",
    what: "a `wait` step",
    keys: &[
        key("time", Type::Duration, "So much time."),
        key(
            "healthy",
            Type::Text,
            "Service whose instances have to be healthy.",
        ),
        key("service", Type::Text, "Service that has to answer."),
        key(
            "http",
            Type::Text,
            "Path that has to answer with 200 to 399.",
        ),
        key(
            "tcp",
            Type::Port,
            "Port inside that has to take connections.",
        ),
        key(
            "port",
            Type::Port,
            "Port inside for `http`; default what the service exposes.",
        ),
    ],
};

static BACKUP: Object = Object {
    id: "action_backup",
    what: "a `backup` step",
    keys: &[
        key("volume", Type::Text, "Which volume."),
        key("to", Type::Text, "The tar file, relative to the project."),
        key(
            "image",
            Type::Text,
            "Image with `tar`; default the one of a service that mounts the volume.",
        ),
    ],
};

static RESTORE: Object = Object {
    id: "action_restore",
    what: "a `restore` step",
    keys: &[
        key("volume", Type::Text, "Which volume."),
        key("from", Type::Text, "The tar file, relative to the project."),
        key(
            "image",
            Type::Text,
            "Image with `tar`; default the one of a service that mounts the volume.",
        ),
    ],
};

static ASSERT: Object = Object {
    id: "action_assert",
    what: "an `assert` step",
    keys: &[
        key(
            "exec",
            TEXT_OR_LIST,
            "Command inside `service`: a shell line, or a list of arguments.",
        ),
        key(
            "run",
            TEXT_OR_LIST,
            "Command on the host: a shell line, or a list of arguments.",
        ),
        key("service", Type::Text, "Service for `exec` and `http`."),
        key(
            "http",
            Type::Text,
            "Path that has to answer with 200 to 399.",
        ),
        key(
            "port",
            Type::Port,
            "Port inside for `http`; default what the service exposes.",
        ),
        key("exit", Type::Count, "Expected exit code; default 0."),
        key("contains", Type::Text, "Text its output has to hold."),
        key(
            "equals",
            Type::Text,
            "Text its output has to be, but for white space around it.",
        ),
    ],
};
