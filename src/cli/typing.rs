//! A line while it is typed: what it is so far, and what has to be written so that a plain terminal shows it.

use crate::present::clean;

/// What a byte did to the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    /// Write this.
    Show(String),
    /// The line is whole.
    Done(String),
    /// Nobody wants to type any more.
    End,
}

/// A line under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Typed {
    bytes: Vec<u8>,
}

impl Typed {
    /// Returns what was typed so far, without half a character at its end.
    pub(super) fn text(&self) -> String {
        let end = match std::str::from_utf8(&self.bytes) {
            Ok(_) => self.bytes.len(),
            Err(error) => error.valid_up_to(),
        };
        let whole = self.bytes.get(..end).unwrap_or_default();
        String::from_utf8_lossy(whole).into_owned()
    }

    /// Takes a byte.
    pub(super) fn take(&mut self, byte: u8) -> Typing {
        match byte {
            b'\n' | b'\r' => Typing::Done(String::from_utf8_lossy(&self.bytes).into_owned()),
            // Ctrl-D leaves an empty line, as in every shell.
            4 if self.bytes.is_empty() => Typing::End,
            8 | 0x7f => {
                let mut text = self.text();
                let gone = text.pop();
                self.bytes = text.into_bytes();
                Typing::Show(gone.map_or_else(String::new, erased))
            }
            // Ctrl-U and Ctrl-W: the whole line, the last word.
            0x15 => self.cut(0),
            0x17 => {
                let text = self.text();
                let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.cut(kept)
            }
            // What else moves or asks for something has no meaning here.
            0..0x20 => Typing::Show(String::new()),
            byte => {
                let before = self.text().len();
                self.bytes.push(byte);
                let text = self.text();
                let new = text.get(before..).unwrap_or_default();
                if new.contains(clean::is_no_text) {
                    self.bytes.truncate(before);
                    return Typing::Show(String::new());
                }
                Typing::Show(new.to_owned())
            }
        }
    }

    fn cut(&mut self, kept: usize) -> Typing {
        let text = self.text();
        let gone = text.get(kept..).unwrap_or_default();
        let shown = gone.chars().map(erased).collect();
        self.bytes.truncate(kept);
        Typing::Show(shown)
    }
}

/// Takes a character off a terminal that knows nothing but going back.
fn erased(c: char) -> String {
    "\u{8} \u{8}".repeat(unicode_width::UnicodeWidthChar::width(c).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> (String, String) {
        let mut line = Typed::default();
        let mut shown = String::new();
        for byte in keys.bytes() {
            if let Typing::Show(text) = line.take(byte) {
                shown.push_str(&text);
            }
        }
        (line.text(), shown)
    }

    #[test]
    fn a_line_is_shown_as_it_is_typed_and_can_be_taken_back() {
        let cases = [
            ("plan", "plan", "plan"),
            ("plam\u{7f}n", "plan", "plam\u{8} \u{8}n"),
            ("p\u{9b}lan\u{202e}", "plan", "plan"),
            ("größe", "größe", "größe"),
            ("日\u{7f}", "", "日\u{8} \u{8}\u{8} \u{8}"),
            (
                "logs api\u{17}web",
                "logs web",
                "logs api\u{8} \u{8}\u{8} \u{8}\u{8} \u{8}web",
            ),
            ("ab\u{15}", "", "ab\u{8} \u{8}\u{8} \u{8}"),
            ("\u{7f}", "", ""),
            ("a\tb", "ab", "ab"),
            ("\u{1b}", "", ""),
        ];
        for (keys, text, shown) in cases {
            assert_eq!(typed(keys), (text.to_owned(), shown.to_owned()), "{keys:?}");
        }
        let mut line = Typed::default();
        assert_eq!(line.take(4), Typing::End);
        line.take(b'q');
        assert_eq!(line.take(4), Typing::Show(String::new()));
        assert_eq!(line.take(b'\r'), Typing::Done("q".into()));
    }
}
