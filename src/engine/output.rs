//! Output of a step: whole on disk, line by line as events, both stripped and redacted, in bounded memory. Events
//! keep the colours of lines.
//!
//! Providers and hooks hand over bytes as they come; lines, characters and secrets may be cut anywhere. A line
//! is judged as a whole. One that grows too long is passed on in pieces, keeping back as much as the longest
//! secret, so that none slips through between two pieces.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::event::{EventKind, Stream, uncoloured};
use crate::domain::ids::{Address, RunId, StepId};
use crate::domain::run::order::EventDraft;
use crate::domain::time::Boot;
use crate::engine::cutter::Cutter;
use crate::engine::emit::Emitter;
use crate::ports::clock::Clock;
use crate::ports::disk::Disk;
use crate::ports::sink::Sink;
use crate::ports::world::World;

/// Longest file of a step, in bytes and in lines.
const FILE_CAP: u64 = 64 * 1024 * 1024;
const LINES_CAP: u64 = 1_000_000;
/// Longest output that is looked at, in bytes: what is stripped from it counts here.
const READ_CAP: u64 = 2 * FILE_CAP;
/// Lines of a step that are told as events; all are in its file.
const TOLD_CAP: u64 = 100_000;
/// Bytes at the end of the output that are kept for the message of a failure once the file is full.
const LATE: usize = 64 * 1024;
/// Bytes collected before they go to the file.
const WRITE_AT: usize = 16 * 1024;
/// Longest time a line stays only in memory while more comes.
const WRITE_AFTER: Duration = Duration::from_millis(200);
/// Lines kept for the message of a failure.
pub(super) const TAIL: usize = 20;

/// What a step's output left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Printed {
    /// The file, relative to the project; `None` when nothing was printed.
    pub(super) log: Option<String>,
    /// The last lines.
    pub(super) tail: String,
}

#[derive(Debug, Default)]
struct Kept {
    cutters: [Cutter; 3],
    buffer: Vec<u8>,
    written: u64,
    lines: u64,
    read: u64,
    capped: bool,
    /// Whether that is because it is too long, and has not been told.
    full: bool,
    late: [Vec<u8>; 3],
    any: bool,
    flushed_at: Boot,
    progress_at: Boot,
    tail: std::collections::VecDeque<String>,
}

/// Ends a file that is full.
const FULL: &str =
    "--- the rest of the output is left out: it is longer than 64 MiB or a million lines ---";
/// Ends what is told of a long output.
const UNTOLD: &str = "--- more lines follow than are shown; they are in the file of this step ---";

/// What of a line is told as an event.
enum Told {
    Whole,
    /// This remark in its place, and nothing after it.
    Last(&'static str),
    Not,
}

/// The sink of one attempt of a step.
pub(super) struct StepLog<'a, W: World> {
    world: &'a W,
    emitter: &'a Emitter<'a, W>,
    address: Address,
    step: StepId,
    attempt: u32,
    file: PathBuf,
    kept: RefCell<Kept>,
}

impl<'a, W: World> StepLog<'a, W> {
    /// Opens the log of an attempt; the file is made with the first line.
    pub(super) fn new(
        world: &'a W,
        emitter: &'a Emitter<'a, W>,
        run: &RunId,
        address: &Address,
        step: &StepId,
        attempt: u32,
    ) -> Self {
        Self {
            world,
            emitter,
            address: address.clone(),
            step: step.clone(),
            attempt,
            file: file_of(run, step),
            kept: RefCell::new(Kept::default()),
        }
    }

    /// Emits an event about this attempt.
    pub(super) fn tell(&self, kind: EventKind) {
        self.emitter.emit(EventDraft::step(
            &self.address,
            &self.step,
            self.attempt,
            kind,
        ));
    }

    /// Adds a remark of our own to the output.
    pub(super) fn remark(&self, text: &str) {
        let text = self.emitter.clean(text);
        self.lines(Stream::Engine, vec![text]);
    }

    /// Ends the output and says what it left.
    pub(super) fn finish(&self) -> Printed {
        for stream in [Stream::Stdout, Stream::Stderr, Stream::Engine] {
            let clean = |text: &str| self.emitter.clean_output(text);
            let late = std::mem::take(&mut self.kept.borrow_mut().late[index(stream)]);
            if !late.is_empty() {
                self.late(stream, &late);
                continue;
            }
            let left = self.kept.borrow_mut().cutters[index(stream)].finish(&clean);
            if let Some(line) = left {
                self.lines(stream, vec![line]);
            }
        }
        self.flush();
        if std::mem::take(&mut self.kept.borrow_mut().full) {
            let text =
                "the output is longer than 64 MiB or a million lines; the rest of it is left out";
            self.tell(EventKind::Warning {
                text: text.to_owned(),
            });
        }
        let kept = self.kept.borrow();
        Printed {
            log: kept
                .any
                .then(|| Path::new(".nanokit").join(&self.file).display().to_string()),
            tail: kept.tail.iter().cloned().collect::<Vec<_>>().join("\n"),
        }
    }

    /// Takes the end of an output that is too long to be kept; its first line is cut off somewhere.
    fn late(&self, stream: Stream, bytes: &[u8]) {
        let clean = |text: &str| self.emitter.clean_output(text);
        let mut cutter = Cutter::default();
        let mut lines = cutter.push(bytes, self.emitter.longest_secret(), &clean);
        lines.extend(cutter.finish(&clean));
        self.lines(stream, lines.into_iter().skip(1).collect());
    }

    fn lines(&self, stream: Stream, lines: Vec<String>) {
        for text in lines {
            let told = {
                let mut kept = self.kept.borrow_mut();
                let text = uncoloured(&text);
                kept.tail.push_back(text.clone().into_owned());
                if kept.tail.len() > TAIL {
                    kept.tail.pop_front();
                }
                self.keep(&mut kept, &text)
            };
            match told {
                Told::Whole => self.tell_line(stream, text),
                Told::Last(why) => self.tell_line(Stream::Engine, why.to_owned()),
                Told::Not => {}
            }
        }
        let now = self.world.clock().boot();
        let due = {
            let kept = self.kept.borrow();
            kept.buffer.len() >= WRITE_AT || now.since(kept.flushed_at) >= WRITE_AFTER
        };
        if due {
            self.flush();
        }
    }

    fn tell_line(&self, stream: Stream, text: String) {
        self.emitter.emit_cleaned(EventDraft::step(
            &self.address,
            &self.step,
            self.attempt,
            EventKind::Log { stream, text },
        ));
    }

    /// Buffers a line for the file; says what of it is told.
    fn keep(&self, kept: &mut Kept, text: &str) -> Told {
        if kept.capped {
            return Told::Not;
        }
        if !kept.any && self.attempt > 1 {
            let mark = format!("--- attempt {} ---\n", self.attempt);
            kept.buffer.extend_from_slice(mark.as_bytes());
        }
        kept.any = true;
        kept.written += text.len() as u64 + 1;
        kept.lines += 1;
        let (line, told) =
            if kept.written > FILE_CAP || kept.lines > LINES_CAP || kept.read > READ_CAP {
                (kept.capped, kept.full) = (true, true);
                (FULL, Told::Last(FULL))
            } else if kept.lines == TOLD_CAP {
                (text, Told::Last(UNTOLD))
            } else if kept.lines > TOLD_CAP {
                (text, Told::Not)
            } else {
                (text, Told::Whole)
            };
        kept.buffer.extend_from_slice(line.as_bytes());
        kept.buffer.push(b'\n');
        told
    }

    fn flush(&self) {
        let mut kept = self.kept.borrow_mut();
        kept.flushed_at = self.world.clock().boot();
        if kept.buffer.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut kept.buffer);
        if let Err(error) = self.world.disk().append(&self.file, &bytes, false) {
            kept.capped = true;
            tracing::warn!(%error, "the output of a step cannot be written");
        }
    }
}

impl<W: World> Sink for StepLog<'_, W> {
    fn output(&self, stream: Stream, bytes: &[u8]) {
        let clean = |text: &str| self.emitter.clean_output(text);
        {
            let mut kept = self.kept.borrow_mut();
            kept.read += bytes.len() as u64;
            if kept.capped {
                // Nothing of it is kept but the end, so that a flood costs little more than being read.
                let late = &mut kept.late[index(stream)];
                late.extend_from_slice(
                    bytes
                        .get(bytes.len().saturating_sub(LATE)..)
                        .unwrap_or(bytes),
                );
                if late.len() > 2 * LATE {
                    late.drain(..late.len() - LATE);
                }
                return;
            }
        }
        let keep_back = self.emitter.longest_secret();
        let mut lines =
            self.kept.borrow_mut().cutters[index(stream)].push(bytes, keep_back, &clean);
        if lines.is_empty() && self.kept.borrow().read > READ_CAP {
            // Nothing of it can be shown, so no line ever comes to its end.
            lines.push(String::new());
        }
        self.lines(stream, lines);
    }

    fn progress(&self, done: u64, total: Option<u64>, unit: &str) {
        let now = self.world.clock().boot();
        {
            let mut kept = self.kept.borrow_mut();
            let soon = now.since(kept.progress_at) < WRITE_AFTER;
            if soon && kept.progress_at != Boot::default() && total != Some(done) {
                return;
            }
            kept.progress_at = now;
        }
        self.tell(EventKind::StepProgress {
            done,
            total,
            unit: unit.to_owned(),
        });
    }
}

const fn index(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
        Stream::Engine => 2,
    }
}

/// Returns the file of a step's output, relative to `.nanokit`. `+` is in no name, so no two steps share one.
pub(super) fn file_of(run: &RunId, step: &StepId) -> PathBuf {
    let name: String = step
        .as_str()
        .chars()
        .filter(|c| *c != ']')
        .map(|c| if matches!(c, '[' | '/') { '+' } else { c })
        .collect();
    Path::new("runs")
        .join(run.as_str())
        .join(format!("{name}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Secret;
    use crate::engine::cutter::{LINE_CAP, PART};
    use crate::engine::redact::{MASK, Redactor};
    use crate::engine::strip::{strip, strip_output};

    fn cut(chunks: &[&[u8]], keep_back: usize, clean: &impl Fn(&str) -> String) -> Vec<String> {
        let mut cutter = Cutter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            lines.extend(cutter.push(chunk, keep_back, clean));
        }
        lines.extend(cutter.finish(clean));
        lines
    }

    #[test]
    fn lines_are_whole_however_they_are_cut() {
        let text = "one\r\n\ngr\u{fc}n \u{1b}[31mred\u{1b}[0m\n10%\r50%\r100%\nlast";
        let expected = ["one", "", "gr\u{fc}n red", "10%", "50%", "100%", "last"];
        for size in 1..text.len() {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(cut(&chunks, 0, &strip), expected, "chunks of {size}");
        }
    }

    #[test]
    fn colours_of_whole_lines_stay_however_they_are_cut() {
        let redactor = Redactor::default();
        let clean = |text: &str| strip_output(text, &redactor);
        let text = "\u{1b}[1;31mred\u{1b}[0m\u{1b}[2J\nplain\n\u{1b}]0;title\u{7}\u{1b}[32mgreen";
        let expected = ["\u{1b}[1;31mred\u{1b}[0m", "plain", "\u{1b}[32mgreen"];
        for size in 1..text.len() {
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(cut(&chunks, 0, &clean), expected, "chunks of {size}");
        }
    }

    #[test]
    fn pieces_of_an_overlong_line_have_no_colours_and_no_secret() {
        let mut redactor = Redactor::default();
        redactor.register(&Secret::new("correct-horse".into()));
        let clean = |text: &str| strip_output(text, &redactor);
        for lead in LINE_CAP - 2 * PART..LINE_CAP + 40 {
            let text = format!(
                "{}\u{1b}[31mcorrect\u{1b}[0m-\u{1b}[32mhorse{}",
                "x".repeat(lead),
                "y".repeat(LINE_CAP)
            );
            let chunks: Vec<&[u8]> = text.as_bytes().chunks(4096).collect();
            let lines = cut(&chunks, redactor.longest(), &clean);
            let all = lines.concat();
            assert!(!all.contains("horse") && !all.contains('\u{1b}'), "{lead}");
        }
    }

    #[test]
    fn a_secret_never_slips_through_between_two_pieces() {
        let mut redactor = Redactor::default();
        redactor.register(&Secret::new("correct-horse".into()));
        let clean = |text: &str| redactor.redact(&strip(text));
        for lead in LINE_CAP - 40..LINE_CAP + 40 {
            let mut text = "x".repeat(lead);
            text.push_str("correct-horse");
            text.push_str(&"y".repeat(LINE_CAP));
            for size in [7, 4096, 100_000] {
                let chunks: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
                let lines = cut(&chunks, redactor.longest(), &clean);
                let all = lines.concat();
                assert!(all.contains(MASK), "{lead} {size}");
                assert_eq!(all.len(), lead + MASK.len() + LINE_CAP);
                assert!(
                    lines
                        .iter()
                        .all(|l| l.len() <= LINE_CAP + redactor.longest())
                );
            }
        }
    }

    #[test]
    fn a_character_is_not_cut_apart_at_the_cap() {
        let text = "\u{20ac}".repeat(LINE_CAP);
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(1000).collect();
        assert_eq!(cut(&chunks, 5, &strip).concat(), text);
    }

    #[test]
    fn no_two_steps_share_a_file() {
        let run = RunId::new("r1");
        let step = StepId::new("service.api[0]/prestart.host");
        assert_eq!(
            file_of(&run, &step),
            Path::new("runs/r1/service.api+0+prestart.host.log")
        );
    }
}
