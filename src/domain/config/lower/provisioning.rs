//! The one-time installation, the service's own over its runtime's.

use crate::domain::config::digest::of_parts;
use crate::domain::config::infer::manifests;
use crate::domain::config::lower::Lower;
use crate::domain::config::lower::hooks::{command, settle};
use crate::domain::config::lower::runtime::Written;
use crate::domain::config::near::suggestion;
use crate::domain::config::tree::Node;
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::Digest;
use crate::domain::project::hook::{Hook, HookPlace, InstallPhase, OnFailure, Provisioning};
use crate::domain::project::service::{Mount, MountSource, Service};

/// Reads the installation of a service.
pub(crate) fn provisioning(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    service: &Service,
) -> Option<Provisioning> {
    let own = written.get("provisioning");
    let inherited = written.inherited("provisioning");
    let get = |key: &str| {
        own.and_then(|node| node.get(key))
            .or_else(|| inherited.and_then(|node| node.get(key)))
    };
    let block = own.or(inherited)?;
    let path = written.path("provisioning");
    let Some(line) = get("install") else {
        let known = |key: &String| {
            matches!(
                key.as_str(),
                "image" | "phase" | "clean" | "timeout" | "retries" | "volume"
            )
        };
        if own.is_some_and(|node| node.map().is_some_and(|map| map.keys().all(known))) {
            let finding = Diagnostic::error("NK0417", format!("`{path}` has no `install`"))
                .at(block.span, "nothing to install");
            lower.findings.push(finding);
        }
        return None;
    };
    let (volume, target) = primary(lower, written, (get("volume"), block), service)?;
    let hook = |lower: &mut Lower<'_>, node: &Node, key: &str| {
        command(lower, &format!("{path}.{key}"), node).map(|command| Hook {
            command,
            place: HookPlace::Container,
            timeout: Hook::TIMEOUT * 6,
            retries: 0,
            on_failure: OnFailure::Fail,
        })
    };
    let mut install = hook(lower, line, "install")?;
    for node in inherited.into_iter().chain(own) {
        settle(&mut install, node);
    }
    let clean = get("clean").and_then(|node| hook(lower, node, "clean"));
    let image = get("image").and_then(Node::text).map(str::to_owned);
    let manifest = manifest(
        lower,
        written,
        (&install, image.as_deref().or(service.image.as_deref())),
    );
    Some(Provisioning {
        install,
        clean,
        image,
        phase: match get("phase").and_then(Node::text) {
            Some("early") => InstallPhase::Early,
            _ => InstallPhase::Normal,
        },
        volume_target: target,
        volume,
        manifest,
    })
}

/// Finds the primary volume, where lock and sentinel live.
fn primary(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    (wanted, block): (Option<&Node>, &Node),
    service: &Service,
) -> Option<(String, String)> {
    let named: Vec<(&str, &Mount)> = service
        .mounts
        .iter()
        .filter_map(|mount| match &mount.source {
            MountSource::Volume(name) => Some((name.as_str(), mount)),
            MountSource::Bind { .. } => None,
        })
        .collect();
    let name = wanted.and_then(Node::text);
    let found = match name {
        Some(name) => named.iter().find(|(volume, _)| *volume == name),
        None => named.first(),
    };
    if let Some((volume, mount)) = found {
        if mount.read_only {
            let text = format!(
                "`{}` installs into `{volume}`, which is mounted read-only",
                written.name
            );
            lower.error(
                "NK0417",
                text,
                wanted.map_or(block.span, |node| node.span),
                "cannot be written",
            );
        }
        return Some(((*volume).to_owned(), mount.target.clone()));
    }
    let finding = match (name, wanted) {
        (Some(name), Some(node)) => {
            let text = format!(
                "`{}` installs into `{}`, which it does not mount",
                written.name,
                brief(name)
            );
            let finding =
                Diagnostic::error("NK0417", text).at(node.span, "not a volume of this service");
            match suggestion(name, named.iter().map(|(volume, _)| *volume)) {
                Some(help) => finding.help(help),
                None => finding,
            }
        }
        _ => Diagnostic::error(
            "NK0417",
            format!(
                "`{}` has an installation but no named volume to keep it",
                written.name
            ),
        )
        .at(block.span, "lock and result live in the first named volume")
        .see(written.key, "this service mounts none")
        .help(format!(
            "mount one, for example `volumes: [\"{}-deps:/deps\"]`, and declare it",
            written.name
        )),
    };
    lower.findings.push(finding);
    None
}

/// Digests what an installation depends on: the runtime's manifest and lock files, the command, the image.
fn manifest(
    lower: &mut Lower<'_>,
    written: &Written<'_>,
    (install, image): (&Hook, Option<&str>),
) -> Digest {
    let mut parts: Vec<String> = install.command.argv();
    parts.insert(0, "command".into());
    parts.extend(["image".into(), image.unwrap_or_default().to_owned()]);
    if let Some(folder) = &written.folder {
        for name in manifests(written.runtime.as_deref()) {
            let path = folder.join(name);
            lower.watched.insert(path.clone());
            if let Some(digest) = lower.input.tree.digest_file(&path) {
                parts.extend([name.to_owned(), digest.0]);
            }
        }
    }
    of_parts(parts.iter().map(String::as_str))
}
