//! Which runs are old enough to go: by how many there are, and by age. Some are never touched.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::ids::RunId;
use crate::domain::project::project::Retention;
use crate::domain::time::Wall;

/// How long a run that nobody ended is kept at least: it may still be waiting for a lock somewhere.
const UNENDED: Duration = Duration::from_secs(7 * 86_400);

/// Which part of the runs that are kept restorations may take before they go first: a fifth.
const SHARE: usize = 5;

/// Returns the runs that may go, the oldest first; `runs` in the order of their ids. What must stay for another
/// reason is asked of [`may_go`], one by one. A worker that restores again and again pushes nothing else out: of what
/// is too many, restorations beyond their share go first.
#[must_use]
pub fn old<'r>(
    runs: &'r [RunId],
    restorations: &BTreeSet<RunId>,
    (rule, now): (&Retention, Wall),
) -> Vec<&'r RunId> {
    let excess = runs.len().saturating_sub(rule.keep);
    let is_restoration = |run: &&RunId| restorations.contains(run);
    let spare = restorations
        .len()
        .saturating_sub((rule.keep / SHARE).max(1));
    let first: BTreeSet<&RunId> = runs.iter().filter(is_restoration).take(spare).collect();
    let rest = runs.iter().filter(|run| !first.contains(run));
    let too_many: BTreeSet<&RunId> = first.iter().copied().chain(rest).take(excess).collect();
    let goes = |run: &&RunId| {
        // A name that says no time is none of ours.
        age(run, now).is_some_and(|age| too_many.contains(run) || age > rule.age)
    };
    runs.iter().filter(goes).collect()
}

/// What is known of a run that is old enough to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether its events have an end.
    pub ended: bool,
    /// Whether something it announced has not been settled: its intents are still there.
    pub open: bool,
    /// Whether a procedure it worked at is unfinished: whoever goes on with it looks here for what happened.
    pub resumable: bool,
}

/// Tells whether an old run may go: never one with open intents or an unfinished procedure, and one without an end
/// only when it is so old that nobody can be at it any more.
#[must_use]
pub fn may_go(run: &RunId, standing: Standing, now: Wall) -> bool {
    let long_gone = age(run, now).is_some_and(|age| age > UNENDED);
    !standing.open && !standing.resumable && (standing.ended || long_gone)
}

/// Reads how old a run is from its id.
#[must_use]
pub fn age(run: &RunId, now: Wall) -> Option<Duration> {
    let ms = now.0.saturating_sub(began(run)?.0);
    Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

/// Reads when a run began from its id, which begins with its time in UTC: `20261121-140309-0071b2c3`.
#[must_use]
pub fn began(run: &RunId) -> Option<Wall> {
    let (day, rest) = run.as_str().split_once('-')?;
    let (time, _) = rest.split_once('-')?;
    let plain =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(day, 8) || !plain(time, 6) {
        return None;
    }
    let number = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month) = (number(day, 0, 4)?, number(day, 4, 6)?);
    // Days of a year that begins in March, so that a leap day is its last one.
    let (shifted, year) = if month > 2 {
        (month - 3, year)
    } else {
        (month + 9, year - 1)
    };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * shifted + 2) / 5
        + number(day, 6, 8)?
        - 719_469;
    let seconds = days * 86_400
        + number(time, 0, 2)? * 3_600
        + number(time, 2, 4)? * 60
        + number(time, 4, 6)?;
    Some(Wall(seconds * 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 14:03:09 UTC.
    const NOW: Wall = Wall(1_795_269_789_000);
    const DAY: u64 = 86_400;

    fn runs(ids: &[&str]) -> Vec<RunId> {
        ids.iter().map(|id| RunId::new(*id)).collect()
    }

    fn rule(keep: usize, days: u64) -> Retention {
        Retention {
            keep,
            age: Duration::from_secs(days * DAY),
        }
    }

    #[test]
    fn the_age_stands_in_the_id() {
        for (id, seconds) in [
            ("20261121-140309-0a1b2c3d", Some(0)),
            ("20261121-140308-0a1b2c3d", Some(1)),
            ("20261120-140309-0a1b2c3d", Some(DAY)),
            ("20240229-140309-0a1b2c3d", Some(996 * DAY)),
            ("20991231-000000-0a1b2c3d", Some(0)),
            ("demo", None),
            ("2026112-140309-x", None),
            ("20261121-14030x-x", None),
            ("../../etc/passwd", None),
        ] {
            let found = age(&RunId::new(id), NOW).map(|age| age.as_secs());
            assert_eq!(found, seconds, "{id}");
        }
    }

    #[test]
    fn what_is_too_many_or_too_old_goes_and_names_of_others_stay() {
        let runs = runs(&[
            "20261001-000000-a",
            "20261119-000000-b",
            "20261120-000000-c",
            "20261121-000000-d",
            "notes",
        ]);
        let gone = |keep, days| -> Vec<&str> {
            let old = old(&runs, &BTreeSet::new(), (&rule(keep, days), NOW));
            old.into_iter().map(RunId::as_str).collect()
        };
        assert_eq!(gone(50, 30), ["20261001-000000-a"]);
        assert_eq!(gone(3, 365), ["20261001-000000-a", "20261119-000000-b"]);
        assert_eq!(gone(50, 365), [""; 0]);
        assert_eq!(gone(1, 1).len(), 4);
    }

    #[test]
    fn restorations_beyond_their_share_go_before_anything_else() {
        // Of each: `d` a deploy, `r` a restoration, the oldest first.
        let gone = |told: &str, keep| -> String {
            let id = |(at, _): (usize, char)| RunId(format!("20261121-0000{at:02}-x"));
            let runs: Vec<RunId> = told.char_indices().map(id).collect();
            let restorations = told.char_indices().filter(|(_, what)| *what == 'r');
            let restorations: BTreeSet<RunId> = restorations.map(id).collect();
            let old = old(&runs, &restorations, (&rule(keep, 365), NOW));
            let left = |(run, what): (&RunId, char)| if old.contains(&run) { '.' } else { what };
            runs.iter().zip(told.chars()).map(left).collect()
        };
        for (keep, told, left) in [
            (5, "ddddd", "ddddd"),
            (5, "dddddrrrr", ".dddd...r"),
            (5, "drdrdrdrdr", "..d.d.d.dr"),
            (5, "ddrrrrrr", "dd...rrr"),
            (5, "rddddd", ".ddddd"),
            (5, "dddddd", ".ddddd"),
            (10, "ddddddddddrr", "..ddddddddrr"),
            (1, "drrr", "...r"),
            (0, "drr", "..."),
        ] {
            assert_eq!(gone(told, keep), left, "{told} of which {keep} are kept");
        }
    }

    #[test]
    fn what_is_open_never_goes_and_what_never_ended_waits_a_week() {
        let may = |id: &str, ended, open| {
            let standing = |resumable| Standing {
                ended,
                open,
                resumable,
            };
            assert!(!may_go(&RunId::new(id), standing(true), NOW), "{id}");
            may_go(&RunId::new(id), standing(false), NOW)
        };
        assert!(may("20261121-000000-a", true, false));
        assert!(!may("20200101-000000-a", true, true));
        assert!(!may("20261121-000000-a", false, false));
        assert!(may("20261101-000000-a", false, false));
        assert!(!may("20261101-000000-a", false, true));
    }
}
