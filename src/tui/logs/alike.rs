//! Which lines say the same again: those that differ in nothing but a moment, a duration or a hexadecimal id.
//!
//! Plain numbers count. Where they are all that changes (a counter, a port, a status) each line says something of
//! its own, and folding them would hide it.

use crate::tui::logs::shape::{Fnv, after_escape, is_word};

/// Units right behind a number, longest first.
const ATTACHED: [&str; 13] = [
    "seconds", "second", "secs", "mins", "sec", "min", "ns", "us", "µs", "μs", "ms", "s", "m",
];
/// Units that may stand behind a blank; `m` may be metres there.
const APART: [&str; 12] = [
    "milliseconds",
    "seconds",
    "second",
    "secs",
    "mins",
    "sec",
    "ns",
    "us",
    "µs",
    "μs",
    "ms",
    "s",
];
/// Hexadecimal digits a word needs to be an id, as a short commit has them.
const ID: usize = 7;

/// Returns a number that is the same for lines that say the same.
pub(super) fn alike(line: &str) -> u64 {
    let mut hash = Fnv::new();
    let mut rest = line;
    let mut inside = false;
    while let Some(byte) = rest.bytes().next() {
        if byte == 0x1b {
            rest = after_escape(rest.get(1..).unwrap_or_default());
            continue;
        }
        let word = is_word(byte);
        if word
            && !inside
            && let Some((class, length)) = variable(rest)
        {
            hash.add(0);
            hash.add(class);
            rest = rest.get(length..).unwrap_or_default();
            inside = false;
            continue;
        }
        let width = rest.chars().next().map_or(1, char::len_utf8);
        rest.bytes().take(width).for_each(|byte| hash.add(byte));
        rest = rest.get(width..).unwrap_or_default();
        inside = word;
    }
    hash.done()
}

/// Finds a moment, a duration or an id at the beginning of a text; returns which and how long it is.
fn variable(text: &str) -> Option<(u8, usize)> {
    let first = text.bytes().next()?;
    if !first.is_ascii_hexdigit() {
        return None;
    }
    let found = if first.is_ascii_digit() {
        let moment = moment(text).map(|length| (b't', length));
        moment.or_else(|| duration(text).map(|length| (b'd', length)))
    } else {
        None
    };
    let (class, length) = found.or_else(|| id(text).map(|length| (b'x', length)))?;
    // A word that goes on is another word: `10th`, `3ms_total`.
    let next = text.as_bytes().get(length);
    next.is_none_or(|byte| !is_word(*byte))
        .then_some((class, length))
}

/// Takes a pattern off a text: `d` is a digit, `a` a letter, anything else itself.
fn pattern(text: &str, pattern: &str) -> Option<usize> {
    let mut bytes = text.bytes();
    for wanted in pattern.bytes() {
        let byte = bytes.next()?;
        let fits = match wanted {
            b'd' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_alphabetic(),
            wanted => byte == wanted,
        };
        if !fits {
            return None;
        }
    }
    Some(pattern.len())
}

fn after(text: &str, from: usize) -> &str {
    text.get(from..).unwrap_or_default()
}

/// `2026-11-21`, `2026-11-21T07:26:00.123Z`, `21/Nov/2026:07:26:00 +0000`, `07:26:00`, seconds since 1970.
fn moment(text: &str) -> Option<usize> {
    let date = pattern(text, "dddd-dd-dd").or_else(|| pattern(text, "dddd/dd/dd"));
    if let Some(date) = date {
        let rest = after(text, date);
        let joined = rest.starts_with(['T', ' ', ':']);
        let time = joined.then(|| time(after(rest, 1))).flatten();
        return Some(date + time.map_or(0, |time| time + 1));
    }
    if let Some(date) = pattern(text, "dd/aaa/dddd:") {
        return Some(date + time(after(text, date))?);
    }
    time(text).or_else(|| epoch(text))
}

/// `07:26:00`, with parts of a second and a zone where there are some.
fn time(text: &str) -> Option<usize> {
    let mut end = pattern(text, "dd:dd:dd")?;
    if after(text, end).starts_with(['.', ',']) {
        let digits = digits(after(text, end + 1));
        end += if digits > 0 { digits + 1 } else { 0 };
    }
    let rest = after(text, end);
    let zone = [
        "+dd:dd", "-dd:dd", "+dddd", "-dddd", " +dddd", " -dddd", "Z",
    ];
    let zone = zone.iter().find_map(|zone| pattern(rest, zone));
    Some(end + zone.unwrap_or(0))
}

/// Ten digits of seconds (with a fraction) or thirteen of milliseconds, both beginning with a one: 2001 to 2033.
fn epoch(text: &str) -> Option<usize> {
    let whole = digits(text);
    if !text.starts_with('1') || (whole != 10 && whole != 13) {
        return None;
    }
    let fraction = after(text, whole).strip_prefix('.').map_or(0, digits);
    Some(whole + if fraction > 0 { fraction + 1 } else { 0 })
}

/// `12ms`, `1.5 s`, `1m20.5s`, `3h`.
fn duration(text: &str) -> Option<usize> {
    let mut end = 0;
    loop {
        let number = number(after(text, end));
        let rest = after(text, end + number);
        let Some(unit) = unit(rest, number > 0) else {
            break;
        };
        end += number + unit;
    }
    if end > 0 {
        return Some(end);
    }
    let number = number(text);
    let rest = after(text, number).strip_prefix(' ')?;
    let unit = APART.iter().find(|unit| {
        rest.strip_prefix(**unit)
            .is_some_and(|rest| rest.bytes().next().is_none_or(|byte| !is_word(byte)))
    })?;
    Some(number + 1 + unit.len())
}

/// Measures a unit right behind a number.
fn unit(text: &str, number: bool) -> Option<usize> {
    let ends = |length: usize| {
        let next = text.as_bytes().get(length);
        next.is_none_or(|byte| !is_word(*byte) || byte.is_ascii_digit())
    };
    let units = ATTACHED.iter().chain(&["h", "d"]);
    let mut lengths = units
        .filter(|unit| text.starts_with(**unit))
        .map(|unit| unit.len());
    number.then(|| lengths.find(|length| ends(*length)))?
}

/// A number with its fraction.
fn number(text: &str) -> usize {
    let whole = digits(text);
    let fraction = after(text, whole).strip_prefix('.').map_or(0, digits);
    whole + if fraction > 0 { fraction + 1 } else { 0 }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// `0x7ffe…`, a UUID, and words of at least seven hexadecimal digits with letters and digits among them.
fn id(text: &str) -> Option<usize> {
    let hex = |text: &str| text.bytes().take_while(u8::is_ascii_hexdigit).count();
    if let Some(rest) = text.strip_prefix("0x") {
        let length = hex(rest);
        return (length > 0).then_some(length + 2);
    }
    let mut end = 0;
    for (part, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        let dash = usize::from(part > 0);
        let rest = after(text, end);
        if (dash == 1 && !rest.starts_with('-')) || hex(after(rest, dash)) != length {
            end = 0;
            break;
        }
        end += dash + length;
    }
    if end > 0 {
        return Some(end);
    }
    let length = hex(text);
    let word = text.as_bytes().get(..length).unwrap_or_default();
    let mixed = word.iter().any(u8::is_ascii_digit) && word.iter().any(u8::is_ascii_alphabetic);
    (length >= ID && mixed).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_durations_and_ids_make_no_difference() {
        let same = [
            (
                "2026-11-21T07:26:00.123Z INFO health check ok in 3ms",
                "2026-11-21T07:27:59Z INFO health check ok in 120ms",
            ),
            (
                "2026/11/21 07:26:00 pool: checked in 1.5 s",
                "2026/11/22 09:00:01 pool: checked in 800 ms",
            ),
            (
                r#"10.0.0.7 - - [21/Nov/2026:07:26:00 +0000] "GET /health HTTP/1.1" 200 2"#,
                r#"10.0.0.7 - - [21/Nov/2026:07:26:30 +0000] "GET /health HTTP/1.1" 200 2"#,
            ),
            (
                r#"{"ts":1763709960.123,"msg":"tick","took":"1m20.5s"}"#,
                r#"{"ts":1763709990,"msg":"tick","took":"40µs"}"#,
            ),
            (
                "request 9f8e7d6c-1a2b-4c3d-8e9f-0a1b2c3d4e5f done",
                "request 00000000-1a2b-4c3d-8e9f-0a1b2c3d4e5f done",
            ),
            ("checkout 9f8e7d6c", "checkout 0a1b2c3"),
            ("at 0x7ffe12 nil", "at 0xdeadbeef nil"),
            ("\u{1b}[32m07:26:00\u{1b}[0m up", "07:26:01 up"),
        ];
        for (one, other) in same {
            assert_eq!(alike(one), alike(other), "{one} and {other}");
        }
    }

    #[test]
    fn counters_and_everything_else_make_one() {
        let different = [
            ("1", "2"),
            ("request 1", "request 2"),
            ("GET /users/17 200 3ms", "GET /users/4711 200 3ms"),
            ("GET /health 200 3ms", "GET /health 503 3ms"),
            ("listening on :8080", "listening on :8081"),
            ("step 3 of 9", "step 4 of 9"),
            ("migrated 10 rows in 3ms", "migrated 12 rows in 3ms"),
            ("level 5m", "level 5x"),
            ("3ms_total", "4ms_total"),
            ("deadbeef", "facade"),
            ("GET /users", "POST /users"),
            ("größe", "grösse"),
            ("", " "),
        ];
        for (one, other) in different {
            assert_ne!(alike(one), alike(other), "{one} and {other}");
        }
        assert_eq!(alike("cut \u{1b}[3"), alike("cut "));
    }
}
