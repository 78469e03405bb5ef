//! Keeps secret values out of everything that is shown or written.
//!
//! Each registered value is looked for as it is, in the forms in which programs print it (`forms`), and behind
//! escapes. The lines of a value of several lines are looked for one by one, since output is cut into lines before
//! it comes here; so are the parts of a value that is a document or holds a password in an address.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::domain::secret::Secret;
use crate::engine::encodings::{digit_forms, encodings};
use crate::engine::forms::{SHORTEST_HEX, View, WIDEST, digits, views};
use crate::engine::strip::strip;
use crate::formats::secret_parts::{leaves, passwords};

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
    /// Patterns by their first byte, longest first.
    patterns: BTreeMap<u8, Vec<Pattern>>,
    /// First two bytes of every pattern, so that most places of a text are passed by quickly.
    starts: Starts,
    /// Values that are registered with all their forms.
    values: Vec<Zeroizing<String>>,
    /// Values as hexadecimal digits, to be found whatever stands between them.
    digits: Vec<Zeroizing<Vec<u8>>>,
    longest: usize,
}

struct Pattern {
    text: Zeroizing<Vec<u8>>,
    alone: bool,
    /// Whether it is a value itself, which escapes may hide.
    plain: bool,
}

impl Pattern {
    /// Returns the place behind the value in a view, where it stands at `at`.
    fn escaped_end(&self, view: &View<'_>, at: usize) -> Option<usize> {
        let mut read = view.read_from(at);
        let mut end = at;
        for wanted in self.text.iter() {
            let (_, behind) = read.next().filter(|(byte, _)| byte == wanted)?;
            end = behind;
        }
        let before = view.before(at);
        let after = read.next().map(|(byte, _)| byte);
        let alone = || !is_word(before.as_ref()) && !is_word(after.as_ref());
        (!self.alone || alone()).then_some(end)
    }
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

/// A set of pairs of bytes.
struct Starts(Vec<u64>);

impl Default for Starts {
    fn default() -> Self {
        Self(vec![0; 1 << 10])
    }
}

impl Starts {
    fn place(first: u8, second: u8) -> (usize, u64) {
        let number = usize::from(first) << 8 | usize::from(second);
        (number / 64, 1 << (number % 64))
    }
    fn add(&mut self, first: u8, second: u8) {
        let (word, bit) = Self::place(first, second);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }
    fn may_begin(&self, first: u8, second: u8) -> bool {
        let (word, bit) = Self::place(first, second);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
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
        self.longest.min(FARTHEST)
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
        if self.patterns.is_empty() {
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
            if self.starts.may_begin(first, second)
                && let Some(length) = self.match_at(bytes, at, first)
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
            for wanted in &self.digits {
                for at in memchr::memmem::find_iter(&found, wanted.as_slice()) {
                    let last = places.get(at + wanted.len() - 1);
                    hits.extend(places.get(at).zip(last).map(|(from, to)| (*from, to + 1)));
                }
            }
        }
        hits
    }

    fn match_at(&self, bytes: &[u8], at: usize, first: u8) -> Option<usize> {
        let rest = bytes.get(at..)?;
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let alone = |length: usize| !is_word(before) && !is_word(rest.get(length));
        self.patterns
            .get(&first)?
            .iter()
            .find(|p| rest.starts_with(&p.text) && (!p.alone || alone(p.text.len())))
            .map(|p| p.text.len())
    }

    /// Finds the longest value that escapes hide at a place of a view: where it begins and ends in the text.
    fn escaped_at(&self, view: &View<'_>, at: usize) -> Option<(usize, usize)> {
        let (first, second) = view.two_at(at)?;
        if !self.starts.may_begin(first, second) {
            return None;
        }
        let mut plain = self.patterns.get(&first)?.iter().filter(|p| p.plain);
        let end = plain.find_map(|p| p.escaped_end(view, at))?;
        Some((view.place(at)?, view.place(end)?))
    }

    fn add_value(&mut self, value: &str) {
        if self.values.iter().any(|known| known.as_str() == value) {
            return;
        }
        self.values.push(Zeroizing::new(value.to_owned()));
        let short = value.len() < ALONE_BELOW;
        self.add(value, short, true);
        // Output is stripped before it comes here.
        self.add(&strip(value), short, true);
        self.longest = self.longest.max(value.len() * WIDEST);
        if short {
            return;
        }
        for form in encodings(value) {
            self.add(&Zeroizing::new(form), false, false);
        }
        // Among digits a short value would be found in any number.
        let forms = digit_forms(value.as_bytes()).map(Zeroizing::new);
        for form in forms {
            if form.len() >= 2 * SHORTEST_HEX {
                self.digits.push(Zeroizing::new(form.as_bytes().to_vec()));
            } else {
                self.add(&form.to_uppercase(), false, false);
                self.add(&form, false, false);
            }
        }
    }

    fn add(&mut self, text: &str, alone: bool, plain: bool) {
        let bytes = text.as_bytes();
        let Some(&first) = bytes.first() else {
            return;
        };
        let list = self.patterns.entry(first).or_default();
        if let Some(known) = list.iter_mut().find(|p| *p.text == bytes) {
            known.plain |= plain;
            return;
        }
        match bytes.get(1) {
            Some(second) => self.starts.add(first, *second),
            None => (0..=u8::MAX).for_each(|second| self.starts.add(first, second)),
        }
        self.longest = self.longest.max(bytes.len());
        list.push(Pattern {
            text: Zeroizing::new(bytes.to_vec()),
            alone,
            plain,
        });
        list.sort_by_key(|p| std::cmp::Reverse(p.text.len()));
    }
}

#[cfg(test)]
mod tests;
