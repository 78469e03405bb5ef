//! Running times, cuts of text to a width in cells, and sentences that are said in several places.

use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::flow::Turn;
use crate::domain::plan::model::{PlanRequest, Purpose};
use crate::domain::time::Wall;
use crate::present::human::{clock, duration};

/// Returns the time from one point to another, zero if it lies behind.
#[must_use]
pub fn between(from: Wall, to: Wall) -> Duration {
    Duration::from_millis(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0))
}

/// Says how long something has lasted while it is being watched, in whole seconds.
#[must_use]
pub fn ticking(time: Duration) -> String {
    if time.as_secs() < 10 {
        format!("{} s", time.as_secs())
    } else {
        duration(time)
    }
}

/// Writes a moment as it fits into the name of a file: `20261121-140309`.
#[must_use]
pub fn stamp(at: Wall) -> String {
    let days = at.0.div_euclid(86_400_000);
    let (year, month, day) = date(days);
    let time: String = clock(at).chars().filter(char::is_ascii_digit).collect();
    format!("{year:04}{month:02}{day:02}-{time}")
}

/// Returns year, month and day of a day counted from 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Names in a word what a request does.
#[must_use]
pub fn verb(request: &PlanRequest) -> &'static str {
    match (&request.purpose, &request.flow.turn) {
        (Purpose::Act, Turn::Fresh) => "run",
        (Purpose::Act, Turn::Resume) => "retry",
        (_, Turn::Skip { .. }) => "skip",
        (Purpose::Act, Turn::Abort) => "abort",
        (purpose, Turn::Fresh | Turn::Resume | Turn::Abort) => purpose.as_str(),
    }
}

/// Says that there is nothing to do, and why.
#[must_use]
pub fn nothing(request: &PlanRequest) -> String {
    let names: Vec<&str> = request.targets.iter().map(String::as_str).collect();
    let (one, all) = match request.purpose {
        Purpose::Deploy => ("as the file asks", "everything is as the file asks"),
        Purpose::Restore => ("as it was deployed", "everything is as it was deployed"),
        Purpose::Act => ("done", "no action is left to run"),
        Purpose::Destroy => ("not deployed", "nothing is deployed"),
        Purpose::Clean => ("not deployed", "nothing is deployed, and no volume is left"),
    };
    match names.as_slice() {
        [] => format!("Nothing to do: {all}."),
        [name] => format!("Nothing to do for {name}: it is {one}."),
        many => format!("Nothing to do for {}: each is {one}.", many.join(", ")),
    }
}

/// Adds how many actions of the file a plan runs, where there are any: `, 2 to run`.
#[must_use]
pub fn to_run(run: usize) -> String {
    match run {
        0 => String::new(),
        run => format!(", {run} to run"),
    }
}

/// Cuts a text in its middle to so many cells, with a mark: names often differ at their ends.
#[must_use]
pub fn cut_middle(text: &str, width: usize) -> String {
    if text.width() <= width || width < 5 {
        return cut(text, width);
    }
    let last = (width - 1) / 2;
    let head = cut(text, width - last);
    let tail = skip(text, text.width() - last);
    format!("{head}{tail}")
}

/// Cuts a text to a width in cells, never inside of what is read as one letter; what is cut off is marked with `…`.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.len() <= width || text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for letter in text.graphemes(true) {
        let wide = letter.width();
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        cut.push_str(letter);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// Fills a text with spaces up to a width in cells, and cuts it there.
#[must_use]
pub fn pad(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    text.push_str(&" ".repeat(width.saturating_sub(text.width())));
    text
}

/// Returns the width of a text in cells.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// Leaves off the first `columns` cells of a text, for sideways scrolling.
#[must_use]
pub fn skip(text: &str, columns: usize) -> &str {
    let mut skipped = 0;
    for (at, letter) in text.grapheme_indices(true) {
        if skipped >= columns {
            return text.get(at..).unwrap_or("");
        }
        skipped += letter.width();
    }
    ""
}

/// Breaks a text into lines of at most `width` cells, at spaces where there are some; the first line of each paragraph
/// keeps its indentation.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let body = paragraph.trim_start_matches(' ');
        let indent = (paragraph.len() - body.len()).min(width / 2);
        let mut line = " ".repeat(indent);
        let mut used = indent;
        let mut begun = false;
        for word in body.split(' ') {
            let wide = word.width();
            if begun && used + 1 + wide > width {
                lines.push(std::mem::take(&mut line));
                (used, begun) = (0, false);
            }
            if begun {
                line.push(' ');
                used += 1;
            }
            for letter in word.graphemes(true) {
                let wide = letter.width();
                if used + wide > width && used > 0 {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(letter);
                used += wide;
            }
            begun = true;
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_breaks_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(wrap("データベース", 4), ["デー", "タベ", "ース"]);
        assert_eq!(wrap("  | a  b", 20), ["  | a  b"]);
        assert_eq!(wrap("  one two", 6), ["  one", "two"]);
    }

    #[test]
    fn what_is_read_as_one_letter_is_never_cut_in_two() {
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("👩\u{200d}🚀👩\u{200d}🚀", 3), "👩\u{200d}🚀…");
        assert_eq!(cut("👍🏽👍🏽", 3), "👍🏽…");
        assert_eq!(cut("🇩🇪🇫🇷", 3), "🇩🇪…");
        assert_eq!(skip("👍🏽ab", 1), "ab");
        assert_eq!(wrap("🇩🇪🇫🇷", 2), ["🇩🇪", "🇫🇷"]);
        assert_eq!(width(&pad("שלום", 6)), 6);
    }

    #[test]
    fn a_stamp_is_date_and_time() {
        for (millis, expected) in [
            (0, "19700101-000000"),
            (1_709_243_999_001, "20240229-215959"),
            (1_795_245_960_123, "20261121-072600"),
        ] {
            assert_eq!(stamp(Wall(millis)), expected);
        }
    }

    #[test]
    fn cuts_count_cells_not_letters() {
        assert_eq!(cut("データベース", 5), "デー…");
        assert_eq!(width(&pad("データ", 9)), 9);
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("abcd", 0), "");
        assert_eq!(skip("データ", 2), "ータ");
    }
}
