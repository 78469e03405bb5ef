//! Damaged files of an instance: it is seen, ended and replaced all the same, or named.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nanokit::domain::live::Status;
use nanokit::ports::hooks::CallEnd;
use nanokit::ports::provider::{InstanceRef, OpKind};

use crate::process::world::{World, kill, lives, service, spec};

type Damage = (&'static str, fn(&Path));

/// Everything a file can become.
const DAMAGES: [Damage; 6] = [
    ("gone", |path| std::fs::remove_file(path).unwrap()),
    ("empty", |path| std::fs::write(path, "").unwrap()),
    ("half", |path| {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    }),
    ("folder", |path| {
        std::fs::remove_file(path).unwrap();
        std::fs::create_dir(path).unwrap();
        std::fs::write(path.join("x"), "x").unwrap();
    }),
    ("link", |path| {
        std::fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("/nowhere", path).unwrap();
    }),
    ("pipe", |path| {
        std::fs::remove_file(path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    }),
];

fn file(world: &World, target: &InstanceRef, name: &str) -> PathBuf {
    let folders = world.folder.path().join(".nanokit/process");
    folders.join(&target.name).join(name)
}

/// Reads a file that is one: a pipe would be waited for.
fn content(path: &Path) -> Option<Vec<u8>> {
    let found = std::fs::symlink_metadata(path).ok()?;
    found.is_file().then(|| std::fs::read(path).ok())?
}

#[tokio::test(flavor = "current_thread")]
async fn a_damaged_file_hides_no_instance_and_comes_back() {
    let world = World::new();
    let target = world.start(service("api", "exec sleep 600")).await;
    let pids = [world.main_pid(&target), world.supervisor_pid(&target)];
    let specs = ["spec.json", "status.json"];
    let cases = DAMAGES.into_iter().map(|one| (one, &specs[..]));
    let copy = DAMAGES.into_iter().take(1);
    for ((damage, apply), names) in cases.chain(copy.map(|one| (one, &[".spec.json.copy"][..]))) {
        let paths: Vec<PathBuf> = names
            .iter()
            .map(|name| file(&world, &target, name))
            .collect();
        let before: Vec<_> = paths.iter().map(|path| content(path)).collect();
        paths.iter().for_each(|path| apply(path));
        let live = world.instance(&target.id).await;
        assert_eq!(live.status, Status::Running, "{names:?} {damage}");
        let told = world.live().await.remarks;
        let expected = names.iter().filter(|name| !name.starts_with('.'));
        assert_eq!(told.len(), expected.count(), "{damage}: {told:?}");
        for (path, told) in paths.iter().zip(told) {
            let words = format!("{} cannot be read: ", path.display());
            assert!(told.starts_with(&words), "{damage}: {told}");
        }
        let (end, _) = world.exec(&target, "true").await;
        assert_eq!(end, CallEnd::Exited(0), "{names:?} {damage}");
        let now = || -> Vec<_> { paths.iter().map(|path| content(path)).collect() };
        for _ in 0..500 {
            if now() == before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let log = world.logs(&target).await;
        assert_eq!(now(), before, "{names:?} {damage}: {log}");
        assert_eq!(world.live().await.remarks, Vec::<String>::new());
    }
    assert!(pids.iter().all(|pid| lives(*pid)));
}

#[tokio::test(flavor = "current_thread")]
async fn an_instance_with_a_damaged_file_ends_and_is_made_anew() {
    for name in ["spec.json", "status.json"] {
        for orphaned in [false, true] {
            let world = World::new();
            let target = world.start(service("api", "exec sleep 600")).await;
            let pids = [world.main_pid(&target), world.supervisor_pid(&target)];
            if orphaned {
                kill(pids[1], "KILL");
            }
            std::fs::write(file(&world, &target, name), "{").unwrap();
            let live = world.instance(&target.id).await;
            assert_eq!(live.status, Status::Running, "{name} {orphaned}");
            world.stop(&target, Duration::from_secs(1)).await;
            world.done(OpKind::RemoveInstance(target.clone())).await;
            for _ in 0..500 {
                if !pids.iter().any(|pid| lives(*pid)) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(!pids.iter().any(|pid| lives(*pid)), "{name} {orphaned}");
            assert_eq!(world.live().await.instances, []);
            world.start(service("api", "exec sleep 600")).await;
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_lives_and_cannot_be_told_is_named_with_a_way_out_that_works() {
    let world = World::new();
    let target = world.start(service("api", "exec sleep 600")).await;
    let pids = [world.main_pid(&target), world.supervisor_pid(&target)];
    // It would put its files back.
    kill(pids[1], "STOP");
    for name in ["spec.json", ".spec.json.copy"] {
        std::fs::write(file(&world, &target, name), "{").unwrap();
    }
    let live = world.live().await;
    assert_eq!(live.instances, []);
    let found = &live.obstacles[0];
    assert_eq!((found.name.as_str(), found.is_ours), (&*target.name, true));
    let path = file(&world, &target, "spec.json");
    let words = format!("{} cannot be read: ", path.display());
    assert!(found.what.starts_with(&words), "{}", found.what);
    let process = format!("process {} of it runs", pids[1]);
    assert!(found.what.ends_with(&process), "{}", found.what);
    let wish = spec(service("api", "exec sleep 600"));
    let refused = world.failed(OpKind::CreateInstance(Box::new(wish))).await;
    assert!(refused.contains(&found.remedy), "{refused}");
    kill(pids[1], "CONT");
    let way_out = std::process::Command::new("sh")
        .args(["-c", &found.remedy])
        .status();
    assert!(way_out.unwrap().success());
    for _ in 0..500 {
        if !pids.iter().any(|pid| lives(*pid)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!pids.iter().any(|pid| lives(*pid)));
    world.start(service("api", "exec sleep 600")).await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_dead_folder_that_tells_nothing_makes_way() {
    let world = World::new();
    let target = world.start(service("api", "exec sleep 600")).await;
    world.stop(&target, Duration::from_secs(1)).await;
    for _ in 0..500 {
        if !lives(world.supervisor_pid(&target)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for name in ["spec.json", ".spec.json.copy"] {
        std::fs::write(file(&world, &target, name), "").unwrap();
    }
    assert_eq!(world.live().await.obstacles, []);
    world.start(service("api", "exec sleep 600")).await;
}
