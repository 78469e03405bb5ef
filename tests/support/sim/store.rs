//! The two cells that are compared and put, as one process reaches them: ways that take time, partitions, lost
//! replies. What lands in a cell is checked there, whoever sent it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use nanokit::domain::ids::Epoch;
use nanokit::domain::lease::{LockRecord, LockStatus};
use nanokit::domain::record::RecordedResource;
use nanokit::formats::{lock, state};
use nanokit::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};

use super::ledger::{Invariant, Ledger, Planted};
use super::life::{Cell1, Life, Lost};
use super::world::{Lives, next};

/// How long an adapter waits for a reply before it gives up.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many states are read back whole; of the others only the head and the end are looked at, which costs a tenth.
const READ_BACK: u64 = 4;

/// What a cell remembers beside its value.
#[derive(Clone, Default)]
pub struct Past {
    number: Rc<Cell<u64>>,
    highest: Rc<Cell<u64>>,
    kept: Rc<RefCell<Option<(String, u64, u64)>>>,
    /// The lock that lies in the cell, read.
    lock: Rc<RefCell<Option<LockRecord>>>,
}

/// A cell as one process reaches it.
pub struct SimStore {
    pub cell: Rc<RefCell<Option<Stored>>>,
    pub past: Past,
    pub life: Life,
    pub name: &'static str,
    pub kind: Cell1,
    pub ledger: Ledger,
    pub dice: Rc<Cell<u64>>,
    pub alive: Rc<RefCell<Vec<u32>>>,
    pub lives: Lives,
    pub pid: u32,
}

enum Way {
    Through,
    Before,
    Reply,
}

impl SimStore {
    async fn travel(&self) {
        let longest = self.life.fate().latency;
        if longest > 0 {
            tokio::time::sleep(Duration::from_millis(next(&self.dice) % longest)).await;
        }
    }

    fn way(&self) -> Way {
        let Some(lost) = self.life.cut(self.kind) else {
            return Way::Through;
        };
        self.ledger.fired(match (self.kind, lost) {
            (Cell1::Lock, Lost::Before) => "lock cut off",
            (Cell1::Lock, Lost::Reply) => "lock reply lost",
            (Cell1::Lock, Lost::Flapping) => "lock flapping",
            (Cell1::State, Lost::Before) => "state cut off",
            (Cell1::State, Lost::Reply) => "state reply lost",
            (Cell1::State, Lost::Flapping) => "state flapping",
        });
        match lost {
            Lost::Before => Way::Before,
            Lost::Reply => Way::Reply,
            Lost::Flapping => match next(&self.dice) % 3 {
                0 => Way::Through,
                1 => Way::Before,
                _ => Way::Reply,
            },
        }
    }

    /// Draws whether the reply to a put is lost on its way back.
    fn loses_reply(&self, record: Option<&LockRecord>) -> bool {
        let lost = self.life.fate().lock_replies_lost;
        let Some(record) = record.filter(|_| lost > 0) else {
            return false;
        };
        if next(&self.dice) % 1000 >= lost {
            return false;
        }
        self.ledger.fired(match record.status {
            LockStatus::Held if record.beat == 0 => "acquire reply lost",
            LockStatus::Held => "renewal reply lost",
            LockStatus::Free => "release reply lost",
            LockStatus::Broken => "unlock reply lost",
        });
        true
    }

    fn no_answer(&self) -> StoreError {
        StoreError::Io {
            action: "read",
            location: self.name.to_owned(),
            source: std::io::Error::other("no answer"),
        }
    }

    /// What arrives at the cell.
    fn land(&self, expected: Option<&Version>, bytes: &[u8], record: Option<&LockRecord>) -> Put {
        let mut cell = self.cell.borrow_mut();
        let current = cell.as_ref().map(|stored| stored.version.clone());
        if current.as_ref() != expected && !self.is_blind(record) {
            return Put::Conflict(cell.clone());
        }
        let number = self.past.number.get() + 1;
        self.past.number.set(number);
        let version = Version(number.to_string());
        *cell = Some(Stored {
            bytes: bytes.to_vec(),
            version: version.clone(),
        });
        if self.kind == Cell1::State
            && self.ledger.has(Planted::TornState)
            && number.is_multiple_of(7)
        {
            let half = bytes.len() / 2;
            *cell = Some(Stored {
                bytes: bytes[..half].to_vec(),
                version: version.clone(),
            });
        }
        let now = cell.as_ref().map(|stored| stored.bytes.clone());
        drop(cell);
        match self.kind {
            Cell1::Lock => {
                let before = self.past.lock.replace(record.cloned());
                self.check_lock(before, record);
            }
            Cell1::State => self.check_state(&now.unwrap_or_default(), number),
        }
        Put::Done(version)
    }

    fn is_blind(&self, record: Option<&LockRecord>) -> bool {
        let has = |bug| self.ledger.has(bug);
        match self.kind {
            Cell1::State => has(Planted::NoFence),
            Cell1::Lock => match record.map(|record| record.status) {
                Some(LockStatus::Free) => has(Planted::BlindRelease),
                Some(LockStatus::Broken) => has(Planted::BlindUnlock),
                Some(LockStatus::Held) | None => false,
            },
        }
    }

    fn check_state(&self, bytes: &[u8], number: u64) {
        let sound = |what: String| self.ledger.broken(Invariant::I7StateSound, what);
        if number.is_multiple_of(READ_BACK)
            && let Err(error) = state::decode(bytes)
        {
            return sound(format!("the state cannot be read: {error}"));
        }
        let Some(head) = head_of(bytes) else {
            return sound("the state is not whole".to_owned());
        };
        let (serial, fence) = (head.1, head.2);
        let kept = self.past.kept.replace(Some(head.clone()));
        if let Some((lineage, last, highest)) = kept {
            if lineage != head.0 {
                sound(format!("the lineage changed from {lineage}"));
            }
            if serial != last + 1 {
                sound(format!("serial {serial} was stored over {last}"));
            }
            if fence < highest {
                let text = format!("a state of epoch {fence} was stored over one of {highest}");
                self.ledger.broken(Invariant::I1OneWriter, text);
            }
        }
        self.ledger.look_for_untracked("a state was stored");
    }

    fn check_lock(&self, before: Option<LockRecord>, now: Option<&LockRecord>) {
        let kept = |what: String| self.ledger.broken(Invariant::I6LockKept, what);
        let Some(now) = now else {
            return kept("a lock was stored that cannot be read".to_owned());
        };
        let held = before.filter(|record| record.status == LockStatus::Held);
        match now.status {
            LockStatus::Held => {
                let again = held.as_ref().is_some_and(|held| held.is_same_lock(now));
                if !again {
                    let highest = self
                        .past
                        .highest
                        .replace(now.epoch.0.max(self.past.highest.get()));
                    if now.epoch.0 <= highest {
                        let text = format!("epoch {} was used again", now.epoch);
                        self.ledger.broken(Invariant::I7StateSound, text);
                    }
                    if let Some(held) = held {
                        self.displaced(&held, "taken over");
                    }
                }
            }
            LockStatus::Free => match held {
                Some(held) if held.is_same_lock(now) => {}
                Some(_) => kept("somebody else's lock was released".to_owned()),
                None => kept("a lock was released that nobody held".to_owned()),
            },
            LockStatus::Broken => {
                self.past
                    .highest
                    .set(now.epoch.0.max(self.past.highest.get()));
                let named = now.broken.as_ref().map(|broken| broken.lock_id.clone());
                match held {
                    Some(held) if Some(&held.lock_id) != named.as_ref() => {
                        kept("an unlock broke another lock than it named".to_owned());
                    }
                    Some(held) => {
                        let broken = now.broken.as_ref();
                        let proven = broken.is_some_and(|broken| broken.verdict == "dead");
                        if proven {
                            self.displaced(&held, "unlocked");
                        } else {
                            self.ledger.fired("unlocked by force");
                            self.told_nobody(held.holder.pid);
                        }
                    }
                    None => kept("an unlock broke a lock that nobody held".to_owned()),
                }
            }
        }
    }

    fn told_nobody(&self, pid: u32) {
        let lives = self.lives.borrow();
        if let Some((_, life)) = lives.iter().find(|(own, _)| *own == pid) {
            life.displace();
        }
    }

    fn displaced(&self, held: &LockRecord, how: &'static str) {
        if self.alive.borrow().contains(&held.holder.pid) {
            let text = format!("the living process {} was {how}", held.holder.pid);
            self.ledger.broken(Invariant::I6LockKept, text);
        }
        self.ledger.fired("takeover");
    }

    /// What the process believes of its own lock, as it hears it.
    fn heard(&self, record: Option<&LockRecord>) {
        if self.kind == Cell1::Lock {
            self.life.heard_of_lock(record, self.pid);
        }
    }

    /// What a planted bug makes of the lock that is read.
    fn distorted(&self, stored: Option<Stored>) -> Option<Stored> {
        if !self.ledger.has(Planted::WallClock) && !self.ledger.has(Planted::EpochRestart) {
            return stored;
        }
        let (Some(mut record), Some(kept)) = (self.past.lock.borrow().clone(), &stored) else {
            return stored;
        };
        if self.ledger.has(Planted::WallClock) && record.status == LockStatus::Held {
            let age = self.life.wall() - record.renewed_at.0;
            if record.holder.pid != self.pid && age > 30_000 {
                record.status = LockStatus::Free;
                return Some(Stored {
                    bytes: lock::encode(&record),
                    version: kept.version.clone(),
                });
            }
        }
        if self.ledger.has(Planted::EpochRestart) && record.status != LockStatus::Held {
            record.epoch = Epoch(0);
            return Some(Stored {
                bytes: lock::encode(&record),
                version: kept.version.clone(),
            });
        }
        stored
    }
}

/// Lineage, serial and fence of a state that ends as a state ends, without reading the rest.
pub fn head_of(bytes: &[u8]) -> Option<(String, u64, u64)> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.trim_end().ends_with('}').then_some(())?;
    let after = |key: &str| {
        let (_, rest) = text.split_once(&format!("\"{key}\":"))?;
        Some(rest.trim_start())
    };
    let number = |key: &str| {
        let rest = after(key)?;
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        rest[..end].parse().ok()
    };
    let lineage = after("lineage")?.split('"').nth(1)?;
    Some((lineage.to_owned(), number("serial")?, number("fence")?))
}

/// A planted bug: nobody remembers what depended on what.
fn without_edges(stored: Stored) -> Stored {
    reread(stored, |resource| resource.depends_on.clear())
}

/// A planted bug: nobody remembers what was finished.
fn undone(stored: Stored) -> Stored {
    reread(stored, |resource| {
        resource.installed = None;
        for one in resource.instances.values_mut() {
            one.ready = false;
        }
    })
}

fn reread(stored: Stored, distort: impl Fn(&mut RecordedResource)) -> Stored {
    let Ok(mut decoded) = state::decode(&stored.bytes) else {
        return stored;
    };
    decoded.resources.values_mut().for_each(distort);
    Stored {
        bytes: state::encode(&decoded, "sim"),
        version: stored.version,
    }
}

impl CasStore for SimStore {
    async fn get(&self) -> Result<Option<Stored>, StoreError> {
        self.life.step(&format!("get {}", self.name)).await;
        self.travel().await;
        if !matches!(self.way(), Way::Through) {
            tokio::time::sleep(PATIENCE).await;
            return Err(self.no_answer());
        }
        let mut found = self.cell.borrow().clone();
        let lock = self.past.lock.borrow().clone();
        self.travel().await;
        if self.kind == Cell1::Lock {
            self.heard(lock.as_ref());
            found = self.distorted(found);
        } else if self.ledger.has(Planted::DeleteOrder) {
            found = found.map(without_edges);
        } else if self.ledger.has(Planted::DoneForgotten) {
            found = found.map(undone);
        }
        Ok(found)
    }

    async fn compare_and_put(
        &self,
        expected: Option<&Version>,
        bytes: &[u8],
    ) -> Result<Put, StoreError> {
        let record = match self.kind {
            Cell1::Lock => lock::decode(bytes).ok(),
            Cell1::State => None,
        };
        if let Some(record) = &record {
            self.life.asked_for_lock(record, self.pid);
        }
        self.life.step(&format!("put {}", self.name)).await;
        let renewal = record
            .as_ref()
            .is_some_and(|record| record.status == LockStatus::Held && record.beat > 0);
        if renewal && self.ledger.has(Planted::NoSelfFence) {
            let version = self.cell.borrow().as_ref().map(|s| s.version.clone());
            let unchanged = version.as_ref() == expected;
            if unchanged {
                let put = self.land(expected, bytes, record.as_ref());
                self.heard(record.as_ref());
                return Ok(put);
            }
            return Ok(Put::Done(Version("never".to_owned())));
        }
        self.travel().await;
        let way = self.way();
        if matches!(way, Way::Before) {
            tokio::time::sleep(PATIENCE).await;
            return Ok(Put::Unknown("no reply".to_owned()));
        }
        let put = self.land(expected, bytes, record.as_ref());
        if matches!(way, Way::Reply) || self.loses_reply(record.as_ref()) {
            tokio::time::sleep(PATIENCE).await;
            return Ok(Put::Unknown("no reply".to_owned()));
        }
        self.travel().await;
        self.life.step(&format!("was put {}", self.name)).await;
        match (&put, &record) {
            (Put::Done(_), Some(record)) => self.heard(Some(record)),
            (Put::Conflict(found), Some(_)) => {
                let found = found.as_ref().and_then(|s| lock::decode(&s.bytes).ok());
                self.heard(found.as_ref());
            }
            (Put::Done(_) | Put::Conflict(_) | Put::Unknown(_), _) => {}
        }
        Ok(put)
    }

    fn location(&self) -> String {
        self.name.to_owned()
    }
}
