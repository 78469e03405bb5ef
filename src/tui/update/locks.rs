//! The locks: what is asked for when they are shown, the guide that clears one, and who else is at work.

use std::sync::Arc;

use crate::app::command::Command;
use crate::app::notice::UnlockEnd;
use crate::app::snapshot::Snapshot;
use crate::domain::lease::{LockReport, LockStatus, Verdict};
use crate::domain::report::store::StoreReport;
use crate::present::rows::lock_history;
use crate::tui::effect::{Effect, Wish};
use crate::tui::model::{Beat, Model, Overlay};
use crate::tui::others;
use crate::tui::overlay::{Dialog, Guide, Question, Stake, Typed};
use crate::tui::theme::Tone;

/// A holder renews every seven seconds; after this time without a beat it is doubted, in milliseconds.
const SILENT: i64 = 9_000;
/// Time between two doubtful looks, in milliseconds.
const AGAIN: i64 = 3_000;

/// Asks for everything the area shows beside the lock itself.
#[must_use]
pub fn ask() -> Vec<Effect> {
    let send = |command, wish| Effect::Send { command, wish };
    vec![
        send(Command::Stored, Wish::Record),
        send(Command::Installs, Wish::Quiet),
    ]
}

/// Opens the guide; the keys that follow go through its steps.
pub fn unlock(model: &mut Model) -> Vec<Effect> {
    let Some(report) = model.snapshot.lock.clone() else {
        return Vec::new();
    };
    let question = match report.verdict {
        Verdict::Dead | Verdict::Expired | Verdict::Alive | Verdict::Unknown
            if report.record.is_some() =>
        {
            Question::Unlock(Guide { report, step: 0 })
        }
        Verdict::Free | Verdict::Dead | Verdict::Expired | Verdict::Alive | Verdict::Unknown => {
            nothing_to_unlock(model, &report)
        }
    };
    let dialog = Dialog::new(question, model.now);
    model.overlays.push(Overlay::Dialog(Box::new(dialog)));
    ask()
}

fn nothing_to_unlock(model: &Model, report: &LockReport) -> Question {
    let mut lines = vec!["The lock's record could not be read, or nobody holds it.".to_owned()];
    if let (Verdict::Unknown, Some(name)) = (report.verdict, report.name()) {
        lines.push("Once nobody is at work, this clears it:".to_owned());
        lines.push(format!(
            "{} infra unlock {name} --force --reason \"why\"",
            model.options.command
        ));
    }
    Question::Refused {
        title: "there is nothing to unlock".into(),
        lines,
    }
}

/// Goes one step further in the guide; the last one is to be typed.
pub fn further(model: &mut Model, guide: Guide) {
    let next = if guide.step < Guide::LAST {
        let step = guide.step + 1;
        let question = Question::Unlock(Guide { step, ..guide });
        Some(Overlay::Dialog(Box::new(Dialog::new(question, model.now))))
    } else {
        Typed::lock(guide.report, model.now).map(|typed| Overlay::Typed(Box::new(typed)))
    };
    model.overlays.extend(next);
}

/// Looks whether an open guide still fits the lock: a holder that moved ends it.
pub fn recheck(model: &mut Model) {
    let Some(now) = model.snapshot.lock.clone() else {
        return;
    };
    let mut moved = None;
    for (index, overlay) in model.overlays.iter_mut().enumerate() {
        let judged = match overlay {
            Overlay::Dialog(dialog) => match &mut dialog.question {
                Question::Unlock(guide) => &mut guide.report,
                Question::Approve { .. }
                | Question::Stop(_)
                | Question::Leave
                | Question::Failed(_)
                | Question::Refused { .. } => continue,
            },
            Overlay::Typed(typed) => match &mut typed.stake {
                Stake::Lock(report) => report,
                Stake::Run { .. } | Stake::Drift(..) | Stake::Inputs { .. } | Stake::Skip(_) => {
                    continue;
                }
            },
            _ => continue,
        };
        match fate(judged, &now) {
            Ok(()) => *judged = Arc::clone(&now),
            Err(why) => moved = Some((index, why)),
        }
    }
    if let Some((index, why)) = moved {
        model.overlays.truncate(index);
        let question = Question::Refused {
            title: "the lock is not cleared".into(),
            lines: vec![why, "Look at the evidence again.".into()],
        };
        let dialog = Dialog::new(question, model.now);
        model.overlays.push(Overlay::Dialog(Box::new(dialog)));
    }
}

/// Tells why a verdict does not stand any more.
fn fate(judged: &LockReport, now: &LockReport) -> Result<(), String> {
    let (Some(old), Some(new)) = (&judged.record, &now.record) else {
        return Err("The record cannot be read any more.".into());
    };
    if new.lock_id != old.lock_id {
        return Err(format!(
            "{} has taken the lock meanwhile.",
            others::who(new)
        ));
    }
    if new.status != LockStatus::Held {
        return Err("It was released meanwhile.".into());
    }
    let silent = matches!(judged.verdict, Verdict::Dead | Verdict::Expired);
    if silent && (new.beat != old.beat || now.verdict == Verdict::Alive) {
        return Err(format!("{} beat again: it lives.", others::who(new)));
    }
    Ok(())
}

/// Takes what is stored; after a lock was cleared, shows the line in the audit.
pub fn stored(model: &mut Model, report: Arc<StoreReport>, wish: Option<Wish>) {
    if wish == Some(Wish::Audit)
        && let Some(line) = report
            .audit
            .iter()
            .find(|deed| deed.act.ends_with("unlock"))
    {
        let question = Question::Refused {
            title: "the lock is cleared".into(),
            lines: vec![
                "Noted in `audit.log`:".into(),
                lock_history::said(line),
                "The next run settles what was half done before it does anything else.".into(),
            ],
        };
        let dialog = Dialog::new(question, model.now);
        model.overlays.push(Overlay::Dialog(Box::new(dialog)));
    }
    model.stored = Some(report);
    model.refresh_pane();
}

/// Remembers on our own clock when the holder's heartbeat, and its step, were last seen to move.
pub fn watch_beat(model: &mut Model) {
    let report = model.snapshot.lock.as_ref();
    let Some(record) = report.and_then(|lock| lock.record.as_ref()) else {
        model.beat = None;
        return;
    };
    let same = model.beat.take().filter(|beat| beat.lock == record.lock_id);
    let step = record.occupation.step.clone();
    let beat = match same {
        None => Beat {
            lock: record.lock_id.clone(),
            beat: record.beat,
            since: model.now,
            step_since: model.now,
            step,
        },
        Some(mut beat) => {
            if beat.beat != record.beat {
                beat.beat = record.beat;
                beat.since = model.now;
            }
            if beat.step != step {
                beat.step = step;
                beat.step_since = model.now;
            }
            beat
        }
    };
    model.beat = Some(beat);
}

/// Looks again at a holder that has not beaten for a while: a dead one changes no file.
pub fn doubt(model: &mut Model) -> Option<Effect> {
    others::holder(&model.snapshot)?;
    let beat = model.beat.as_ref()?;
    let waited = |since: crate::domain::time::Wall| model.now.0.saturating_sub(since.0);
    if model.usage.unseen || waited(beat.since) < SILENT || waited(model.lock_looked) < AGAIN {
        return None;
    }
    model.lock_looked = model.now;
    Some(Effect::Send {
        command: Command::Lock {
            watch_for: std::time::Duration::ZERO,
        },
        wish: Wish::Quiet,
    })
}

/// Says when somebody else comes to work here, and when they are done.
pub fn greet(model: &mut Model, before: &Snapshot) {
    let old = others::mark(before);
    let new = others::mark(&model.snapshot);
    if old.as_ref().map(|mark| &mark.0) == new.as_ref().map(|mark| &mark.0) {
        return;
    }
    if let Some((_, who, does)) = new {
        model.toast(format!("{who} {does}"), Tone::Busy);
    } else if let Some((_, who, ..)) = old {
        let dead = model
            .snapshot
            .lock
            .as_ref()
            .is_some_and(|lock| lock.verdict == Verdict::Dead);
        if dead {
            model.toast(format!("{who} is gone and left the lock"), Tone::Warn);
        } else {
            model.toast(format!("{who} has released the lock"), Tone::Ok);
        }
    }
}

/// Tells whether the lock went from one hand to another, so that the state may have moved too.
#[must_use]
pub fn moved(before: &Snapshot, now: &Snapshot) -> bool {
    let stand = |snapshot: &Snapshot| {
        let lock = snapshot.lock.as_ref()?;
        let record = lock.record.as_ref()?;
        Some((record.lock_id.clone(), record.status, record.epoch))
    };
    stand(before) != stand(now)
}

/// Says what came of an unlock.
pub fn unlocked(model: &mut Model, end: UnlockEnd) -> Vec<Effect> {
    match end {
        UnlockEnd::WasFree => model.toast("the lock was free already", Tone::Ok),
        UnlockEnd::Cleared(verdict) => {
            let text = format!("the lock is cleared; its verdict was {}", verdict.as_str());
            model.toast(text, Tone::Ok);
            return vec![Effect::Send {
                command: Command::Stored,
                wish: Wish::Audit,
            }];
        }
        UnlockEnd::Refused(report) => refuse(model, "the lock was not cleared", &report),
        UnlockEnd::Changed(report) => {
            refuse(model, "the lock changed meanwhile; look again", &report);
        }
    }
    Vec::new()
}

fn refuse(model: &mut Model, title: &str, report: &LockReport) {
    let mut lines = vec![format!("The verdict is {} now.", report.verdict.as_str())];
    lines.extend(
        report
            .evidence
            .iter()
            .map(|evidence| format!("{}: {}", evidence.check, evidence.finding)),
    );
    let question = Question::Refused {
        title: title.to_owned(),
        lines,
    };
    let dialog = Dialog::new(question, model.now);
    model.overlays.push(Overlay::Dialog(Box::new(dialog)));
}
