//! An instance's output on disk: one line per line, with its time and stream, rotated by size.
//!
//! ```text
//! 2026-01-02T03:04:05.678Z out listening on 8080
//! 2026-01-02T03:04:05.679Z err+a very long line, cut here, goes on in the next entry
//! ```
//! The bytes after the mark are kept as they came; whoever shows them cleans them.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::adapters::providers::process::folder::{LOG, open_plain};
use crate::domain::event::Stream;
use crate::ports::sink::Sink;

/// Size at which a file is put aside.
const CAP: u64 = 10 << 20;
/// Files kept in all.
const KEPT: u32 = 3;
/// Longest piece of a line in one entry.
const LONGEST: usize = 16 << 10;

/// Appends output; lives in the supervisor.
#[derive(Debug)]
pub(super) struct LogWriter {
    folder: PathBuf,
    file: File,
    size: u64,
    cap: u64,
    partial: [Vec<u8>; 2],
}

impl LogWriter {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let file = append_to(&folder.join(LOG))?;
        let size = file.metadata()?.len();
        Ok(Self {
            folder: folder.to_path_buf(),
            file,
            size,
            cap: CAP,
            partial: [Vec::new(), Vec::new()],
        })
    }

    /// Takes bytes of one stream; whole lines are written, the rest is kept for the next call.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        let slot = usize::from(stream != Stream::Stdout);
        let mut pending = std::mem::take(&mut self.partial[slot]);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            pending.extend_from_slice(piece);
            if pending.last() == Some(&b'\n') {
                pending.pop();
                self.write(stream, &pending, false)?;
                pending.clear();
            }
            while pending.len() > LONGEST {
                let rest = pending.split_off(LONGEST);
                self.write(stream, &pending, true)?;
                pending = rest;
            }
        }
        self.partial[slot] = pending;
        Ok(())
    }

    /// Writes what is left of unfinished lines, at the end of a process.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        for (slot, stream) in [(0, Stream::Stdout), (1, Stream::Stderr)] {
            let rest = std::mem::take(&mut self.partial[slot]);
            if !rest.is_empty() {
                self.write(stream, &rest, false)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, stream: Stream, line: &[u8], more: bool) -> io::Result<()> {
        // A line without its end can still be longer than one entry.
        let mut chunks = line.chunks(LONGEST).peekable();
        if chunks.peek().is_none() {
            return self.entry(stream, &[], more);
        }
        while let Some(chunk) = chunks.next() {
            let goes_on = more || chunks.peek().is_some();
            self.entry(stream, chunk, goes_on)?;
        }
        Ok(())
    }

    fn entry(&mut self, stream: Stream, line: &[u8], more: bool) -> io::Result<()> {
        let name = match stream {
            Stream::Stdout => "out",
            Stream::Stderr => "err",
            Stream::Engine => "sys",
        };
        let mark = if more { '+' } else { ' ' };
        let now = Timestamp::now();
        let mut entry = format!("{now:.3} {name}{mark}").into_bytes();
        entry.extend_from_slice(line);
        entry.push(b'\n');
        if self.size + entry.len() as u64 > self.cap && self.size > 0 {
            self.rotate()?;
        }
        self.file.write_all(&entry)?;
        self.size += entry.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let name = |n: u32| match n {
            0 => self.folder.join(LOG),
            n => self.folder.join(format!("{LOG}.{n}")),
        };
        for n in (0..KEPT - 1).rev() {
            match std::fs::rename(name(n), name(n + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.file = append_to(&name(0))?;
        self.size = 0;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW;
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path)
}

/// Reads output, from the oldest kept entry on; remembers where it is, through rotations.
#[derive(Debug)]
pub(super) struct LogReader {
    folder: PathBuf,
    /// File being read and how far.
    current: Option<(u64, BufReader<File>)>,
}

impl LogReader {
    /// Starts at the end of what is there now, after handing the last `tail` lines (all: `None`) to `each`.
    pub(super) fn start(
        folder: &Path,
        tail: Option<u32>,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<Self> {
        let mut last: VecDeque<Vec<u8>> = VecDeque::new();
        let mut reader = Self {
            folder: folder.to_path_buf(),
            current: None,
        };
        for n in (1..KEPT).rev() {
            match open_plain(&folder.join(format!("{LOG}.{n}"))) {
                Ok(file) => entries(&mut BufReader::new(file), |line| {
                    keep(&mut last, tail, line, &mut each);
                })?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        reader.more(|line| keep(&mut last, tail, line, &mut each))?;
        for line in &last {
            each(line);
        }
        Ok(reader)
    }

    /// Goes on in the folder's new place.
    pub(super) fn moved(&mut self, folder: &Path) {
        self.folder = folder.to_path_buf();
    }

    /// Hands out whole entries written since.
    pub(super) fn more(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let path = self.folder.join(LOG);
        if let Some((inode, file)) = &mut self.current {
            entries(file, &mut each)?;
            if std::fs::symlink_metadata(&path).is_ok_and(|m| m.ino() == *inode) {
                return Ok(());
            }
            // Rotated: the rest of the old file was read just now; at the most what came after `KEPT` more
            // rotations is missed.
            entries(file, &mut each)?;
            self.current = None;
        }
        match open_plain(&path) {
            Ok(file) => {
                let inode = file.metadata()?.ino();
                let mut file = BufReader::new(file);
                entries(&mut file, &mut each)?;
                self.current = Some((inode, file));
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn keep(
    last: &mut VecDeque<Vec<u8>>,
    tail: Option<u32>,
    line: &[u8],
    each: &mut impl FnMut(&[u8]),
) {
    match tail {
        None => each(line),
        Some(0) => {}
        Some(count) => {
            if last.len() >= count as usize {
                last.pop_front();
            }
            last.push_back(line.to_vec());
        }
    }
}

/// Reads entries up to the last whole one; an entry still being written stays for the next time.
fn entries(file: &mut BufReader<File>, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let before = file.stream_position()?;
        let limit = 2 * LONGEST as u64;
        let read = Read::by_ref(file)
            .take(limit)
            .read_until(b'\n', &mut line)?;
        if line.last() == Some(&b'\n') {
            line.pop();
            each(&line);
        } else if read as u64 >= limit {
            each(&line);
        } else {
            file.seek(SeekFrom::Start(before))?;
            return Ok(());
        }
    }
}

/// Takes an entry apart and hands it on, as the stream's own bytes again.
pub(super) fn hand_out(entry: &[u8], timestamps: bool, sink: &dyn Sink) {
    let Some((time, rest)) = split_at_byte(entry, b' ') else {
        return;
    };
    let (Some(name), Some(mark), Some(text)) = (rest.get(..3), rest.get(3), rest.get(4..)) else {
        return;
    };
    let stream = match name {
        b"out" => Stream::Stdout,
        b"err" => Stream::Stderr,
        _ => Stream::Engine,
    };
    let mut line = Vec::with_capacity(entry.len());
    if timestamps {
        line.extend_from_slice(time);
        line.push(b' ');
    }
    line.extend_from_slice(text);
    if *mark != b'+' {
        line.push(b'\n');
    }
    sink.output(stream, &line);
}

fn split_at_byte(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((bytes.get(..place)?, bytes.get(place + 1..)?))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[derive(Default)]
    struct Kept(RefCell<Vec<(Stream, String)>>);
    impl Sink for Kept {
        fn output(&self, stream: Stream, bytes: &[u8]) {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.borrow_mut().push((stream, text));
        }
        fn progress(&self, _: u64, _: Option<u64>, _: &str) {}
    }

    fn read(folder: &Path, tail: Option<u32>) -> Vec<(Stream, String)> {
        let sink = Kept::default();
        LogReader::start(folder, tail, |entry| hand_out(entry, false, &sink)).unwrap();
        sink.0.into_inner()
    }

    #[test]
    fn lines_keep_their_stream_and_pieces_are_joined() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(temp.path()).unwrap();
        log.take(Stream::Stdout, b"one\ntw").unwrap();
        log.take(Stream::Stderr, b"oops\n").unwrap();
        log.take(Stream::Stdout, b"o\n\nend").unwrap();
        log.finish().unwrap();
        let expected = [
            (Stream::Stdout, "one\n"),
            (Stream::Stderr, "oops\n"),
            (Stream::Stdout, "two\n"),
            (Stream::Stdout, "\n"),
            (Stream::Stdout, "end\n"),
        ]
        .map(|(stream, text)| (stream, text.to_owned()));
        assert_eq!(read(temp.path(), None), expected);
        assert_eq!(read(temp.path(), Some(2)), expected[3..]);
        assert_eq!(read(temp.path(), Some(0)), []);
    }

    #[test]
    fn a_line_longer_than_an_entry_comes_out_whole() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(temp.path()).unwrap();
        let endless = "x".repeat(3 * LONGEST + 5);
        log.take(Stream::Stdout, format!("{endless}\nnext\n").as_bytes())
            .unwrap();
        let text: String = read(temp.path(), None)
            .into_iter()
            .map(|(_, t)| t)
            .collect();
        assert_eq!(text, format!("{endless}\nnext\n"));
    }

    #[test]
    fn rotation_bounds_the_disk_and_a_follower_misses_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(temp.path()).unwrap();
        log.cap = 200;
        let sink = Kept::default();
        let mut reader = LogReader::start(temp.path(), None, |_| {}).unwrap();
        for n in 0..100 {
            log.take(Stream::Stdout, format!("line {n}\n").as_bytes())
                .unwrap();
            reader.more(|entry| hand_out(entry, false, &sink)).unwrap();
        }
        let seen: Vec<String> = sink.0.into_inner().into_iter().map(|(_, t)| t).collect();
        let expected: Vec<String> = (0..100).map(|n| format!("line {n}\n")).collect();
        assert_eq!(seen, expected);
        let total: u64 = std::fs::read_dir(temp.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(total <= 200 * u64::from(KEPT), "{total}");
        let kept = read(temp.path(), None);
        assert_eq!(kept.last().unwrap().1, "line 99\n");
    }

    #[test]
    fn an_entry_that_is_still_being_written_is_not_shown_in_half() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(
            temp.path().join(LOG),
            "2026-01-01T00:00:00.000Z out a\n2026",
        )
        .unwrap();
        assert_eq!(read(temp.path(), None), [(Stream::Stdout, "a\n".into())]);
    }
}
