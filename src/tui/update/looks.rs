//! How the panel looks and is divided, and the lists that open above it.

use crate::tui::effect::Effect;
use crate::tui::keymap::action::Action;
use crate::tui::model::{Model, Overlay};
use crate::tui::overlay::{Choices, Dialog, Palette, Question};
use crate::tui::theme::{Colors, Tone};
use crate::tui::update::{history, palette};
use crate::tui::view::layout;

/// Hundredths of the room one key gives or takes.
const STEP: u16 = 5;

/// Tells why an action of this part does not apply now.
///
/// # Errors
/// The reason, as a sentence for people.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    match action {
        Action::Theme | Action::Themes if model.options.colors == Colors::None => {
            Err("the panel shows no colours: NO_COLOR or --color says so".into())
        }
        Action::Wider | Action::Narrower | Action::Even if layout::share(model).is_none() => {
            Err("there is nothing beside it".into())
        }
        Action::KeyProblems if model.setup.report.is_empty() => {
            Err("nothing is wrong with the files of keys and themes".into())
        }
        _ => Ok(()),
    }
}

/// Does an action of this part.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Theme => {
            let next = model.setup.shelf.after(&model.theme_name).to_owned();
            model.set_theme(&next);
            model.toast(format!("theme {next}"), Tone::Ok);
        }
        Action::Themes => {
            let themes = model.setup.shelf.themes();
            let at = themes
                .iter()
                .position(|theme| theme.name == model.theme_name);
            open(model, Choices::Themes);
            palette::put(model, at.unwrap_or(0));
        }
        Action::Jump => {
            open(model, Choices::Jump);
            // Past runs have names, too.
            return history::list(model);
        }
        Action::Wider => resize(model, |share| share + STEP),
        Action::Narrower => resize(model, |share| share.saturating_sub(STEP)),
        Action::Even => resize(model, |_| 50),
        Action::Mouse => {
            model.hand.away = !model.hand.away;
            model.hand.drag = None;
            let key = model.key(Action::Mouse);
            if model.hand.away {
                let text = format!(
                    "the mouse is the terminal's: select text with it; {key} takes it back"
                );
                model.toast(text, Tone::Ok);
            } else {
                model.toast("the mouse is the panel's again", Tone::Ok);
            }
            return vec![Effect::Mouse(!model.hand.away)];
        }
        Action::KeyProblems => {
            let question = Question::Refused {
                title: format!("keys and themes: {}", model.setup.summary),
                lines: model.setup.report.lines().map(str::to_owned).collect(),
            };
            let dialog = Dialog::new(question, model.now);
            model.overlays.push(Overlay::Dialog(Box::new(dialog)));
        }
        _ => {}
    }
    Vec::new()
}

fn open(model: &mut Model, kind: Choices) {
    model.overlays.push(Overlay::Palette(Palette {
        kind,
        ..Palette::default()
    }));
}

fn resize(model: &mut Model, change: impl Fn(u16) -> u16) {
    if let Some(share) = layout::share(model) {
        let share = change(share).clamp(*layout::SHARES.start(), *layout::SHARES.end());
        model.splits.insert(model.area, share);
    }
}
