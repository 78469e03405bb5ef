//! The folders as live state.
//!
//! Reported are the fields somebody could really change behind our back; what only `spec.json` says would be
//! compared with itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::adapters::providers::process::damage::Lost;
use crate::adapters::providers::process::folder::Places;
use crate::adapters::providers::process::instances::{Found, list};
use crate::adapters::providers::process::records;
use crate::domain::ids::{Instance, Lineage, OpId, ProviderId, Scope};
use crate::domain::live::{Health, Live, LiveInstance, Obstacle, Status};
use crate::domain::model::{Field, Model, path};
use crate::domain::project::canonical::text::aliases_text;
use crate::domain::project::naming;
use crate::domain::project::naming::network_name;

/// Looks at everything of a scope.
pub(super) fn live(places: &Places, scope: &Scope, engine: String) -> io::Result<Live> {
    let networks = records::networks(places, scope)?;
    let known: Vec<&str> = networks
        .iter()
        .map(|network| network.name.as_str())
        .collect();
    let (found, lost) = list(places)?;
    let ours = |found: &&Found| found.spec.owner.is_in(scope);
    let remarks = found.iter().filter(ours).flat_map(remarks).collect();
    let instances = found
        .into_iter()
        .filter(|found| found.spec.owner.is_in(scope))
        .map(|found| instance(&found, scope, &known))
        .collect();
    let volumes = records::volumes(places, scope)?;
    Ok(Live {
        engine,
        instances,
        unplaced: Vec::new(),
        remarks,
        obstacles: obstacles(places, scope, &lost),
        networks,
        volumes,
        images: BTreeMap::new(),
        local_images: BTreeSet::new(),
        has_images: false,
    })
}

/// Says which files of an instance are damaged.
fn remarks(found: &Found) -> Vec<String> {
    let next = match found.supervisor_lives() {
        true => "its supervisor writes it anew within seconds",
        false => "the next start or replacement writes it anew",
    };
    let damage = found.damage.iter();
    damage
        .map(|wrong| {
            format!(
                "{wrong}; what {} is, is known all the same: {next}",
                found.name
            )
        })
        .collect()
}

/// Folders with names of ours that do not tell what they are, and cannot simply be replaced.
fn obstacles(places: &Places, scope: &Scope, lost: &[Lost]) -> Vec<Obstacle> {
    let ours = lost
        .iter()
        .filter(|lost| naming::may_be_named_by(scope, &lost.name));
    ours.filter(|lost| !lost.is_dead())
        .map(|lost| Obstacle {
            name: lost.name.clone(),
            what: lost.told(),
            remedy: lost.remedy(places),
            is_ours: true,
        })
        .collect()
}

fn instance(found: &Found, scope: &Scope, networks: &[&str]) -> LiveInstance {
    let spec = &found.spec;
    let status = found.standing();
    let running = matches!(status, Status::Running | Status::Paused);
    let shown = |port: u16| format!("127.0.0.1:{port}->{}", spec.expose.unwrap_or(port));
    LiveInstance {
        id: ProviderId::new(&*spec.id),
        name: found.name.clone(),
        service: spec.service.clone(),
        instance: Instance(spec.instance),
        lineage: Some(Lineage::new(&*spec.owner.lineage)),
        hash: Some(spec.hash.clone()),
        op: Some(OpId::new(&*spec.owner.op)),
        status,
        health: if running {
            found.health()
        } else {
            Health::Unchecked
        },
        image_id: None,
        model: model(found, scope, networks),
        started_at_ms: found.status.started_at_ms,
        one_off: spec.one_off,
        restarts: found.status.restarts,
        ports: spec
            .port
            .filter(|_| running)
            .map(shown)
            .into_iter()
            .collect(),
        given: found.given(),
    }
}

fn model(found: &Found, scope: &Scope, networks: &[&str]) -> Model {
    let spec = &found.spec;
    let number = |value: Option<u64>| Field::plain(value.unwrap_or(0).to_string());
    let mut model = Model::from([
        (path::CPU.to_owned(), number(spec.cpu_millis)),
        (path::MEMORY.to_owned(), number(spec.memory_bytes)),
        (path::RESTART.to_owned(), Field::plain(spec.restart.word())),
    ]);
    for (name, aliases) in &spec.networks {
        if networks.contains(&network_name(scope, name).as_str()) {
            model.insert(
                format!("{}{name}", path::NETWORKS),
                Field::plain(aliases_text(aliases)),
            );
        }
    }
    model
}
