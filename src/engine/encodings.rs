//! The encodings of a value that are looked for as texts of their own: base64, hexadecimal, numbers, quotes of a shell.

use std::fmt::Write as _;

/// Bytes of a long value behind one piece of its base64: a line of `base64`, and one of PEM.
const LINES: [usize; 2] = [57, 48];
/// Shortest piece that is looked for by itself.
const PIECE: usize = 8;

/// Longest value whose rarer encodings are looked for; of a longer one they would be many.
const LONGEST_ODD: usize = 256;

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
    // Lines of `xxd -p` and `od`; a value in one line is found among the digits, whatever stands between them.
    for (upper, length, between) in [false, true]
        .into_iter()
        .flat_map(|upper| [(30, ""), (16, " "), (16, "")].map(|(l, b)| (upper, l, b)))
    {
        if bytes.len() > length {
            let pieces = bytes.chunks(length).filter(|piece| piece.len() >= PIECE);
            forms.extend(pieces.map(|piece| hex(piece, between, upper)));
        }
    }
    if bytes.len() <= LONGEST_ODD {
        forms.extend(odd(value));
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

/// The encodings of a whole value that are rarer: twice base64, base64 of UTF-16, base32, numbers, characters apart from
/// each other, backwards.
fn odd(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut forms = Vec::new();
    for url in [false, true] {
        let inner = (0..3).map(|offset| base64_middle(bytes, offset, url));
        let twice = inner.flat_map(|inner| (0..3).map(move |at| (inner.clone(), at)));
        forms.extend(twice.map(|(inner, at)| base64_middle(inner.as_bytes(), at, url)));
    }
    let units = || value.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    for wide in [&little, &big] {
        forms.extend((0..3).map(|offset| base64_middle(wide, offset, false)));
    }
    for offset in 0..5 {
        let text = base32_middle(bytes, offset);
        forms.push(text.to_lowercase());
        forms.push(text);
    }
    let numbers = |radix: fn(&u8) -> String| bytes.iter().map(radix).collect::<Vec<_>>();
    for (digits, padded) in [
        (numbers(|b| format!("{b}")), numbers(|b| format!("{b:>3}"))),
        (
            numbers(|b| format!("{b:o}")),
            numbers(|b| format!("{b:03o}")),
        ),
    ] {
        for between in [" ", ",", ", "] {
            forms.push(digits.join(between));
        }
        forms.push(padded.join(" "));
    }
    let characters = || value.chars().map(String::from).collect::<Vec<_>>();
    for between in [" ", "   "] {
        forms.push(characters().join(between));
    }
    forms.push(value.chars().rev().collect());
    forms
}

/// Base64 of the bytes as it appears in the middle of a longer encoding that starts `offset` bytes earlier: the
/// characters that do not depend on the neighbours.
fn base64_middle(bytes: &[u8], offset: usize, url: bool) -> String {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    middle(bytes, offset, 6, if url { URL } else { STANDARD })
}

/// The same of base32.
fn base32_middle(bytes: &[u8], offset: usize) -> String {
    middle(bytes, offset, 5, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
}

fn middle(bytes: &[u8], offset: usize, width: usize, table: &[u8]) -> String {
    let bit = |i: usize| -> Option<u8> {
        let i = i.checked_sub(offset * 8)?;
        let byte = bytes.get(i / 8)?;
        Some((byte >> (7 - i % 8)) & 1)
    };
    let end = (offset + bytes.len()) * 8;
    let mut text = String::new();
    let mut at = (offset * 8).div_ceil(width) * width;
    while at + width <= end {
        let code = (0..width).fold(0u8, |code, i| (code << 1) | bit(at + i).unwrap_or(0));
        if let Some(c) = table.get(usize::from(code)) {
            text.push(char::from(*c));
        }
        at += width;
    }
    text
}

/// The digits of a value, and as `hexdump` has them: the two bytes of a word the other way round, from the first byte or
/// the second on.
pub(super) fn digit_forms(bytes: &[u8]) -> [String; 3] {
    let swapped = |bytes: &[u8]| {
        let words = bytes.chunks_exact(2).flat_map(|word| word.iter().rev());
        hex(&words.copied().collect::<Vec<u8>>(), "", false)
    };
    let rest = bytes.get(1..).unwrap_or_default();
    [hex(bytes, "", false), swapped(bytes), swapped(rest)]
}

/// Writes bytes as hexadecimal digits.
fn hex(bytes: &[u8], between: &str, upper: bool) -> String {
    let mut text = String::new();
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
