//! Of which image a restore makes an instance: of the very one that was recorded, whatever its tag means by now.

use crate::domain::ids::{ImageId, Instance};
use crate::domain::live::Live;
use crate::domain::model::{path, short_image};
use crate::domain::plan::instance::short_id;
use crate::domain::record::RecordedResource;

/// The image of an instance that is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// The one the file names: it is the recorded one, or there is nothing else to go by.
    Named,
    /// The recorded one, by its id: its name means another one, or none.
    Recorded(&'a ImageId),
    /// The recorded one is not there any more: it will be whatever the name means.
    Lost(&'a ImageId),
}

impl<'a> Origin<'a> {
    /// Returns what a restore makes an instance of; `reference` is what the file names, in full.
    #[must_use]
    pub fn of(
        recorded: Option<&'a RecordedResource>,
        instance: Instance,
        reference: Option<&str>,
        live: &Live,
    ) -> Self {
        let (Some(recorded), Some(reference), true) = (recorded, reference, live.has_images) else {
            return Self::Named;
        };
        let then = recorded.model.get(path::IMAGE);
        let is_edited = then.is_none_or(|field| field.value != reference);
        // A number that was never used takes after the others.
        let own = recorded.instances.get(&instance);
        let mut all = own.into_iter().chain(recorded.instances.values());
        let id = all.find_map(|one| one.image_id.as_ref());
        match id {
            Some(id) if !is_edited => Self::by_id(id, reference, live),
            _ => Self::Named,
        }
    }

    fn by_id(id: &'a ImageId, reference: &str, live: &Live) -> Self {
        // A digest means one image only, here or fetched again.
        let is_digest = reference.contains("sha256:");
        if is_digest || live.images.get(reference) == Some(id) {
            Self::Named
        } else if live.local_images.contains(id) {
            Self::Recorded(id)
        } else {
            Self::Lost(id)
        }
    }
}

/// Writes an image with the id that is meant.
pub(super) fn named(reference: &str, id: &ImageId) -> String {
    format!("{} ({})", short_image(reference), short_id(id.as_str()))
}

/// Says that the recorded image is gone, and what is taken instead.
#[must_use]
pub fn lost(id: &ImageId, reference: &str, live: &Live) -> String {
    let instead = match live.images.get(reference) {
        Some(now) => named(reference, now),
        None => format!("whatever {} is once it is fetched", short_image(reference)),
    };
    let id = short_id(id.as_str());
    format!("the image it was made of ({id}) is not here any more: a new one is made of {instead}")
}
