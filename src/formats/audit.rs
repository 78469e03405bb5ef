//! Lines about what was done with the lock, with the state by hand and with an action that stopped: one JSON object each.

use serde::{Deserialize, Serialize};

use crate::domain::report::store::{LockDeed, LockHistory};
use crate::domain::time::Wall;
use crate::formats::text;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct DeedWire {
    at: String,
    act: String,
    by: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    command: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    run: String,
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    location: String,
    lock_id: String,
    epoch: u64,
    held_by: String,
    verdict: String,
    evidence: Vec<String>,
}

fn wire(deed: &LockDeed) -> DeedWire {
    DeedWire {
        at: text::rfc3339(deed.at),
        act: deed.act.clone(),
        by: deed.by.clone(),
        command: deed.command.clone(),
        run: deed.run.clone(),
        reason: deed.reason.clone(),
        action: deed.action.clone(),
        step: deed.step.clone(),
        location: deed.location.clone(),
        lock_id: deed.lock_id.clone(),
        epoch: deed.epoch,
        held_by: deed.held_by.clone(),
        verdict: deed.verdict.clone(),
        evidence: deed.evidence.clone(),
    }
}

/// Writes a line, its end included.
#[must_use]
pub fn line(deed: &LockDeed) -> String {
    let mut line = to_json(deed).to_string();
    line.push('\n');
    line
}

/// Writes a deed as JSON.
#[must_use]
pub fn to_json(deed: &LockDeed) -> serde_json::Value {
    text::to_value(&wire(deed))
}

/// Reads lines of several files into one history, the newest first. A line that nobody can read is counted.
#[must_use]
pub fn read(files: &[&[u8]]) -> LockHistory {
    let mut history = LockHistory::default();
    for file in files {
        for line in file.split(|byte| *byte == b'\n') {
            match deed(line) {
                Some(deed) => history.deeds.push(deed),
                None if line.is_empty() => {}
                None => history.unreadable += 1,
            }
        }
    }
    // Within a file the later line is the newer one, whatever the clock says of equal moments.
    history.deeds.reverse();
    history.deeds.sort_by_key(|deed| std::cmp::Reverse(deed.at));
    history
}

fn deed(line: &[u8]) -> Option<LockDeed> {
    let wire: DeedWire = serde_json::from_slice(line).ok()?;
    let at: Wall = text::wall(&wire.at).ok()?;
    if wire.act.is_empty() {
        return None;
    }
    Some(LockDeed {
        at,
        act: wire.act,
        by: wire.by,
        command: wire.command,
        run: wire.run,
        reason: wire.reason,
        action: wire.action,
        step: wire.step,
        location: wire.location,
        lock_id: wire.lock_id,
        epoch: wire.epoch,
        held_by: wire.held_by,
        verdict: wire.verdict,
        evidence: wire.evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_files_are_one_history_and_none_is_lost_silently() {
        let deed = |at, act: &str| LockDeed {
            at: Wall(at),
            act: act.to_owned(),
            by: "ann@box".to_owned(),
            reason: Some("it\u{1b}[31m hangs\n".to_owned()),
            ..LockDeed::default()
        };
        let taken = line(&deed(1000, "take")) + &line(&deed(3000, "release"));
        let cleared = "torn {".to_owned() + "\n" + &line(&deed(2000, "force_unlock")) + "\n{}\n";
        let history = read(&[taken.as_bytes(), cleared.as_bytes()]);
        let acts: Vec<&str> = history.deeds.iter().map(|deed| deed.act.as_str()).collect();
        assert_eq!(acts, ["release", "force_unlock", "take"]);
        assert_eq!(history.unreadable, 2);
        assert_eq!(history.deeds[1], deed(2000, "force_unlock"));
        assert!(taken.lines().count() == 2, "a reason breaks no line");
        let same = line(&deed(5, "take")) + &line(&deed(5, "release"));
        assert_eq!(read(&[same.as_bytes()]).deeds[0].act, "release");
    }
}
