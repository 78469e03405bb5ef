//! The collector of a load: source texts, findings, and what must not be shown of the sources.
//!
//! Nothing stops at a fault: each is put here and the walk goes on. Values that must stay secret (a plain text
//! under `secrets`, everything right of `=` in a `.env` file) are masked in the texts that are handed out, so
//! that an underlined source line can never show one.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::config::near::suggestion;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::{FileId, Sources, Span};

/// Most findings kept while collecting; more only count.
const KEPT: usize = 1_000;
/// Most findings handed out.
const SHOWN: usize = 100;

/// Most names compared for all suggestions of a load.
const COMPARED: usize = 50_000;

/// Texts and findings of one load.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    texts: Vec<(PathBuf, Arc<str>)>,
    masks: Vec<Span>,
    list: Vec<Diagnostic>,
    seen: BTreeSet<(Option<Span>, &'static str, String)>,
    dropped: usize,
    errors: usize,
    /// Names compared for suggestions so far.
    compared: Cell<usize>,
}

impl Findings {
    /// Adds a source text and returns its id.
    pub(crate) fn source(&mut self, shown: &Path, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.texts.push((shown.to_path_buf(), text.into()));
        id
    }
    /// Adds a finding, once: the same fault found by two walks is one fault.
    pub(crate) fn push(&mut self, finding: Diagnostic) {
        let span = finding.primary.as_ref().map(|label| label.span);
        if self.list.len() >= KEPT {
            self.dropped += 1;
            self.errors += usize::from(finding.is_error());
            return;
        }
        if self
            .seen
            .insert((span, finding.code, finding.message.clone()))
        {
            self.errors += usize::from(finding.is_error());
            self.list.push(finding);
        }
    }
    /// Returns the line of help for a mistyped name, as long as findings are few enough to be read: a comparison with
    /// every candidate for every one of a hundred thousand faults would never end.
    pub(crate) fn suggest<'a, I: IntoIterator<Item = &'a str>>(
        &self,
        typed: &str,
        candidates: impl FnOnce() -> I,
    ) -> Option<String> {
        if self.is_crowded() {
            return None;
        }
        let left = self.compared.get();
        let candidates: Vec<&str> = candidates().into_iter().take(COMPARED - left).collect();
        self.compared.set(left + candidates.len());
        suggestion(typed, candidates)
    }
    /// Tells whether there are more findings already than will be shown.
    pub(crate) fn is_crowded(&self) -> bool {
        self.list.len() >= SHOWN
    }
    /// Masks the text at `span` in every source line that will be shown.
    pub(crate) fn mask(&mut self, span: Span) {
        self.masks.push(span);
    }
    /// Returns the text at `span`, as it was read.
    pub(crate) fn slice(&self, span: Span) -> Option<&str> {
        let (_, text) = self.texts.get(span.file.0 as usize)?;
        text.get(span.start as usize..span.end as usize)
    }
    /// Tells whether an error was found.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }
    /// Sorts the findings by place, cuts an endless list, and masks the sources.
    pub(crate) fn finish(mut self) -> (Vec<Diagnostic>, Sources) {
        self.list.sort_by(|a, b| {
            let place = |d: &Diagnostic| d.primary.as_ref().map(|label| label.span);
            (place(a), a.severity, a.code, &a.message).cmp(&(
                place(b),
                b.severity,
                b.code,
                &b.message,
            ))
        });
        if self.list.len() > SHOWN {
            // Errors come before remarks when not everything fits.
            self.list.sort_by_key(|d| d.severity);
            self.dropped += self.list.len() - SHOWN;
            self.list.truncate(SHOWN);
        }
        if self.dropped > 0 {
            let rest = format!("{} more findings are not shown", self.dropped);
            self.list.push(
                Diagnostic::warning("NK0107", rest).help("mend the first ones and check again"),
            );
        }
        let mut sources = Sources::default();
        for (index, (name, text)) in self.texts.into_iter().enumerate() {
            let file = FileId(u32::try_from(index).unwrap_or(u32::MAX));
            sources.add(name, masked(&text, file, &self.masks));
        }
        (self.list, sources)
    }
}

/// Replaces what lies in a mask by `*`, byte for byte, keeping line breaks.
fn masked(text: &Arc<str>, file: FileId, masks: &[Span]) -> Arc<str> {
    let ours: Vec<_> = masks.iter().filter(|mask| mask.file == file).collect();
    if ours.is_empty() {
        return Arc::clone(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    for mask in ours {
        let (start, end) = (mask.start as usize, mask.end as usize);
        for byte in bytes
            .get_mut(start..end.min(text.len()))
            .into_iter()
            .flatten()
        {
            if *byte != b'\n' {
                *byte = b'*';
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_text_keeps_its_length_and_lines() {
        let mut findings = Findings::default();
        let file = findings.source(Path::new("a"), "key: hü\nnext");
        findings.mask(Span {
            file,
            start: 5,
            end: 8,
        });
        let (_, sources) = findings.finish();
        let text = sources.get(file).map(|file| file.text.to_string());
        assert_eq!(text.as_deref(), Some("key: ***\nnext"));
    }

    #[test]
    fn one_fault_found_twice_is_told_once() {
        let mut findings = Findings::default();
        findings.push(Diagnostic::error("NK0201", "x"));
        findings.push(Diagnostic::error("NK0201", "x"));
        assert!(findings.has_errors());
        assert_eq!(findings.finish().0.len(), 1);
    }

    #[test]
    fn an_endless_list_is_cut_and_counted() {
        let mut findings = Findings::default();
        for n in 0..5_000 {
            findings.push(Diagnostic::error("NK0201", n.to_string()));
        }
        let (list, _) = findings.finish();
        assert_eq!(list.len(), SHOWN + 1);
        assert_eq!(
            list.last().map(|d| d.message.as_str()),
            Some("4900 more findings are not shown")
        );
    }
}
