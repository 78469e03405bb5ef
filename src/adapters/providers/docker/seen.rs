//! What earlier calls taught us, so that no call is made twice: image ids, image facts, addresses.
//!
//! It is a cache of hints for messages and for saving calls; nothing is decided by it that the engine would not
//! decide again.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::ids::{ImageId, ProviderId};
use crate::domain::live::LiveSubject;

/// What has to be known of an image before an instance of it is made.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct ImageFacts {
    /// Its id.
    pub(super) id: ImageId,
    /// Whether it brings a health check of its own.
    pub(super) has_check: bool,
    /// Its entry point.
    pub(super) entrypoint: Vec<String>,
    /// Its command.
    pub(super) command: Vec<String>,
}

/// Everything learned.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// Normalised reference → id, as of the last observation, pull or build.
    pub(super) images: BTreeMap<String, ImageId>,
    /// Facts by image id.
    pub(super) facts: BTreeMap<ImageId, ImageFacts>,
    /// Networks by name, as of the last observation; `None` before the first.
    pub(super) networks: Option<BTreeMap<String, ProviderId>>,
    /// Instances that events without labels may be about, by container id.
    pub(super) subjects: BTreeMap<String, LiveSubject>,
    /// When the kernel last killed something in a container for want of memory, by container id.
    pub(super) starved: BTreeMap<String, tokio::time::Instant>,
    /// Where instances answer, by container id.
    pub(super) addresses: BTreeMap<String, Reach>,
}

/// Where an instance answers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Reach {
    /// Its own address on a network of the engine.
    pub(super) inner: Option<IpAddr>,
    /// Host port by inner port.
    pub(super) published: BTreeMap<u16, u16>,
}

/// The shared cell.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Learned>);

impl Seen {
    /// Opens it; never held across an await.
    pub(super) fn open(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
