//! Looking at somebody's lock, and clearing it.
//!
//! A report is a verdict with its evidence and the version it is about; an unlock replaces exactly that version,
//! after its line in `audit.log` is durable. Whatever cannot be read makes the verdict unknown, never dead.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::ids::Epoch;
use crate::domain::lease::{
    self, Breakage, Evidence, Holder, LeaseTimes, LockRecord, LockReport, LockStatus, Occupation,
    ProcessProof, Verdict, Watch, Watched,
};
use crate::engine::lock_history::audit;
use crate::engine::reconcile::{EngineError, UnlockEnd, UnlockRequest};
use crate::engine::verdict::said;
use crate::formats::lock;
use crate::formats::state;
use crate::ports::cas_store::{CasStore, Put, StoreError, Stored, Version};
use crate::ports::clock::Clock;
use crate::ports::process::Processes;
use crate::ports::world::World;

/// Pause between two looks at a heartbeat.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// One look at the lock.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The verdict.
    pub report: LockReport,
    /// Version of what was read; `None`: nothing is stored.
    pub version: Option<Version>,
}

impl Look {
    /// Tells whether the lock is nobody's, but was cleared without proof too short a time ago.
    pub(super) fn is_delayed(&self) -> bool {
        let record = self.report.record.as_ref();
        self.report.verdict == Verdict::Unknown
            && record.is_some_and(|record| record.status == LockStatus::Broken)
    }

    /// Longest time that delay takes.
    pub(super) fn delay(&self, times: &LeaseTimes) -> Duration {
        let lease = self.report.record.as_ref().map(|record| record.lease);
        let silence = times.silence(lease.unwrap_or_default());
        // One look more, so that the last one comes after the end.
        silence.saturating_add(LOOK_AGAIN)
    }
}

/// Looks at the lock: once with `watch_for` zero, else until it is decided or so much time has passed; a holder that is
/// stopped is watched as long as it is, for it may go on. Each newer finding goes to `updates`; a slow reader misses some.
pub async fn lock_report<W: World>(
    world: &W,
    times: &LeaseTimes,
    watch_for: Duration,
    updates: Option<&mpsc::Sender<LockReport>>,
) -> LockReport {
    watched(world, times, watch_for, updates, LockReport::is_stopped).await
}

/// Looks until the verdict is decided, and `goes_on` sees no reason to watch further.
async fn watched<W: World>(
    world: &W,
    times: &LeaseTimes,
    watch_for: Duration,
    updates: Option<&mpsc::Sender<LockReport>>,
    goes_on: impl Fn(&LockReport) -> bool,
) -> LockReport {
    let started = world.clock().boot();
    let mut watch = Watch::default();
    loop {
        let report = look(world, &mut watch, times).await.report;
        if let Some(updates) = updates {
            // A full channel means that the reader has newer findings to read than it can show.
            let _ = updates.try_send(report.clone());
        }
        let rest = watch_for.saturating_sub(world.clock().boot().since(started));
        let undecided = report.verdict == Verdict::Unknown
            && matches!(&report.record, Some(record) if record.status == LockStatus::Held);
        if rest.is_zero() || !(undecided || goes_on(&report)) {
            return report;
        }
        world.clock().sleep(rest.min(LOOK_AGAIN)).await;
    }
}

/// Reads and judges the lock once.
pub(super) async fn look<W: World>(world: &W, watch: &mut Watch, times: &LeaseTimes) -> Look {
    let location = world.lock().location();
    let stored = world.lock().get().await;
    let version = match &stored {
        Ok(Some(stored)) => Some(stored.version.clone()),
        Ok(None) | Err(_) => None,
    };
    let (verdict, record, evidence) = match read(stored) {
        Err(line) => (Verdict::Unknown, None, vec![line]),
        Ok(record) => {
            let (proof, watched) = match &record {
                Some(record) if record.status != LockStatus::Free => {
                    let now = world.clock().boot();
                    let mut watched = watch.look(record, now);
                    watched.still = watched.still.max(since_broken(world, record));
                    (world.processes().proof(&record.holder), watched)
                }
                _ => (ProcessProof::Unknown, Watched::default()),
            };
            let (verdict, evidence) = lease::judge(record.as_ref(), proof, watched, times);
            (verdict, record, evidence)
        }
    };
    Look {
        report: LockReport {
            location,
            verdict,
            record,
            version: version.as_ref().map(|version| version.0.clone()),
            evidence,
        },
        version,
    }
}

/// Says how long ago a lock was broken, by our own clock; on another machine, in another time namespace, or after a
/// reboot, nobody knows.
fn since_broken<W: World>(world: &W, record: &LockRecord) -> Duration {
    let me = world.processes().me();
    match &record.broken {
        Some(broken)
            if record.status == LockStatus::Broken
                && !broken.boot_id.is_empty()
                && broken.boot_id == me.boot_id
                && (broken.time_ns.is_empty() || broken.time_ns == me.time_ns) =>
        {
            world.clock().boot().since(broken.boot)
        }
        _ => Duration::ZERO,
    }
}

fn read(stored: Result<Option<Stored>, StoreError>) -> Result<Option<LockRecord>, Evidence> {
    let line = |finding: String| Evidence {
        check: "record".to_owned(),
        finding,
        alive: None,
    };
    match stored {
        Ok(None) => Ok(None),
        Ok(Some(stored)) => lock::decode(&stored.bytes)
            .map(Some)
            .map_err(|error| line(format!("it cannot be understood: {error}"))),
        Err(error) => Err(line(format!("it cannot be read: {}", said(&error)))),
    }
}

/// Clears the lock. What is proven dead is cleared at once; anything else needs force with a reason and the
/// lock's id. Without force an undecided holder is watched for lease and grace first, so that the refusal can
/// tell silence from life.
pub async fn unlock<W: World>(
    world: &W,
    times: &LeaseTimes,
    request: &UnlockRequest,
) -> Result<UnlockEnd, EngineError> {
    let reason = request
        .reason
        .as_deref()
        .map(str::trim)
        .filter(|reason| !reason.is_empty());
    if request.force && (reason.is_none() || request.lock_id.is_none()) {
        let text = "`--force` needs the lock id and a reason (`--reason`)";
        return Err(EngineError::Invalid(text.to_owned()));
    }
    let silence = times.delay().saturating_add(LOOK_AGAIN);
    let watch_for = if request.force {
        Duration::ZERO
    } else {
        silence
    };
    // That somebody is stopped is reason enough to refuse at once.
    let report = watched(world, times, watch_for, None, |_| false).await;
    let broken = report
        .record
        .as_ref()
        .is_some_and(|record| record.status == LockStatus::Broken);
    if report.verdict == Verdict::Free || broken {
        return Ok(UnlockEnd::WasFree);
    }
    if request.version.is_some() && request.version != report.version {
        return Ok(UnlockEnd::Changed(Box::new(report)));
    }
    if let Some(report) = refusal(&report, request) {
        return Ok(UnlockEnd::Refused(Box::new(report)));
    }
    let Some(version) = report.version.clone().map(Version) else {
        return Ok(UnlockEnd::Refused(Box::new(report)));
    };
    let act = if request.force {
        "force_unlock"
    } else {
        "unlock"
    };
    audit(world, &report, act, reason)?;
    let me = world.processes().me();
    let breakage = Breakage {
        by: who(&me),
        reason: reason.unwrap_or("its holder is proven dead").to_owned(),
        lock_id: report
            .record
            .as_ref()
            .map(|record| record.lock_id.clone())
            .unwrap_or_default(),
        verdict: report.verdict.as_str().to_owned(),
        boot_id: me.boot_id,
        time_ns: me.time_ns,
        boot: world.clock().boot(),
    };
    let at = world.clock().wall();
    let record = match &report.record {
        Some(record) => record.broken_by(breakage, at),
        None => unreadable(world, times).await.broken_by(breakage, at),
    };
    let bytes = lock::encode(&record);
    let cleared = match world
        .lock()
        .compare_and_put(Some(&version), &bytes)
        .await
        .map_err(store)?
    {
        Put::Done(_) => true,
        Put::Conflict(found) => found.is_some_and(|found| found.bytes == bytes),
        Put::Unknown(_) => {
            let found = world.lock().get().await.map_err(store)?;
            found.is_some_and(|found| found.bytes == bytes)
        }
    };
    if cleared {
        return Ok(UnlockEnd::Cleared(report.verdict));
    }
    let report = lock_report(world, times, Duration::ZERO, None).await;
    Ok(UnlockEnd::Changed(Box::new(report)))
}

/// Returns the report to refuse with, with a line that says why, or nothing when the lock may be cleared.
fn refusal(report: &LockReport, request: &UnlockRequest) -> Option<LockReport> {
    let mut refused = report.clone();
    let mut because = |finding: String| {
        refused.evidence.push(Evidence {
            check: "request".to_owned(),
            finding,
            alive: None,
        });
    };
    if let Some(wanted) = &request.lock_id
        && !report.is_named(wanted)
    {
        let known = report.name().unwrap_or_default();
        because(format!("the lock id is not `{wanted}` but `{known}`"));
        return Some(refused);
    }
    match report.verdict {
        Verdict::Free | Verdict::Dead => None,
        Verdict::Expired | Verdict::Alive | Verdict::Unknown if request.force => None,
        Verdict::Expired | Verdict::Alive | Verdict::Unknown => {
            because("only a holder that is proven dead is cleared without `--force`".to_owned());
            Some(refused)
        }
    }
}

/// Stands for a record that nobody can read: its epoch is at least what the state saw.
async fn unreadable<W: World>(world: &W, times: &LeaseTimes) -> LockRecord {
    let seen = match world.state().get().await {
        Ok(Some(stored)) => state::decode(&stored.bytes).ok().map(|found| found.fence),
        Ok(None) | Err(_) => None,
    };
    LockRecord {
        status: LockStatus::Held,
        lock_id: crate::domain::ids::LockId::default(),
        epoch: seen.unwrap_or(Epoch(0)),
        beat: 0,
        lineage: None,
        holder: Holder::default(),
        occupation: Occupation::default(),
        lease: times.lease,
        acquired_at: world.clock().wall(),
        renewed_at: world.clock().wall(),
        broken: None,
    }
}

/// Says what became of a lock that is not ours any more.
pub(super) fn fate(record: Option<&LockRecord>) -> String {
    let Some(record) = record else {
        return "its record was removed or damaged".to_owned();
    };
    match (&record.broken, record.status) {
        (Some(broken), LockStatus::Broken) => format!("{} broke it: {}", broken.by, broken.reason),
        (_, LockStatus::Held) => format!(
            "{}@{} (process {}) took it over",
            record.holder.user, record.holder.host, record.holder.pid
        ),
        (_, LockStatus::Free | LockStatus::Broken) => "it was released by somebody else".to_owned(),
    }
}

/// Returns `user@host`.
#[must_use]
pub fn who(holder: &Holder) -> String {
    format!("{}@{}", holder.user, holder.host)
}

fn store(error: StoreError) -> EngineError {
    EngineError::Store(Box::new(error))
}

#[cfg(test)]
mod tests;
