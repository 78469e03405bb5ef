//! Numbers for people: durations, ages, sizes, times of day.

use std::time::Duration;

use crate::domain::time::Wall;

/// Writes a duration with two units at most: `0.3 s`, `12 s`, `3 m 05 s`, `2 h 10 m`, `4 d 3 h`.
#[must_use]
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..=9 => format!("{}.{} s", seconds, span.subsec_millis() / 100),
        10..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3_600..=86_399 => format!("{} h {:02} m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Writes the time between two points, zero when they are the wrong way round.
#[must_use]
pub fn between(from: Wall, to: Wall) -> String {
    duration(Duration::from_millis(
        u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0),
    ))
}

/// Writes a size with binary units: `512 B`, `1.5 KiB`, `64 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut whole = bytes;
    let mut rest = 0;
    while whole >= 1024 && unit + 1 < UNITS.len() {
        rest = whole % 1024;
        whole /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or("B");
    let tenth = rest * 10 / 1024;
    if tenth == 0 || whole >= 10 {
        format!("{whole} {name}")
    } else {
        format!("{whole}.{tenth} {name}")
    }
}

/// Writes the value of a field as the file would: a size with its unit where that says the same, no limit as `none`.
#[must_use]
pub fn value(path: &str, text: &str) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let bytes = text.parse::<u64>().ok().filter(|_| path == "memory");
    let unit = |bytes: u64| UNITS.iter().find(|(unit, _)| bytes.is_multiple_of(*unit));
    match bytes {
        Some(0) => "none".to_owned(),
        Some(bytes) => match unit(bytes) {
            Some((unit, name)) => format!("{} {name}", bytes / unit),
            None => text.to_owned(),
        },
        None => text.to_owned(),
    }
}

/// Writes the time of day in UTC: `14:03:09`.
#[must_use]
pub fn clock(at: Wall) -> String {
    let seconds = at.0.div_euclid(1000).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds % 3_600 / 60,
        seconds % 60
    )
}

/// Writes a moment in UTC: `2026-11-21 14:03:09`.
#[must_use]
pub fn moment(at: Wall) -> String {
    // Days since 0000-03-01, so that a leap day is the last day of its year.
    let days = at.0.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {}", clock(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units_at_most() {
        let cases = [
            (340, "0.3 s"),
            (9_950, "9.9 s"),
            (12_400, "12 s"),
            (185_000, "3 m 05 s"),
            (7_800_000, "2 h 10 m"),
            (356_400_000, "4 d 3 h"),
        ];
        for (millis, expected) in cases {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn a_memory_limit_reads_as_the_file_writes_it() {
        for (path, text, expected) in [
            ("memory", "134217728", "128 MiB"),
            ("memory", "0", "none"),
            ("memory", "1000", "1000"),
            ("memory", "odd", "odd"),
            ("cpu", "1024", "1024"),
        ] {
            assert_eq!(value(path, text), expected, "{path} {text}");
        }
    }

    #[test]
    fn sizes_have_binary_units() {
        for (bytes, expected) in [
            (512, "512 B"),
            (1536, "1.5 KiB"),
            (67_108_864, "64 MiB"),
            (11_000, "10 KiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn a_moment_has_its_day() {
        for (millis, expected) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_400_000, "2000-02-29 00:00:00"),
            (1_795_000_000_000, "2026-11-18 11:06:40"),
            (-1, "1969-12-31 23:59:59"),
        ] {
            assert_eq!(moment(Wall(millis)), expected);
        }
    }

    #[test]
    fn the_clock_survives_times_before_1970() {
        assert_eq!(clock(Wall(50_589_000)), "14:03:09");
        assert_eq!(clock(Wall(-1000)), "23:59:59");
    }
}
