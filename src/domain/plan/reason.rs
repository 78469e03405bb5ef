//! Why an action is in the plan, in a few words.

use crate::domain::ids::Address;
use crate::domain::model::{path, short_image};
use crate::domain::plan::infra::Ground;
use crate::domain::plan::model::{Cause, Change};
use crate::domain::project::service::Service;

/// Nothing to do.
pub(super) const AS_WANTED: &str = "as wanted";
/// First creation.
pub(super) const NEW: &str = "not deployed yet";
/// It was there and is gone.
pub(super) const LOST: &str = "removed outside nanokit";
/// Recorded without an object.
pub(super) const ABSENT: &str = "not there yet: no run got so far";
/// Wanted zero times.
pub(super) const DISABLED: &str = "disabled here (instances: 0)";
/// Labelled as ours, but no record.
pub(super) const FOUND: &str = "found running, taken into the state";
/// Under our name without our labels.
pub(super) const BY_HAND: &str = "found under our name, made by hand; taken into the state";
/// Another object took its name.
pub(super) const REMADE: &str = "made anew outside nanokit, taken over";
/// Another object took its name, and a restoration must not decide about it.
pub(super) const FOR_HUMANS: &str = "made anew outside nanokit; it is left for you to accept";
/// Only instances of a run that was cut off go.
const LEFT_OVER: &str = "what a run left unfinished is put right";
/// A restoration has nothing to go by.
pub(super) const NOT_RECORDED: &str = "not recorded, so there is nothing to restore";
/// A restoration leaves what is ignored.
pub(super) const IGNORED: &str = "what drifted is ignored";
/// Not in the file any more.
pub(super) const ORPHAN: &str = "no longer in the file";
/// Recorded, but neither in the file nor live.
pub(super) const FORGOTTEN: &str = "no longer in the file, and gone already";
/// A volume on destroy.
pub(super) const KEPT: &str = "kept with its data; `nkapp clean` removes it";

/// How many paths a reason names.
const NAMED: usize = 3;

/// Words for differences that are put right.
pub(super) fn of_update(changes: &[Change]) -> String {
    let edited = paths(changes, Cause::Config);
    let drifted = paths(changes, Cause::Drift);
    match (edited.is_empty(), drifted.is_empty()) {
        (true, true) => "differs".to_owned(),
        (false, true) => format!("{} changed", listed(&edited)),
        (true, false) => format!("{} drifted", listed(&drifted)),
        (false, false) => format!("{} changed; {} drifted", listed(&edited), listed(&drifted)),
    }
}

/// Words for a service that only follows what it stands on.
pub(super) fn of_ground(ground: &Ground, service: &Service) -> String {
    let joined = service.networks.keys();
    let remade: Vec<String> = joined
        .filter(|name| ground.remade_networks.contains(*name))
        .map(|name| format!("network.{name}"))
        .collect();
    if remade.is_empty() {
        return LEFT_OVER.to_owned();
    }
    format!("{} is made anew", listed(&remade))
}

/// Words for differences that touch nothing that runs.
pub(super) fn of_client(changes: &[Change]) -> String {
    let edited = paths(changes, Cause::Config);
    format!("{} changed; nothing that runs is touched", listed(&edited))
}

/// Words for a restoration of what the file changed too.
pub(super) fn with_edits(address: &Address) -> String {
    format!(
        "{address} has changes in the file too: what is restored gets the file's values, the rest waits for a deploy"
    )
}

fn paths(changes: &[Change], cause: Cause) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for change in changes.iter().filter(|change| change.cause == cause) {
        let text = match (change.path.as_str(), &change.before, &change.after) {
            (path::STATUS, Some(before), _) => format!("status ({before})"),
            ("instances", Some(before), Some(after)) => format!("instances ({before} to {after})"),
            // With its id in brackets: another image under the same name.
            ("image", Some(before), Some(after)) if before.ends_with(')') => {
                format!("image ({} to {})", short_image(before), short_image(after))
            }
            (path, _, _) => path.to_owned(),
        };
        if !paths.contains(&text) {
            paths.push(text);
        }
    }
    paths
}

fn listed(paths: &[String]) -> String {
    let shown: Vec<&str> = paths.iter().take(NAMED).map(String::as_str).collect();
    let more = paths.len().saturating_sub(NAMED);
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::diff::plain;

    #[test]
    fn the_first_paths_are_named_by_cause() {
        let config = |path: &str| plain(path, Some("1"), Some("2"), Cause::Config, None);
        let drift = |path: &str| plain(path, Some("exited"), None, Cause::Drift, None);
        let cases = [
            (vec![config("port")], "port changed"),
            (vec![config("instances")], "instances (1 to 2) changed"),
            (
                vec![config("a"), config("b"), config("c"), config("d")],
                "a, b, c and 1 more changed",
            ),
            (vec![drift("status")], "status (exited) drifted"),
            (
                vec![drift("status"), drift("status")],
                "status (exited) drifted",
            ),
            (
                vec![config("env.A"), drift("memory")],
                "env.A changed; memory drifted",
            ),
        ];
        for (changes, expected) in cases {
            assert_eq!(of_update(&changes), expected);
        }
    }
}
