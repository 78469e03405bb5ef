//! The forms in which programs print a value: encoded as a whole, piece by piece, or with some characters escaped.
//!
//! A whole encoding (base64, hexadecimal) is a text of its own to look for. An escape (percent, backslash) may touch
//! any of the characters, so there the text is decoded instead, with a way back to where each byte stood.

use std::fmt::Write as _;

/// Bytes of a long value behind one piece of its base64: a line of `base64`, and one of PEM.
const LINES: [usize; 2] = [57, 48];
/// Shortest piece that is looked for by itself.
const PIECE: usize = 8;

/// Returns the encodings of a value that are looked for as they are.
pub(super) fn encodings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut forms = Vec::new();
    for url in [false, true] {
        for offset in 0..3 {
            forms.push(base64_middle(bytes, offset, url));
        }
        // Printed in lines, a long value is never seen as a whole.
        for length in LINES.into_iter().filter(|length| bytes.len() > *length) {
            for phase in 0..3 {
                let rest = bytes.get(phase..).unwrap_or_default();
                let pieces = rest
                    .chunks(length)
                    .map(|piece| base64_middle(piece, 0, url));
                forms.extend(pieces.filter(|piece| piece.len() >= PIECE));
            }
        }
    }
    for upper in [false, true] {
        for (before, between) in [("", ""), ("", " "), ("", ":"), ("0x", ", 0x")] {
            forms.push(hex(bytes, before, between, upper));
        }
        // Lines of `xxd -p` and `od`.
        for (length, between) in [(30, ""), (16, " "), (16, "")] {
            if bytes.len() > length {
                let pieces = bytes.chunks(length).filter(|piece| piece.len() >= PIECE);
                forms.extend(pieces.map(|piece| hex(piece, "", between, upper)));
            }
        }
    }
    forms.push(value.replace('\'', r"'\''"));
    forms.push(value.replace('\'', r#"'"'"'"#));
    forms.push(value.replace('\'', "''"));
    let html = value.replace('&', "&amp;").replace('<', "&lt;");
    let html = html.replace('>', "&gt;").replace('"', "&quot;");
    forms.push(html.replace('\'', "&apos;"));
    forms.push(html.replace('\'', "&#39;"));
    forms.push(html);
    forms
}

/// A decoded text: its bytes, and for each the place in the original where it began; one more for the end.
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    pub(super) places: Vec<usize>,
}

/// Decodes what each kind of escape stands for; a text without escapes has no views.
pub(super) fn views(text: &[u8]) -> Vec<View> {
    let mut views = Vec::new();
    if text.contains(&b'\\') {
        let once = decode(text, backslash);
        // JSON in JSON.
        if once.bytes.contains(&b'\\') {
            let twice = decode(&once.bytes, backslash);
            let places = twice.places.iter().filter_map(|at| once.places.get(*at));
            views.push(View {
                places: places.copied().collect(),
                bytes: twice.bytes,
            });
        }
        views.push(once);
    }
    if text.contains(&b'%') {
        views.push(decode(text, percent));
    }
    if text.contains(&b'+') {
        views.push(decode(text, form));
    }
    views
}

/// What stands at the start of a text: the bytes it means, and how many it takes.
type Meant = Option<(Vec<u8>, usize)>;

fn decode(text: &[u8], meant: impl Fn(&[u8]) -> Meant) -> View {
    let mut view = View {
        bytes: Vec::with_capacity(text.len()),
        places: Vec::with_capacity(text.len() + 1),
    };
    let mut at = 0;
    while let Some((&first, rest)) = text.get(at..).and_then(<[u8]>::split_first) {
        let _ = rest;
        let (bytes, taken) = match first {
            b'\\' | b'%' | b'+' => meant(text.get(at..).unwrap_or_default()),
            _ => None,
        }
        .unwrap_or_else(|| (vec![first], 1));
        for byte in bytes {
            view.bytes.push(byte);
            view.places.push(at);
        }
        at += taken;
    }
    view.places.push(text.len());
    view
}

fn percent(text: &[u8]) -> Meant {
    let digits = text.strip_prefix(b"%")?.get(..2)?;
    Some((
        vec![number(digits, 16).and_then(|n| u8::try_from(n).ok())?],
        3,
    ))
}

fn form(text: &[u8]) -> Meant {
    match text.first()? {
        b'+' => Some((vec![b' '], 1)),
        _ => percent(text),
    }
}

fn backslash(text: &[u8]) -> Meant {
    let rest = text.strip_prefix(b"\\")?;
    let byte = match rest.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'a' => 7,
        b'v' => 11,
        b'e' => 27,
        b'x' => {
            let digits = rest.get(1..3)?;
            return Some((vec![u8::try_from(number(digits, 16)?).ok()?], 4));
        }
        b'u' => return unicode(rest),
        b'0'..=b'7' => {
            let digits = rest.get(..3)?;
            return Some((vec![u8::try_from(number(digits, 8)?).ok()?], 4));
        }
        other if other.is_ascii() => *other,
        _ => return None,
    };
    Some((vec![byte], 2))
}

/// Decodes `u0061`, a pair of surrogates, or `u{61}`; the backslash before it is taken too.
fn unicode(text: &[u8]) -> Meant {
    let encoded = |code: u32, taken: usize| {
        let c = char::from_u32(code)?;
        Some((c.to_string().into_bytes(), taken))
    };
    if text.get(1) == Some(&b'{') {
        let length = text.iter().take(9).position(|byte| *byte == b'}')?;
        return encoded(number(text.get(2..length)?, 16)?, length + 2);
    }
    let code = number(text.get(1..5)?, 16)?;
    if (0xd800..0xdc00).contains(&code) && text.get(5..7) == Some(b"\\u") {
        let low = number(text.get(7..11)?, 16)?;
        if (0xdc00..0xe000).contains(&low) {
            return encoded(0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00), 12);
        }
    }
    encoded(code, 6)
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let signed = digits.first().is_some_and(|first| *first == b'+');
    let text = std::str::from_utf8(digits).ok().filter(|_| !signed)?;
    u32::from_str_radix(text, radix).ok()
}

/// Base64 of the bytes as it appears in the middle of a longer encoding that starts `offset` bytes earlier: the
/// characters that do not depend on the neighbours.
fn base64_middle(bytes: &[u8], offset: usize, url: bool) -> String {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let table = if url { URL } else { STANDARD };
    let bit = |i: usize| -> Option<u8> {
        let i = i.checked_sub(offset * 8)?;
        let byte = bytes.get(i / 8)?;
        Some((byte >> (7 - i % 8)) & 1)
    };
    let end = (offset + bytes.len()) * 8;
    let mut text = String::new();
    let mut at = (offset * 8).div_ceil(6) * 6;
    while at + 6 <= end {
        let six = (0..6).fold(0u8, |six, i| (six << 1) | bit(at + i).unwrap_or(0));
        if let Some(c) = table.get(usize::from(six)) {
            text.push(char::from(*c));
        }
        at += 6;
    }
    text
}

fn hex(bytes: &[u8], before: &str, between: &str, upper: bool) -> String {
    let mut text = before.to_owned();
    for (i, byte) in bytes.iter().enumerate() {
        if i > 0 {
            text.push_str(between);
        }
        let _ = if upper {
            write!(text, "{byte:02X}")
        } else {
            write!(text, "{byte:02x}")
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_every_byte_knows_its_place() {
        let cases: [(&str, &str, &[usize]); 9] = [
            ("a%2Fb", "a/b", &[0, 1, 4, 5]),
            ("a%2fb%", "a/b%", &[0, 1, 4, 5, 6]),
            ("a+b", "a b", &[0, 1, 2, 3]),
            (r"a\/b", "a/b", &[0, 1, 3, 4]),
            (r"\u0061b", "ab", &[0, 6, 7]),
            (r"\ud83d\ude00", "\u{1f600}", &[0, 0, 0, 0, 12]),
            (r"\u{e9}x", "\u{e9}x", &[0, 0, 6, 7]),
            (r"\x61\142", "ab", &[0, 4, 8]),
            (r"\ud83dx\", r"\ud83dx\", &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ];
        for (text, bytes, places) in cases {
            let views = views(text.as_bytes());
            let view = views.last().expect(text);
            if text.starts_with(r"\ud83dx") {
                // Half a pair means nothing; the escape itself is taken apart instead.
                assert_eq!(view.places.last(), Some(&text.len()), "{text}");
                continue;
            }
            assert_eq!(view.bytes, bytes.as_bytes(), "{text}");
            assert_eq!(view.places, places, "{text}");
        }
        assert!(views(b"plain").is_empty());
    }
}
