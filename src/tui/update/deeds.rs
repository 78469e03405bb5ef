//! The log of what the panel did: reading it, copying a line, and all of it as a script.

use std::fmt::Write as _;

use crate::present::{clean, human};
use crate::tui::keymap::action::Action;
use crate::tui::model::{Deed, Model, Overlay};

/// Moves the cursor of the log.
pub fn go(back: &mut usize, action: Action, count: usize, half: usize) {
    let first = count.saturating_sub(1);
    *back = match action {
        Action::Up => back.saturating_add(1),
        Action::Down => back.saturating_sub(1),
        Action::PageUp => back.saturating_add(half),
        Action::PageDown => back.saturating_sub(half),
        Action::Top => first,
        Action::Bottom => 0,
        _ => *back,
    }
    .min(first);
}

/// Returns the deed the cursor is on.
#[must_use]
pub fn chosen(model: &Model) -> Option<&Deed> {
    let Some(Overlay::Deeds { back }) = model.overlays.last() else {
        return None;
    };
    model.deeds.iter().rev().nth(*back)
}

/// Tells whether a command goes on until somebody leaves it: an editor, a shell, output that is followed.
fn stays(command: &str) -> bool {
    command.starts_with('"') || command.contains(" exec ") || command.contains(" logs ")
}

/// Returns all deeds as a script for `sh`: what can be done on the command line as commands, the rest as remarks.
#[must_use]
pub fn script(model: &Model) -> String {
    let project = model
        .snapshot
        .config
        .as_ref()
        .and_then(|config| config.project.as_ref());
    let title = project.map_or_else(
        || "this project".to_owned(),
        |project| format!("{} in {}", project.name, project.env),
    );
    let mut text = String::from("#!/bin/sh\n");
    let _ = writeln!(text, "# What was done with {title} in the panel of nkapp.");
    text.push_str("# Changes ask before they are carried out; `-y` lets them go ahead.\nset -eu\n");
    let folder = model.options.folder.display().to_string();
    let _ = writeln!(text, "cd {}", crate::present::shell::quote(&folder));
    for deed in &model.deeds {
        let said = clean::line(&deed.text);
        let _ = writeln!(text, "\n# {} {said}", human::clock(deed.at));
        match &deed.command {
            // What goes on until somebody leaves it has no place in a script.
            Some(command) if stays(command) => {
                let _ = writeln!(text, "#   {command}");
            }
            Some(command) => {
                let _ = writeln!(text, "{command}");
            }
            None => {}
        }
    }
    text
}
