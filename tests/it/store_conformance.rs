//! What every compare-and-put store must do, whatever it is made of: one list of facts, run on each backend.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use nanokit::adapters::stores::file::FileStore;
use nanokit::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};

/// A cell in memory: the reference for what the others must do.
#[derive(Clone, Default)]
pub(crate) struct InMemory {
    value: Rc<RefCell<Option<Stored>>>,
    written: Rc<Cell<u64>>,
}

impl CasStore for InMemory {
    async fn get(&self) -> Result<Option<Stored>, StoreError> {
        Ok(self.value.borrow().clone())
    }
    async fn compare_and_put(
        &self,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        let mut value = self.value.borrow_mut();
        if value.as_ref().map(|stored| &stored.version) != expected {
            return Ok(Put::Conflict(value.clone()));
        }
        self.written.set(self.written.get() + 1);
        let version = Version(self.written.get().to_string());
        *value = Some(Stored {
            bytes: bytes.to_vec(),
            version: version.clone(),
        });
        Ok(Put::Done(version))
    }
    fn location(&self) -> String {
        "memory".to_owned()
    }
}

/// Runs the facts; `open` gives another handle to one and the same cell.
async fn conforms<S: CasStore>(what: &str, open: impl Fn() -> S) {
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
    // Of many who saw the same version one gets through, two hundred times.
    let mut version = second;
    for round in 0..200_u32 {
        let mut won = Vec::new();
        for racer in 0..8_u8 {
            let bytes = [round.to_string().as_bytes(), &[racer]].concat();
            match open()
                .compare_and_put(Some(&version), &bytes)
                .await
                .expect(what)
            {
                Put::Done(next) => won.push((next, bytes)),
                Put::Conflict(Some(_)) => {}
                other => panic!("{what}: {other:?}"),
            }
        }
        assert_eq!(won.len(), 1, "{what}: round {round}");
        let (next, bytes) = won.remove(0);
        assert_eq!(
            one.get().await.expect(what).expect(what).bytes,
            bytes,
            "{what}"
        );
        version = next;
    }
    // An empty value is a value.
    let put = one.compare_and_put(Some(&version), b"").await.expect(what);
    assert!(matches!(put, Put::Done(_)), "{what}: {put:?}");
    let found = two.get().await.expect(what).expect(what);
    assert!(found.bytes.is_empty(), "{what}");
    assert!(!one.location().is_empty(), "{what}");
}

#[tokio::test]
async fn every_store_compares_and_puts_in_the_same_way() {
    let memory = InMemory::default();
    conforms("memory", || memory.clone()).await;
    let home = tempfile::tempdir().expect("temp folder");
    let own = home.path().join(".nanokit");
    conforms("state file", || {
        FileStore::state(home.path().join("state.json"), &own)
    })
    .await;
    conforms("lock file", || FileStore::lock("state.json", &own)).await;
}
