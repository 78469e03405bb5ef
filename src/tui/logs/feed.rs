//! Takes lines in: of a run's events, and of a service's output with the time in front.

use crate::app::notice::OutputLine;
use crate::domain::event::{Event, EventKind};
use crate::domain::time::Wall;
use crate::tui::logs::store::Store;

/// Takes the output of a run's event in; tells whether it was output. Live events and those of a past run go the
/// same way.
pub fn event(store: &mut Store, event: &Event) -> bool {
    let EventKind::Log { stream, text } = &event.kind else {
        return false;
    };
    match (&event.step, &event.address) {
        (Some(step), _) => store.push(event.at, *stream, step.as_str(), text),
        (None, Some(address)) => store.push(event.at, *stream, &address.to_string(), text),
        (None, None) => store.push(event.at, *stream, "", text),
    }
    true
}

/// Takes a line of a service in; it was asked for with times. A piece of an overlong line has none and gets that of
/// the piece before. Where the output goes beyond `deploy`, a mark says so.
pub fn output(store: &mut Store, line: &OutputLine, deploy: Option<(Wall, &str)>) {
    let (at, text) = stamped(&line.text).unwrap_or_else(|| (store.last_at(), &line.text));
    if let Some((began, name)) = deploy
        && at >= began
        && store.last_at() < began
    {
        store.mark(began, name);
    }
    store.push(at, line.stream, &line.source, text);
}

/// Takes the time off a line: `2026-11-21T07:26:00.123456789Z text`.
#[must_use]
pub fn stamped(line: &str) -> Option<(Wall, &str)> {
    let (stamp, text) = line.split_once(' ').unwrap_or((line, ""));
    let bytes = stamp.as_bytes();
    let number = |from: usize, len: usize| -> Option<i64> {
        let digits = bytes.get(from..from + len)?;
        digits.iter().try_fold(0_i64, |sum, byte| {
            byte.is_ascii_digit()
                .then(|| sum * 10 + i64::from(byte - b'0'))
        })
    };
    let sign = |at: usize, sign: u8| (bytes.get(at) == Some(&sign)).then_some(());
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    sign(4, b'-').and(sign(7, b'-')).and(sign(10, b'T'))?;
    sign(13, b':').and(sign(16, b':'))?;
    let rest = stamp.get(19..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(fraction) => {
            let end = fraction
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(fraction.len());
            fraction.split_at(end)
        }
        None => ("", rest),
    };
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let offset = match zone.as_bytes() {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) =>
        {
            let two = |tens: &u8, ones: &u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
            let offset = two(h1, h2) * 3_600 + two(m1, m2) * 60;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    Some((Wall((seconds - offset) * 1_000 + millis), text))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Stream;

    #[test]
    fn a_time_is_taken_off_and_only_a_time() {
        let cases = [
            ("1970-01-01T00:00:00Z x y", Some((0, "x y"))),
            (
                "2026-11-21T07:26:00.123456789Z ",
                Some((1_795_245_960_123, "")),
            ),
            ("2026-11-21T07:26:00.5Z", Some((1_795_245_960_500, ""))),
            (
                "2024-02-29T23:59:59.001+02:00 t",
                Some((1_709_243_999_001, "t")),
            ),
            ("2026-11-21 07:26:00 x", None),
            ("2026-11-21T07:26:00 x", None),
            ("plain text", None),
            ("", None),
            ("日本語日本語日本語日本語", None),
        ];
        for (line, expected) in cases {
            let found = stamped(line).map(|(at, text)| (at.0, text));
            assert_eq!(found, expected, "{line:?}");
        }
    }

    #[test]
    fn a_mark_stands_where_the_deploy_began() {
        let mut store = Store::new(0);
        let line = |text: &str| OutputLine {
            source: "service.api[0]".into(),
            stream: Stream::Stdout,
            text: text.into(),
        };
        let deploy = Some((Wall(2_000), "deploy"));
        for text in [
            "1970-01-01T00:00:01Z a",
            "1970-01-01T00:00:02Z b",
            "more of b",
            "1970-01-01T00:00:03Z c",
        ] {
            output(&mut store, &line(text), deploy);
        }
        let texts: Vec<&str> = (0..store.end())
            .filter_map(|n| store.line(n))
            .map(|line| line.text)
            .collect();
        assert_eq!(texts, ["a", "deploy", "b", "more of b", "c"]);
        assert_eq!(store.line(3).map(|line| line.at), Some(Wall(2_000)));
    }
}
