//! A theme read from its file: a base, and what differs from it.
//!
//! ```yaml
//! base: dark                          # a built-in theme; `terminal` if not given
//! about: like dark, with a louder red # for the list of themes
//! fail: {fg: "#ff0000 red", bold: true}
//! ```
//!
//! A colour is a name, a number up to 255 or `#rrggbb`; a second word is what sixteen colours show for it.

use ratatui::style::{Color, Modifier};

use crate::domain::config::near::nearest;
use crate::domain::config::settings::{File, Shape, Value};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Spanned;
use crate::tui::theme::color::{SIXTEEN, parse};
use crate::tui::theme::look::{Paint, Sketch};
use crate::tui::theme::tone::Tone;

/// Names of modifiers in theme files.
const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// What a colour is, for those who wrote something else.
const COLOUR: &str =
    "a colour is a name, `#rrggbb` or a number up to 255; a name behind it is for sixteen colours";

/// What a theme file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// What it says about itself.
    pub about: String,
    /// Its styles.
    pub sketch: Sketch,
}

/// Reads a theme; `base` finds the sketch of a built-in theme, `bases` are their names.
pub fn read(
    file: &mut File,
    root: &Value,
    bases: &[&str],
    base: impl Fn(&str) -> Option<Sketch>,
) -> Read {
    let mut read = Read {
        about: String::new(),
        sketch: base("terminal").unwrap_or_default(),
    };
    let Shape::Map(entries) = &root.shape else {
        let finding = Diagnostic::error("NK0501", "a theme is a mapping of tones to styles");
        file.push(finding.at(root.span, format!("this is {}", root.describe())));
        return read;
    };
    // The base comes first, wherever it stands.
    for (_, value) in entries.iter().filter(|(name, _)| name.value == "base") {
        let found = text(value).and_then(&base);
        if let Some(sketch) = found {
            read.sketch = sketch;
        } else {
            let typed = text(value).unwrap_or_default();
            let finding = Diagnostic::error("NK0502", "the base is no built-in theme")
                .at(value.span, "no such theme");
            file.unknown(finding, typed, bases.iter().copied());
        }
    }
    for (name, value) in entries {
        match name.value.as_str() {
            "base" => {}
            "about" => text(value).unwrap_or_default().clone_into(&mut read.about),
            _ => one_tone(file, &mut read.sketch, name, value),
        }
    }
    read
}

fn text(value: &Value) -> Option<&str> {
    match &value.shape {
        Shape::Text(text, _) => Some(text),
        Shape::Nothing | Shape::List(_) | Shape::Map(_) => None,
    }
}

fn one_tone(file: &mut File, sketch: &mut Sketch, name: &Spanned<String>, value: &Value) {
    let Some(tone) = Tone::ALL.into_iter().find(|tone| tone.name() == name.value) else {
        let finding = Diagnostic::error("NK0503", format!("`{}` is no tone", name.value))
            .at(name.span, "no such tone");
        let names = Tone::ALL.map(Tone::name);
        file.unknown(
            finding,
            &name.value,
            ["base", "about"].into_iter().chain(names),
        );
        return;
    };
    let Shape::Map(entries) = &value.shape else {
        if value.shape != Shape::Nothing {
            let finding = Diagnostic::error("NK0501", "a style is a mapping")
                .at(value.span, format!("this is {}", value.describe()))
                .help(format!("write `{}: {{fg: red, bold: true}}`", tone.name()));
            file.push(finding);
        }
        return;
    };
    for (name, value) in entries {
        one_attribute(file, sketch, tone, name, value);
    }
}

fn one_attribute(
    file: &mut File,
    sketch: &mut Sketch,
    tone: Tone,
    name: &Spanned<String>,
    value: &Value,
) {
    let Some(mark) = sketch.mark_mut(tone) else {
        return;
    };
    match name.value.as_str() {
        "fg" => mark.fg = paint(file, value).or(mark.fg),
        "bg" => mark.bg = paint(file, value).or(mark.bg),
        other => {
            let Some((_, modifier)) = MODIFIERS.iter().find(|(known, _)| *known == other) else {
                let finding =
                    Diagnostic::error("NK0504", format!("`{other}` is no part of a style"))
                        .at(name.span, "not known");
                let known = MODIFIERS.map(|(known, _)| known);
                file.unknown(finding, other, ["fg", "bg"].into_iter().chain(known));
                return;
            };
            match text(value) {
                Some("true") => mark.modifiers.insert(*modifier),
                Some("false") => mark.modifiers.remove(*modifier),
                _ => {
                    let finding =
                        Diagnostic::error("NK0505", format!("`{other}` is true or false"))
                            .at(value.span, format!("this is {}", value.describe()));
                    file.push(finding);
                }
            }
        }
    }
}

/// Reads one colour, or two: the one that is meant and its likeness among sixteen.
fn paint(file: &mut File, value: &Value) -> Option<Paint> {
    let mut words = text(value).unwrap_or_default().split_whitespace();
    let first = words.next().unwrap_or_default();
    let (meant, second) = (parse(first), words.next());
    let sixteen = second.map(parse);
    let named = |color: Color| !matches!(color, Color::Rgb(..) | Color::Indexed(_));
    match (meant, sixteen, words.next()) {
        (Some(meant), None, None) => Some(Paint {
            meant,
            sixteen: None,
        }),
        (Some(meant), Some(Some(sixteen)), None) if named(sixteen) => Some(Paint {
            meant,
            sixteen: Some(sixteen),
        }),
        (meant, ..) => {
            let wrong = match (meant, second) {
                (Some(_), Some(second)) => second,
                _ => first,
            };
            let finding = Diagnostic::error("NK0506", format!("`{wrong}` is no colour"))
                .at(value.span, "no such colour");
            let names = SIXTEEN.map(|(name, ..)| name);
            file.push(match nearest(wrong, names) {
                _ if value.shape == Shape::Nothing => {
                    finding.help("quote it: YAML takes what follows `#` for a comment")
                }
                Some(name) => finding.help(format!("did you mean `{name}`?")),
                None => finding.help(COLOUR),
            });
            None
        }
    }
}
