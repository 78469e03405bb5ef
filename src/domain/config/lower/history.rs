//! How much of the past is kept.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::domain::config::lower::Lower;
use crate::domain::config::scalar;
use crate::domain::project::project::{Origin, Retention};

/// Fewest and most runs: without any, nothing could be looked up; with more, looking becomes slow.
const KEEPS: RangeInclusive<u64> = 1..=10_000;
/// Shortest age: below, what failed this morning would be gone by noon.
const SHORTEST: Duration = Duration::from_secs(3_600);

/// Reads the `history` block.
pub(crate) fn history(lower: &mut Lower<'_>) -> Retention {
    let mut rule = Retention::default();
    let Some(node) = lower.root.get("history") else {
        return rule;
    };
    lower
        .origins
        .insert("history".into(), Origin::File(node.span));
    if let Some(keep) = node.get("keep")
        && let Some(number) = keep.text().and_then(scalar::count)
    {
        match usize::try_from(number) {
            Ok(number) if KEEPS.contains(&u64::try_from(number).unwrap_or(0)) => rule.keep = number,
            Ok(_) | Err(_) => {
                let text = "`history.keep` must be from 1 to 10000".to_owned();
                lower.error("NK0204", text, keep.span, "not a number of runs to keep");
            }
        }
    }
    if let Some(age) = node.get("age")
        && let Some(time) = age.text().and_then(scalar::duration)
    {
        if time >= SHORTEST {
            rule.age = time;
        } else {
            let text = "`history.age` must be at least `1h`".to_owned();
            lower.error("NK0204", text, age.span, "too short to look anything up");
        }
    }
    rule
}
