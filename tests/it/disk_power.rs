//! The power fails after each step of a write, on real file systems: afterwards there is the old content or the new,
//! and what was said to be stored is there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nanokit::adapters::disk::ProjectDisk;
use nanokit::adapters::stores::file::FileStore;
use nanokit::ports::cas_store::{CasStore, Put};
use nanokit::ports::disk::Disk;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::disk_lab::Image;
use crate::fault_cases::tried;

/// Takes the disk away at the n-th step of a write.
struct CutAt {
    at: usize,
    seen: Arc<AtomicUsize>,
    cut: Box<dyn Fn() + Send + Sync>,
}

impl Subscriber for CutAt {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "nanokit::disk"
    }
    fn event(&self, _event: &Event<'_>) {
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            (self.cut)();
        }
    }
    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

fn block<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}

/// Stores over whatever is there; `true`: it was said to be stored.
fn put(store: &FileStore, bytes: &[u8]) -> bool {
    block(async {
        let Ok(found) = store.get().await else {
            return false;
        };
        let version = found.map(|found| found.version);
        let put = store.compare_and_put(version.as_ref(), bytes).await;
        matches!(put, Ok(Put::Done(_)))
    })
}

fn bytes_of(store: &FileStore) -> Option<Vec<u8>> {
    let found = block(store.get()).expect("readable after the power is back");
    found.map(|found| found.bytes)
}

/// One write, what is there before it, and what must hold afterwards; `true` of `act`: it was said to be stored.
struct Scenario {
    name: &'static str,
    before: fn(&Path),
    /// Does it; the other argument tells whether a claim made now counts: not when steps were done after the cut,
    /// which no real process can do (xfs even calls them a success).
    act: fn(&Path, &dyn Fn() -> bool) -> bool,
    check: fn(&Path, said: bool) -> Result<(), String>,
}

fn old() -> Vec<u8> {
    vec![b'o'; 9_000]
}

fn new() -> Vec<u8> {
    vec![b'n'; 12_345]
}

fn state(root: &Path) -> FileStore {
    FileStore::state(root.join("state.json"), &root.join(".nanokit"))
}

fn lock(root: &Path) -> FileStore {
    FileStore::lock("state.json", &root.join(".nanokit"))
}

fn old_or_new(found: Option<&[u8]>, before: Option<&[u8]>, said: bool) -> Result<(), String> {
    if found == Some(new().as_slice()) || (found == before && !said) {
        return Ok(());
    }
    let length = found.map(<[u8]>::len);
    Err(format!("said stored: {said}, but found {length:?} bytes"))
}

fn plan() -> &'static Path {
    Path::new("plans/latest.json")
}

fn audit() -> &'static Path {
    Path::new("audit.log")
}

/// Copies of earlier states that are there are whole.
fn copies_are_whole(root: &Path) -> Result<(), String> {
    let copies = std::fs::read_dir(root.join(".nanokit/backups"));
    for copy in copies.into_iter().flatten().flatten() {
        let bytes = std::fs::read(copy.path()).map_err(|error| error.to_string())?;
        if bytes != old() {
            let name = copy.file_name();
            return Err(format!(
                "the copy {} has {} bytes",
                name.display(),
                bytes.len()
            ));
        }
    }
    Ok(())
}

const LINES: [&str; 3] = ["one\n", "two, which is longer\n", "three\n"];

fn journal(root: &Path) -> ProjectDisk {
    ProjectDisk::new(root.join(".nanokit"))
}

const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "first state",
        before: |_| {},
        act: |root, counts| put(&state(root), &new()) && counts(),
        check: |root, said| old_or_new(bytes_of(&state(root)).as_deref(), None, said),
    },
    Scenario {
        name: "next state",
        before: |root| assert!(put(&state(root), &old())),
        act: |root, counts| put(&state(root), &new()) && counts(),
        check: |root, said| {
            copies_are_whole(root)?;
            old_or_new(bytes_of(&state(root)).as_deref(), Some(&old()), said)
        },
    },
    Scenario {
        name: "lock record",
        before: |root| assert!(put(&lock(root), &old())),
        act: |root, counts| put(&lock(root), &new()) && counts(),
        check: |root, said| old_or_new(bytes_of(&lock(root)).as_deref(), Some(&old()), said),
    },
    Scenario {
        name: "latest plan",
        before: |root| journal(root).replace(plan(), &old()).expect("a plan"),
        act: |root, counts| journal(root).replace(plan(), &new()).is_ok() && counts(),
        check: |root, said| {
            let found = journal(root).read(plan(), 1 << 20);
            let found = found.map_err(|error| error.to_string())?;
            old_or_new(found.as_deref(), Some(&old()), said)
        },
    },
    Scenario {
        name: "audit line",
        before: |root| {
            let disk = journal(root);
            disk.append(audit(), b"zero\n", true).expect("an audit log");
        },
        act: |root, counts| journal(root).append(audit(), b"one\n", true).is_ok() && counts(),
        check: |root, said| {
            let found = journal(root).read(audit(), 1 << 20);
            let found = found.map_err(|error| error.to_string())?;
            let found = found.unwrap_or_default();
            let kept = found.starts_with(b"zero\n") && b"zero\none\n".starts_with(&found);
            if kept && (!said || found.ends_with(b"one\n")) {
                Ok(())
            } else {
                Err(format!("said stored: {said}, but found {found:?}"))
            }
        },
    },
    Scenario {
        name: "journal",
        before: |root| {
            let disk = journal(root);
            let path = Path::new("journal/r0");
            disk.append(path, b"zero\n", true).expect("a journal");
        },
        // Every line is synced before the next; the last one is all that may be missing.
        act: |root, counts| {
            let disk = journal(root);
            LINES.iter().all(|line| {
                disk.append(Path::new("journal/r1"), line.as_bytes(), true)
                    .is_ok_and(|()| counts() && std::fs::write(done(root), line).is_ok())
            })
        },
        check: |root, said| {
            let found = journal(root).read(Path::new("journal/r1"), 1 << 20);
            let found = found.map_err(|error| error.to_string())?;
            let found = String::from_utf8(found.unwrap_or_default());
            let found = found.map_err(|error| error.to_string())?;
            let acknowledged = std::fs::read_to_string(done(root)).unwrap_or_default();
            let whole = LINES.concat();
            let torn_only_at_the_end = whole.starts_with(&found);
            let kept = found.contains(&acknowledged) && (!said || found == whole);
            if torn_only_at_the_end && kept {
                Ok(())
            } else {
                Err(format!("acknowledged {acknowledged:?}, found {found:?}"))
            }
        },
    },
];

/// Where the journal's scenario notes, on another disk, the last line that was said to be written.
fn done(root: &Path) -> std::path::PathBuf {
    // The project stands on the disk that is cut, two folders below one that is not.
    let name = root.file_name().expect("a name").to_string_lossy();
    let home = root.parent().and_then(Path::parent).expect("a home");
    home.join(format!("{name}.acknowledged"))
}

/// Cuts after each step of each scenario in turn; returns how often.
fn cut_everywhere(kind: &str, options: &str, bytes: u64) -> usize {
    let home = tempfile::tempdir().expect("temp folder");
    let root = home.path().join("disk");
    std::fs::create_dir(&root).expect("folder");
    let image = Arc::new(Image::over(&root, kind, options, bytes));
    let mut cases = 0;
    for scenario in &SCENARIOS {
        for at in 1.. {
            // A folder of its own for each case: one journal of the file system serves them all.
            let project = root.join(format!("{}-{at}", scenario.name.replace(' ', "-")));
            std::fs::create_dir(&project).expect("folder");
            (scenario.before)(&project);
            let _ = std::fs::remove_file(done(&project));
            image.recover();
            let seen = Arc::new(AtomicUsize::new(0));
            let cut = Arc::clone(&image);
            let cutter = CutAt {
                at,
                seen: Arc::clone(&seen),
                cut: Box::new(move || cut.shut_down()),
            };
            let said = tracing::subscriber::with_default(cutter, || {
                (scenario.act)(&project, &|| seen.load(Ordering::SeqCst) <= at)
            });
            image.recover();
            let what = format!("{kind} {options}, {}, cut after step {at}", scenario.name);
            if let Err(why) = (scenario.check)(&project, said) {
                panic!("{what}: {why}");
            }
            if seen.load(Ordering::SeqCst) < at {
                assert!(said, "{what}: nothing was cut, so it is stored");
                assert!(at > 3, "{what}: no step was seen");
                break;
            }
            cases += 1;
        }
    }
    cases
}

#[test]
fn f03_power_cuts_on_ext4_leave_old_or_new() {
    let cases = cut_everywhere("ext4", "", 32 << 20);
    tried("f03_power_cuts_on_ext4_leave_old_or_new", cases);
}

#[test]
fn f03_power_cuts_on_ext4_without_delayed_allocation_leave_old_or_new() {
    let cases = cut_everywhere("ext4", "noauto_da_alloc", 32 << 20);
    tried(
        "f03_power_cuts_on_ext4_without_delayed_allocation_leave_old_or_new",
        cases,
    );
}

#[test]
fn f03_power_cuts_on_ext4_in_writeback_mode_leave_old_or_new() {
    let cases = cut_everywhere("ext4", "data=writeback,noauto_da_alloc", 32 << 20);
    tried(
        "f03_power_cuts_on_ext4_in_writeback_mode_leave_old_or_new",
        cases,
    );
}

#[test]
fn f03_power_cuts_on_xfs_leave_old_or_new() {
    let cases = cut_everywhere("xfs", "", 320 << 20);
    tried("f03_power_cuts_on_xfs_leave_old_or_new", cases);
}
