//! What is chosen, as plain text without frames, for the clipboard.

use crate::tui::model::{Area, Focus, Model};
use crate::tui::update::moves::{output, subject};

/// Returns the text to copy; `None` when nothing is chosen.
#[must_use]
pub fn chosen(model: &Model) -> Option<String> {
    if let Some(logs) = model.logs() {
        let height = usize::from(model.size.1).saturating_sub(6);
        let window = logs.tail.window(logs.lines(), height);
        return some(window.lines.iter().map(|line| line.text.as_str()));
    }
    match model.area {
        Area::Locks => {
            let report = model.snapshot.lock.as_ref()?;
            let mut lines = vec![format!("verdict: {}", report.verdict.as_str())];
            if let Some(record) = &report.record {
                lines.push(format!("lock id: {}", record.lock_id));
            }
            for line in &report.evidence {
                lines.push(format!("{}: {}", line.check, line.finding));
            }
            some(lines.iter().map(String::as_str))
        }
        Area::Run if model.focus == Focus::Details => {
            let run = model.snapshot.run.as_ref()?;
            let subject = subject(model);
            some(output(run, &subject).map(|(_, line)| line.text.as_str()))
        }
        Area::Services | Area::Plan | Area::Run | Area::Drift => {
            let row = &model.pane()?.current()?.row;
            let mut words = vec![row.label.as_str()];
            words.extend(row.columns.iter().map(|cell| cell.text.as_str()));
            words.push(&row.remark.text);
            words.retain(|word| !word.is_empty());
            Some(words.join("  "))
        }
    }
}

fn some<'a>(lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let text = lines.collect::<Vec<_>>().join("\n");
    (!text.is_empty()).then_some(text)
}
