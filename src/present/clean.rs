//! The one filter between foreign text and a terminal.
//!
//! Logs, names, labels and error texts come from programs nobody here controls; printed raw they can move the
//! cursor, set the clipboard, change the title or hide what was said. Everything but plain text is dropped: escape
//! sequences with their payload, control characters, bidirectional controls, invisible marks. Must never be
//! bypassed by a front end.

/// Longest line that is shown, in bytes; the rest is cut with a mark.
pub const LINE_CAP: usize = 8 * 1024;

/// Combining marks that may follow one character.
const MARKS: usize = 4;

/// Stands for what terminals draw in different widths.
const UNSURE: char = '□';

/// Makes one picture of several.
const JOINER: char = '\u{200d}';

/// Cleans one line: afterwards it holds no control character, line break or escape sequence.
///
/// Tabs become spaces up to the next multiple of eight; after a carriage return only the last part is kept, as a
/// terminal would show it. Pictures made of several characters are not as wide on every terminal: of joined ones the
/// first is kept, without a variant or a shade of skin, and a flag becomes a box.
#[must_use]
pub fn line(text: &str) -> String {
    let text = text.trim_end_matches(['\r', '\n']);
    let text = text.rsplit('\r').next().unwrap_or(text);
    let mut out = String::with_capacity(text.len().min(LINE_CAP + 8));
    let mut marks = 0;
    let mut width = 0_usize;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if out.len() >= LINE_CAP {
            out.push('…');
            break;
        }
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\t' => {
                let gap = 8 - width % 8;
                out.extend(std::iter::repeat_n(' ', gap));
                width += gap;
            }
            '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push(' ');
                width += 1;
            }
            JOINER if out.chars().next_back().is_some_and(is_picture) => {
                rest.next_if(|c| is_picture(*c));
            }
            c if is_flag(c) => {
                rest.next_if(|c| is_flag(*c));
                marks = 0;
                width += 1;
                out.push(UNSURE);
            }
            c if c.is_control() || is_invisible(c) => {}
            '\u{fe00}'..='\u{fe0f}' => {}
            '\u{1f3fb}'..='\u{1f3ff}' if width > 0 => {}
            c if is_mark(c) => {
                marks += 1;
                if marks <= MARKS && width > 0 {
                    out.push(c);
                }
            }
            c => {
                marks = 0;
                width += 1;
                out.push(c);
            }
        }
    }
    out
}

/// Cleans bytes that should be text: what is no UTF-8 becomes U+FFFD first.
#[must_use]
pub fn bytes(raw: &[u8]) -> String {
    line(&String::from_utf8_lossy(raw))
}

/// Cleans a text of several lines, line by line.
#[must_use]
pub fn lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Makes a text of our own making fit for a terminal, whatever was quoted in it: nothing is cut or moved, and each
/// character that is no text becomes U+FFFD.
#[must_use]
pub fn document(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if is_no_text(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Makes a JSON document fit for a terminal; it still says the same. Characters that are no text stand only in
/// its strings, and there each can be written as an escape.
#[must_use]
pub fn json(text: &str) -> std::borrow::Cow<'_, str> {
    use std::fmt::Write as _;
    let is_odd = |c: char| is_no_text(c) && c != '\n';
    if !text.contains(is_odd) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if is_odd(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out.into()
}

/// Tells whether a character does something, or hides, instead of being shown.
#[must_use]
pub fn is_no_text(c: char) -> bool {
    c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}')
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Skips what follows an escape character.
fn skip_escape(rest: &mut Rest<'_>) {
    match rest.peek().copied() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_string(rest);
        }
        Some(' '..='/') => {
            while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
            rest.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => {
            rest.next();
        }
        _ => {}
    }
}

/// Skips parameters, intermediates and the final byte of a control sequence.
fn skip_control_sequence(rest: &mut Rest<'_>) {
    while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
    rest.next_if(|c| ('@'..='~').contains(c));
}

/// Skips a command string up to its terminator: BEL, ST, or the end of the line.
fn skip_string(rest: &mut Rest<'_>) {
    while let Some(c) = rest.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                rest.next_if(|c| *c == '\\');
                return;
            }
            _ => {}
        }
    }
}

/// Characters that take no place and can only mislead: bidirectional controls, tags, zero widths, byte order marks.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Pictures that can be joined.
fn is_picture(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{3030}' | '\u{303d}' | '\u{1f000}'..='\u{1faff}')
}

/// The letters that make flags, in pairs.
fn is_flag(c: char) -> bool {
    ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)
}

/// Combining marks of the blocks that stack.
fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_text_comes_through() {
        let cases = [
            ("plain é 日本", "plain é 日本"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]52;c;aGk=\u{1b}\\after", "after"),
            ("\u{1b}P1$r0m\u{1b}\\after", "after"),
            ("\u{9b}2Jafter", "after"),
            ("\u{1b}cafter", "after"),
            ("\u{1b}(0after", "after"),
            ("50%\r100%", "100%"),
            ("a\tb", "a       b"),
            ("a\u{202e}b\u{200b}c\u{feff}", "abc"),
            ("a\u{e0041}b", "ab"),
            ("a\nb", "a b"),
            ("👩\u{200d}👩\u{200d}👧 and 👍\u{1f3fd}", "👩 and 👍"),
            ("❤\u{fe0f}\u{200d}🔥 1\u{fe0f}", "❤ 1"),
            ("🇩🇪 🇫", "□ □"),
            ("e\u{301} 日本 🚀🚀", "e\u{301} 日本 🚀🚀"),
            ("bell\u{7}\u{8}", "bell"),
            (
                "z\u{300}\u{300}\u{300}\u{300}\u{300}\u{300}",
                "z\u{300}\u{300}\u{300}\u{300}",
            ),
            ("open \u{1b}]0;never closed", "open "),
        ];
        for (raw, expected) in cases {
            assert_eq!(line(raw), expected, "{raw:?}");
        }
        assert_eq!(bytes(b"a\xff\xfeb"), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn results_say_the_same_and_tell_a_terminal_nothing() {
        let odd = "a\u{9b}2J\u{202e}b\u{7f}\u{e0041}";
        let text = serde_json::to_string(&serde_json::json!({"\u{1b}]0;x": odd, "n": "é\n"}));
        let text = text.unwrap();
        let shown = json(&text);
        assert!(!shown.chars().any(is_no_text), "{shown}");
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read["\u{1b}]0;x"], odd);
        assert!(matches!(
            json("{\n \"é\": 1}\n"),
            std::borrow::Cow::Borrowed(_)
        ));
        assert_eq!(
            document("a\u{1b}[2J\tb\u{202e}\n"),
            "a\u{fffd}[2J\tb\u{fffd}\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_with_a_mark() {
        let cut = line(&"x".repeat(LINE_CAP * 3));
        assert!(cut.len() <= LINE_CAP + '…'.len_utf8() && cut.ends_with('…'));
    }

    #[test]
    fn a_sequence_cut_at_any_byte_leaves_no_control_character() {
        let raw = "a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\\u{1b}[1;31mb\u{1b}P+q\u{1b}\\c\u{9d}x\u{9c}d";
        for end in (0..=raw.len()).filter(|end| raw.is_char_boundary(*end)) {
            let (before, after) = raw.split_at(end);
            for part in [before, after] {
                assert!(!line(part).chars().any(char::is_control), "{part:?}");
            }
        }
    }
}
