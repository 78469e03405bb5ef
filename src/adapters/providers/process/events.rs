//! What changes in the folders, as events.
//!
//! The folders are looked at often and cheaply (when was each status replaced), the processes once a second: a
//! supervisor that was killed writes nothing down.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep};

use crate::adapters::providers::process::files::State;
use crate::adapters::providers::process::folder::{Places, STATUS, names, stamp};
use crate::adapters::providers::process::instances::{Found, all};
use crate::domain::ids::{Address, Instance, ProviderId, Scope};
use crate::domain::live::{Health, LiveEvent, LiveEventKind, LiveSubject, Status};

/// Time between two looks at the folders.
const PAUSE: Duration = Duration::from_millis(50);
/// Time between two looks at the processes themselves.
const PROOF: Duration = Duration::from_secs(1);
/// Most events kept for a slow receiver; beyond, a gap is told instead.
const MOST: usize = 1024;

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

impl Seen {
    fn of(found: &Found) -> Self {
        let status = match found.standing() {
            // Not written down yet; the next look knows whether it ended or starts again.
            Status::Restarting if found.status.state == State::Running => Status::Running,
            other => other,
        };
        Self {
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
        }
    }
}

type Look = BTreeMap<String, Seen>;

fn look(places: &Places, scope: &Scope) -> io::Result<Look> {
    let found = all(places)?;
    let ours = found.iter().filter(|f| f.spec.owner.is_in(scope));
    Ok(ours
        .map(|found| (found.spec.id.clone(), Seen::of(found)))
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
    use LiveEventKind::{Changed, Created, Died, Health as Judged, Paused, Started, Unpaused};
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
            story.push(match new.status {
                Status::Paused => Paused,
                _ => Unpaused,
            });
        }
    }
    story
}

/// One watch: what it saw last, and what it has yet to send.
#[derive(Debug)]
struct Watched {
    scope: Scope,
    seen: Look,
    pending: VecDeque<LiveEvent>,
}

impl Watched {
    fn tell(&mut self, event: LiveEvent) {
        if self.pending.len() >= MOST {
            self.pending.clear();
            self.pending.push_back(whole(LiveEventKind::Lost(
                "more happened than could be told".into(),
            )));
            self.pending.push_back(whole(LiveEventKind::Connected));
        }
        self.pending.push_back(event);
    }

    /// Compares everything with the last look.
    fn look(&mut self, places: &Places) -> io::Result<()> {
        let now = look(places, &self.scope)?;
        for event in differences(&self.seen, &now) {
            self.tell(event);
        }
        self.seen = now;
        Ok(())
    }

    /// Compares one instance with the last look.
    fn look_at(&mut self, id: &str, found: Option<&Found>) {
        let old = self.seen.get(id);
        let (subject, kinds) = match (old, found) {
            (old, Some(found)) if found.spec.owner.is_in(&self.scope) => {
                let new = Seen::of(found);
                let told = (new.subject.clone(), story(old, &new));
                self.seen.insert(id.to_owned(), new);
                told
            }
            (Some(old), None) => {
                let told = (old.subject.clone(), vec![LiveEventKind::Removed]);
                self.seen.remove(id);
                told
            }
            (_, Some(_)) | (None, None) => return,
        };
        for kind in kinds {
            let subject = Some(subject.clone());
            self.tell(LiveEvent { subject, kind });
        }
    }
}

fn whole(kind: LiveEventKind) -> LiveEvent {
    LiveEvent {
        subject: None,
        kind,
    }
}

/// All watches of a provider. What the provider itself does is looked at after each operation, so that even an
/// instance that lives for a moment only is told of; what others do, at the next look.
#[derive(Debug, Default)]
pub(super) struct Watches {
    all: Mutex<BTreeMap<u64, Watched>>,
    next: AtomicU64,
    bell: Notify,
}

impl Watches {
    fn locked(&self) -> MutexGuard<'_, BTreeMap<u64, Watched>> {
        // What a panic left behind is at worst an event told twice.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at one instance at once.
    pub(super) fn look_at(&self, id: &ProviderId, found: Option<&Found>) {
        let mut all = self.locked();
        for watched in all.values_mut() {
            watched.look_at(id.as_str(), found);
        }
        drop(all);
        self.bell.notify_waiters();
    }

    /// Sends events until the receiver is gone.
    pub(super) async fn watch(
        &self,
        places: &Places,
        scope: &Scope,
        events: mpsc::Sender<LiveEvent>,
    ) {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let watched = Watched {
            scope: scope.clone(),
            seen: look(places, scope).unwrap_or_default(),
            pending: [whole(LiveEventKind::Connected)].into(),
        };
        self.locked().insert(key, watched);
        let _registered = Registered { watches: self, key };
        let mut stamps = stamps_of(places);
        let mut proved = Instant::now();
        let mut lost = false;
        loop {
            let batch = self
                .locked()
                .get_mut(&key)
                .map(|watched| std::mem::take(&mut watched.pending));
            for event in batch.unwrap_or_default() {
                if events.send(event).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                () = events.closed() => return,
                () = self.bell.notified() => continue,
                () = sleep(PAUSE) => {}
            }
            let now = stamps_of(places);
            if now == stamps && proved.elapsed() < PROOF && !lost {
                continue;
            }
            proved = Instant::now();
            let mut all = self.locked();
            let Some(watched) = all.get_mut(&key) else {
                return;
            };
            if records_of(&now) != records_of(&stamps) {
                watched.tell(whole(LiveEventKind::Changed("networks or volumes".into())));
            }
            match watched.look(places) {
                Ok(()) => {
                    if std::mem::take(&mut lost) {
                        watched.pending.push_front(whole(LiveEventKind::Connected));
                    }
                    stamps = now;
                }
                Err(error) if !lost => {
                    lost = true;
                    watched.tell(whole(LiveEventKind::Lost(error.to_string())));
                }
                Err(_) => {}
            }
        }
    }
}

/// Takes a watch off the list when its future is dropped.
struct Registered<'a> {
    watches: &'a Watches,
    key: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.watches.locked().remove(&self.key);
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
        use LiveEventKind::{Created, Died, Health as Judged, Paused, Started};
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
            (Some(&running), &seen(Status::Paused, 1, none), vec![Paused]),
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
