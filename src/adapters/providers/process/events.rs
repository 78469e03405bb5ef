//! What changes in the folders, as events.
//!
//! The folders are looked at often and cheaply (when was each status replaced), the processes once a second: a
//! supervisor that was killed writes nothing down.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::adapters::providers::process::files::State;
use crate::adapters::providers::process::folder::{Places, STATUS, names, stamp};
use crate::adapters::providers::process::instances::all;
use crate::domain::ids::{Address, Instance, ProviderId, Scope};
use crate::domain::live::{Health, LiveEvent, LiveEventKind, LiveSubject, Status};

/// Time between two looks at the folders.
const PAUSE: Duration = Duration::from_millis(50);
/// Time between two looks at the processes themselves.
const PROOF: Duration = Duration::from_secs(1);

/// What one look saw of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    subject: LiveSubject,
    name: String,
    status: Status,
    health: Health,
    starts: u64,
    exit: i64,
}

type Look = BTreeMap<String, Seen>;

fn look(places: &Places, scope: &Scope) -> io::Result<Look> {
    let found = all(places)?;
    let ours = found.into_iter().filter(|f| f.spec.owner.is_in(scope));
    Ok(ours
        .map(|found| {
            let status = match found.standing() {
                // Not written down yet; the next look knows whether it ended or starts again.
                Status::Restarting if found.status.state == State::Running => Status::Running,
                other => other,
            };
            let seen = Seen {
                subject: LiveSubject {
                    id: ProviderId::new(&*found.spec.id),
                    address: Address::service(&found.spec.service),
                    instance: Instance(found.spec.instance),
                },
                name: found.name.clone(),
                status,
                health: found.health(),
                starts: found.status.starts,
                exit: found.status.exit_code.unwrap_or(255),
            };
            (found.spec.id, seen)
        })
        .collect())
}

fn runs(status: Status) -> bool {
    matches!(status, Status::Running | Status::Paused)
}

/// Says what happened between two looks.
fn differences(before: &Look, after: &Look) -> Vec<LiveEvent> {
    let mut events = Vec::new();
    for (id, seen) in after {
        let kinds = story(before.get(id), seen);
        events.extend(kinds.into_iter().map(|kind| LiveEvent {
            subject: Some(seen.subject.clone()),
            kind,
        }));
    }
    let gone = before.iter().filter(|(id, _)| !after.contains_key(*id));
    events.extend(gone.map(|(_, seen)| LiveEvent {
        subject: Some(seen.subject.clone()),
        kind: LiveEventKind::Removed,
    }));
    events
}

/// Tells what must have happened to one instance; several ends and starts between two looks are told as one.
fn story(old: Option<&Seen>, new: &Seen) -> Vec<LiveEventKind> {
    use LiveEventKind::{Changed, Created, Died, Health as Judged, Started};
    let mut story = Vec::new();
    if old.is_none() {
        story.push(Created);
    }
    let ran = old.is_some_and(|old| runs(old.status));
    let starts = old.map_or(0, |old| old.starts);
    let started = new.starts > starts;
    match (ran, runs(new.status)) {
        // The first start while it ran already is the gate's opening.
        (true, true) if started && starts > 0 => story.extend([Died(new.exit), Started]),
        (true, false) => story.push(Died(new.exit)),
        (false, true) => story.push(Started),
        (false, false) if started => story.extend([Started, Died(new.exit)]),
        (true, true) | (false, false) => {}
    }
    let known = old.map_or(Health::Unchecked, |old| old.health);
    if runs(new.status) && new.health != Health::Unchecked && new.health != known {
        story.push(Judged(new.health));
    }
    if let Some(old) = old {
        if old.name != new.name {
            story.push(Changed("renamed".into()));
        }
        if ran && runs(new.status) && old.status != new.status {
            story.push(Changed(new.status.as_str().into()));
        }
    }
    story
}

/// Sends events until the receiver is gone.
pub(super) async fn watch(places: &Places, scope: &Scope, events: mpsc::Sender<LiveEvent>) {
    let told = |kind| LiveEvent {
        subject: None,
        kind,
    };
    let mut seen = look(places, scope).unwrap_or_default();
    let mut lost = false;
    if events.send(told(LiveEventKind::Connected)).await.is_err() {
        return;
    }
    let mut stamps = stamps_of(places);
    let mut proved = Instant::now();
    loop {
        tokio::select! {
            () = events.closed() => return,
            () = sleep(PAUSE) => {}
        }
        let now = stamps_of(places);
        if now == stamps && proved.elapsed() < PROOF && !lost {
            continue;
        }
        proved = Instant::now();
        let mut batch = Vec::new();
        match look(places, scope) {
            Ok(after) => {
                if std::mem::take(&mut lost) {
                    batch.push(told(LiveEventKind::Connected));
                }
                if records_of(&now) != records_of(&stamps) {
                    batch.push(told(LiveEventKind::Changed("networks or volumes".into())));
                }
                batch.extend(differences(&seen, &after));
                seen = after;
                stamps = now;
            }
            Err(error) if !lost => {
                lost = true;
                batch.push(told(LiveEventKind::Lost(error.to_string())));
            }
            Err(_) => {}
        }
        for event in batch {
            if events.send(event).await.is_err() {
                return;
            }
        }
    }
}

/// When each watched thing was last replaced, by path.
type Stamps = BTreeMap<(bool, String), Option<(u64, i64, i64)>>;

fn stamps_of(places: &Places) -> Stamps {
    let mut stamps = Stamps::new();
    for name in names(&places.instances()).unwrap_or_default() {
        let path = places.instance(&name).join(STATUS);
        stamps.insert((false, name), stamp(&path));
    }
    for folder in [places.networks(), places.volumes()] {
        stamps.insert(
            (true, folder.to_string_lossy().into_owned()),
            stamp(&folder),
        );
    }
    stamps
}

fn records_of(stamps: &Stamps) -> Vec<&Option<(u64, i64, i64)>> {
    stamps
        .iter()
        .filter(|((record, _), _)| *record)
        .map(|(_, stamp)| stamp)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: Status, starts: u64, health: Health) -> Seen {
        Seen {
            subject: LiveSubject {
                id: ProviderId::new("1"),
                address: Address::service("api"),
                instance: Instance(0),
            },
            name: "nk-shop-local-api-0".into(),
            status,
            health,
            starts,
            exit: 7,
        }
    }

    #[test]
    fn two_looks_tell_what_happened_between() {
        use LiveEventKind::{Changed, Created, Died, Health as Judged, Started};
        let none = Health::Unchecked;
        let created = seen(Status::Created, 0, none);
        let gated = seen(Status::Running, 0, Health::Starting);
        let running = seen(Status::Running, 1, none);
        let exited = seen(Status::Exited(7), 1, none);
        let cases = [
            (None, &created, vec![Created]),
            (None, &exited, vec![Created, Started, Died(7)]),
            (Some(&created), &running, vec![Started]),
            (
                Some(&created),
                &gated,
                vec![Started, Judged(Health::Starting)],
            ),
            (Some(&gated), &running, vec![]),
            (Some(&running), &running, vec![]),
            (Some(&running), &exited, vec![Died(7)]),
            (
                Some(&exited),
                &seen(Status::Exited(7), 2, none),
                vec![Started, Died(7)],
            ),
            (
                Some(&running),
                &seen(Status::Running, 3, none),
                vec![Died(7), Started],
            ),
            (
                Some(&running),
                &seen(Status::Restarting, 1, none),
                vec![Died(7)],
            ),
            (
                Some(&running),
                &seen(Status::Paused, 1, none),
                vec![Changed("paused".into())],
            ),
            (
                Some(&running),
                &seen(Status::Running, 1, Health::Healthy),
                vec![Judged(Health::Healthy)],
            ),
        ];
        for (old, new, expected) in cases {
            assert_eq!(story(old, new), expected, "{old:?} -> {new:?}");
        }
    }
}
