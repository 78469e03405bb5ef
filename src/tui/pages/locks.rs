//! Everything about a lock, the state, an operation that is half done, or a backup.

use crate::domain::lease::{Evidence, LockRecord, LockReport, LockStatus, Verdict};
use crate::domain::report::install::{InstallLock, InstallReport, InstallSeen};
use crate::domain::report::store::StoreReport;
use crate::present::human::{duration, size};
use crate::present::rows::lock_history;
use crate::present::words::{count, lock_meaning, verdict_meaning};
use crate::tui::keymap::action::Action;
use crate::tui::model::Model;
use crate::tui::others;
use crate::tui::pages::page::Page;
use crate::tui::rows::locks::{AUDIT, BACKUP, INFRA, INSTALL, PENDING, STATE, verdict_tone};
use crate::tui::theme::Tone;
use crate::tui::words::{between, ticking};

/// Writes the page of the row with that key.
pub fn write(page: &mut Page, model: &Model, key: &str) {
    let stored = model.stored.as_deref();
    if key == INFRA {
        infra(page, model);
    } else if key == STATE {
        state(page, model);
    } else if let Some(service) = key.strip_prefix(INSTALL) {
        let reports = model.installs.as_deref().map_or(&[][..], Vec::as_slice);
        let found = reports.iter().find(|report| report.service == service);
        if let Some(report) = found {
            install(page, report);
        }
    } else if let (Some(number), Some(stored)) = (key.strip_prefix(PENDING), stored) {
        pending(page, stored, number);
    } else if let (Some(place), Some(stored)) = (key.strip_prefix(BACKUP), stored) {
        backup(page, model, stored, place);
    } else if let (Some(number), Some(stored)) = (key.strip_prefix(AUDIT), stored) {
        let line = number
            .parse()
            .ok()
            .and_then(|at: usize| stored.audit.get(at));
        page.text(
            line.map_or_else(String::new, lock_history::said),
            Tone::Text,
        );
    }
}

fn infra(page: &mut Page, model: &Model) {
    let Some(report) = model.snapshot.lock.as_deref() else {
        page.text(
            format!("not looked at yet; {} looks", model.key(Action::Refresh)),
            Tone::Dim,
        );
        return;
    };
    let verdict = format!(
        "{}: {}",
        report.verdict.as_str().to_uppercase(),
        lock_meaning(report)
    );
    page.pair("verdict", verdict, verdict_tone(report.verdict));
    if let Some(record) = &report.record {
        holder(page, model, (report, record));
    }
    evidence(page, &report.evidence);
    page.heading("what can be done");
    page.text(advice(model, report), Tone::Text);
    page.heading("record");
    page.pair("at", &*report.location, Tone::Text);
    match &report.record {
        None => page.pair("record", "none", Tone::Dim),
        Some(record) => identity(page, model, record),
    }
    if let Some(version) = &report.version {
        page.pair("version", &**version, Tone::Dim);
    }
}

fn holder(page: &mut Page, model: &Model, (report, record): (&LockReport, &LockRecord)) {
    let held = record.status == LockStatus::Held;
    let holder = &record.holder;
    let text = format!(
        "{}, process {}, nkapp {}",
        others::who(record),
        holder.pid,
        holder.version
    );
    page.pair(if held { "holder" } else { "last held" }, text, Tone::Text);
    if held {
        let dead = report.verdict == Verdict::Dead;
        page.pair(
            if dead { "did" } else { "does" },
            others::stands(report, record),
            Tone::Text,
        );
        if let Some(beat) = model.beat.as_ref().filter(|b| b.lock == record.lock_id) {
            let still = ticking(between(beat.since, model.now));
            let text = format!(
                "beat {}, unchanged for {still} on our clock; a beat is good for {}",
                beat.beat,
                duration(record.lease)
            );
            page.pair("heartbeat", text, Tone::Text);
        }
    }
    let since = ticking(between(record.acquired_at, model.now));
    let text = format!("{since}{} (holder's clock)", if held { "" } else { " ago" });
    page.pair(if held { "held for" } else { "taken" }, text, Tone::Text);
    if let Some(broken) = &record.broken {
        let text = format!(
            "by {} (verdict {}): {}",
            broken.by, broken.verdict, broken.reason
        );
        page.pair("broken", text, Tone::Warn);
    }
}

fn identity(page: &mut Page, model: &Model, record: &LockRecord) {
    page.pair("lock id", record.lock_id.as_str(), Tone::Text);
    page.pair("epoch", record.epoch.to_string(), Tone::Text);
    let run = &record.occupation.run_id;
    let ours = if others::is_ours(&model.snapshot, record) {
        " (in this panel)"
    } else {
        ""
    };
    page.pair("run", format!("{run}{ours}"), Tone::Dim);
    if let Some(plan) = &record.occupation.plan_id {
        page.pair("plan", plan.to_string(), Tone::Dim);
    }
}

/// Writes the evidence behind a verdict, each line with what it speaks for.
pub fn evidence(page: &mut Page, lines: &[Evidence]) {
    page.heading("evidence");
    if lines.is_empty() {
        page.text("none was needed", Tone::Dim);
    }
    for line in lines {
        let (symbol, tone, word) = match line.alive {
            Some(true) => ("●", Tone::Busy, " (speaks for a living holder)"),
            Some(false) => ("✗", Tone::Fail, " (speaks for a dead holder)"),
            None => ("?", Tone::Dim, ""),
        };
        page.item(
            symbol,
            format!("{}: {}{word}", line.check, line.finding),
            tone,
        );
    }
}

fn advice(model: &Model, report: &LockReport) -> String {
    let record = report.record.as_ref();
    let ours = record.is_some_and(|record| others::is_ours(&model.snapshot, record));
    let text = match report.verdict {
        Verdict::Free => "Nothing is to be done: the next deploy takes it.",
        Verdict::Alive if ours => "It is held by the run in this panel; `c` stops that.",
        Verdict::Dead => {
            "`U` clears it step by step: the proof is above. The next deploy would also take it over by itself, and settles what the holder left open."
        }
        Verdict::Expired => {
            "Wait, or ask the holder. Without proof, `U` clears it only against its id and a reason, which go into the audit."
        }
        Verdict::Alive if report.is_stopped() => {
            "Let the process go on (`kill -CONT`, or `fg` in its shell), or end it; then its lock is free or proven dead. It may go on by itself at any time, so clearing its lock makes two of them work at once."
        }
        Verdict::Alive => {
            "Wait until it ends, or ask the holder; a deploy asked for now offers to wait. Clearing the lock of a living holder makes two of them work at once."
        }
        Verdict::Unknown => {
            "`r` watches the heartbeat for 45 s, which decides it when the holder is silent."
        }
    };
    text.replace("`c`", &model.key(Action::Cancel))
        .replace("`U`", &model.key(Action::Unlock))
        .replace("`r`", &model.key(Action::Refresh))
}

fn install(page: &mut Page, report: &InstallReport) {
    page.pair("volume", &*report.volume, Tone::Text);
    page.pair("for", &*report.service, Tone::Text);
    match &report.seen {
        Err(why) => page.pair("lock", format!("not known now: {why}"), Tone::Warn),
        Ok(seen) => in_volume(page, report, seen),
    }
    page.heading("manifest");
    page.pair("wanted", &*report.wanted, Tone::Dim);
    let recorded = report.recorded.as_deref().unwrap_or("none recorded");
    page.pair("recorded", recorded, Tone::Dim);
}

fn in_volume(page: &mut Page, report: &InstallReport, seen: &InstallSeen) {
    match &seen.lock {
        None if seen.foreign => page.pair(
            "lock",
            "something that is no lock has its name; look at it and remove it by hand",
            Tone::Fail,
        ),
        None => page.pair("lock", "FREE: nobody installs", Tone::Ok),
        Some(lock) => install_lock(page, lock),
    }
    let state = if seen.installed.contains(&report.wanted) {
        ("this manifest is installed", Tone::Ok)
    } else if seen.failed.contains(&report.wanted) {
        ("the last installation of this manifest failed", Tone::Fail)
    } else if seen.installed.is_empty() {
        ("nothing is installed", Tone::Text)
    } else {
        ("another manifest is installed", Tone::Warn)
    };
    page.pair("content", state.0, state.1);
    if seen.dirty {
        page.pair(
            "dirty",
            "an installation was cut off; the next one cleans first, where the file says how",
            Tone::Warn,
        );
    }
    page.pair("seen by", &*seen.through, Tone::Dim);
}

fn install_lock(page: &mut Page, lock: &InstallLock) {
    let verdict = format!(
        "{}: {}",
        lock.verdict.as_str().to_uppercase(),
        verdict_meaning(lock.verdict)
    );
    page.pair("lock", verdict, verdict_tone(lock.verdict));
    page.pair("holder", &*lock.name, Tone::Text);
    page.pair("works for", &*lock.scope, Tone::Text);
    page.pair("nonce", &*lock.nonce, Tone::Dim);
    evidence(page, &lock.evidence);
    page.heading("what can be done");
    let text = match lock.verdict {
        Verdict::Dead => {
            "The next installation takes it over by itself and cleans what was left half done."
        }
        Verdict::Free | Verdict::Alive | Verdict::Expired | Verdict::Unknown => {
            "Wait for its end. Only if that installation is surely over, remove `.nk-install-lock` from the volume."
        }
    };
    page.text(text, Tone::Text);
}

fn state(page: &mut Page, model: &Model) {
    let Some(stored) = model.stored.as_deref() else {
        page.text(
            format!("not read yet; {} reads it", model.key(Action::Refresh)),
            Tone::Dim,
        );
        return;
    };
    page.pair("backend", "file", Tone::Text);
    page.pair("at", &*stored.location, Tone::Text);
    let Some(record) = &stored.record else {
        page.text("none: nothing was deployed yet", Tone::Dim);
        return;
    };
    page.pair("lineage", record.lineage.as_str(), Tone::Text);
    page.pair("serial", record.serial.to_string(), Tone::Text);
    page.pair("fence", record.fence.to_string(), Tone::Text);
    if let Some(format) = stored.format {
        page.pair("format", format!("version {format}"), Tone::Text);
    }
    page.pair("written by", &*stored.writer, Tone::Text);
    page.pair("size", size(stored.bytes), Tone::Text);
    page.pair("engine", &*record.engine, Tone::Text);
    let pending = &record.pending;
    if !pending.is_empty() {
        page.heading(format!("{} half done", count(pending.len(), "operation")));
        for open in pending {
            page.item("?", format!("{} {}", open.verb, open.step), Tone::Warn);
        }
    }
    page.heading(count(record.resources.len(), "resource"));
    for (address, resource) in &record.resources {
        let instances = match resource.instances.len() {
            0 => String::new(),
            number => format!(", {}", count(number, "instance")),
        };
        page.item("•", format!("{address}{instances}"), Tone::Dim);
    }
}

fn pending(page: &mut Page, stored: &StoreReport, number: &str) {
    let at: Option<usize> = number.parse().ok();
    let pending = stored.record.as_ref().map(|record| &record.pending);
    let Some(open) = at.zip(pending).and_then(|(at, pending)| pending.get(at)) else {
        return;
    };
    page.pair("does", &*open.verb, Tone::Text);
    page.pair("step", open.step.to_string(), Tone::Text);
    page.pair("resource", open.address.to_string(), Tone::Text);
    if let Some(target) = &open.target {
        page.pair("object", target.as_str(), Tone::Text);
    }
    page.pair("operation", open.op.to_string(), Tone::Dim);
    page.pair("run", open.run.to_string(), Tone::Dim);
    page.heading("what it means");
    page.text(
        "It was announced and its end is not known: the process was cut off, or the reply was lost. The next run looks for what it left, by its label, before it does anything else; it is never simply done again.",
        Tone::Text,
    );
}

fn backup(page: &mut Page, model: &Model, stored: &StoreReport, place: &str) {
    let Some(backup) = stored.backups.iter().find(|backup| backup.place == place) else {
        return;
    };
    let serial = backup.serial.map_or_else(
        || "none: the document was damaged".to_owned(),
        |serial| serial.to_string(),
    );
    page.pair("serial", serial, Tone::Text);
    if let Some(at) = backup.at {
        let age = ticking(between(at, model.now));
        page.pair("written", format!("{age} ago"), Tone::Text);
    }
    page.pair("size", size(backup.bytes), Tone::Text);
    page.pair("at", &*backup.place, Tone::Text);
    page.heading("to bring it back");
    page.text(restore(model, &backup.place), Tone::Text);
    page.text(
        "It replaces the state that is stored now, which becomes a backup itself; what runs is not touched. Plan afterwards.",
        Tone::Dim,
    );
}

/// Returns the command line that brings a backup back.
#[must_use]
pub fn restore(model: &Model, place: &str) -> String {
    let quoted = if place.contains([' ', '\'', '"', '$']) {
        format!("'{}'", place.replace('\'', "'\\''"))
    } else {
        place.to_owned()
    };
    format!("{} state push {quoted} --force", model.options.command)
}
