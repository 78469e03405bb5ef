//! One line of output as rows of a screen: colours apart from text, cut and wrapped between whole characters.

use std::ops::Range;

use ansi_to_tui::IntoText;
use ratatui::style::{Color, Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::event::Stream;
use crate::domain::time::Wall;
use crate::present::clean;
use crate::present::human::clock;
use crate::tui::logs::chunk::{Kind, Line};
use crate::tui::logs::reader::{Reader, Shown, Times};
use crate::tui::logs::shape::shape;
use crate::tui::logs::sift::{Fold, plain};
use crate::tui::logs::store::Store;
use crate::tui::theme::Tone;

/// Bytes of a raw line that are looked at for colours.
const RAW: usize = 4 * clean::LINE_CAP;

/// A line, laid out.
#[derive(Clone, Debug, Default)]
pub struct Laid {
    /// What stands before the text of the first row; the other rows are indented by as much.
    pub prefix: Vec<(String, Tone)>,
    /// The text, clean.
    pub text: String,
    /// Its own colours.
    pub styles: Vec<(Range<usize>, Style)>,
    /// The part of the text of each row; never empty.
    pub rows: Vec<Range<usize>>,
    /// Columns the other rows are indented by.
    pub indent: usize,
    /// Whether the other rows begin with a mark that says that they go on; false where there is no room for one.
    pub marked: bool,
}

/// Returns a clean text and its own colours; a mark of our own has none.
#[must_use]
pub fn colours(line: &Line<'_>) -> (String, Vec<(Range<usize>, Style)>) {
    if !line.escapes {
        return (clean::line(line.text), Vec::new());
    }
    let mut end = line.text.len().min(RAW);
    while !line.text.is_char_boundary(end) {
        end -= 1;
    }
    let raw = line.text.get(..end).unwrap_or_default();
    let raw = raw.rsplit('\r').find(|part| !part.is_empty()).unwrap_or("");
    let Some(parsed) = raw
        .into_text()
        .ok()
        .and_then(|t| t.lines.into_iter().next())
    else {
        return (clean::line(raw), Vec::new());
    };
    let mut text = String::new();
    let mut styles = Vec::new();
    for span in parsed.spans {
        let start = text.len();
        text.push_str(&clean::line(&span.content));
        let style = own(span.style);
        if text.len() > start && style != Style::default() {
            styles.push((start..text.len(), style));
        }
    }
    (text, styles)
}

/// Leaves out what only says that there is no colour, so that the look of the stream stays.
fn own(style: Style) -> Style {
    let named = |color: Option<Color>| color.filter(|color| *color != Color::Reset);
    Style {
        fg: named(style.fg),
        bg: named(style.bg),
        underline_color: None,
        sub_modifier: Modifier::empty(),
        // What blinks or hides is not for a panel.
        add_modifier: style.add_modifier
            - Modifier::SLOW_BLINK
            - Modifier::RAPID_BLINK
            - Modifier::HIDDEN,
    }
}

/// What stands before a line of standard error.
const STDERR: &str = "! ";
/// What stands before a line of the platform itself.
const ENGINE: &str = "· ";
/// What stands before a row that goes on with the line above.
pub const GOES_ON: &str = "↪ ";
/// From this width on there is room for that mark.
const MARKED_FROM: usize = 12;

/// Breaks a text into rows, the first of at most `first` columns and the others of `width`; characters of several
/// parts stay whole.
#[must_use]
pub fn wrap(text: &str, first: usize, width: usize) -> Vec<Range<usize>> {
    let (mut width, next) = (first.max(1), width.max(1));
    let mut rows = Vec::new();
    let mut start = 0;
    if text.is_ascii() {
        while text.len() - start > width {
            rows.push(start..start + width);
            start += width;
            width = next;
        }
        rows.push(start..text.len());
        return rows;
    }
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = grapheme.width();
        if used + wide > width && at > start {
            rows.push(start..at);
            start = at;
            used = 0;
            width = next;
        }
        used += wide;
    }
    rows.push(start..text.len());
    rows
}

/// Cuts out what stands in `width` columns from column `across` on; returns blank columns on the left, where half of
/// a wide character was cut off, and the part of the text.
#[must_use]
pub fn slice(text: &str, across: usize, width: usize) -> (usize, Range<usize>) {
    if text.is_ascii() {
        let start = across.min(text.len());
        return (0, start..start.saturating_add(width).min(text.len()));
    }
    let mut column = 0;
    let mut start = None;
    for (at, grapheme) in text.grapheme_indices(true) {
        let end = column + grapheme.width();
        if start.is_none() && column >= across && (end > column || across == 0) {
            start = Some((column - across, at));
        }
        if end > across.saturating_add(width) {
            let (blank, from) = start.unwrap_or((0, at));
            return (blank, from..at);
        }
        column = end;
    }
    let (blank, from) = start.unwrap_or((0, text.len()));
    (blank, from..text.len())
}

impl Reader {
    /// Lays out a shown line; `None` while its text is on disk.
    #[must_use]
    pub fn lay(&self, store: &Store, shown: Shown, width: usize) -> Option<Laid> {
        let line = store.line(shown.line)?;
        let (text, styles) = colours(&line);
        let prefix = if line.kind == Kind::Mark {
            Vec::new()
        } else {
            self.prefix(store, shown, &line)
        };
        let taken: usize = prefix.iter().map(|(text, _)| text.width()).sum();
        let indent = if taken * 2 > width { 0 } else { taken };
        let marked = self.wrap && width >= MARKED_FROM;
        let mark = if marked { GOES_ON.width() } else { 0 };
        let rows = if line.kind == Kind::Mark {
            std::iter::once(0..text.len()).collect()
        } else if self.wrap {
            let first = width.saturating_sub(taken);
            wrap(&text, first, width.saturating_sub(indent + mark))
        } else {
            let (_, part) = slice(&text, self.across, width.saturating_sub(taken));
            vec![part]
        };
        Some(Laid {
            prefix,
            text,
            styles,
            rows,
            indent,
            marked,
        })
    }

    /// Returns how many rows a shown line takes.
    #[must_use]
    pub fn rows(&self, store: &Store, shown: Shown, width: usize) -> usize {
        if !self.wrap {
            return 1;
        }
        self.lay(store, shown, width)
            .map_or(1, |laid| laid.rows.len())
    }

    fn prefix(&self, store: &Store, shown: Shown, line: &Line<'_>) -> Vec<(String, Tone)> {
        let mut prefix = Vec::new();
        match self.times {
            Times::Off => {}
            Times::Day => prefix.push((format!("{} ", day(line.at)), Tone::Dim)),
            Times::Since => {
                let began = self.began.unwrap_or_else(|| store.first_at());
                prefix.push((format!("{} ", since(began, line.at)), Tone::Dim));
            }
        }
        if self.names_sources(store) {
            let name = store.sources().get(usize::from(line.source));
            let name = name.map_or("", String::as_str);
            let short = name.strip_prefix("service.").unwrap_or(name);
            prefix.push((clean::line(&format!("{short} | ")), Tone::Dim));
        }
        if self.is_new(line) {
            prefix.push(("new ".to_owned(), Tone::Added));
        }
        match shown.fold {
            Fold::None => {}
            Fold::Repeats(lines) => prefix.push((format!("× {} ", lines + 1), Tone::Changed)),
            Fold::Trace(lines) => prefix.push((format!("⋮ {lines} lines "), Tone::Changed)),
        }
        // With all streams in one view each line has to say by itself what it is, also without colour.
        if self.sieve().stream.is_none() {
            match line.kind {
                Kind::Output(Stream::Stderr) => prefix.push((STDERR.to_owned(), Tone::Warn)),
                Kind::Output(Stream::Engine) => prefix.push((ENGINE.to_owned(), Tone::Dim)),
                Kind::Output(Stream::Stdout) | Kind::Mark => {}
            }
        }
        prefix
    }

    /// Tells whether lines say from where they are: when they may be from several sources.
    #[must_use]
    pub fn names_sources(&self, store: &Store) -> bool {
        match &self.sieve().sources {
            Some(sources) => sources.len() > 1,
            None => {
                store
                    .sources()
                    .iter()
                    .filter(|name| !name.is_empty())
                    .count()
                    > 1
            }
        }
    }

    /// Tells whether nothing of this shape was there before the last deploy; `false` until all of that is known.
    fn is_new(&self, line: &Line<'_>) -> bool {
        self.known.as_ref().is_some_and(|known| {
            self.sieve().lens
                && known.complete
                && !known.shapes.is_empty()
                && line.at >= known.before
                && !known.shapes.contains(&shape(&plain(line)))
        })
    }
}

/// Writes the time of day to the millisecond.
fn day(at: Wall) -> String {
    format!("{}.{:03}", clock(at), at.0.rem_euclid(1_000))
}

/// Writes the time since a moment: `+01:02.345`, with hours where there are some.
fn since(began: Wall, at: Wall) -> String {
    let millis = at.0.saturating_sub(began.0);
    let sign = if millis < 0 { '-' } else { '+' };
    let millis = millis.unsigned_abs();
    let (seconds, rest) = (millis / 1_000, millis % 1_000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match minutes / 60 {
        0 => format!("{sign}{minutes:02}:{seconds:02}.{rest:03}"),
        hours => format!("{sign}{hours}:{:02}:{seconds:02}.{rest:03}", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, rows: &[Range<usize>]) -> Vec<String> {
        rows.iter()
            .map(|row| text[row.clone()].to_owned())
            .collect()
    }

    #[test]
    fn rows_hold_whole_characters() {
        let cases: [(&str, usize, &[&str]); 7] = [
            ("abcdef", 4, &["abcd", "ef"]),
            ("", 4, &[""]),
            ("データベース", 5, &["デー", "タベ", "ース"]),
            (
                "e\u{301}e\u{301}e\u{301}",
                2,
                &["e\u{301}e\u{301}", "e\u{301}"],
            ),
            ("👍🏽👍🏽", 3, &["👍🏽", "👍🏽"]),
            ("日", 1, &["日"]),
            ("abcd", 4, &["abcd"]),
        ];
        for (text, width, expected) in cases {
            assert_eq!(
                parts(text, &wrap(text, width, width)),
                expected,
                "{text} in {width}"
            );
        }
    }

    #[test]
    fn rows_that_go_on_may_be_narrower() {
        assert_eq!(
            parts("abcdefgh", &wrap("abcdefgh", 4, 2)),
            ["abcd", "ef", "gh"]
        );
        let text = "デデデデ";
        assert_eq!(parts(text, &wrap(text, 5, 2)), ["デデ", "デ", "デ"]);
    }

    #[test]
    fn a_slice_never_shows_half_a_character() {
        let cases = [
            ("abcdef", 2, 3, 0, "cde"),
            ("データベース", 1, 4, 1, "ー"),
            ("データベース", 2, 4, 0, "ータ"),
            ("データ", 0, 3, 0, "デ"),
            ("ab", 5, 3, 0, ""),
            ("日本", 9, 3, 0, ""),
            ("e\u{301}x", 1, 3, 0, "x"),
        ];
        for (text, across, width, blank, expected) in cases {
            let (left, part) = slice(text, across, width);
            assert_eq!(
                (left, &text[part]),
                (blank, expected),
                "{text} from {across}"
            );
        }
    }

    #[test]
    fn colours_stand_beside_a_clean_text() {
        let line = |text| Line {
            at: Wall(0),
            kind: Kind::Output(Stream::Stdout),
            source: 0,
            escapes: true,
            text,
        };
        let (text, styles) = colours(&line(
            "a \u{1b}[31mred\u{1b}[0m b\u{1b}]0;title\u{7}\u{202e}",
        ));
        assert_eq!(text, "a red b");
        assert_eq!(styles.len(), 1);
        assert_eq!(&text[styles[0].0.clone()], "red");
        let long = format!("\u{1b}[32m{}", "x".repeat(90_000));
        assert!(colours(&line(&long)).0.len() <= clean::LINE_CAP + 3);
    }

    #[test]
    fn times_since_have_a_sign_and_hours_when_needed() {
        for (millis, expected) in [
            (12_345, "+00:12.345"),
            (-1_000, "-00:01.000"),
            (3_723_004, "+1:02:03.004"),
        ] {
            assert_eq!(since(Wall(1_000), Wall(1_000 + millis)), expected);
        }
    }
}
