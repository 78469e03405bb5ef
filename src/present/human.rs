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
    fn the_clock_survives_times_before_1970() {
        assert_eq!(clock(Wall(50_589_000)), "14:03:09");
        assert_eq!(clock(Wall(-1000)), "23:59:59");
    }
}
