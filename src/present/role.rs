//! What a piece of text means; each front end maps roles to its own colours. Meaning first, colour last.

/// Meaning of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Ordinary text.
    Plain,
    /// Of less weight: hints, units, times.
    Dim,
    /// A heading or the name of a thing.
    Strong,
    /// Created.
    Added,
    /// Changed.
    Changed,
    /// Removed.
    Removed,
    /// Kept as it is.
    Kept,
    /// Went well, healthy.
    Good,
    /// Needs a look.
    Warn,
    /// Went wrong.
    Bad,
    /// Under way.
    Busy,
    /// A file, an address, an id.
    Path,
    /// A key or command to type.
    Key,
}

impl Role {
    /// Every role, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::Plain,
        Self::Dim,
        Self::Strong,
        Self::Added,
        Self::Changed,
        Self::Removed,
        Self::Kept,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Busy,
        Self::Path,
        Self::Key,
    ];
}

/// A piece of clean text with its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text; no control characters.
    pub text: String,
    /// Its meaning.
    pub role: Role,
}

impl Span {
    /// Joins a text, cleaned here, and its meaning.
    #[must_use]
    pub fn new(role: Role, text: impl AsRef<str>) -> Self {
        Self {
            text: crate::present::clean::line(text.as_ref()),
            role,
        }
    }
}

/// One line of output: pieces side by side, at an indent of two cells each level.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Row {
    /// Levels of indent.
    pub indent: usize,
    /// Pieces, left to right.
    pub spans: Vec<Span>,
}

impl Row {
    /// Starts a row.
    #[must_use]
    pub fn at(indent: usize) -> Self {
        Self {
            indent,
            spans: Vec::new(),
        }
    }
    /// Adds a piece.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl AsRef<str>) -> Self {
        self.spans.push(Span::new(role, text));
        self
    }
    /// Returns the row as text without meaning.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = "  ".repeat(self.indent);
        self.spans.iter().for_each(|span| text.push_str(&span.text));
        text
    }
}
