//! The contract of a compare-and-put cell on the real disk: races, hostile files, a full folder, backups.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

struct Place {
    home: tempfile::TempDir,
    store: FileStore,
}

fn place() -> Place {
    let home = tempfile::tempdir().unwrap();
    let store = FileStore::state(
        home.path().join("state.json"),
        &home.path().join(".nanokit"),
    );
    Place { home, store }
}

fn block<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

async fn put(store: &FileStore, expected: Option<&Version>, bytes: &[u8]) -> Version {
    match store.compare_and_put(expected, bytes).await.unwrap() {
        Put::Done(version) => version,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_a_side_file_that_was_removed_waits_for_the_one_in_its_place() {
    let Place { home, store } = place();
    let soon = Duration::from_millis(100);
    let first = store.guard().await.unwrap();
    let other = store.clone();
    let waiting = other.compare_and_put(None, b"{}");
    let mut waiting = std::pin::pin!(waiting);
    assert!(tokio::time::timeout(soon, &mut waiting).await.is_err());
    std::fs::remove_dir_all(home.path().join(".nanokit")).unwrap();
    let second = store.guard().await.unwrap();
    drop(first);
    let too_early = tokio::time::timeout(soon, &mut waiting).await;
    assert!(
        too_early.is_err(),
        "it wrote beside the holder: {too_early:?}"
    );
    drop(second);
    assert!(matches!(waiting.await, Ok(Put::Done(_))));
}

#[test]
fn a_value_is_replaced_only_over_the_version_that_was_read() {
    let Place { home, store } = place();
    block(async {
        assert_eq!(store.get().await.unwrap(), None);
        assert!(
            !home.path().join(".nanokit").exists(),
            "reading makes nothing"
        );
        let first = put(&store, None, b"one").await;
        let conflict = store.compare_and_put(None, b"two").await.unwrap();
        let now = store.get().await.unwrap();
        assert_eq!(
            conflict,
            Put::Conflict(now.clone()),
            "the present value comes along"
        );
        assert_eq!(now.unwrap().version, first);
        let second = put(&store, Some(&first), b"two").await;
        assert_ne!(first, second);
        let late = store.compare_and_put(Some(&first), b"late").await.unwrap();
        assert!(matches!(late, Put::Conflict(Some(found)) if found.bytes == b"two"));
    });
    let mode = std::fs::metadata(home.path().join("state.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let ignore = std::fs::read_to_string(home.path().join(".nanokit/.gitignore")).unwrap();
    assert_eq!(ignore, "*\n");
}

#[test]
fn eight_threads_race_and_exactly_one_wins_each_round() {
    const ROUNDS: usize = 25;
    let Place { home: _home, store } = place();
    let store = Arc::new(store);
    let wins = Arc::new(AtomicUsize::new(0));
    let mut version: Option<Version> = None;
    for round in 0..ROUNDS {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let (store, wins, version) = (store.clone(), wins.clone(), version.clone());
                std::thread::spawn(move || {
                    let bytes = format!("{round}-{thread}");
                    let put = block(store.compare_and_put(version.as_ref(), bytes.as_bytes()));
                    match put.unwrap() {
                        Put::Done(_) => drop(wins.fetch_add(1, Ordering::Relaxed)),
                        Put::Conflict(found) => assert!(found.is_some()),
                        Put::Unknown(why) => panic!("{why}"),
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        version = block(store.get()).unwrap().map(|stored| stored.version);
        assert_eq!(wins.load(Ordering::Relaxed), round + 1);
    }
}

#[test]
fn what_is_no_regular_file_is_refused_and_left_alone() {
    let Place { home, store } = place();
    let document = home.path().join("state.json");
    let victim = home.path().join("victim");
    std::fs::write(&victim, "old").unwrap();
    let check = |found: &str| {
        block(async {
            for error in [
                store.get().await.unwrap_err(),
                store.compare_and_put(None, b"new").await.unwrap_err(),
            ] {
                match error {
                    StoreError::Hostile { found: is, .. } => assert_eq!(is, found),
                    StoreError::Io { .. } | StoreError::TooLarge { .. } => panic!("{error:?}"),
                }
            }
        });
    };
    symlink(&victim, &document).unwrap();
    check("a symbolic link");
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "old");
    std::fs::remove_file(&document).unwrap();
    symlink(home.path().join("nowhere"), &document).unwrap();
    check("a symbolic link");
    std::fs::remove_file(&document).unwrap();
    std::fs::create_dir(&document).unwrap();
    check("a folder");
    std::fs::remove_dir(&document).unwrap();
    let status = std::process::Command::new("mkfifo").arg(&document).status();
    assert!(status.unwrap().success());
    check("a FIFO");
}

#[test]
fn an_empty_document_is_a_value() {
    let Place { home, store } = place();
    std::fs::write(home.path().join("state.json"), "").unwrap();
    block(async {
        let empty = store.get().await.unwrap().unwrap();
        assert_eq!(empty.bytes, b"");
        let put = store.compare_and_put(None, b"new").await.unwrap();
        assert!(
            matches!(put, Put::Conflict(Some(_))),
            "it is not taken for nothing"
        );
    });
}

#[test]
fn a_temp_of_a_writer_that_died_is_no_obstacle() {
    let Place { home, store } = place();
    std::fs::write(home.path().join(".state.json.tmp"), "half").unwrap();
    block(put(&store, None, b"one"));
    assert!(!home.path().join(".state.json.tmp").exists());
    assert_eq!(
        std::fs::read(home.path().join("state.json")).unwrap(),
        b"one"
    );
}

#[test]
fn the_last_ten_states_are_kept_by_serial() {
    let Place { home, store } = place();
    let backups = home.path().join(".nanokit/backups");
    block(async {
        let mut version = None;
        for serial in 1..=14 {
            let bytes = format!("{{\"serial\": {serial}}}");
            version = Some(put(&store, version.as_ref(), bytes.as_bytes()).await);
        }
        version = Some(put(&store, version.as_ref(), b"damaged").await);
        put(&store, version.as_ref(), b"{\"serial\": 15}").await;
    });
    let mut names: Vec<String> = std::fs::read_dir(&backups)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let damaged = names
        .iter()
        .position(|name| name.contains("damaged"))
        .expect("kept");
    names.remove(damaged);
    let mut expected: Vec<String> = (5..=14)
        .map(|serial| format!("state.json.{serial}"))
        .collect();
    expected.sort();
    assert_eq!(names, expected);
    let old = std::fs::read_to_string(backups.join("state.json.7")).unwrap();
    assert_eq!(old, "{\"serial\": 7}");
    let told = block(store.backups()).unwrap();
    let serials: Vec<Option<u64>> = told.iter().map(|backup| backup.serial).collect();
    let mut expected: Vec<Option<u64>> = (5..=14).rev().map(Some).collect();
    expected.push(None);
    assert_eq!(serials, expected);
    assert!(
        told.iter()
            .all(|backup| backup.at.is_some() && backup.bytes > 0)
    );
    assert!(std::path::Path::new(&told[0].place).is_file());
}
