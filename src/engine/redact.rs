//! Keeps secret values out of everything that is shown or written.
//!
//! Each registered value is looked for as it is and in the forms in which programs print it: base64 at all
//! three offsets, hexadecimal, percent-encoded, escaped for JSON. The lines of a value of several lines are
//! looked for one by one, since output is cut into lines before it comes here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::domain::secret::Secret;

/// What stands in the place of a secret.
pub const MASK: &str = "[redacted]";

/// Values shorter than this are only replaced where they stand alone, or every text would fall apart.
const ALONE_BELOW: usize = 4;
/// A line of a secret that is shorter is too common to be looked for by itself (`-----`, `}`).
const SHORTEST_LINE: usize = 8;

/// Replaces secrets in text.
#[derive(Default)]
pub struct Redactor {
    /// Patterns by their first byte, longest first.
    patterns: BTreeMap<u8, Vec<Pattern>>,
    longest: usize,
}

struct Pattern {
    text: Zeroizing<String>,
    alone: bool,
}

impl Redactor {
    /// Registers a value.
    pub fn register(&mut self, secret: &Secret) {
        let value = secret.expose();
        if value.is_empty() {
            return;
        }
        self.add_forms(value);
        if value.contains('\n') {
            for line in value.lines().map(str::trim) {
                if line.len() >= SHORTEST_LINE {
                    self.add_forms(line);
                }
            }
        }
    }

    /// Returns the length in bytes of the longest form; a cut text has to keep that much back.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Replaces every registered form in `text`.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        if self.patterns.is_empty() {
            return text.to_owned();
        }
        let mut kept = String::with_capacity(text.len());
        let mut rest = text;
        let mut before: Option<char> = None;
        while let Some(first) = rest.bytes().next() {
            if let Some(found) = self.match_at(first, rest, before) {
                kept.push_str(MASK);
                before = rest.get(..found).and_then(|hit| hit.chars().last());
                rest = rest.get(found..).unwrap_or_default();
                continue;
            }
            let Some(c) = rest.chars().next() else {
                break;
            };
            kept.push(c);
            before = Some(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
        kept
    }

    fn match_at(&self, first: u8, rest: &str, before: Option<char>) -> Option<usize> {
        let alone = |len: usize| {
            let after = rest.get(len..).and_then(|tail| tail.chars().next());
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        };
        self.patterns
            .get(&first)?
            .iter()
            .find(|p| rest.starts_with(p.text.as_str()) && (!p.alone || alone(p.text.len())))
            .map(|p| p.text.len())
    }

    fn add_forms(&mut self, value: &str) {
        let bytes = value.as_bytes();
        self.add(value.to_owned(), value.len() < ALONE_BELOW);
        if value.len() < ALONE_BELOW {
            return;
        }
        for offset in 0..3 {
            for url in [false, true] {
                self.add(base64_middle(bytes, offset, url), false);
            }
        }
        let mut lower = String::new();
        for byte in bytes {
            let _ = write!(lower, "{byte:02x}");
        }
        self.add(lower.to_uppercase(), false);
        self.add(lower, false);
        self.add(percent(bytes, true), false);
        self.add(percent(bytes, false), false);
        self.add(json(value), false);
        self.add(value.replace('\'', r"'\''"), false);
    }

    fn add(&mut self, text: String, alone: bool) {
        let Some(first) = text.bytes().next() else {
            return;
        };
        let list = self.patterns.entry(first).or_default();
        if list.iter().any(|p| *p.text == text) {
            return;
        }
        self.longest = self.longest.max(text.len());
        list.push(Pattern {
            text: Zeroizing::new(text),
            alone,
        });
        list.sort_by_key(|p| std::cmp::Reverse(p.text.len()));
    }
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

fn percent(bytes: &[u8], upper: bool) -> String {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else if upper {
            let _ = write!(text, "%{byte:02X}");
        } else {
            let _ = write!(text, "%{byte:02x}");
        }
    }
    text
}

fn json(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(values: &[&str]) -> Redactor {
        let mut redactor = Redactor::default();
        for value in values {
            redactor.register(&Secret::new((*value).to_owned()));
        }
        redactor
    }

    #[test]
    fn a_secret_is_masked_in_every_form() {
        let r = redactor(&["canary \"s3cret/+\u{e9}"]);
        let cases = [
            "plain canary \"s3cret/+\u{e9} end",
            // base64 of the value, then of one and two bytes before it
            "Y2FuYXJ5ICJzM2NyZXQvK8Op",
            "eGNhbmFyeSAiczNjcmV0LyvDqQ==",
            "eHhjYW5hcnkgInMzY3JldC8rw6k=",
            "63616e6172792022733363726574",
            "canary%20%22s3cret%2F%2B%C3%A9",
            "canary \\\"s3cret/+\u{e9}",
        ];
        for text in cases {
            let shown = r.redact(text);
            let hex = text.starts_with("6361");
            assert_eq!(shown.contains(MASK), !hex, "{text} became {shown}");
        }
        let whole = "63616e61727920227333637265742f2bc3a9";
        assert_eq!(r.redact(whole), MASK);
        assert_eq!(r.redact(&whole.to_uppercase()), MASK);
    }

    #[test]
    fn short_values_are_masked_where_they_stand_alone() {
        let r = redactor(&["ab"]);
        assert_eq!(r.redact("ab cab ab=x"), format!("{MASK} cab {MASK}=x"));
    }

    #[test]
    fn lines_of_a_key_are_masked_one_by_one() {
        let r = redactor(&["-----BEGIN-----\nMIIEvQIBADAN\nxy\n-----END-----"]);
        assert_eq!(r.redact("got MIIEvQIBADAN"), format!("got {MASK}"));
        assert_eq!(r.redact("xy"), "xy");
    }

    #[test]
    fn the_longer_of_two_secrets_goes_first() {
        let r = redactor(&["hunter", "hunter22"]);
        assert_eq!(r.redact("hunter22 hunter"), format!("{MASK} {MASK}"));
    }

    #[test]
    fn without_secrets_text_stays() {
        assert_eq!(redactor(&[""]).redact("grün"), "grün");
    }
}
