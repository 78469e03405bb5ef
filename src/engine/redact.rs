//! Keeps secret values out of everything that is shown or written.
//!
//! Each registered value is looked for as it is, in the forms in which programs print it (`forms`), and behind
//! escapes. The lines of a value of several lines are looked for one by one, since output is cut into lines before
//! it comes here; so are the parts of a value that is a document or holds a password in an address.

use zeroize::Zeroizing;

use crate::domain::secret::Secret;
use crate::engine::encodings::{digit_forms, digit_pieces, encodings, rewrapped};
use crate::engine::forms::{SHORTEST_HEX, View, WIDEST, digits, views};
use crate::engine::strip::strip;
use crate::formats::secret_parts::{leaves, passwords};

mod index;

use index::{HEAD, Index, Kind, Pattern};

/// What stands in the place of a secret.
pub const MASK: &str = "[redacted]";

/// Values shorter than this are only replaced where they stand alone, or every text would fall apart.
const ALONE_BELOW: usize = 4;
/// A line of a secret that is shorter is too common to be looked for by itself (`-----`, `}`).
const SHORTEST_LINE: usize = 8;
/// A part of a structured secret that is shorter is too common as well (`true`, `admin`).
const SHORTEST_PART: usize = 6;
/// Values shorter than this cannot be kept out of output for sure.
const SHORT: usize = 6;
/// Most bytes that are kept back for a form cut in two; a longer one is found by its lines and pieces.
const FARTHEST: usize = 32 << 10;

/// Replaces secrets in text.
#[derive(Default)]
pub struct Redactor {
    texts: Index,
    /// Values as hexadecimal digits, to be found whatever stands between them.
    digits: Index,
    /// Most bytes one of the values may take, escaped throughout.
    widest: usize,
}

/// Returns the place behind a value in a view, where it stands at `at`.
fn escaped_end(pattern: &Pattern, view: &View<'_>, at: usize) -> Option<usize> {
    let mut read = view.read_from(at);
    let mut end = at;
    for wanted in pattern.text.iter() {
        let (_, behind) = read.next().filter(|(byte, _)| byte == wanted)?;
        end = behind;
    }
    let before = view.before(at);
    let after = read.next().map(|(byte, _)| byte);
    let alone = || !is_word(before.as_ref()) && !is_word(after.as_ref());
    (!pattern.kind.alone || alone()).then_some(end)
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

/// Tells whether a value is too short to be kept out of output for sure.
pub(super) fn is_short(secret: &Secret) -> bool {
    (1..SHORT).contains(&secret.expose().len())
}

impl Redactor {
    /// Registers a value.
    pub fn register(&mut self, secret: &Secret) {
        let value = secret.expose();
        if value.is_empty() {
            return;
        }
        self.add_value(value);
        for line in value.split(['\n', '\r']).map(str::trim) {
            if line.len() >= SHORTEST_LINE && line != value {
                self.add_value(line);
            }
        }
        for piece in rewrapped(value).map(Zeroizing::new) {
            self.texts.add(piece.as_bytes(), Kind::default());
        }
        for part in leaves(value).into_iter().chain(passwords(value)) {
            let part = Zeroizing::new(part);
            if part.len() >= SHORTEST_PART {
                self.add_value(&part);
            }
        }
    }

    /// Returns how many bytes at the end of a cut text may be the beginning of a form.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.widest.max(self.texts.longest()).min(FARTHEST)
    }

    /// Replaces every registered form in `text`; what overlaps becomes one.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let hits = self.hits(text);
        let mut kept = String::with_capacity(text.len());
        let mut at = 0;
        for (from, to) in hits {
            kept.push_str(text.get(at..from).unwrap_or_default());
            kept.push_str(MASK);
            at = to;
        }
        kept.push_str(text.get(at..).unwrap_or_default());
        kept
    }

    /// Finds what has to be replaced, in order and without overlap.
    fn hits(&self, text: &str) -> Vec<(usize, usize)> {
        if self.texts.is_empty() {
            return Vec::new();
        }
        let mut hits = self.find(text.as_bytes());
        for view in views(text.as_bytes()) {
            let found = (0..view.len()).filter_map(|at| self.escaped_at(&view, at));
            hits.extend(found);
        }
        hits.extend(self.in_digits(text.as_bytes()));
        hits.sort_unstable();
        let mut joined: Vec<(usize, usize)> = Vec::new();
        for (mut from, mut to) in hits {
            // A form that is all bytes of something else may begin or end inside a character.
            while !text.is_char_boundary(from) {
                from -= 1;
            }
            while !text.is_char_boundary(to) {
                to += 1;
            }
            match joined.last_mut() {
                Some(last) if from < last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        joined
    }

    fn find(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut hits = Vec::new();
        for (at, &first) in bytes.iter().enumerate() {
            let second = bytes.get(at + 1).copied().unwrap_or_default();
            if self.texts.may_begin(first, second)
                && let Some(length) = self.match_at(bytes, at)
            {
                hits.push((at, at + length));
            }
        }
        hits
    }

    /// Finds values among hexadecimal digits, in words of any length.
    fn in_digits(&self, text: &[u8]) -> Vec<(usize, usize)> {
        if self.digits.is_empty() {
            return Vec::new();
        }
        let mut hits = Vec::new();
        for (found, places) in digits(text) {
            for (at, two) in found.windows(2).enumerate() {
                let rest = found.get(at..).unwrap_or_default();
                if !matches!(two, [first, second] if self.digits.may_begin(*first, *second)) {
                    continue;
                }
                let mut known = self.digits.beginning(rest);
                let Some(known) = known.find(|known| rest.starts_with(&known.text)) else {
                    continue;
                };
                let last = places.get(at + known.text.len() - 1);
                hits.extend(places.get(at).zip(last).map(|(from, to)| (*from, to + 1)));
            }
        }
        hits
    }

    fn match_at(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let rest = bytes.get(at..)?;
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let alone = |length: usize| !is_word(before) && !is_word(rest.get(length));
        self.texts
            .beginning(rest)
            .find(|p| rest.starts_with(&p.text) && (!p.kind.alone || alone(p.text.len())))
            .map(|p| p.text.len())
    }

    /// Finds the longest value that escapes hide at a place of a view: where it begins and ends in the text.
    fn escaped_at(&self, view: &View<'_>, at: usize) -> Option<(usize, usize)> {
        let (first, second) = view.two_at(at)?;
        if !self.texts.may_begin(first, second) {
            return None;
        }
        let head: Vec<u8> = view
            .read_from(at)
            .map(|(byte, _)| byte)
            .take(HEAD)
            .collect();
        let mut plain = self.texts.beginning(&head).filter(|p| p.kind.plain);
        let end = plain.find_map(|p| escaped_end(p, view, at))?;
        Some((view.place(at)?, view.place(end)?))
    }

    fn add_value(&mut self, value: &str) {
        if self.texts.has_whole(value.as_bytes()) {
            return;
        }
        let alone = value.len() < ALONE_BELOW;
        let plain = Kind {
            alone,
            plain: true,
            whole: false,
        };
        let whole = Kind {
            whole: true,
            ..plain
        };
        self.texts.add(value.as_bytes(), whole);
        // Output is stripped before it comes here.
        self.texts.add(strip(value).as_bytes(), plain);
        self.widest = self.widest.max(value.len() * WIDEST);
        if alone {
            return;
        }
        for form in encodings(value) {
            self.texts
                .add(Zeroizing::new(form).as_bytes(), Kind::default());
        }
        // Among digits a short value would be found in any number.
        for form in digit_forms(value.as_bytes()).map(Zeroizing::new) {
            if form.len() >= 2 * SHORTEST_HEX {
                self.digits.add(form.as_bytes(), Kind::default());
            } else {
                let upper = Zeroizing::new(form.to_uppercase());
                self.texts.add(upper.as_bytes(), Kind::default());
                self.texts.add(form.as_bytes(), Kind::default());
            }
        }
        for piece in digit_pieces(value.as_bytes()).map(Zeroizing::new) {
            self.digits.add(piece.as_bytes(), Kind::default());
        }
    }
}

#[cfg(test)]
mod tests;
