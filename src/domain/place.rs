//! Where a value stands: file, byte range, line and column.
//!
//! A place is carried by every value of the configuration, so that a fault found late (in the plan, in a
//! check of a merged file) can still be shown at the line a human wrote.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Number of a source file within one load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileId(pub u32);

/// A byte range in one source file. `start == end` marks a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// One file as it was read: its name for messages and its whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path as the user would type it.
    pub name: PathBuf,
    /// The text, shared by every diagnostic that quotes it.
    pub text: Arc<str>,
}

/// A place a human can open: `nanokit.yml:6:22`. Line and column count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Path as the user would type it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// All files of one load, addressed by [`FileId`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file and returns its id.
    pub fn add(&mut self, name: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile {
            name: name.into(),
            text: text.into(),
        });
        id
    }
    /// Returns the file, if the id is of this load.
    #[must_use]
    pub fn get(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }
    /// Returns every file in the order of loading.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }
    /// Finds line and column of the span's start.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<Place> {
        let file = self.get(span.file)?;
        let start = (span.start as usize).min(file.text.len());
        let start = (0..=start).rev().find(|i| file.text.is_char_boundary(*i))?;
        let before = file.text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let column = before
            .get(line_start..)?
            .trim_start_matches('\u{feff}')
            .chars()
            .count()
            + 1;
        Some(Place {
            file: file.name.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        })
    }
}

/// A value together with the place it was written at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spanned<T> {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub value: T,
}

impl<T> Spanned<T> {
    /// Joins a value and its place.
    pub fn new(span: Span, value: T) -> Self {
        Self { span, value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let mut sources = Sources::default();
        let file = sources.add("nanokit.yml", "# été\na: é x\n");
        let start = u32::try_from("# été\na: é ".len()).expect("small");
        let place = sources
            .place(Span {
                file,
                start,
                end: start + 1,
            })
            .expect("in file");
        assert_eq!(place.to_string(), "nanokit.yml:2:6");
    }
}
