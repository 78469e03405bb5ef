//! What every compare-and-put store must do, whatever it is made of: one list of facts, run on each backend.

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier, Mutex};

use nanokit::adapters::stores::file::FileStore;
use nanokit::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};

/// A cell in memory: the reference for what the others must do.
#[derive(Clone, Default)]
pub(crate) struct InMemory(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    value: Option<Stored>,
    written: u64,
}

impl InMemory {
    /// Somebody's hand.
    pub(crate) fn delete(&self) {
        self.0.lock().expect("whole").value = None;
    }
}

impl CasStore for InMemory {
    async fn get(&self) -> Result<Option<Stored>, StoreError> {
        Ok(self.0.lock().expect("whole").value.clone())
    }
    async fn compare_and_put(
        &self,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        let mut held = self.0.lock().expect("whole");
        if held.value.as_ref().map(|stored| &stored.version) != expected {
            return Ok(Put::Conflict(held.value.clone()));
        }
        held.written += 1;
        let version = Version(held.written.to_string());
        held.value = Some(Stored {
            bytes: bytes.to_vec(),
            version: version.clone(),
        });
        Ok(Put::Done(version))
    }
    fn location(&self) -> String {
        "memory".to_owned()
    }
}

/// How many race for a version, and how often.
const RACERS: usize = 8;
const ROUNDS: usize = 200;

/// What one of them was told: in which round, and by whom the version is that it heard of.
struct Told {
    round: usize,
    racer: usize,
    put: Put,
}

/// Eight threads, each with a handle of its own, see the same version and put at once, two hundred times; returns the
/// version that is left.
fn races<S: CasStore>(what: &str, open: &(impl Fn() -> S + Sync), from: Version) -> Version {
    let (start, now) = (Barrier::new(RACERS), Mutex::new(from));
    let (start, now) = (&start, &now);
    let told: Vec<Told> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..RACERS)
            .map(|racer| {
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_time()
                        .build()
                        .expect("a runtime");
                    let store = open();
                    let mut told = Vec::new();
                    // Whoever fails in between would leave the others waiting: everything is judged at the end.
                    for round in 0..ROUNDS {
                        start.wait();
                        let seen = now.lock().map(|now| now.clone());
                        start.wait();
                        let bytes = format!("round {round} of {racer}");
                        let put = seen.map_err(|error| error.to_string()).and_then(|seen| {
                            let put = store.compare_and_put(Some(&seen), bytes.as_bytes());
                            runtime.block_on(put).map_err(|error| error.to_string())
                        });
                        if let (Ok(Put::Done(next)), Ok(mut now)) = (&put, now.lock()) {
                            next.clone_into(&mut now);
                        }
                        let put = put.unwrap_or_else(Put::Unknown);
                        told.push(Told { round, racer, put });
                    }
                    told
                })
            })
            .collect();
        let all = racers.into_iter().map(|racer| racer.join().expect(what));
        all.flatten().collect()
    });
    let mut winners = BTreeSet::new();
    for round in 0..ROUNDS {
        let of_round = || told.iter().filter(|told| told.round == round);
        let won: Vec<(usize, &Version)> = of_round()
            .filter_map(|told| match &told.put {
                Put::Done(version) => Some((told.racer, version)),
                Put::Conflict(_) | Put::Unknown(_) => None,
            })
            .collect();
        assert_eq!(won.len(), 1, "{what}: round {round}: {won:?}");
        let (winner, version) = won[0];
        winners.insert(winner);
        // Every other heard at once who it was.
        for loser in of_round().filter(|told| told.racer != winner) {
            let bytes = format!("round {round} of {winner}").into_bytes();
            let version = version.clone();
            let heard = Put::Conflict(Some(Stored { bytes, version }));
            assert_eq!(loser.put, heard, "{what}: round {round}, {}", loser.racer);
        }
    }
    assert!(
        winners.len() > 1,
        "{what}: nobody raced, {winners:?} won all"
    );
    now.lock().expect("whole").clone()
}

/// Runs the facts; `open` gives another handle to one and the same cell, `delete` is somebody's hand.
async fn conforms<S: CasStore>(what: &str, open: impl Fn() -> S + Sync, delete: impl Fn()) {
    let (one, two) = (open(), open());
    assert_eq!(one.get().await.expect(what), None, "{what}: empty at first");
    let made_up = Version("made up".to_owned());
    let put = one.compare_and_put(Some(&made_up), b"x").await.expect(what);
    assert_eq!(put, Put::Conflict(None), "{what}: nothing to replace");
    let Put::Done(first) = one.compare_and_put(None, b"first").await.expect(what) else {
        panic!("{what}: the first is stored");
    };
    let found = two.get().await.expect(what).expect(what);
    assert_eq!(found.bytes, b"first", "{what}: others see it at once");
    assert_eq!(
        found.version, first,
        "{what}: under the version that was told"
    );
    // Whoever believes that there is nothing hears what there is, without a second read.
    let put = two.compare_and_put(None, b"second").await.expect(what);
    assert_eq!(put, Put::Conflict(Some(found.clone())), "{what}");
    let Put::Done(second) = two
        .compare_and_put(Some(&first), b"second")
        .await
        .expect(what)
    else {
        panic!("{what}: the right version is replaced");
    };
    assert_ne!(first, second, "{what}");
    let put = one
        .compare_and_put(Some(&first), b"third")
        .await
        .expect(what);
    let Put::Conflict(Some(now)) = put else {
        panic!("{what}: {put:?}");
    };
    assert_eq!(
        (now.bytes.as_slice(), &now.version),
        (&b"second"[..], &second),
        "{what}"
    );
    // Of many who saw the same version one gets through.
    let version = races(what, &open, second);
    // An empty value is a value.
    let put = one.compare_and_put(Some(&version), b"").await.expect(what);
    assert!(matches!(put, Put::Done(_)), "{what}: {put:?}");
    let found = two.get().await.expect(what).expect(what);
    assert!(found.bytes.is_empty(), "{what}");
    // What somebody deleted is gone, whatever version one had of it; and a new beginning is one for all.
    delete();
    assert_eq!(one.get().await.expect(what), None, "{what}: deleted");
    for late in [&found.version, &first] {
        let put = one.compare_and_put(Some(late), b"x").await.expect(what);
        assert_eq!(put, Put::Conflict(None), "{what}: deleted");
    }
    let put = two.compare_and_put(None, b"anew").await.expect(what);
    assert!(matches!(put, Put::Done(_)), "{what}: {put:?}");
    let put = one.compare_and_put(None, b"late").await.expect(what);
    let Put::Conflict(Some(now)) = put else {
        panic!("{what}: {put:?}");
    };
    assert_eq!(now.bytes, b"anew", "{what}");
    assert!(!one.location().is_empty(), "{what}");
}

#[tokio::test]
async fn every_store_compares_and_puts_in_the_same_way() {
    let memory = InMemory::default();
    conforms("memory", || memory.clone(), || memory.delete()).await;
    let home = tempfile::tempdir().expect("temp folder");
    let own = home.path().join(".nanokit");
    let state = home.path().join("state.json");
    let remove = |path: &std::path::Path| std::fs::remove_file(path).expect("removed");
    conforms(
        "state file",
        || FileStore::state(&state, &own),
        || remove(&state),
    )
    .await;
    conforms(
        "lock file",
        || FileStore::lock("state.json", &own),
        || remove(&own.join("lock/state.json")),
    )
    .await;
}
