//! The verdict about somebody else's lock, and the watch of its heartbeat that may support it.

use std::time::Duration;

use crate::domain::ids::{Epoch, LockId};
use crate::domain::lease::{
    Evidence, Holder, LeaseTimes, LockRecord, LockStatus, ProcessProof, STOPPED, Verdict,
};
use crate::domain::time::Boot;

/// What was seen of a heartbeat while watching it on our own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Watched {
    /// Whether it moved since the first look.
    pub moved: bool,
    /// How long it has stood still.
    pub still: Duration,
}

/// Watches a heartbeat: lock, epoch and beat as they were seen, and since when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    seen: Option<(LockId, Epoch, u64)>,
    since: Boot,
    moved: bool,
}

impl Watch {
    /// Takes one look at `now` and tells what the looks so far say.
    pub fn look(&mut self, record: &LockRecord, now: Boot) -> Watched {
        let beat = (record.lock_id.clone(), record.epoch, record.beat);
        match &self.seen {
            Some(seen) if *seen == beat => {}
            seen => {
                // Another acquisition starts the watch anew; only a beat of the same one is a sign of life.
                self.moved = seen
                    .as_ref()
                    .is_some_and(|seen| (&seen.0, seen.1) == (&beat.0, beat.1));
                self.since = now;
                self.seen = Some(beat);
            }
        }
        Watched {
            moved: self.moved,
            still: now.since(self.since),
        }
    }
}

/// Judges a lock: only a proof makes it dead, only silence on our own clock makes it expired.
#[must_use]
pub fn judge(
    record: Option<&LockRecord>,
    proof: ProcessProof,
    watched: Watched,
    times: &LeaseTimes,
) -> (Verdict, Vec<Evidence>) {
    let Some(record) = record else {
        let line = evidence("record", "no lock was ever taken here", None);
        return (Verdict::Free, vec![line]);
    };
    match record.status {
        LockStatus::Held => judge_held(record, proof, watched, times),
        LockStatus::Free => {
            let line = evidence("record", "its last holder released it", None);
            (Verdict::Free, vec![line])
        }
        LockStatus::Broken => judge_broken(record, proof, watched, times),
    }
}

/// A lock that was cleared without proof is not given out before its holder must have stopped: it may not have heard
/// of it yet. A holder that is proven gone by now need not be waited for.
fn judge_broken(
    record: &LockRecord,
    proof: ProcessProof,
    watched: Watched,
    times: &LeaseTimes,
) -> (Verdict, Vec<Evidence>) {
    let text = record.broken.as_ref().map_or_else(
        || "it was broken".to_owned(),
        |broken| format!("{} broke it: {}", broken.by, broken.reason),
    );
    let mut lines = vec![evidence("record", text, None)];
    let proven = record
        .broken
        .as_ref()
        .is_some_and(|broken| broken.verdict == Verdict::Dead.as_str());
    let delay = times.silence(record.lease);
    if proven || watched.still >= delay {
        return (Verdict::Free, lines);
    }
    if proof == ProcessProof::Gone {
        lines.push(process_evidence(&record.holder, proof));
        return (Verdict::Free, lines);
    }
    let rest = delay.saturating_sub(watched.still);
    let text = format!(
        "cleared without proof: its holder may still be at work, so nobody takes it for another {}",
        seconds(rest)
    );
    lines.push(evidence("delay", text, None));
    (Verdict::Unknown, lines)
}

fn judge_held(
    record: &LockRecord,
    proof: ProcessProof,
    watched: Watched,
    times: &LeaseTimes,
) -> (Verdict, Vec<Evidence>) {
    let silence = times.silence(record.lease);
    let silent = watched.still >= silence;
    let process = process_evidence(&record.holder, proof);
    let lives = matches!(proof, ProcessProof::Alive | ProcessProof::Stopped);
    let (beat_alive, beat_text) = if silent {
        let text = format!("stood still for {} on our clock", seconds(watched.still));
        (Some(false), text)
    } else if watched.moved {
        (Some(true), "moved while it was watched".to_owned())
    } else if lives && watched.still.as_secs() == 0 {
        let text = "was read once so far; that the process lives decides";
        (None, text.to_owned())
    } else if lives {
        let text = format!(
            "has not moved for {}; that the process lives decides",
            seconds(watched.still)
        );
        (None, text)
    } else if watched.still.as_secs() == 0 {
        let text = format!(
            "was read once so far: {} without a move would tell",
            seconds(silence)
        );
        (None, text)
    } else {
        let text = format!(
            "has not moved for {} of the {} that would tell",
            seconds(watched.still),
            seconds(silence)
        );
        (None, text)
    };
    let verdict = match (proof, beat_alive) {
        (ProcessProof::Gone, _) => Verdict::Dead,
        (ProcessProof::Alive | ProcessProof::Stopped, _) | (ProcessProof::Unknown, Some(true)) => {
            Verdict::Alive
        }
        (ProcessProof::Unknown, Some(false)) => Verdict::Expired,
        (ProcessProof::Unknown, None) => Verdict::Unknown,
    };
    let mut lines = vec![process];
    if proof == ProcessProof::Stopped {
        let text = "it is stopped (frozen, as by Ctrl-Z or SIGSTOP): it does nothing now and may go on at any time";
        lines.push(evidence(STOPPED, text, None));
    }
    lines.push(evidence("heartbeat", beat_text, beat_alive));
    (verdict, lines)
}

fn process_evidence(holder: &Holder, proof: ProcessProof) -> Evidence {
    let who = format!("process {} of {}@{}", holder.pid, holder.user, holder.host);
    match proof {
        ProcessProof::Alive | ProcessProof::Stopped => {
            let text = format!("{who} lives: same machine, same boot, same start time");
            evidence("process", text, Some(true))
        }
        ProcessProof::Gone => {
            let text = format!("{who} is gone: it ran on this machine and cannot exist any more");
            evidence("process", text, Some(false))
        }
        ProcessProof::Unknown => {
            let text = format!("{who} cannot be seen from here: another machine or container");
            evidence("process", text, None)
        }
    }
}

fn evidence(check: &str, finding: impl Into<String>, alive: Option<bool>) -> Evidence {
    Evidence {
        check: check.to_owned(),
        finding: finding.into(),
        alive,
    }
}

fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs())
}
