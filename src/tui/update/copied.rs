//! What is chosen, as plain text without frames, for the clipboard.

use crate::tui::model::{Area, Focus, Model};
use crate::tui::pages::page::shown;
use crate::tui::update::{deeds, reading};

/// Returns the text to copy; `None` when nothing is chosen.
#[must_use]
pub fn chosen(model: &Model) -> Option<String> {
    if let Some(deed) = deeds::chosen(model) {
        return Some(deed.command.clone().unwrap_or_else(|| deed.text.clone()));
    }
    if model.logs().is_some() || reading::has_focus(model) {
        return reading::shown(model);
    }
    if model.focus == Focus::Details
        && let Some(page) = shown(model)
    {
        let entry = page.entries.get(model.details_at)?;
        return some(std::iter::once(entry.text().as_str()));
    }
    match model.area {
        Area::Services | Area::Plan | Area::Run | Area::Drift | Area::Locks | Area::History => {
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
