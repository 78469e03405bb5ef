//! The keys of `drift`.

use crate::domain::config::keys::{Object, Type};
use crate::domain::config::table::{TEXTS, key};

/// The `drift` block.
pub(super) static DRIFT: Object = Object {
    id: "drift",
    what: "the `drift` block",
    keys: &[
        key(
            "interval",
            Type::Duration,
            "Longest time between two full looks beside the platform's events, `1s` to `24h`; without it `60s`.",
        ),
        key(
            "restore",
            Type::OneOf(&["ask", "auto", "never"]),
            "What the worker does about drift: `ask` notes a restore and shows it (the default), `auto` restores, `never` only reports.",
        ),
        key(
            "only",
            TEXTS,
            "What the worker may restore, by name or address; without it everything.",
        ),
    ],
};
