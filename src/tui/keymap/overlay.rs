//! The user's own keys, laid over the built-in ones.
//!
//! ```yaml
//! # keymap.yml
//! services: {deploy: ["C-d"], logs: []}   # one context; an empty list takes the keys away
//! all: {quit: [Q, "C-q"]}                 # wherever the action has keys
//! ```
//!
//! A key given here is taken from the built-in action that had it; two wishes of the same file must not clash.
//! All faults are found in one pass, and one error leaves the built-in keys as they are.

use std::collections::BTreeMap;

use crate::domain::config::settings::{File, Shape, Value};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::{Span, Spanned};
use crate::tui::danger::Danger;
use crate::tui::keymap::action::{Action, Context};
use crate::tui::keymap::chord::{Chord, Key};
use crate::tui::keymap::default::ROWS;
use crate::tui::keymap::map::{Binding, Keymap};
use crate::tui::keymap::names::{action_id, action_of, context_id, context_of, places};
use crate::tui::keymap::spelling::{meant, turned};

/// The context that stands for all.
const ALL: &str = "all";

/// A wish of the file: these keys for that action there.
#[derive(Clone, Debug)]
struct Wish {
    /// Where the action is named.
    at: Span,
    keys: Vec<Spanned<Vec<Chord>>>,
    /// Whether something is wrong with the keys, so that it is not known which ones there are.
    flawed: bool,
    /// Whether it was made for one context; such a wish wins over one for all.
    own: bool,
}

type Wishes = BTreeMap<(Context, Action), Wish>;

/// Lays a file over the built-in keys; `None` when something in it is wrong.
pub fn lay_over(file: &mut File, root: &Value) -> Option<Keymap> {
    let mut wrong = Wrong { file, errors: 0 };
    let wishes = wishes(&mut wrong, root);
    let bindings = bindings(&mut wrong, &wishes);
    essential(&mut wrong, &bindings, &wishes, root.span);
    rituals(&mut wrong, &bindings, &wishes);
    if wrong.errors > 0 || wrong.file.has_errors() {
        return None;
    }
    match Keymap::of(bindings) {
        Ok(keymap) => Some(keymap),
        Err(error) => {
            wrong.error(Diagnostic::error("NK0607", error.to_string()).at(root.span, "in here"));
            None
        }
    }
}

/// Counts errors while they are added.
struct Wrong<'a> {
    file: &'a mut File,
    errors: usize,
}

impl Wrong<'_> {
    fn error(&mut self, finding: Diagnostic) {
        self.errors += 1;
        self.file.push(finding);
    }
    fn unknown(&mut self, finding: Diagnostic, typed: &str, known: &[String]) {
        self.errors += 1;
        self.file
            .unknown(finding, typed, known.iter().map(String::as_str));
    }
}

fn wishes(wrong: &mut Wrong<'_>, root: &Value) -> Wishes {
    let mut wishes = Wishes::new();
    let Shape::Map(contexts) = &root.shape else {
        let finding = Diagnostic::error("NK0601", "a keymap is a mapping of contexts to actions")
            .at(root.span, format!("this is {}", root.describe()))
            .help("write `all: {quit: [Q]}`");
        wrong.error(finding);
        return wishes;
    };
    for (name, value) in contexts {
        let context = context_of(&name.value);
        if context.is_none() && name.value != ALL {
            let mut known: Vec<String> = vec![ALL.into()];
            known.extend(Context::ALL.map(|context| context_id(context).to_owned()));
            let finding = Diagnostic::error("NK0602", format!("`{}` is no context", name.value))
                .at(name.span, "keys are pressed nowhere of that name")
                .help(format!("the contexts are: {}", known.join(", ")));
            wrong.unknown(finding, &name.value, &known);
            continue;
        }
        match &value.shape {
            Shape::Map(actions) => {
                for (name, value) in actions {
                    one_action(wrong, &mut wishes, context, name, value);
                }
            }
            Shape::Nothing => {}
            Shape::Text(..) | Shape::List(_) => {
                let finding =
                    Diagnostic::error("NK0601", "a context is a mapping of actions to keys")
                        .at(value.span, format!("this is {}", value.describe()));
                wrong.error(finding);
            }
        }
    }
    wishes
}

fn one_action(
    wrong: &mut Wrong<'_>,
    wishes: &mut Wishes,
    context: Option<Context>,
    name: &Spanned<String>,
    value: &Value,
) {
    let Some(action) = action_of(&name.value) else {
        let mut known: Vec<String> = ROWS.iter().map(|row| action_id(row.action)).collect();
        known.dedup();
        let finding = Diagnostic::error("NK0603", format!("`{}` is no action", name.value))
            .at(name.span, "no such action");
        match turned(&name.value, value) {
            Some(help) => wrong.error(finding.help(help)),
            None => wrong.unknown(finding, &name.value, &known),
        }
        return;
    };
    let places = places(action);
    if let Some(context) = context.filter(|context| !places.contains(context)) {
        let known: Vec<&str> = places.iter().map(|place| context_id(*place)).collect();
        let message = format!("`{}` does nothing in `{}`", name.value, context_id(context));
        let finding = Diagnostic::error("NK0604", message)
            .at(name.span, "not here")
            .help(format!("it works in: {}", known.join(", ")));
        wrong.error(finding);
        return;
    }
    let before = wrong.errors;
    let keys = keys(wrong, value);
    let flawed = wrong.errors > before;
    let own = context.is_some();
    for place in context.map_or(places, |context| vec![context]) {
        let key = (place, action);
        if wishes.get(&key).is_some_and(|known| known.own && !own) {
            continue;
        }
        let wish = Wish {
            at: name.span,
            keys: keys.clone(),
            flawed,
            own,
        };
        wishes.insert(key, wish);
    }
}

fn keys(wrong: &mut Wrong<'_>, value: &Value) -> Vec<Spanned<Vec<Chord>>> {
    let one = std::slice::from_ref(value);
    let items = match &value.shape {
        Shape::List(items) => items.as_slice(),
        Shape::Text(..) => one,
        Shape::Nothing | Shape::Map(_) => {
            let finding = Diagnostic::error("NK0601", "keys are a list")
                .at(value.span, format!("this is {}", value.describe()))
                .help("write `[C-d]`, or `[]` to take the keys away");
            wrong.error(finding);
            return Vec::new();
        }
    };
    let mut keys = Vec::new();
    for item in items {
        let Shape::Text(text, _) = &item.shape else {
            let finding = Diagnostic::error("NK0605", "a key is a text")
                .at(item.span, format!("this is {}", item.describe()))
                .help("quote what YAML reads in its own way: `\"~\"`, `\"[\"`, `\"#\"`");
            wrong.error(finding);
            continue;
        };
        match Chord::sequence(text).filter(|chords| !chords.is_empty()) {
            Some(chords) => keys.push(Spanned::new(item.span, chords)),
            None => {
                let finding = Diagnostic::error("NK0605", format!("`{text}` is no key"))
                    .at(item.span, "no such key");
                wrong.error(match meant(text) {
                    Some(meant) => finding.help(format!("did you mean `{meant}`?")),
                    None => finding.help(
                        "a key is a character, `C-x`, `A-x`, `Enter`, `Esc`, `Tab`, `Space`, `F5`, …; keys after one another are separated by a space",
                    ),
                });
            }
        }
    }
    keys
}

/// Makes the bindings: the wishes first, then of the built-in keys what they leave over.
fn bindings(wrong: &mut Wrong<'_>, wishes: &Wishes) -> Vec<Binding> {
    let mut all = Vec::new();
    let mut taken: BTreeMap<Context, Vec<(Vec<Chord>, Action, Span)>> = BTreeMap::new();
    for ((context, action), wish) in wishes {
        for keys in &wish.keys {
            let finding = unreachable_key(*context, *action, keys);
            let mine = taken.entry(*context).or_default();
            let clash = mine.iter().find(|(other, owner, _)| {
                (owner != action || *other != keys.value) && shadows(other, &keys.value)
            });
            if let Some((_, owner, first)) = clash {
                let message = format!(
                    "`{}` is given to `{}` and to `{}` in `{}`",
                    print(&keys.value),
                    action_id(*owner),
                    action_id(*action),
                    context_id(*context)
                );
                wrong.error(
                    Diagnostic::error("NK0606", message)
                        .at(keys.span, "given again")
                        .see(*first, "given here"),
                );
            }
            if let Some(finding) = finding {
                wrong.error(finding);
            }
            mine.push((keys.value.clone(), *action, keys.span));
            all.push(Binding::new(*context, *action, &keys.value));
        }
    }
    for row in ROWS {
        for context in row.contexts {
            if wishes.contains_key(&(*context, row.action)) {
                continue;
            }
            let mine = taken.get(context).map_or(&[][..], Vec::as_slice);
            let mut left = 0;
            let mut lost = None;
            for keys in row.keys.iter().filter_map(|keys| Chord::sequence(keys)) {
                match mine.iter().find(|(other, ..)| shadows(other, &keys)) {
                    Some((_, owner, at)) => lost = Some((*owner, *at, keys)),
                    None => {
                        left += 1;
                        all.push(Binding::new(*context, row.action, &keys));
                    }
                }
            }
            if let Some((owner, at, keys)) = lost.filter(|_| left == 0) {
                wrong
                    .file
                    .push(bereft(*context, row.action, &keys, owner, at));
            }
        }
    }
    all
}

/// A built-in action that has lost its last key; it is still in the list of actions.
fn bereft(context: Context, action: Action, keys: &[Chord], owner: Action, at: Span) -> Diagnostic {
    let (id, owner) = (action_id(action), action_id(owner));
    let message = format!("`{id}` has no key left in `{}`", context_id(context));
    Diagnostic::warning("NK0608", message)
        .at(at, format!("`{}` is now `{owner}`", print(keys)))
        .help(format!(
            "give it another: `{id}: [KEY]`, or `{id}: []` if that is meant"
        ))
}

/// Whether one of the two would be waited for or met before the other.
fn shadows(one: &[Chord], other: &[Chord]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn print(keys: &[Chord]) -> String {
    let words: Vec<String> = keys.iter().map(ToString::to_string).collect();
    words.join(" ")
}

/// A character where characters are typed is never a key.
fn unreachable_key(
    context: Context,
    action: Action,
    keys: &Spanned<Vec<Chord>>,
) -> Option<Diagnostic> {
    let first = keys.value.first()?;
    let typed = first.typed().is_some() || first.key == Key::Backspace;
    if !context.takes_text() || !typed {
        return None;
    }
    let message = format!(
        "`{}` cannot be `{}` in `{}`: it types there",
        print(&keys.value),
        action_id(action),
        context_id(context)
    );
    Some(
        Diagnostic::error("NK0609", message)
            .at(keys.span, "types a character")
            .help("take a key with `C-` or `A-`, or one with a name"),
    )
}

/// What must stay reachable: the way out of everything, and the help.
fn essential(wrong: &mut Wrong<'_>, bindings: &[Binding], wishes: &Wishes, whole: Span) {
    for (action, word) in [
        (Action::Quit, "the panel could not be left"),
        (Action::Help, "the keys could not be looked up"),
        (Action::Dismiss, "what lies on top could not be closed"),
    ] {
        let bare: Vec<Context> = places(action)
            .into_iter()
            .filter(|place| {
                let flawed = wishes
                    .get(&(*place, action))
                    .is_some_and(|wish| wish.flawed);
                !flawed
                    && !bindings
                        .iter()
                        .any(|binding| binding.context == *place && binding.action == action)
            })
            .collect();
        let Some(first) = bare.first() else {
            continue;
        };
        let at = wishes.get(&(*first, action)).map_or(whole, |wish| wish.at);
        let names: Vec<&str> = bare.iter().map(|place| context_id(*place)).collect();
        let id = action_id(action);
        let finding = Diagnostic::error(
            "NK0610",
            format!("`{id}` has no key in {}", names.join(", ")),
        )
        .at(at, word)
        .help(format!("give it one: `{id}: [KEY]`"));
        wrong.error(finding);
    }
}

/// The key that confirms is never Enter, and never one that asks.
fn rituals(wrong: &mut Wrong<'_>, bindings: &[Binding], wishes: &Wishes) {
    let asks = |action: Action| {
        action == Action::Quit
            || ROWS
                .iter()
                .any(|row| row.action == action && row.danger > Danger::Read)
    };
    for confirm in bindings.iter().filter(|b| b.action == Action::Confirm) {
        let wish = wishes.get(&(confirm.context, Action::Confirm));
        let place = wish.and_then(|wish| {
            let keys = wish.keys.iter().find(|keys| keys.value == confirm.keys);
            keys.map(|keys| keys.span)
        });
        if confirm.keys.iter().any(|chord| chord.key == Key::Enter) {
            if let Some(place) = place {
                let finding = Diagnostic::error("NK0611", "Enter never confirms")
                    .at(place, "pressed too easily")
                    .help("take a key that nobody presses by habit, such as `y`");
                wrong.error(finding);
            }
            continue;
        }
        let clash = bindings
            .iter()
            .find(|other| asks(other.action) && other.keys.last() == confirm.keys.first());
        if let Some(other) = clash {
            let asked = wishes
                .get(&(other.context, other.action))
                .and_then(|wish| wish.keys.iter().find(|keys| keys.value == other.keys))
                .map(|keys| keys.span);
            let Some(at) = place.or(asked) else {
                continue;
            };
            let message = format!(
                "`{}` would ask for `{}` and confirm it",
                print(&confirm.keys),
                action_id(other.action)
            );
            let mut finding = Diagnostic::error("NK0612", message)
                .at(at, "one key held would do both")
                .help("the key that confirms is never one that asks");
            if let (Some(_), Some(asked)) = (place, asked) {
                finding = finding.see(asked, "asks");
            }
            wrong.error(finding);
        }
    }
}

#[cfg(test)]
mod tests;
