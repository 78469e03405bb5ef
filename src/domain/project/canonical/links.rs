//! Where the folders and files lie that are mounted.

use sha2::Sha256;

use crate::domain::project::canonical::feed;
use crate::domain::project::project::Project;
use crate::domain::project::service::MountSource;

/// Where links on the way to what is mounted lead: a plan that was approved is not carried out with other folders.
pub(super) fn feed_links(hasher: &mut Sha256, project: &Project) {
    for service in project.services.values() {
        for mount in &service.mounts {
            if let MountSource::Bind {
                real: Some(real), ..
            } = &mount.source
            {
                feed(hasher, "link");
                feed(hasher, &service.name);
                feed(hasher, &mount.target);
                feed(hasher, &real.to_string_lossy());
            }
        }
    }
}
