//! The canonical model: one map from field path to canonical text, the same for what is desired, what was
//! recorded and what is live.
//!
//! Three-way comparison is a walk over three such maps. Everything that makes two spellings of one thing
//! equal (defaults written out, order of sets, image names with or without their registry, `512mb` and
//! bytes) happens before a value enters the map; nothing is normalised while comparing.

use std::collections::BTreeMap;

use crate::domain::ids::Digest;

/// Version of the rules by which models are made and hashed. A change of the rules changes it, so that an
/// upgrade of the tool compares models, never hashes of different rules.
pub const HASH_SCHEMA: u32 = 1;

/// Canonical value of one field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Field {
    /// Canonical text; for a sensitive field a keyed digest, never the value.
    pub value: String,
    /// Whether the value is kept from every screen and file.
    pub sensitive: bool,
}

impl Field {
    /// Makes a field that may be shown.
    #[must_use]
    pub fn plain(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            sensitive: false,
        }
    }
    /// Makes a field that holds only a keyed digest of its value.
    #[must_use]
    pub fn secret(digest: &Digest) -> Self {
        Self {
            value: digest.0.clone(),
            sensitive: true,
        }
    }
}

/// Fields of one resource by path (`image`, `env.PORT`, `mounts./data`).
pub type Model = BTreeMap<String, Field>;

/// What a change of a field asks of a running instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldClass {
    /// The instance has to be made anew.
    Recreate,
    /// The engine changes it on the running instance.
    InPlace,
    /// Only nanokit itself reads it (hooks, strategy, dependencies); nothing running is touched.
    Client,
}

/// Paths of fields that an observation reports beside the desired ones.
pub mod path {
    /// Image reference, normalised by [`super::normal_image`].
    pub const IMAGE: &str = "image";
    /// Whether an instance runs: `running`, `exited`, `paused`, `created`, `missing`.
    pub const STATUS: &str = "status";
    /// The engine's name of the object.
    pub const NAME: &str = "name";
    /// CPU limit in thousandths of a core, `0` for none.
    pub const CPU: &str = "cpu";
    /// Memory limit in bytes, `0` for none.
    pub const MEMORY: &str = "memory";
    /// Restart policy: `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:N`.
    pub const RESTART: &str = "restart";
    /// Prefix of one entry per joined network; the value is the sorted list of aliases, with commas.
    pub const NETWORKS: &str = "networks.";
    /// Digest of the manifest an installation was made for.
    pub const MANIFEST: &str = "provisioning.manifest";
    /// Prefix of one entry per mount, by target; the value is `volume:NAME` or `bind:PATH`, `:ro` appended.
    pub const MOUNTS: &str = "mounts.";
}

/// Tells what a change of the field at `path` asks for.
#[must_use]
pub fn field_class(path: &str) -> FieldClass {
    const IN_PLACE: [&str; 5] = [
        path::CPU,
        path::MEMORY,
        path::RESTART,
        path::NAME,
        path::STATUS,
    ];
    const CLIENT: [&str; 10] = [
        "depends_on",
        "hooks",
        "host",
        "instances",
        "probe",
        "provisioning",
        "runtime",
        "scale",
        "stop_grace_period",
        "update_strategy",
    ];
    let head = path.split('.').next().unwrap_or(path);
    if path == path::MANIFEST {
        // Another manifest means another installation, which runs before a new instance's main command.
        return FieldClass::Recreate;
    }
    if IN_PLACE.contains(&path) || head == "networks" {
        FieldClass::InPlace
    } else if CLIENT.contains(&head) {
        FieldClass::Client
    } else {
        FieldClass::Recreate
    }
}

/// Writes an image name out in full: `busybox` becomes `docker.io/library/busybox:latest`.
///
/// A digest (`name@sha256:…`) is kept; an image id (`sha256:…`) is returned as it is.
#[must_use]
pub fn normal_image(text: &str) -> String {
    if text.starts_with("sha256:") {
        return text.to_owned();
    }
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let last_slash = name.rfind('/').map_or(0, |i| i + 1);
    let (repository, tag) = match name.get(last_slash..).and_then(|last| last.find(':')) {
        Some(colon) => name.split_at(last_slash + colon),
        None => (name, ""),
    };
    let repository = match repository.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => {
            match repository.strip_prefix("index.docker.io/") {
                Some(rest) => full_hub_name(rest),
                None => match repository.strip_prefix("docker.io/") {
                    Some(rest) => full_hub_name(rest),
                    None => repository.to_owned(),
                },
            }
        }
        _ => full_hub_name(repository),
    };
    match (digest, tag) {
        (Some(digest), _) => format!("{repository}@{digest}"),
        (None, "") => format!("{repository}:latest"),
        (None, tag) => format!("{repository}{tag}"),
    }
}

fn full_hub_name(rest: &str) -> String {
    if rest.contains('/') {
        format!("docker.io/{rest}")
    } else {
        format!("docker.io/library/{rest}")
    }
}

/// Shortens a normalised image name for people: `docker.io/library/busybox:1` becomes `busybox:1`.
#[must_use]
pub fn short_image(text: &str) -> &str {
    text.strip_prefix("docker.io/library/")
        .or_else(|| text.strip_prefix("docker.io/"))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_names_are_written_out() {
        let cases = [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:stable", "docker.io/library/busybox:stable"),
            (
                "docker.io/library/busybox:stable",
                "docker.io/library/busybox:stable",
            ),
            (
                "docker.io/busybox:stable",
                "docker.io/library/busybox:stable",
            ),
            ("index.docker.io/acme/api:2", "docker.io/acme/api:2"),
            ("acme/api", "docker.io/acme/api:latest"),
            ("localhost:5000/api:2", "localhost:5000/api:2"),
            ("ghcr.io/acme/api", "ghcr.io/acme/api:latest"),
            ("api@sha256:00", "docker.io/library/api@sha256:00"),
            ("sha256:00", "sha256:00"),
        ];
        for (text, expected) in cases {
            assert_eq!(normal_image(text), expected, "{text}");
        }
        assert_eq!(short_image("docker.io/library/busybox:1"), "busybox:1");
    }

    #[test]
    fn classes_follow_what_the_engine_can_change() {
        assert_eq!(field_class("memory"), FieldClass::InPlace);
        assert_eq!(field_class("networks.default"), FieldClass::InPlace);
        assert_eq!(field_class("hooks.prestart"), FieldClass::Client);
        assert_eq!(field_class("provisioning.image"), FieldClass::Client);
        assert_eq!(field_class("provisioning.manifest"), FieldClass::Recreate);
        assert_eq!(field_class("probe.test"), FieldClass::Client);
        assert_eq!(field_class("env.A"), FieldClass::Recreate);
        assert_eq!(field_class("image"), FieldClass::Recreate);
    }
}
