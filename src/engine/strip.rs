//! Takes everything out of foreign text that could move a cursor, paint a screen or ring a bell.
//!
//! What a step prints goes to files that people `cat` and to screens; only printable text may get there. An
//! escape sequence is removed as a whole, its payload too. Bidirectional controls, tags and line separators,
//! which make text read as something it is not, go the same way.
//!
//! Only colours of output may stay, as well-formed `ESC [ 1;31 m`; whatever writes to a file takes them out.

use crate::engine::redact::Redactor;

/// Longest sequence that sets a colour, in bytes: both colours in full and some looks fit.
const LONGEST: usize = 48;

/// Removes control characters and escape sequences from one line; tabs become a blank.
#[must_use]
pub(super) fn strip(line: &str) -> String {
    filter(line, false)
}

/// Makes a line of output fit to be shown, with its colours. A line with a secret in it loses them: it is looked
/// for in the plain text, which colours cannot cut apart, and once more in the text as it would be handed on.
#[must_use]
pub(super) fn strip_output(line: &str, redactor: &Redactor) -> String {
    let plain = strip(line);
    let redacted = redactor.redact(&plain);
    if redacted != plain || !line.contains('\u{1b}') {
        return redacted;
    }
    let coloured = filter(line, true);
    if redactor.redact(&coloured) == coloured {
        coloured
    } else {
        redacted
    }
}

fn filter(line: &str, colours: bool) -> String {
    if line.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return line.to_owned();
    }
    let mut kept = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\t' => kept.push(' '),
            '\u{1b}' => {
                let colour = colours.then(|| colour(chars.clone())).flatten();
                skip_escape(&mut chars);
                if let Some(codes) = colour {
                    kept.push_str("\u{1b}[");
                    kept.push_str(&codes);
                    kept.push('m');
                }
            }
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            c if is_hidden(c) => {}
            c => kept.push(c),
        }
    }
    kept
}

/// Strips a text of several lines, keeping its line breaks.
#[must_use]
pub(super) fn strip_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(strip).collect();
    lines.join("\n")
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Returns the codes of the sequence after an escape character if it sets a colour and does nothing else.
fn colour(mut chars: Chars<'_>) -> Option<String> {
    chars.next_if_eq(&'[')?;
    let mut codes = String::new();
    while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || *c == ';') {
        codes.push(c);
        if codes.len() + "\u{1b}[m".len() > LONGEST {
            return None;
        }
    }
    chars.next_if_eq(&'m').map(|_| codes)
}

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.next() {
        Some('[') => skip_csi(chars),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars),
        Some(c) if ('\u{20}'..='\u{2f}').contains(&c) => {
            // An intermediate byte: the sequence ends with the first byte that is none.
            while chars
                .next_if(|c| ('\u{20}'..='\u{2f}').contains(c))
                .is_some()
            {}
            chars.next();
        }
        Some(_) | None => {}
    }
}

fn skip_csi(chars: &mut Chars<'_>) {
    while chars
        .next_if(|c| ('\u{20}'..='\u{3f}').contains(c))
        .is_some()
    {}
    chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// Skips to the end of a string sequence (BEL, ST), or to the end of the line.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::uncoloured;
    use crate::domain::secret::Secret;
    use crate::engine::redact::MASK;

    #[test]
    fn only_printable_text_is_left() {
        let cases = [
            ("plain text", "plain text"),
            ("grün ✓ 漢字", "grün ✓ 漢字"),
            ("a\tb", "a b"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;2;1;2;3mx", "x"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]52;c;c2VjcmV0\u{1b}\\after", "after"),
            ("\u{1b}Pq#0;2\u{1b}\\after", "after"),
            ("\u{1b}_Gf=100\u{1b}\\after", "after"),
            ("\u{9b}31mred", "red"),
            ("\u{9d}0;t\u{9c}after", "after"),
            ("\u{1b}(Bafter", "after"),
            ("\u{1b}cafter", "after"),
            ("bell\u{7} back\u{8}space nul\u{0}", "bell backspace nul"),
            ("left\u{202e}right", "leftright"),
            ("tag\u{e0041}s", "tags"),
            ("\u{1b}]0;never closed", ""),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("a\u{2028}b", "ab"),
            ("left\u{61c}right", "leftright"),
            ("pass\u{ad}word", "password"),
        ];
        for (text, expected) in cases {
            assert_eq!(strip(text), expected, "{text:?}");
        }
        assert_eq!(strip_lines("a\u{1b}[1m\nb\r\n"), "a\nb");
    }

    #[test]
    fn only_colours_of_output_stay() {
        let long = format!("\u{1b}[{}mx", "1;".repeat(40));
        let cases = [
            ("plain", "plain"),
            (
                "\u{1b}[31mred\u{1b}[0m \u{1b}[m",
                "\u{1b}[31mred\u{1b}[0m \u{1b}[m",
            ),
            (
                "\u{1b}[1;38;2;255;255;255;48;2;255;255;255mx",
                "\u{1b}[1;38;2;255;255;255;48;2;255;255;255mx",
            ),
            (&long, "x"),
            ("\u{1b}[2J\u{1b}[3;4Hx\u{1b}[K\u{1b}[?25l", "x"),
            ("\u{1b}[>4;1mx\u{1b}[?1m\u{1b}[1 mx\u{1b}[4:3mx", "xxx"),
            ("\u{1b}]0;\u{1b}[31mtitle\u{7}x", "[31mtitlex"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("\u{1b}P\u{9b}31m\u{1b}\\x", "x"),
            ("\u{9b}31mx", "x"),
            ("x\u{1b}[31", "x"),
            ("x\u{1b}[", "x"),
            ("x\u{1b}", "x"),
            ("\u{1b}\u{1b}[31mx", "[31mx"),
            ("\u{1b}[\u{1b}[31mx", "\u{1b}[31mx"),
            ("\u{1b}[3\u{7}1mx", "1mx"),
            ("\u{1b}[31m\u{202e}\tx", "\u{1b}[31m x"),
        ];
        let redactor = Redactor::default();
        for (text, expected) in cases {
            let kept = strip_output(text, &redactor);
            assert_eq!(kept, expected, "{text:?}");
            assert_eq!(uncoloured(&kept), strip(text), "{text:?}");
            assert_eq!(strip_output(&kept, &redactor), kept, "{text:?}");
        }
    }

    #[test]
    fn colours_hide_no_secret() {
        let mut redactor = Redactor::default();
        redactor.register(&Secret::new("correct-horse".into()));
        redactor.register(&Secret::new("38;2;12;34".into()));
        let cases = [
            (
                "\u{1b}[31mcorrect-horse\u{1b}[0m".to_owned(),
                MASK.to_owned(),
            ),
            (
                "a \u{1b}[1mcorrect\u{1b}[0m-\u{1b}[32mhorse b".into(),
                format!("a {MASK} b"),
            ),
            (
                "c\u{1b}[1mo\u{1b}[1mr\u{1b}[2Jrect-hor\u{7}se".into(),
                MASK.into(),
            ),
            ("\u{1b}[38;2;12;34;56mx".into(), "x".into()),
            (
                "\u{1b}[31mcorrect-mule".into(),
                "\u{1b}[31mcorrect-mule".into(),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(strip_output(&text, &redactor), expected, "{text:?}");
        }
    }
}
