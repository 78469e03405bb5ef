//! Many patterns, found at a place of a text by its first bytes, however many there are.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

/// First bytes of a pattern that are looked up at once.
pub(super) const HEAD: usize = 4;

/// What is looked for.
pub(super) struct Pattern {
    pub(super) text: Zeroizing<Vec<u8>>,
    pub(super) kind: Kind,
}

/// What a pattern is besides its text. Of one that is registered again all of it holds, and `alone` only where both say so.
#[derive(Clone, Copy, Default)]
pub(super) struct Kind {
    /// Whether it counts only where no other letter is beside it.
    pub(super) alone: bool,
    /// Whether it is a value itself, which escapes may hide.
    pub(super) plain: bool,
    /// Whether it is a value whose other forms are registered too.
    pub(super) whole: bool,
}

/// Patterns by their first bytes, the longest first.
#[derive(Default)]
pub(super) struct Index {
    /// Of each length of a head, from one byte on.
    heads: [BTreeMap<[u8; HEAD], Vec<Pattern>>; HEAD],
    /// First two bytes of every pattern, so that most places of a text are passed by quickly.
    starts: Starts,
    longest: usize,
}

impl Index {
    /// Tells whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.longest == 0
    }

    /// Returns the length of the longest pattern.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Adds a pattern.
    pub(super) fn add(&mut self, text: &[u8], kind: Kind) {
        let Some((depth, head)) = head(text) else {
            return;
        };
        match text {
            [first, second, ..] => self.starts.add(*first, *second),
            [first] => (0..=u8::MAX).for_each(|second| self.starts.add(*first, second)),
            [] => {}
        }
        self.longest = self.longest.max(text.len());
        let Some(list) = self
            .heads
            .get_mut(depth)
            .map(|m| m.entry(head).or_default())
        else {
            return;
        };
        if let Some(known) = list.iter_mut().find(|known| *known.text == text) {
            known.kind.alone &= kind.alone;
            known.kind.plain |= kind.plain;
            known.kind.whole |= kind.whole;
            return;
        }
        let at = list.partition_point(|known| known.text.len() >= text.len());
        let text = Zeroizing::new(text.to_vec());
        list.insert(at, Pattern { text, kind });
    }

    /// Tells whether a value is there with all its forms.
    pub(super) fn has_whole(&self, text: &[u8]) -> bool {
        self.beginning(text)
            .any(|known| known.kind.whole && *known.text == text)
    }

    /// Tells whether a pattern may begin with two bytes; the second is zero where the text ends.
    pub(super) fn may_begin(&self, first: u8, second: u8) -> bool {
        self.starts.may_begin(first, second)
    }

    /// Returns the patterns with the same head as a text, the longest first.
    pub(super) fn beginning(&self, text: &[u8]) -> impl Iterator<Item = &Pattern> {
        let least = text.len().min(HEAD);
        let depths = (0..least).rev();
        let lists = depths.filter_map(move |depth| {
            let (_, head) = head(text.get(..=depth)?)?;
            self.heads.get(depth)?.get(&head)
        });
        lists.flatten()
    }
}

/// Returns the first bytes of a text and how many they are, less one.
fn head(text: &[u8]) -> Option<(usize, [u8; HEAD])> {
    let depth = text.len().min(HEAD).checked_sub(1)?;
    let mut head = [0; HEAD];
    head.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    Some((depth, head))
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
