//! The shape of a line: what stays of it when numbers and ids go, to tell what is new. And the shapes of stack traces.

/// Returns a number for the shape of a line: words with a digit in them all count as the same word.
#[must_use]
pub fn shape(line: &str) -> u64 {
    let mut hash = Fnv::new();
    let mut bytes = line.as_bytes();
    while let [byte, rest @ ..] = bytes {
        if *byte == 0x1b {
            bytes = bytes_after_escape(rest);
            continue;
        }
        if !is_word(*byte) {
            hash.add(*byte);
            bytes = rest;
            continue;
        }
        let end = bytes
            .iter()
            .position(|b| !is_word(*b))
            .unwrap_or(bytes.len());
        let (word, after) = bytes.split_at(end);
        if word.iter().any(u8::is_ascii_digit) {
            hash.add(b'#');
        } else {
            word.iter().for_each(|b| hash.add(*b));
        }
        bytes = after;
    }
    hash.done()
}

/// Tells whether a byte belongs to a word.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Skips `[…letter`.
pub(super) fn after_escape(text: &str) -> &str {
    let rest = bytes_after_escape(text.as_bytes()).len();
    // The sequence is ASCII, so what is left begins with a whole character.
    text.get(text.len() - rest..).unwrap_or_default()
}

fn bytes_after_escape(bytes: &[u8]) -> &[u8] {
    let [b'[', rest @ ..] = bytes else {
        return bytes;
    };
    let end = rest.iter().position(|b| (0x40..=0x7e).contains(b));
    end.and_then(|end| rest.get(end + 1..)).unwrap_or_default()
}

/// A running hash.
pub(super) struct Fnv(u64);

impl Fnv {
    /// Begins with nothing.
    pub(super) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
    /// Returns the hash of what was added.
    pub(super) const fn done(self) -> u64 {
        self.0
    }
    /// Adds a byte.
    pub(super) fn add(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
}

/// Whose stack trace a line belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Java, Kotlin, Node: a message, then lines that begin with `at`.
    At,
    /// Python: `Traceback`, indented lines, and the error at the end.
    Python,
    /// Rust: `thread … panicked at`, a message, and numbered frames.
    Rust,
    /// Go: `panic:` or `goroutine 1 [running]:`, functions and indented files.
    Go,
}

/// What a line is to the trace before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It goes on.
    Inside,
    /// It is its last line.
    Last,
    /// It is no part of it.
    Outside,
}

impl Trace {
    /// Tells whether a line begins a trace all by itself.
    #[must_use]
    pub fn begins(line: &str) -> Option<Self> {
        let text = line.trim_start();
        if text.starts_with("Traceback (most recent call last)") {
            return Some(Self::Python);
        }
        if text.starts_with("thread '") && text.contains("' panicked at ")
            || text.starts_with("thread '") && text.contains(") panicked at ")
        {
            return Some(Self::Rust);
        }
        let goroutine = text.starts_with("goroutine ") && text.ends_with("]:");
        if goroutine || text.starts_with("panic: ") || text.starts_with("fatal error: ") {
            return Some(Self::Go);
        }
        None
    }

    /// Tells whether a line can only be the second line of a trace, so that the line before began it.
    #[must_use]
    pub fn follows(line: &str) -> Option<Self> {
        is_frame(line).then_some(Self::At)
    }

    /// Tells what a line is to a trace that has so many lines already.
    #[must_use]
    pub fn part(self, line: &str, lines: u32) -> Part {
        let text = line.trim_start();
        let indented = text.len() < line.len();
        let inside = match self {
            Self::At => is_frame(line) || text.starts_with("Caused by:") || is_more(text),
            Self::Python if indented || text.is_empty() => true,
            // The error itself ends the trace.
            Self::Python => return Part::Last,
            Self::Rust => {
                lines == 1
                    || text.starts_with("stack backtrace:")
                    || text.starts_with("note: ")
                    || is_numbered(text)
                    || is_frame(line)
            }
            Self::Go => {
                text.is_empty()
                    || line.starts_with('\t')
                    || text.starts_with("goroutine ")
                    || text.starts_with("created by ")
                    || text.starts_with("[signal ")
                    || text.starts_with("exit status ")
                    || (text.ends_with(')') && text.contains('.') && !text.contains(' '))
            }
        };
        if inside { Part::Inside } else { Part::Outside }
    }
}

/// `    at com.example.Main.run(Main.java:3)`
fn is_frame(line: &str) -> bool {
    let text = line.trim_start();
    text.len() < line.len() && (text.starts_with("at ") || text.starts_with("Suppressed: "))
}

/// `... 23 more`
fn is_more(text: &str) -> bool {
    text.starts_with("... ")
        && text
            .trim_start_matches("... ")
            .starts_with(|c: char| c.is_ascii_digit())
}

/// `12: core::panicking::panic`
fn is_numbered(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0
        && text
            .get(digits..)
            .is_some_and(|rest| rest.starts_with(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ids_do_not_change_a_shape() {
        let same = [
            ("GET /users/17 200 3ms", "GET /users/4711 404 120ms"),
            ("id=9f8e7d6c-1a2b", "id=0a1b2c3d-ffe0"),
            ("\u{1b}[32mok\u{1b}[0m 1", "ok 22"),
        ];
        for (one, other) in same {
            assert_eq!(shape(one), shape(other), "{one} and {other}");
        }
        let different = [
            ("GET /users", "POST /users"),
            ("a b", "a  b"),
            ("größe", "grösse"),
            ("", " "),
        ];
        for (one, other) in different {
            assert_ne!(shape(one), shape(other), "{one} and {other}");
        }
        assert_eq!(shape("cut \u{1b}[3"), shape("cut "));
    }
}
