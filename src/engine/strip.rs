//! Takes everything out of foreign text that could move a cursor, paint a screen or ring a bell.
//!
//! What a step prints goes to files that people `cat` and to screens; only printable text may get there. An
//! escape sequence is removed as a whole, its payload too. Bidirectional controls, tags and line separators,
//! which make text read as something it is not, go the same way.

/// Removes control characters and escape sequences from one line; tabs become a blank.
#[must_use]
pub(super) fn strip(line: &str) -> String {
    if line.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return line.to_owned();
    }
    let mut kept = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\t' => kept.push(' '),
            '\u{1b}' => skip_escape(&mut chars),
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
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

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
        ];
        for (text, expected) in cases {
            assert_eq!(strip(text), expected, "{text:?}");
        }
        assert_eq!(strip_lines("a\u{1b}[1m\nb\r\n"), "a\nb");
    }
}
