//! Lines of output, packed: the text of many lines in one buffer, and twelve bytes about each line.
//!
//! A chunk grows until it is full, then it is sealed and never changes again, so that it can be shared, written to
//! disk and read back as it is.

use crate::domain::event::Stream;
use crate::domain::time::Wall;

/// What is known about a line beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Where its text begins.
    start: u32,
    /// Milliseconds after the chunk's first line; earlier lines of another source may come later.
    after: i32,
    /// Number of its source.
    source: u16,
    /// Stream, or that it is a mark of ours.
    kind: u8,
    /// Whether its text has escape sequences.
    escapes: bool,
}

/// Bytes of an entry on disk; in memory it takes as many.
const ENTRY: usize = 12;

/// From where a line came: a stream, or the panel itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A line of output.
    Output(Stream),
    /// A mark somebody set, or the beginning of a run.
    Mark,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Output(Stream::Stdout) => 0,
            Self::Output(Stream::Stderr) => 1,
            Self::Output(Stream::Engine) => 2,
            Self::Mark => 3,
        }
    }
    const fn of(code: u8) -> Self {
        match code {
            0 => Self::Output(Stream::Stdout),
            1 => Self::Output(Stream::Stderr),
            2 => Self::Output(Stream::Engine),
            _ => Self::Mark,
        }
    }
}

/// One line as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// When, by the clock of whoever told it.
    pub at: Wall,
    /// From where.
    pub kind: Kind,
    /// Number of its source.
    pub source: u16,
    /// Whether the text has escape sequences.
    pub escapes: bool,
    /// The text; foreign, to be cleaned before it is shown.
    pub text: &'a str,
}

/// A run of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    base: Wall,
    entries: Vec<Entry>,
    text: String,
}

impl Chunk {
    /// Bytes of text from which on a chunk is full.
    pub const TEXT: usize = 256 * 1024;
    /// Lines from which on a chunk is full.
    pub const LINES: usize = 8 * 1024;

    /// Adds a line.
    pub fn push(&mut self, line: Line<'_>) {
        if self.entries.is_empty() {
            self.base = line.at;
        }
        let after = line.at.0.saturating_sub(self.base.0);
        self.entries.push(Entry {
            start: u32::try_from(self.text.len()).unwrap_or(u32::MAX),
            after: i32::try_from(after).unwrap_or(if after < 0 { i32::MIN } else { i32::MAX }),
            source: line.source,
            kind: line.kind.code(),
            escapes: line.text.contains('\u{1b}'),
        });
        self.text.push_str(line.text);
    }

    /// Tells whether the next line belongs into a new chunk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.text.len() >= Self::TEXT || self.entries.len() >= Self::LINES
    }

    /// Gives back what was reserved for more lines.
    pub fn seal(&mut self) {
        self.entries.shrink_to_fit();
        self.text.shrink_to_fit();
    }

    /// Returns how many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Tells whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    /// Returns the bytes it takes in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.capacity() + self.entries.capacity() * ENTRY
    }

    /// Returns a line by its place in the chunk.
    #[must_use]
    pub fn line(&self, index: usize) -> Option<Line<'_>> {
        let entry = self.entries.get(index)?;
        let end = match self.entries.get(index + 1) {
            Some(next) => usize::try_from(next.start).ok()?,
            None => self.text.len(),
        };
        Some(Line {
            at: Wall(self.base.0.saturating_add(i64::from(entry.after))),
            kind: Kind::of(entry.kind),
            source: entry.source,
            escapes: entry.escapes,
            text: self.text.get(usize::try_from(entry.start).ok()?..end)?,
        })
    }

    /// Writes the chunk as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(12 + self.entries.len() * ENTRY + self.text.len());
        bytes.extend(self.base.0.to_le_bytes());
        bytes.extend(u32::try_from(self.entries.len()).unwrap_or(0).to_le_bytes());
        for entry in &self.entries {
            bytes.extend(entry.start.to_le_bytes());
            bytes.extend(entry.after.to_le_bytes());
            bytes.extend(entry.source.to_le_bytes());
            bytes.extend([entry.kind, u8::from(entry.escapes)]);
        }
        bytes.extend(self.text.as_bytes());
        bytes
    }

    /// Reads a chunk that was written; `None` when the bytes are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (base, rest) = bytes.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (entries, text) = rest.split_at_checked(count.checked_mul(ENTRY)?)?;
        let entries = entries
            .chunks_exact(ENTRY)
            .map(|raw| {
                let (start, raw) = raw.split_first_chunk()?;
                let (after, raw) = raw.split_first_chunk()?;
                let (source, raw) = raw.split_first_chunk()?;
                let [kind, escapes] = raw else { return None };
                Some(Entry {
                    start: u32::from_le_bytes(*start),
                    after: i32::from_le_bytes(*after),
                    source: u16::from_le_bytes(*source),
                    kind: *kind,
                    escapes: *escapes != 0,
                })
            })
            .collect::<Option<Vec<_>>>()?;
        Some(Self {
            base: Wall(i64::from_le_bytes(*base)),
            entries,
            text: std::str::from_utf8(text).ok()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, at: i64) -> Line<'_> {
        Line {
            at: Wall(at),
            kind: Kind::Output(Stream::Stderr),
            source: 7,
            escapes: text.contains('\u{1b}'),
            text,
        }
    }

    #[test]
    fn an_entry_takes_twelve_bytes() {
        assert_eq!(std::mem::size_of::<Entry>(), ENTRY);
    }

    #[test]
    fn lines_come_back_as_they_went_in_also_from_bytes() {
        let mut chunk = Chunk::default();
        let lines = [
            line("one", 1_000),
            line("", 900),
            line("\u{1b}[31mdrei 日本\u{1b}[0m", 2_000_000_000_000),
            Line {
                kind: Kind::Mark,
                ..line("mark", 1_001)
            },
        ];
        for line in lines {
            chunk.push(line);
        }
        let read = Chunk::decode(&chunk.encode()).expect("a chunk");
        assert_eq!(read, chunk);
        for (index, expected) in lines.iter().enumerate().filter(|(i, _)| *i != 2) {
            assert_eq!(read.line(index).as_ref(), Some(expected));
        }
        let far = read.line(2).expect("there");
        assert_eq!((far.text, far.escapes), (lines[2].text, true));
        assert_eq!(read.line(4), None);
    }

    #[test]
    fn bytes_that_are_no_chunk_are_refused() {
        let mut chunk = Chunk::default();
        chunk.push(line("some text", 5));
        let bytes = chunk.encode();
        for end in 0..bytes.len() - "some text".len() {
            assert_eq!(Chunk::decode(&bytes[..end]), None, "{end} bytes");
        }
        let mut torn = bytes;
        let last = torn.len() - 1;
        torn[last] = 0xff;
        assert_eq!(Chunk::decode(&torn), None);
    }
}
