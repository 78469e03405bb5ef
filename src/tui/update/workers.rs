//! Workers of the project that come and go.

use crate::app::snapshot::Snapshot;
use crate::domain::report::worker::Phase;
use crate::tui::model::Model;
use crate::tui::rows::workers::Silent;
use crate::tui::theme::Tone;

/// Notes which workers do not answer any more, and forgets those that do, or that were replaced by a leader.
pub fn miss(model: &mut Model, old: &Snapshot) {
    let now = &model.snapshot.workers;
    let is_there = |id: &str| now.iter().any(|one| one.id == id);
    let lost: Vec<Silent> = old
        .workers
        .iter()
        .filter(|one| !is_there(&one.id))
        .map(|one| Silent {
            report: one.clone(),
            since: model.now,
        })
        .collect();
    let answers = !now.is_empty();
    if answers {
        model.silent.clear();
    }
    for silent in lost {
        let pid = silent.report.pid;
        let (text, tone) = match silent.report.phase {
            Phase::Draining => (format!("worker {pid} has ended"), Tone::Dim),
            Phase::Activating | Phase::Watching => {
                (format!("worker {pid} does not answer any more"), Tone::Warn)
            }
        };
        model.toast(text, tone);
        if !answers {
            model
                .silent
                .retain(|known| known.report.id != silent.report.id);
            model.silent.push(silent);
        }
    }
}
