//! Output as a file: what is shown, whole, without colours.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::present::clean;
use crate::present::human::clock;
use crate::tui::logs::chunk::{Chunk, Kind};
use crate::tui::logs::sift::Sieve;
use crate::tui::logs::store::Part;

/// A file to be written.
#[derive(Clone, Debug)]
pub struct Saving {
    /// Where.
    pub path: PathBuf,
    /// All chunks.
    pub parts: Vec<Part>,
    /// Which lines of them.
    pub sieve: Sieve,
    /// Names of sources, when lines shall say from where they are.
    pub names: Option<Vec<String>>,
    /// Whether lines shall say when they came.
    pub times: bool,
}

impl Saving {
    /// Writes the shown lines of a chunk; returns how many.
    ///
    /// # Errors
    /// The file takes no more.
    pub fn write(&self, chunk: &Chunk, to: &mut impl Write) -> io::Result<u64> {
        let mut written = 0;
        let lines = (0..chunk.len()).filter_map(|index| chunk.line(index));
        for line in lines.filter(|line| self.sieve.shows(line)) {
            if self.times {
                write!(to, "{}.{:03} ", clock(line.at), line.at.0.rem_euclid(1_000))?;
            }
            let name = self
                .names
                .as_ref()
                .and_then(|names| names.get(usize::from(line.source)));
            if line.kind == Kind::Mark {
                to.write_all("── ".as_bytes())?;
            } else if let Some(name) = name {
                write!(to, "{} | ", clean::line(name))?;
            }
            writeln!(to, "{}", whole(line.text))?;
            written += 1;
        }
        Ok(written)
    }
}

/// Cleans a line of any length.
fn whole(text: &str) -> String {
    if text.len() <= clean::LINE_CAP {
        return clean::line(text);
    }
    // Cut where no escape sequence is, as far as there is such a place.
    let mut rest = text;
    let mut out = String::with_capacity(text.len());
    while rest.len() > clean::LINE_CAP {
        let mut at = clean::LINE_CAP / 2;
        while !rest.is_char_boundary(at) {
            at -= 1;
        }
        if let Some(escape) = rest.get(..at).and_then(|part| part.rfind('\u{1b}'))
            && escape > 0
            && at - escape < 64
        {
            at = escape;
        }
        let (part, after) = rest.split_at(at);
        out.push_str(&clean::line(part));
        rest = after;
    }
    out.push_str(&clean::line(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Stream;
    use crate::domain::time::Wall;
    use crate::tui::logs::query::Query;
    use crate::tui::logs::store::Store;

    #[test]
    fn shown_lines_are_written_whole_and_clean() {
        let mut store = Store::new(0);
        store.push(
            Wall(1_000),
            Stream::Stdout,
            "service.api[0]",
            "\u{1b}[31mone\u{1b}[0m",
        );
        store.push(Wall(2_000), Stream::Stderr, "service.api[0]", "two");
        store.mark(Wall(3_000), "mark");
        store.push(
            Wall(4_000),
            Stream::Stdout,
            "service.api[1]",
            &"one ".repeat(25_000),
        );
        let saving = Saving {
            path: PathBuf::new(),
            parts: store.parts(),
            sieve: Sieve {
                only: Query::filter("one"),
                ..Sieve::default()
            },
            names: Some(store.sources().to_vec()),
            times: true,
        };
        let mut file = Vec::new();
        for part in &saving.parts {
            if let Part::Lines(chunk) = part {
                assert_eq!(saving.write(chunk, &mut file).expect("memory"), 3);
            }
        }
        let text = String::from_utf8(file).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "00:00:01.000 service.api[0] | one");
        assert_eq!(lines[1], "00:00:03.000 ── mark");
        assert_eq!(
            lines[2].len(),
            100_000 + "00:00:04.000 service.api[1] | ".len()
        );
    }
}
