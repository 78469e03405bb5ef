//! The engine's event stream, as live events of one project.
//!
//! One stream without a label filter: joining and leaving networks, and making one by hand, carry no labels.
//! Commands inside containers also make events, with their whole command line; those are filtered out by the
//! engine and never reach us.

use std::collections::VecDeque;
use std::time::Duration;

use bollard::models::{EventMessage, EventMessageTypeEnum};
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::adapters::providers::docker::fault::Fault;
use crate::adapters::providers::docker::labels::{self, Labels};
use crate::adapters::providers::docker::provider::DockerProvider;
use crate::domain::ids::{Address, ProviderId, Scope};
use crate::domain::live::{Health, LiveEvent, LiveEventKind, LiveSubject};
use crate::domain::model::normal_image;
use crate::domain::project::naming;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How far before the last event a new connection begins: the engine stamps an event before it lines it up, so that of two
/// at the same moment the later one may bear the earlier time.
const OVERLAP: Duration = Duration::from_millis(200);
/// How many events are remembered as told; the engine itself keeps no more of them.
const REMEMBERED: usize = 256;
/// A far engine that has not refused the stream for this long has accepted it.
const ACCEPTED: Duration = Duration::from_millis(150);

const TYPES: [&str; 4] = ["container", "network", "volume", "image"];
const ACTIONS: [&str; 16] = [
    "create",
    "start",
    "die",
    "destroy",
    "rename",
    "pause",
    "unpause",
    "update",
    "oom",
    "health_status",
    "connect",
    "disconnect",
    "tag",
    "untag",
    "delete",
    "remove",
];

impl DockerProvider {
    /// Sends events until the receiver is gone.
    pub(super) async fn follow_events(&self, scope: &Scope, events: &mpsc::Sender<LiveEvent>) {
        let mut told = Told {
            begin: self
                .endpoint
                .is_local()
                .then(|| nanos(jiff::Timestamp::now())),
            ..Told::default()
        };
        let mut pause = FIRST_PAUSE;
        loop {
            let mut connected = false;
            let broken = tokio::select! {
                broken = self.follow_once(scope, events, &mut told, &mut connected) => broken,
                () = events.closed() => return,
            };
            if connected {
                pause = FIRST_PAUSE;
            }
            let lost = LiveEvent {
                subject: None,
                kind: LiveEventKind::Lost(broken),
            };
            if events.send(lost).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = events.closed() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Follows one stream to its end and says why it ended.
    async fn follow_once(
        &self,
        scope: &Scope,
        events: &mpsc::Sender<LiveEvent>,
        told: &mut Told,
        connected: &mut bool,
    ) -> String {
        let filters = [
            ("type".to_owned(), TYPES.map(str::to_owned).to_vec()),
            ("event".to_owned(), ACTIONS.map(str::to_owned).to_vec()),
        ]
        .into_iter()
        .collect();
        let mut options = EventsOptionsBuilder::new().filters(&filters);
        let since = told.since();
        if let Some(since) = since {
            options = options.since(&text_of(since));
        }
        let mut stream = Box::pin(self.docker.events(Some(options.build())));
        // With `since` nothing from then on can be missed, so the stream may be called connected as soon as the
        // engine is known to be there; without, only when it has not refused for a while.
        let wait = if since.is_some() {
            Duration::from_millis(5)
        } else {
            ACCEPTED
        };
        let mut next = match tokio::time::timeout(wait, stream.next()).await {
            Ok(Some(Err(error))) => return why(&error),
            Ok(None) => return "the engine ended the stream".to_owned(),
            Ok(Some(Ok(message))) => Some(message),
            Err(_) => None,
        };
        *connected = true;
        let hello = LiveEvent {
            subject: None,
            kind: LiveEventKind::Connected,
        };
        if events.send(hello).await.is_err() {
            return String::new();
        }
        loop {
            let message = match next.take() {
                Some(message) => message,
                None => match stream.next().await {
                    Some(Ok(message)) => message,
                    Some(Err(error)) => return why(&error),
                    None => return "the engine ended the stream".to_owned(),
                },
            };
            if !told.is_new(&message) {
                continue;
            }
            if let Some(event) = self.translate(scope, &message)
                && events.send(event).await.is_err()
            {
                return String::new();
            }
        }
    }

    /// Turns a message into an event of this scope, if it is one.
    fn translate(&self, scope: &Scope, message: &EventMessage) -> Option<LiveEvent> {
        let action = message.action.as_deref()?;
        let actor = message.actor.as_ref()?;
        let id = actor.id.as_deref()?;
        let attributes: Labels = actor
            .attributes
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect();
        match message.typ? {
            EventMessageTypeEnum::CONTAINER => self.of_container(scope, id, action, &attributes),
            EventMessageTypeEnum::NETWORK => self.of_network(scope, action, &attributes),
            EventMessageTypeEnum::VOLUME => {
                naming::may_be_named_by(scope, id).then(|| of_volume(id, action))
            }
            EventMessageTypeEnum::IMAGE => {
                let name = attributes.get("name").map_or(id, String::as_str);
                let wanted = self.seen.open().images.contains_key(&normal_image(name));
                wanted.then(|| changed(None, format!("image {name}: {action}")))
            }
            _ => None,
        }
    }

    fn of_container(
        &self,
        scope: &Scope,
        id: &str,
        action: &str,
        attributes: &Labels,
    ) -> Option<LiveEvent> {
        if !labels::are_of(attributes, scope) {
            return None;
        }
        if action == "oom" {
            // The engine tells this of any process in there, and remembers it only when the first one ends of it.
            let now = tokio::time::Instant::now();
            self.seen.open().starved.insert(id.to_owned(), now);
        }
        if attributes.contains_key(labels::ONE_OFF) {
            return None;
        }
        let subject = LiveSubject {
            id: ProviderId::new(id),
            address: Address::service(attributes.get(labels::SERVICE)?),
            instance: labels::instance(attributes)?,
        };
        let mut seen = self.seen.open();
        let kind = match action.split_once(": ") {
            Some(("health_status", verdict)) => LiveEventKind::Health(health(verdict)?),
            _ => match action {
                "create" => LiveEventKind::Created,
                "start" => LiveEventKind::Started,
                "die" => {
                    // It may come back under another address.
                    seen.addresses.remove(id);
                    let code = attributes.get("exitCode");
                    LiveEventKind::Died(code.and_then(|code| code.parse().ok()).unwrap_or(0))
                }
                "destroy" => {
                    seen.subjects.remove(id);
                    seen.starved.remove(id);
                    LiveEventKind::Removed
                }
                "pause" => LiveEventKind::Paused,
                "unpause" => LiveEventKind::Unpaused,
                other => LiveEventKind::Changed(other.to_owned()),
            },
        };
        if kind != LiveEventKind::Removed {
            seen.subjects.insert(id.to_owned(), subject.clone());
        }
        Some(LiveEvent {
            subject: Some(subject),
            kind,
        })
    }

    fn of_network(&self, scope: &Scope, action: &str, attributes: &Labels) -> Option<LiveEvent> {
        let name = attributes.get("name")?;
        let container = attributes.get("container");
        let subject = container.and_then(|id| self.seen.open().subjects.get(id).cloned());
        // Somebody else's container on a network of ours is no news, one of ours on a foreign network is.
        let ours = match container {
            Some(_) => subject.is_some(),
            None => naming::may_be_named_by(scope, name),
        };
        ours.then(|| changed(subject, format!("network {name}: {action}")))
    }
}

fn of_volume(id: &str, action: &str) -> LiveEvent {
    match action {
        "destroy" => LiveEvent {
            subject: None,
            kind: LiveEventKind::VolumeRemoved(ProviderId::new(id)),
        },
        other => changed(None, format!("volume {id}: {other}")),
    }
}

fn changed(subject: Option<LiveSubject>, what: String) -> LiveEvent {
    LiveEvent {
        subject,
        kind: LiveEventKind::Changed(what),
    }
}

fn health(verdict: &str) -> Option<Health> {
    match verdict {
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        "starting" => Some(Health::Starting),
        _ => None,
    }
}

/// What was told of the stream already, so that a new connection leaves nothing out and tells nothing twice.
#[derive(Default)]
struct Told {
    /// Where the first connection begins; nothing: with what comes then.
    begin: Option<i64>,
    /// The last ones, by time and what they were.
    last: VecDeque<(i64, String)>,
}

impl Told {
    /// Returns from when on the engine is asked to tell.
    fn since(&self) -> Option<i64> {
        let newest = self.last.iter().map(|(at, _)| *at).max();
        let overlap = i64::try_from(OVERLAP.as_nanos()).unwrap_or(i64::MAX);
        newest.map_or(self.begin, |newest| {
            let at = newest.saturating_sub(overlap);
            Some(self.begin.map_or(at, |begin| at.max(begin)))
        })
    }

    /// Notes an event, and tells whether it is a new one.
    fn is_new(&mut self, message: &EventMessage) -> bool {
        let Some(at) = message.time_nano else {
            return true;
        };
        let id = message.actor.as_ref().and_then(|actor| actor.id.as_deref());
        let action = message.action.as_deref();
        let what = format!("{} {}", action.unwrap_or_default(), id.unwrap_or_default());
        let one = (at, what);
        if self.last.contains(&one) {
            return false;
        }
        self.last.push_back(one);
        if self.last.len() > REMEMBERED {
            self.last.pop_front();
        }
        true
    }
}

fn why(error: &bollard::errors::Error) -> String {
    Fault::of("follow events of", "engine", error)
        .message()
        .to_owned()
}

fn nanos(at: jiff::Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

/// Writes a mark as the engine reads it: seconds, a dot, nanoseconds.
fn text_of(nanos: i64) -> String {
    const SECOND: i64 = 1_000_000_000;
    format!("{}.{:09}", nanos / SECOND, nanos % SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_written_with_all_its_digits() {
        assert_eq!(text_of(1_700_000_000_000_000_007), "1700000000.000000007");
    }

    fn message(at: i64, action: &str) -> EventMessage {
        EventMessage {
            time_nano: Some(at),
            action: Some(action.to_owned()),
            ..EventMessage::default()
        }
    }

    #[test]
    fn what_was_told_before_a_reconnect_is_not_told_again_and_nothing_is_left_out() {
        const SECOND: i64 = 1_000_000_000;
        let mut told = Told {
            begin: Some(SECOND),
            ..Told::default()
        };
        assert_eq!(told.since(), Some(SECOND));
        // One that bears an earlier time than the one before it, and two at the same moment.
        let found = [(12, "die"), (11, "start"), (12, "destroy"), (12, "die")]
            .map(|(at, action)| told.is_new(&message(at * SECOND, action)));
        assert_eq!(found, [true, true, true, false]);
        assert_eq!(told.since(), Some(12 * SECOND - 200_000_000));
        for number in 0..1000 {
            assert!(told.is_new(&message(20 * SECOND + number, "die")));
        }
        assert_eq!(told.last.len(), REMEMBERED);
    }

    #[test]
    fn without_a_beginning_the_first_connection_asks_for_nothing_old() {
        assert_eq!(Told::default().since(), None);
        let mut told = Told {
            begin: Some(100),
            ..Told::default()
        };
        assert!(told.is_new(&message(150, "die")));
        assert_eq!(told.since(), Some(100));
    }
}
