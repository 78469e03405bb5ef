//! One key press, read from a terminal event or from text (`D`, `C-d`, `PageUp`), and printed back.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A printable character; a capital letter is its own character.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key.
    F(u8),
}

/// A key with the modifiers that make a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Whether Ctrl is held.
    pub ctrl: bool,
    /// Whether Alt is held.
    pub alt: bool,
}

/// Names of keys that are no characters; used for reading and for printing.
const NAMES: [(&str, Key); 15] = [
    ("Enter", Key::Enter),
    ("Esc", Key::Esc),
    ("Tab", Key::Tab),
    ("S-Tab", Key::BackTab),
    ("Backspace", Key::Backspace),
    ("Del", Key::Delete),
    ("Up", Key::Up),
    ("Down", Key::Down),
    ("Left", Key::Left),
    ("Right", Key::Right),
    ("Home", Key::Home),
    ("End", Key::End),
    ("PageUp", Key::PageUp),
    ("PageDown", Key::PageDown),
    ("Space", Key::Char(' ')),
];

impl Chord {
    /// Makes a chord of a bare key.
    #[must_use]
    pub const fn plain(key: Key) -> Self {
        Self {
            key,
            ctrl: false,
            alt: false,
        }
    }

    /// Reads one chord as the table writes it; `None` when it is no key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((_, key)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Some(Self::plain(*key));
        }
        if let Some(number) = text.strip_prefix('F').filter(|rest| !rest.is_empty()) {
            let number = number.parse().ok()?;
            return (1..=12)
                .contains(&number)
                .then(|| Self::plain(Key::F(number)));
        }
        if let Some(rest) = text.strip_prefix("C-").filter(|rest| !rest.is_empty()) {
            return Some(Self {
                ctrl: true,
                ..Self::parse(rest)?
            });
        }
        if let Some(rest) = text.strip_prefix("A-").filter(|rest| !rest.is_empty()) {
            return Some(Self {
                alt: true,
                ..Self::parse(rest)?
            });
        }
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Some(Self::plain(Key::Char(only))),
            _ => None,
        }
    }

    /// Reads a sequence of chords separated by spaces.
    #[must_use]
    pub fn sequence(text: &str) -> Option<Vec<Self>> {
        text.split(' ').map(Self::parse).collect()
    }

    /// Translates a terminal event; releases and keys we have no name for are `None`.
    #[must_use]
    pub fn of(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        let key = match event.code {
            KeyCode::Char(c) => Key::Char(c),
            KeyCode::Enter => Key::Enter,
            KeyCode::Esc => Key::Esc,
            KeyCode::Tab => Key::Tab,
            KeyCode::BackTab => Key::BackTab,
            KeyCode::Backspace => Key::Backspace,
            KeyCode::Delete => Key::Delete,
            KeyCode::Up => Key::Up,
            KeyCode::Down => Key::Down,
            KeyCode::Left => Key::Left,
            KeyCode::Right => Key::Right,
            KeyCode::Home => Key::Home,
            KeyCode::End => Key::End,
            KeyCode::PageUp => Key::PageUp,
            KeyCode::PageDown => Key::PageDown,
            KeyCode::F(number) => Key::F(number),
            _ => return None,
        };
        Some(Self {
            key,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        })
    }

    /// Returns the character this chord types into a text field.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.key {
            Key::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("C-")?;
        }
        if self.alt {
            f.write_str("A-")?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, key)| *key == self.key) {
            return f.write_str(name);
        }
        match self.key {
            Key::Char(c) => write!(f, "{c}"),
            Key::F(number) => write!(f, "F{number}"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_print_as_they_are_read() {
        for text in [
            "D", "C-d", "A-x", "Esc", "S-Tab", "Space", "PageUp", "?", "-", "C-c",
        ] {
            let chord = Chord::parse(text).expect(text);
            assert_eq!(chord.to_string(), text);
        }
        assert_eq!(Chord::parse("nonsense"), None);
        assert_eq!(Chord::sequence("g g").map(|s| s.len()), Some(2));
    }

    #[test]
    fn control_keys_type_nothing() {
        assert_eq!(Chord::parse("a").and_then(Chord::typed), Some('a'));
        assert_eq!(Chord::parse("C-a").and_then(Chord::typed), None);
        assert_eq!(Chord::parse("Enter").and_then(Chord::typed), None);
    }
}
