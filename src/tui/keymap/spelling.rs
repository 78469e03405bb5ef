//! How other programs write keys, for those who write them so here.

use crate::domain::config::settings::{Shape, Value};
use crate::tui::keymap::chord::Chord;
use crate::tui::keymap::names::action_of;

/// Says how to write what was written the other way round: the key first, then the action.
#[must_use]
pub fn turned(name: &str, value: &Value) -> Option<String> {
    let one = match &value.shape {
        Shape::List(items) => items.first()?,
        Shape::Text(..) | Shape::Nothing | Shape::Map(_) => value,
    };
    let Shape::Text(action, _) = &one.shape else {
        return None;
    };
    action_of(action)?;
    let key = match Chord::sequence(name).filter(|chords| !chords.is_empty()) {
        Some(_) => name.to_owned(),
        None => meant(name)?,
    };
    Some(format!(
        "the action comes first, did you mean `{action}: [{key}]`?"
    ))
}

/// Translates how other programs write keys.
#[must_use]
pub fn meant(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('<').trim_end_matches('>');
    let mut rest = bare;
    let mut modifiers = String::new();
    let mut shift = false;
    'parts: loop {
        for (written, ours) in [
            ("ctrl", "C-"),
            ("control", "C-"),
            ("alt", "A-"),
            ("meta", "A-"),
            ("shift", ""),
            ("c", "C-"),
            ("a", "A-"),
            ("m", "A-"),
            ("s", ""),
            ("^", "C-"),
        ] {
            let lower = rest.to_lowercase();
            let Some(after) = lower.strip_prefix(written) else {
                continue;
            };
            let tail = after.trim_start_matches(['-', '+']);
            if tail.is_empty() || (tail.len() == after.len() && written != "^") {
                continue;
            }
            shift |= ours.is_empty();
            modifiers.push_str(ours);
            rest = rest.get(rest.len() - tail.len()..)?;
            continue 'parts;
        }
        break;
    }
    let name = match rest.to_lowercase().as_str() {
        "return" | "cr" | "enter" => "Enter".into(),
        "escape" | "esc" => "Esc".into(),
        "tab" if shift => "S-Tab".into(),
        "tab" => "Tab".into(),
        "backspace" | "bs" => "Backspace".into(),
        "delete" | "del" => "Del".into(),
        "space" => "Space".into(),
        "up" => "Up".into(),
        "down" => "Down".into(),
        "left" => "Left".into(),
        "right" => "Right".into(),
        "home" => "Home".into(),
        "end" => "End".into(),
        "pageup" | "page-up" | "pgup" => "PageUp".into(),
        "pagedown" | "page-down" | "pgdown" | "pgdn" => "PageDown".into(),
        one if one.chars().count() == 1 && shift => one.to_uppercase(),
        _ => rest.to_owned(),
    };
    let meant = format!("{modifiers}{name}");
    (meant != text && Chord::parse(&meant).is_some()).then_some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_as_other_programs_write_them_are_understood_well_enough_to_help() {
        for (written, ours) in [
            ("Ctrl+d", Some("C-d")),
            ("<C-d>", Some("C-d")),
            ("^d", Some("C-d")),
            ("ctrl-alt-x", Some("C-A-x")),
            ("S-x", Some("X")),
            ("shift+tab", Some("S-Tab")),
            ("Return", Some("Enter")),
            ("pgdn", Some("PageDown")),
            ("nonsense", None),
            ("F13", None),
        ] {
            assert_eq!(meant(written).as_deref(), ours, "{written}");
        }
    }
}
