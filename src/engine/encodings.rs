//! The encodings of a value that are looked for as texts of their own: base64, hexadecimal, numbers, quotes of a shell.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Bytes of a long value behind one piece of its base64: a line of `base64`, and one of PEM.
const LINES: [usize; 2] = [57, 48];
/// Shortest piece that is looked for by itself.
const PIECE: usize = 8;

/// Bytes of a long value behind one line of `od` and `xxd`, and of `xxd -p`.
const DUMPS: [usize; 2] = [16, 30];
/// Characters beside one line of a dump.
const DUMPED: usize = 16;
/// Shortest piece that is looked for at the edge of what stands beside a dump.
const SHORTEST_BESIDE: usize = 4;
/// Shortest piece of a text that was wrapped anew.
const REWRAPPED: usize = 24;
/// Different letters that such a piece has at least.
const DIFFERENT: usize = 8;

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
    if bytes.len() <= LONGEST_ODD {
        forms.extend(odd(value));
        forms.extend(beside_dumps(value));
    }
    forms.push(value.replace('\'', r"'\''"));
    forms.push(value.replace('\'', r#"'"'"'"#));
    forms.push(value.replace('\'', "''"));
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

/// What stands beside the digits of a dump: sixteen characters a line, between bars (`hexdump -C`) or behind two spaces
/// (`xxd`), wherever the value begins; what cannot be printed is a point there.
fn beside_dumps(value: &str) -> Vec<String> {
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    let text: Vec<char> = value.bytes().map(|byte| shown(&byte)).collect();
    let part = |piece: &[char]| piece.iter().collect::<String>();
    let mut forms = Vec::new();
    for line in text.windows(DUMPED) {
        forms.push(format!("|{}|", part(line)));
        forms.push(format!("  {}", part(line)));
    }
    for length in SHORTEST_BESIDE..text.len().min(DUMPED) {
        let first = text.get(..length).unwrap_or_default();
        let last = text.get(text.len() - length..).unwrap_or_default();
        forms.push(format!("{}|", part(first)));
        forms.push(format!("|{}", part(last)));
    }
    forms
}

/// Pieces of a long text of letters as one whole, for when it is wrapped anew: a key has lines of 64, another program
/// prints it in lines of 76. From `REWRAPPED` letters on a line is found, whatever its length.
pub(super) fn rewrapped(value: &str) -> impl Iterator<Item = String> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let inner = value.lines().map(str::trim).filter(|line| {
        !line.is_empty() && !line.starts_with("-----") && line.bytes().all(|byte| is_letter(&byte))
    });
    let joined = zeroize::Zeroizing::new(inner.collect::<String>());
    let pieces = if value.contains('\n') {
        joined.len().saturating_sub(REWRAPPED - 1)
    } else {
        0
    };
    // A line of rules is in every text.
    let telling = |piece: &&str| piece.bytes().collect::<BTreeSet<u8>>().len() >= DIFFERENT;
    (0..pieces).filter_map(move |at| {
        let piece = joined.get(at..at + REWRAPPED).filter(telling)?;
        Some(piece.to_owned())
    })
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
        hex(&words.copied().collect::<Vec<u8>>())
    };
    let rest = bytes.get(1..).unwrap_or_default();
    [hex(bytes), swapped(bytes), swapped(rest)]
}

/// The digits of pieces of a value, since dumps print some bytes a line: any eight of a short one, of a longer one those
/// of a line that begins with it.
pub(super) fn digit_pieces(bytes: &[u8]) -> impl Iterator<Item = String> {
    let any = (bytes.len() <= LONGEST_ODD).then(|| bytes.windows(PIECE));
    let lines = any.is_none().then(|| {
        let lines = DUMPS.into_iter().flat_map(|length| bytes.chunks(length));
        lines.filter(|piece| piece.len() >= PIECE)
    });
    let pieces = any.into_iter().flatten().chain(lines.into_iter().flatten());
    pieces.map(hex)
}

/// Writes bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
