//! What a live instance was made of: its configuration, its image, the volumes under it. Where that is wrong, a new one
//! has to be made.

use crate::domain::ids::ImageId;
use crate::domain::model::{FieldClass, path};
use crate::domain::plan::diff::asks_for;
use crate::domain::plan::instance::{Verdict, short_id};
use crate::domain::plan::model::{Cause, Change};
use crate::domain::plan::origin::named;
use crate::domain::project::canonical::hash_is_current;
use crate::domain::project::service::MountSource;

impl Verdict<'_, '_> {
    /// Was it made of the wanted configuration? Its label tells; hashes of other rules tell nothing.
    pub(super) fn configuration(&mut self) {
        let case = self.case;
        let label = self.live.hash.as_deref();
        let comparable = label.is_some_and(hash_is_current);
        self.replace = case.reinstall;
        if comparable && label == Some(case.hash) {
            return;
        }
        if asks_for(case.config, FieldClass::Recreate) {
            self.replace = true;
            return;
        }
        // The file did not change and still the label differs: somebody else made this instance, or there is no
        // record to compare with.
        if (comparable || case.recorded.is_none()) && !self.leaves("hash") {
            let before = label.map_or_else(|| "unknown".to_owned(), short_hash);
            let after = short_hash(case.hash);
            self.note("hash", Some(&before), Some(&after), case.drift_or_config());
            self.replace = true;
        }
    }

    /// Two that bear the label of one operation cannot both be of it: this one was copied by hand, labels and all, and
    /// nobody knows with which variables, ports or mounts.
    pub(super) fn origin(&mut self) {
        let case = self.case;
        let Some(op) = &self.live.op else { return };
        let mut known = case.recorded.into_iter().flat_map(|r| r.instances.values());
        let is_copy = known.any(|one| one.op == *op && one.id != self.live.id);
        if is_copy && !self.replace && !self.leaves(Change::ID) {
            let before = format!("a copy made by hand ({})", short_id(self.live.id.as_str()));
            self.note("id", Some(&before), Some("made anew"), Cause::Drift);
            self.replace = true;
        }
    }

    /// Is it made of the image that was recorded? If not, that is drift. What a tag means by now is another question: whom
    /// it matters to deploys, and no restore asks it.
    pub(super) fn image(&mut self) {
        let case = self.case;
        let (Some(reference), Some(made_of)) = (case.pinned_image(), &self.live.image_id) else {
            return;
        };
        let means = case.means(reference);
        if means == Some(made_of) {
            return;
        }
        let recorded = case
            .recorded
            .and_then(|r| r.instances.get(&self.live.instance));
        // The very object that was recorded is of the image it was made of, whatever its reply said.
        let other = recorded.filter(|recorded| recorded.id != self.live.id);
        let known = other.and_then(|other| other.image_id.as_ref());
        let text = |id: &ImageId| named(reference, id);
        if let Some(known) = known.filter(|known| *known != made_of)
            && !self.leaves(path::IMAGE)
        {
            let (before, after) = (text(made_of), text(means.unwrap_or(known)));
            self.note(path::IMAGE, Some(&before), Some(&after), Cause::Drift);
            self.replace = true;
        }
        let before = known.unwrap_or(made_of);
        if let Some(means) = means.filter(|means| *means != before) {
            let (before, after) = (text(before), text(means));
            self.note(path::IMAGE, Some(&before), Some(&after), Cause::Config);
            self.replace = true;
        }
    }

    /// A volume that is made anew is empty: whoever mounts it has to be set up again.
    pub(super) fn volumes(&mut self) {
        for mount in &self.case.service.mounts {
            if let MountSource::Volume(name) = &mount.source
                && self.case.ground.fresh_volumes.contains(name)
            {
                let field = format!("{}{}", path::MOUNTS, mount.target);
                let after = format!("volume:{name}");
                if self
                    .case
                    .recorded
                    .is_some_and(|r| r.model.contains_key(&field))
                {
                    self.note(&field, None, Some(&after), Cause::Drift);
                }
                self.replace = true;
            }
        }
    }
}

fn short_hash(hash: &str) -> String {
    short_id(hash).to_owned()
}
