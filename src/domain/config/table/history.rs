//! The keys of the `history` block.

use crate::domain::config::keys::{Object, Type};
use crate::domain::config::table::key;

/// How much of the past is kept.
pub(super) static HISTORY: Object = Object {
    id: "history",
    what: "the `history` block",
    keys: &[
        key(
            "keep",
            Type::Count,
            "How many runs are kept, 1 to 10000; without it 50.",
        ),
        key(
            "age",
            Type::Duration,
            "How old they get, at least `1h`; without it `30d`. What is not settled is kept whatever its age.",
        ),
    ],
};
