//! Why a document of ours cannot be read.
//!
//! Every kind of damage has its own variant, so that no damage is ever taken for "nothing there".

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It has no content at all; an interrupted write of another tool leaves such files.
    #[error("the document is empty")]
    Empty,
    /// It ends in the middle.
    #[error("the document is cut off at line {line}")]
    Truncated {
        /// Last line, from 1.
        line: usize,
    },
    /// It is not JSON.
    #[error("the document is not JSON at line {line}, column {column}")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A key occurs twice in one object, so that nobody knows which one holds.
    #[error("the key `{0}` occurs twice in one object")]
    DuplicateKey(String),
    /// The content does not fit its own checksum: it was damaged or edited by hand.
    #[error("the checksum does not fit: the content was damaged or edited by hand")]
    Checksum {
        /// Checksum written in the document.
        written: String,
        /// Checksum of the content.
        content: String,
    },
    /// It was written by a newer tool.
    #[error("the document has format version {found}, this tool reads up to {known}")]
    Newer {
        /// Version found.
        found: u64,
        /// Newest version that can be read.
        known: u64,
    },
    /// It is a document of something else.
    #[error("this is no {wanted} document but {found}")]
    OtherFormat {
        /// Format that was expected.
        wanted: &'static str,
        /// What stands there.
        found: String,
    },
    /// One line of a file of lines is damaged.
    #[error("line {line}: {fault}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        fault: Box<FormatError>,
    },
    /// A field is missing or has a value that cannot be.
    #[error("{0}")]
    Field(String),
}

impl FormatError {
    /// Tells whether the document is ours and was damaged; if not, it is of a newer tool or belongs to something
    /// else, and nothing may be written in its place.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Newer { .. } => false,
            // A document that names no format at all is nobody's: what is found then is said without a name.
            Self::OtherFormat { found, .. } => !found.starts_with('`'),
            Self::Line { fault, .. } => fault.is_damage(),
            Self::Empty
            | Self::Truncated { .. }
            | Self::NotJson { .. }
            | Self::DuplicateKey(_)
            | Self::Checksum { .. }
            | Self::Field(_) => true,
        }
    }
    /// Says what to do now where a newer tool may have written it; what else it can be is damage, mended by `otherwise`.
    #[must_use]
    pub fn hint_or(&self, otherwise: &str) -> String {
        match self {
            Self::Newer { .. } => {
                format!(
                    "{}; where none did, it is damaged: {otherwise}",
                    self.hint()
                )
            }
            Self::Line { fault, .. } => fault.hint_or(otherwise),
            Self::Empty
            | Self::Truncated { .. }
            | Self::NotJson { .. }
            | Self::DuplicateKey(_)
            | Self::Checksum { .. }
            | Self::OtherFormat { .. }
            | Self::Field(_) => otherwise.to_owned(),
        }
    }
    /// Says what to do now, for the message below the fault.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "use the newer nkapp that wrote it",
            Self::OtherFormat { .. } => "check the path: this file belongs to something else",
            Self::Line { fault, .. } => fault.hint(),
            Self::Empty
            | Self::Truncated { .. }
            | Self::NotJson { .. }
            | Self::DuplicateKey(_)
            | Self::Checksum { .. }
            | Self::Field(_) => {
                "restore a copy from .nanokit/backups, or run `nkapp state rebuild` to make it anew from the labels of what runs"
            }
        }
    }
}
