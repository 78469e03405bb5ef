//! How a service stands: the state, health and number of its instances, each in a word and a tone.

use crate::app::snapshot::Snapshot;
use crate::domain::ids::Address;
use crate::domain::live::{Health, Status};
use crate::domain::project::health::Probe;
use crate::domain::project::service::ServiceKind;
use crate::domain::report::{InstanceStatus, ResourceStatus};
use crate::tui::rows::row::Cell;
use crate::tui::theme::Tone;

/// How something stands: a symbol, and the same in a word.
pub struct State {
    /// The symbol.
    pub symbol: Cell,
    /// The word.
    pub word: Cell,
}

impl State {
    /// Joins a symbol and a word of one meaning.
    #[must_use]
    pub fn of(symbol: &str, word: impl Into<String>, tone: Tone) -> Self {
        Self {
            symbol: Cell::new(symbol, tone),
            word: Cell::new(word, tone),
        }
    }
}

/// Says in one word how the instances of a service stand.
#[must_use]
pub fn state(kind: ServiceKind, wanted: u32, status: Option<&ResourceStatus>) -> State {
    let Some(status) = status else {
        return State::of("?", "not seen yet", Tone::Dim);
    };
    if wanted == 0 && status.instances.is_empty() {
        return State::of("○", "off", Tone::Dim);
    }
    if status.instances.is_empty() {
        return if kind == ServiceKind::Job && status.ready {
            State::of("✓", "completed", Tone::Ok)
        } else {
            State::of("○", "absent", Tone::Dim)
        };
    }
    let of = |instance: &InstanceStatus| instance.status;
    let worst = status.instances.iter().map(of).max_by_key(|s| badness(*s));
    match worst {
        Some(Status::Exited(0)) if kind == ServiceKind::Job => {
            State::of("✓", "completed", Tone::Ok)
        }
        Some(Status::Running) | None => State::of("●", "running", Tone::Ok),
        Some(Status::Exited(code)) => State::of("✗", format!("exited {code}"), Tone::Fail),
        Some(Status::Dead) => State::of("✗", "dead", Tone::Fail),
        Some(other) => State::of("◐", other.as_str(), Tone::Warn),
    }
}

fn badness(status: Status) -> u8 {
    match status {
        Status::Running => 0,
        Status::Created => 1,
        Status::Paused => 2,
        Status::Restarting => 3,
        Status::Exited(_) => 4,
        Status::Dead => 5,
    }
}

/// The worst health of the instances; what the run found out counts where the platform checks nothing.
#[must_use]
pub fn health(snapshot: &Snapshot, status: Option<&ResourceStatus>) -> Cell {
    let Some(status) = status.filter(|status| !status.instances.is_empty()) else {
        return Cell::default();
    };
    let words = status
        .instances
        .iter()
        .map(|instance| instance_health(snapshot, &status.address, instance));
    let worst = words
        .max_by_key(|word| match word.as_str() {
            "unhealthy" => 3,
            "starting" => 2,
            "healthy" => 1,
            _ => 0,
        })
        .unwrap_or_default();
    let tone = match worst.as_str() {
        "healthy" => Tone::Ok,
        "starting" => Tone::Busy,
        "unhealthy" => Tone::Fail,
        _ => Tone::Dim,
    };
    Cell::new(worst, tone)
}

/// Returns the word for the health of one instance; empty when nobody checks it.
#[must_use]
pub fn instance_health(
    snapshot: &Snapshot,
    address: &Address,
    instance: &InstanceStatus,
) -> String {
    match instance.health {
        Health::Unchecked => snapshot
            .run
            .as_ref()
            .filter(|_| instance.status == Status::Running)
            .and_then(|run| run.health.get(&address.instance(instance.instance)))
            .map(|(word, _)| word.clone())
            .filter(|word| word != Health::Healthy.as_str() || is_checked(snapshot, address))
            .unwrap_or_default(),
        checked @ (Health::Starting | Health::Healthy | Health::Unhealthy) => {
            checked.as_str().to_owned()
        }
    }
}

/// Tells whether the file asks for a health check: without one, a run only knows that the service stayed up.
fn is_checked(snapshot: &Snapshot, address: &Address) -> bool {
    let project = snapshot.config.as_ref().and_then(|c| c.project.as_ref());
    project
        .and_then(|project| project.services.get(&address.name))
        .and_then(|service| service.healthcheck.as_ref())
        .is_some_and(|check| check.probe != Probe::None)
}

/// How many instances are up of how many wanted; of a job: whether it completed.
#[must_use]
pub fn instances(kind: ServiceKind, status: Option<&ResourceStatus>, wanted: u32) -> Cell {
    let Some(status) = status else {
        return Cell::new(format!("-/{wanted}"), Tone::Dim);
    };
    let up = status
        .instances
        .iter()
        .filter(|instance| match instance.status {
            Status::Running => true,
            Status::Exited(0) => kind == ServiceKind::Job,
            Status::Created
            | Status::Paused
            | Status::Restarting
            | Status::Exited(_)
            | Status::Dead => false,
        })
        .count();
    let up = if kind == ServiceKind::Job && status.ready {
        wanted as usize
    } else {
        up
    };
    let tone = if up == wanted as usize {
        Tone::Text
    } else {
        Tone::Warn
    };
    Cell::new(format!("{up}/{wanted}"), tone)
}
