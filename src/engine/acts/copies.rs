//! Backup and restore of a volume: a script in a one-off instance that mounts it, beside a folder of the project.

use std::path::{Path, PathBuf};

use crate::domain::project::procedure::Primitive;
use crate::domain::project::service::{Mount, MountSource};
use crate::domain::run::fact::StepEnd;
use crate::engine::acts::{Me, ended_as};
use crate::ports::hooks::{CallEnd, Value};
use crate::ports::provider::volume_variable;
use crate::ports::world::World;

/// Runs inside instances; POSIX sh.
const SCRIPT: &str = include_str!("copy.sh");
/// Where the folder of the project is mounted.
const FOLDER: &str = "/nk-copies";

/// What is copied, and to or from where.
pub(super) struct Copy<'a> {
    pub(super) volume: &'a str,
    pub(super) file: &'a Path,
    pub(super) service: &'a str,
    pub(super) image: Option<&'a str>,
}

impl<W: World> Me<'_, '_, W> {
    /// Copies a volume into a file or back.
    pub(super) async fn copy(&self, copy: &Copy<'_>) -> StepEnd {
        let argv = ["/bin/sh", "-c", SCRIPT].map(str::to_owned).to_vec();
        let mut spec = match self.spec(copy.service, argv, copy.image).await {
            Ok(spec) => spec,
            Err(why) => return ended_as(self.log, Err(why)),
        };
        let site = self.cx.site;
        let volume = MountSource::Volume(copy.volume.to_owned());
        let mount = spec.service.mounts.iter_mut().find(|m| m.source == volume);
        let Some(mount) = mount else {
            let why = format!("{} does not mount {} any more", copy.service, copy.volume);
            return ended_as(self.log, Err(why));
        };
        mount.read_only = false;
        let target = mount.target.clone();
        let run = site.run.as_str();
        let name = copy.file.file_name().unwrap_or_default().to_string_lossy();
        let name = name.replace("{run}", run);
        let place = copy.file.parent().unwrap_or(&site.project.root);
        // The folder of the project is always there; what lies below it the script makes.
        let below = place.strip_prefix(&site.project.root).unwrap_or(place);
        let below = PathBuf::from(below.to_string_lossy().replace("{run}", run));
        spec.service.mounts.push(Mount {
            source: MountSource::Bind {
                path: site.project.root.clone(),
                real: None,
                content: None,
            },
            target: FOLDER.to_owned(),
            read_only: false,
        });
        // What a user without rights in the volume or the folder cannot do, the image's own user may not either.
        if site.live.has_images {
            spec.service.user = Some("0".to_owned());
        }
        let restores = matches!(self.own.primitive, Primitive::Restore { .. });
        let pairs = [
            (
                "NK_DOES",
                if restores { "restore" } else { "backup" }.to_owned(),
            ),
            ("NK_VOLUME", volume_variable(copy.volume)),
            ("NK_DIR", target),
            ("NK_FOLDER", FOLDER.to_owned()),
            ("NK_HOST", site.project.root.to_string_lossy().into_owned()),
            ("NK_BELOW", below.to_string_lossy().into_owned()),
            ("NK_NAME", name.clone()),
            ("NK_FLOW", self.purpose.clone()),
            ("NK_RUN", site.run.to_string()),
        ];
        let pairs = pairs.into_iter();
        spec.env
            .extend(pairs.map(|(name, text)| (name.to_owned(), Value::Plain(text))));
        let shown = below.join(&name);
        let end = self.boxed(spec).await;
        let why = match end {
            CallEnd::Exited(70) => {
                "the file is there already, and is never written over; put `{run}` into its name, or move it away"
            }
            CallEnd::Exited(71) => "the file is not there",
            CallEnd::Exited(72) => {
                "there is no digest (`.sha256`) beside the file, so nobody knows whether it is whole"
            }
            CallEnd::Exited(73) => {
                "the file is damaged: its digest is another one; nothing was changed"
            }
            CallEnd::Exited(74) => {
                "the image has no `tar` or no `sha256sum`; name one that has with `image`"
            }
            CallEnd::Exited(76) => "its folder cannot be made: what stands in its place is none",
            CallEnd::Exited(75) => "the volume is not mounted in the instance",
            end => return self.command_end(end, None).await,
        };
        ended_as(self.log, Err(format!("{}: {why}", shown.display())))
    }
}
