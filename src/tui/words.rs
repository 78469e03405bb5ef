//! Running times, and cuts of text to a width in cells.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::domain::time::Wall;
use crate::present::human::duration;

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

/// Cuts a text to a width in cells; what is cut off is marked with `…`.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        cut.push(c);
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
    for (at, c) in text.char_indices() {
        if skipped >= columns {
            return text.get(at..).unwrap_or("");
        }
        skipped += c.width().unwrap_or(0);
    }
    ""
}

/// Breaks a text into lines of at most `width` cells, at spaces where there are some.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let joined = line.width() + usize::from(!line.is_empty()) + word.width();
            if !line.is_empty() && joined > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            for c in word.chars() {
                if line.width() + c.width().unwrap_or(0) > width && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
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
