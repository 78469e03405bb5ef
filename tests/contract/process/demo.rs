//! The demo's scripts on host processes, layer by layer, without the engine: what ships must run.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::Duration;

use nanokit::adapters::demo;
use nanokit::boot::hydrate::{Surroundings, load};
use nanokit::domain::config::load::SourceTree;
use nanokit::domain::graph::build::Graph;
use nanokit::domain::ids::{Digest, Instance, ResourceKind};
use nanokit::domain::live::{Health, Status};
use nanokit::domain::project::project::Project;
use nanokit::domain::project::service::{EnvValue, Service, ServiceKind};
use nanokit::ports::hooks::{CallEnd, Value};
use nanokit::ports::provider::{InstanceRef, OpKind, Provider};

use crate::demo::PORT;
use crate::process::world::{World, spec};

struct Disk;

impl SourceTree for Disk {
    fn read(&self, path: &Path, _limit: u64) -> Result<Option<Vec<u8>>, String> {
        Ok(std::fs::read(path).ok())
    }
    fn names(&self, folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }
    fn is_file(&self, path: &Path) -> Option<bool> {
        std::fs::metadata(path).ok().map(|found| found.is_file())
    }
    fn digest_file(&self, path: &Path) -> Option<Digest> {
        std::fs::read(path).ok().map(|_| Digest::default())
    }
    fn digest_tree(&self, _folder: &Path, _ignore: &[String]) -> Result<Digest, String> {
        Ok(Digest::default())
    }
}

fn project(folder: &Path) -> Project {
    let here = Surroundings {
        folder: PathBuf::from(folder),
        ..Surroundings::default()
    };
    let loaded = load(&here, &Disk);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    std::sync::Arc::unwrap_or_clone(loaded.project.unwrap())
}

async fn bring_up(world: &World, service: &Service, instance: u32) -> InstanceRef {
    let mut wish = spec(service.clone());
    wish.instance = Instance(instance);
    wish.gated = service.needs_gate();
    wish.env = [
        ("NANOKIT_PROJECT", "shop".to_owned()),
        ("NANOKIT_ENV", "local".to_owned()),
        ("NANOKIT_SERVICE", service.name.clone()),
        ("NANOKIT_INSTANCE", instance.to_string()),
    ]
    .map(|(name, text)| (name.to_owned(), Value::Plain(text)))
    .to_vec();
    for (name, value) in &service.env {
        let EnvValue::Plain(text) = value else {
            panic!("the demo needs no secret");
        };
        wish.env.push((name.clone(), Value::Plain(text.clone())));
    }
    let target = world.create(wish).await;
    world.done(OpKind::StartInstance(target.clone())).await;
    let hooks = service.hooks.prestart_container.iter();
    let install = service.provisioning.iter().map(|p| &p.install);
    for hook in hooks.chain(install) {
        let (end, text) = world.exec(&target, &hook.command.line()).await;
        assert_eq!(end, CallEnd::Exited(0), "{text}");
    }
    if service.needs_gate() {
        world.done(OpKind::OpenGate(target.clone())).await;
    }
    target
}

#[tokio::test(flavor = "current_thread")]
#[expect(
    clippy::await_holding_lock,
    reason = "nothing else runs on this test's thread"
)]
async fn every_service_of_the_demo_becomes_healthy() {
    let _turn = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let world = World::new();
    demo::unpack(world.folder.path()).unwrap();
    let project = project(world.folder.path());
    let mut made = Vec::new();
    for layer in Graph::of(&project).layers() {
        let mut fresh = Vec::new();
        for address in layer {
            match address.kind {
                ResourceKind::Network | ResourceKind::Procedure => {}
                ResourceKind::Volume => {
                    let volume = project.volumes[&address.name].clone();
                    world.done(OpKind::CreateVolume { volume }).await;
                }
                ResourceKind::Service => {
                    let service = &project.services[&address.name];
                    for instance in 0..service.instances {
                        let target = bring_up(&world, service, instance).await;
                        fresh.push((target, service.kind));
                    }
                }
            }
        }
        for (target, kind) in &fresh {
            match kind {
                ServiceKind::Job => assert_eq!(world.provider.wait(target).await, Ok(0)),
                ServiceKind::Service => {
                    world
                        .until(&target.id, |i| i.health == Health::Healthy)
                        .await;
                }
            }
        }
        made.extend(fresh);
    }
    assert_eq!(made.len(), 7);
    let worker = &made
        .iter()
        .find(|(t, _)| t.address.name == "worker")
        .unwrap()
        .0;
    world.logs_with(worker, "packed").await;
    for (target, kind) in made.iter().rev() {
        world.stop(target, Duration::from_secs(5)).await;
        let closed = world.instance(&target.id).await.status;
        assert_eq!(closed, Status::Exited(0), "{} {kind:?}", target.name);
    }
}
