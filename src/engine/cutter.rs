//! Cutting a stream of bytes into clean lines, wherever lines, characters and secrets were cut apart.

use crate::domain::event::uncoloured;
use crate::engine::redact::Redactor;
use crate::engine::strip::strip_output;

/// Longest piece of a line, in bytes.
pub(super) const LINE_CAP: usize = 8 * 1024;
/// Bytes of a line that are looked at in one go.
pub(super) const PART: usize = 1024;
/// Bytes at the end of a piece of a line that may be an escape sequence.
const SEQUENCE: usize = 64;

/// Cuts a whole stream into the lines a run would tell, however it is cut into chunks.
#[must_use]
pub fn clean_lines(chunks: &[&[u8]], redactor: &Redactor) -> Vec<String> {
    let clean = |text: &str| strip_output(text, redactor);
    let mut cutter = Cutter::default();
    let mut lines = Vec::new();
    for chunk in chunks {
        lines.extend(cutter.push(chunk, redactor.longest(), &clean));
    }
    lines.extend(cutter.finish(&clean));
    lines
}

/// Cuts a stream of bytes into clean lines.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    pending: Vec<u8>,
    returned: bool,
}

impl Cutter {
    /// Takes bytes and returns the lines that are complete now. A carriage return ends a line too: what a
    /// progress bar overwrites is history. `keep_back` bytes of an overlong line wait for what follows.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        keep_back: usize,
        clean: &impl Fn(&str) -> String,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            let (line, after) = rest.split_at(end);
            self.add(line, keep_back, clean, &mut lines);
            let newline = after.first() == Some(&b'\n');
            let second_half = newline && self.returned && self.pending.is_empty();
            let overwritten = !newline && self.pending.is_empty();
            if !second_half && !overwritten {
                lines.push(self.cut(clean));
            }
            self.returned = !newline;
            rest = after.get(1..).unwrap_or_default();
        }
        self.add(rest, keep_back, clean, &mut lines);
        lines
    }

    /// Returns what is left when the stream ends.
    pub(super) fn finish(&mut self, clean: &impl Fn(&str) -> String) -> Option<String> {
        (!self.pending.is_empty()).then(|| self.cut(clean))
    }

    fn cut(&mut self, clean: &impl Fn(&str) -> String) -> String {
        let ended = std::mem::take(&mut self.pending);
        clean(&String::from_utf8_lossy(&ended))
    }

    /// Adds a part of a line, passing on pieces of one that grows too long.
    fn add(
        &mut self,
        part: &[u8],
        keep_back: usize,
        clean: &impl Fn(&str) -> String,
        lines: &mut Vec<String>,
    ) {
        if !part.is_empty() {
            self.returned = false;
        }
        for chunk in part.chunks(PART) {
            self.pending.extend_from_slice(chunk);
            if self.pending.len() < LINE_CAP - PART + keep_back {
                continue;
            }
            let whole = whole_sequences(&self.pending, whole_characters(&self.pending));
            let open = self.pending.split_off(whole);
            // A piece has no colours: they would be cut apart.
            let text = uncoloured(&self.cut(clean)).into_owned();
            let mut at = text.len().saturating_sub(keep_back);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let (piece, kept) = text.split_at(at);
            if !piece.is_empty() {
                lines.push(piece.to_owned());
            }
            self.pending = kept.as_bytes().to_vec();
            self.pending.extend(open);
        }
    }
}

/// Returns how many bytes can be decoded without cutting a character at the end apart.
fn whole_characters(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let lead = bytes
        .iter()
        .enumerate()
        .skip(tail)
        .rev()
        .find(|(_, b)| **b >= 0xc0);
    match lead {
        Some((i, lead)) => {
            let length = match lead {
                0xf0.. => 4,
                0xe0.. => 3,
                _ => 2,
            };
            if i + length > bytes.len() {
                i
            } else {
                bytes.len()
            }
        }
        None => bytes.len(),
    }
}

/// Returns how many of the first `end` bytes can be cut off without cutting an escape sequence apart.
fn whole_sequences(bytes: &[u8], end: usize) -> usize {
    let tail = end.saturating_sub(SEQUENCE);
    let late = bytes.get(tail..end).unwrap_or_default();
    late.iter()
        .rposition(|byte| *byte == 0x1b)
        .map_or(end, |at| tail + at)
}
