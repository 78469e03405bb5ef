//! What a provider reports: everything of one project and environment that exists now.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{Address, ImageId, Instance, Lineage, OpId, ProviderId};
use crate::domain::model::Model;
use crate::domain::secret::Secret;

/// Whether an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Made but never started.
    Created,
    /// Running.
    Running,
    /// Frozen.
    Paused,
    /// Between an exit and the platform's own restart.
    Restarting,
    /// Ended with this exit code.
    Exited(i64),
    /// Not usable any more; only removal helps.
    Dead,
}

impl Status {
    /// Returns the word for models and screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited(_) => "exited",
            Self::Dead => "dead",
        }
    }
}

/// Verdict of the platform's own health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Health {
    /// The instance has no check that the platform runs.
    #[default]
    Unchecked,
    /// Not decided yet.
    Starting,
    /// Healthy.
    Healthy,
    /// Unhealthy.
    Unhealthy,
}

impl Health {
    /// Returns the word for events and screens.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// One live instance of a service (or a stray that only looks like one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveInstance {
    /// The provider's identifier.
    pub id: ProviderId,
    /// The provider's name of it.
    pub name: String,
    /// Service it says it is of.
    pub service: String,
    /// Instance number it says it is.
    pub instance: Instance,
    /// Lineage on its label.
    pub lineage: Option<Lineage>,
    /// Configuration hash on its label.
    pub hash: Option<String>,
    /// Operation that made it.
    pub op: Option<OpId>,
    /// Whether it runs.
    pub status: Status,
    /// The platform's health verdict.
    pub health: Health,
    /// Image it was made of.
    pub image_id: Option<ImageId>,
    /// Fields the provider can read back, canonical; a path that is absent was not observed.
    pub model: Model,
    /// Milliseconds since 1970 of the last start, for display.
    pub started_at_ms: Option<i64>,
    /// Whether it is a one-off (an install or a hook container left behind).
    pub one_off: bool,
    /// How often the platform restarted it.
    pub restarts: u32,
    /// Host ports really bound, `HOST:PORT->PORT`, for display.
    pub ports: Vec<String>,
    /// Variables it was given, as far as the platform tells: what is a secret among them no output may show.
    pub given: BTreeMap<String, Secret>,
}

/// A live instance that does not say which instance of what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplaced {
    /// The provider's name of it.
    pub name: String,
    /// Lineage on its label.
    pub lineage: Option<Lineage>,
    /// What is wrong with it, in the provider's words.
    pub why: String,
}

/// Something that is no instance of ours and bears a name that ours would bear: none can be made there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The provider's name of it.
    pub name: String,
    /// What it is, in the provider's words.
    pub what: String,
    /// Command that clears the way.
    pub remedy: String,
    /// Whether it once was an instance of ours: while it is there, ours is not gone.
    pub is_ours: bool,
}

/// One live network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveNetwork {
    /// The provider's identifier.
    pub id: ProviderId,
    /// The provider's name of it.
    pub name: String,
    /// Name in the file, if its label says one.
    pub network: Option<String>,
    /// Lineage on its label.
    pub lineage: Option<Lineage>,
    /// Configuration hash on its label.
    pub hash: Option<String>,
    /// Fields the provider can read back.
    pub model: Model,
}

/// One live volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveVolume {
    /// The provider's identifier (its name).
    pub id: ProviderId,
    /// Name in the file, if its label says one.
    pub volume: Option<String>,
    /// Lineage on its label.
    pub lineage: Option<Lineage>,
    /// Fields the provider can read back.
    pub model: Model,
}

/// Everything observed at one moment.
///
/// Networks and volumes are listed when they carry the scope's labels **or** bear the name the scope would
/// give them (a network removed and re-made by hand has the name but no label); those without our label
/// have `lineage: None`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Live {
    /// Identity of the engine that answered, so that a plan is not carried out on another one.
    pub engine: String,
    /// Instances, one-offs and strays included.
    pub instances: Vec<LiveInstance>,
    /// What bears our labels and cannot be placed: strays.
    pub unplaced: Vec<Unplaced>,
    /// What stands where instances of ours would be.
    pub obstacles: Vec<Obstacle>,
    /// What is wrong with instances that are known all the same, for people.
    pub remarks: Vec<String>,
    /// Networks.
    pub networks: Vec<LiveNetwork>,
    /// Volumes.
    pub volumes: Vec<LiveVolume>,
    /// What each wanted image reference (normalised) resolves to locally; absent when not there.
    pub images: BTreeMap<String, ImageId>,
    /// Every image that is there, tagged or not.
    pub local_images: BTreeSet<ImageId>,
    /// Whether images exist on this platform at all.
    pub has_images: bool,
}

impl Live {
    /// Returns the instances of a service, by number, one-offs left out.
    pub fn of_service<'a>(
        &'a self,
        service: &'a str,
    ) -> impl Iterator<Item = &'a LiveInstance> + 'a {
        self.instances
            .iter()
            .filter(move |i| i.service == service && !i.one_off)
    }
}

/// A change the platform reports by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveEvent {
    /// Which instance, when the event is about one.
    pub subject: Option<LiveSubject>,
    /// What happened.
    pub kind: LiveEventKind,
}

/// The instance an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveSubject {
    /// The provider's identifier.
    pub id: ProviderId,
    /// Service address.
    pub address: Address,
    /// Instance number.
    pub instance: Instance,
}

/// Kinds of live events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveEventKind {
    /// The stream is up; everything from now on is seen. Sent first, and again after each reconnect.
    Connected,
    /// The stream broke; a gap is possible until the next `Connected`.
    Lost(String),
    /// An instance was created.
    Created,
    /// An instance started.
    Started,
    /// An instance ended with this code.
    Died(i64),
    /// An instance was removed.
    Removed,
    /// The platform's health check changed its verdict.
    Health(Health),
    /// A volume was removed.
    VolumeRemoved(ProviderId),
    /// An instance was frozen.
    Paused,
    /// A frozen instance goes on.
    Unpaused,
    /// Anything else about an instance, network, volume or image that may be drift (renamed, tagged …).
    Changed(String),
}

/// What a platform can do; the planner and the engine adapt to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Instances are made of images.
    pub images: bool,
    /// It runs command health checks itself and reports verdicts.
    pub health_checks: bool,
    /// Limits and restart policy can be changed on a running instance.
    pub limits_in_place: bool,
    /// Networks can be joined and left while running.
    pub networks_in_place: bool,
    /// Two instances may listen on the same inner port at once.
    pub shared_inner_ports: bool,
}
