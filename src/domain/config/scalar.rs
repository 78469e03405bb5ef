//! Texts of the file as typed values: truth, counts, ports, times, sizes.
//!
//! Each function takes the text as written and returns `None` for what it does not mean; nothing is guessed.

use std::time::Duration;

use crate::domain::project::service::RestartPolicy;

/// Reads `true` or `false` (YAML 1.2 core: `yes` and `on` are texts).
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// Reads a whole number from 0, also as `0x…` and `0o…`.
pub(crate) fn count(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x") {
        return digits(hex, 16);
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    digits(text, 10)
}

fn digits(text: &str, radix: u32) -> Option<u64> {
    let all = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    if all {
        u64::from_str_radix(text, radix).ok()
    } else {
        None
    }
}

/// Reads a whole number that fits 32 bits.
pub(crate) fn small(text: &str) -> Option<u32> {
    count(text).and_then(|n| u32::try_from(n).ok())
}

/// Reads a port, 1 to 65535.
pub(crate) fn port(text: &str) -> Option<u16> {
    digits(text, 10)
        .and_then(|n| u16::try_from(n).ok())
        .filter(|port| *port > 0)
}

/// Reads a decimal number with at most three places, as thousandths.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 3 || (whole.is_empty() && part.is_empty()) || text.ends_with('.') {
        return None;
    }
    let whole = if whole.is_empty() {
        0
    } else {
        digits(whole, 10)?
    };
    let padded = format!("{part:0<3}");
    whole.checked_mul(1000)?.checked_add(digits(&padded, 10)?)
}

/// Reads a CPU limit as thousandths of a core: `0.5`, `2`, `500m`. Nothing (`0`) is no limit and is refused.
pub(crate) fn cpu_millis(text: &str) -> Option<u64> {
    let millis = match text.strip_suffix('m') {
        Some(millis) => digits(millis, 10),
        None => thousandths(text),
    };
    millis.filter(|n| (1..=1_000_000).contains(n))
}

/// Reads an amount of memory as bytes: `512mb`, `1.5GiB`, `64m`, or plain bytes. As in Docker every unit is a power of
/// 1024.
pub(crate) fn memory_bytes(text: &str) -> Option<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let split = lower
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(lower.len());
    let (number, unit) = lower.split_at_checked(split)?;
    let factor: u64 = match unit.trim_start() {
        "" | "b" => 1,
        "k" | "kb" | "ki" | "kib" => 1 << 10,
        "m" | "mb" | "mi" | "mib" => 1 << 20,
        "g" | "gb" | "gi" | "gib" => 1 << 30,
        "t" | "tb" | "ti" | "tib" => 1 << 40,
        _ => return None,
    };
    let thousandths = thousandths(number)?;
    if factor == 1 && number.contains('.') {
        return None;
    }
    let bytes = u128::from(thousandths) * u128::from(factor) / 1000;
    u64::try_from(bytes).ok().filter(|n| *n > 0)
}

/// Reads a time: `10s`, `1m30s`, `500ms`, `1.5s`, `2h`. A bare number has no unit and is refused, but for `0`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let split = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, tail) = rest.split_at_checked(split)?;
        let (unit, micros): (&str, u64) = [
            ("ms", 1_000),
            ("us", 1),
            ("d", 86_400_000_000),
            ("h", 3_600_000_000),
            ("m", 60_000_000),
            ("s", 1_000_000),
        ]
        .into_iter()
        .find(|(unit, _)| tail.starts_with(unit))?;
        // `1s1m` is more likely a slip than a wish.
        if micros >= last {
            return None;
        }
        last = micros;
        let amount = u128::from(thousandths(number)?) * u128::from(micros) / 1000;
        total = total.checked_add(Duration::from_micros(u64::try_from(amount).ok()?))?;
        rest = tail.strip_prefix(unit)?;
    }
    // A year is longer than anything that is meant.
    (!text.is_empty() && total <= Duration::from_secs(366 * 86_400)).then_some(total)
}

/// Reads a percentage, `70%` or `70`, from 1 to 100.
pub(crate) fn percent(text: &str) -> Option<u32> {
    small(text.strip_suffix('%').unwrap_or(text)).filter(|n| (1..=100).contains(n))
}

/// Reads a restart policy.
pub(crate) fn restart(text: &str) -> Option<RestartPolicy> {
    match text {
        "no" => Some(RestartPolicy::No),
        "always" => Some(RestartPolicy::Always),
        "unless-stopped" => Some(RestartPolicy::UnlessStopped),
        "on-failure" => Some(RestartPolicy::OnFailure(0)),
        _ => text
            .strip_prefix("on-failure:")
            .and_then(small)
            .map(RestartPolicy::OnFailure),
    }
}

/// Tells whether the text can be the name of a variable.
pub(crate) fn is_variable(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        let cases = [
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("1.5s", Some(1_500)),
            ("2h", Some(7_200_000)),
            ("1h0m5s", Some(3_605_000)),
            ("0", Some(0)),
            ("10", None),
            ("", None),
            ("s", None),
            ("1s1m", None),
            ("-1s", None),
            ("1d12h", Some(129_600_000)),
            ("30d", Some(2_592_000_000)),
            ("400d", None),
            ("99999999999h", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text).map(|d| d.as_millis()), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        let cases = [
            ("512mb", Some(512 << 20)),
            ("1gb", Some(1 << 30)),
            ("1.5GiB", Some(3 << 29)),
            ("64m", Some(64 << 20)),
            ("1048576", Some(1_048_576)),
            ("10 mb", Some(10 << 20)),
            ("0", None),
            ("1.5", None),
            ("mb", None),
            ("1xb", None),
            ("-1gb", None),
            ("99999999999999t", None),
        ];
        for (text, expected) in cases {
            assert_eq!(memory_bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn cpu_limits_are_thousandths_of_a_core() {
        let cases = [
            ("0.5", Some(500)),
            (".5", Some(500)),
            ("2", Some(2000)),
            ("500m", Some(500)),
            ("0", None),
            ("1.", None),
            ("0.0001", None),
            ("", None),
            ("x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(cpu_millis(text), expected, "{text}");
        }
    }

    #[test]
    fn ports_policies_and_truth_values_are_strict() {
        assert_eq!(port("8080"), Some(8080));
        for bad in ["0", "65536", "+80", "80.0", "", "http"] {
            assert_eq!(port(bad), None, "{bad}");
        }
        assert_eq!(restart("on-failure:3"), Some(RestartPolicy::OnFailure(3)));
        assert_eq!(restart("sometimes"), None);
        assert_eq!(boolean("yes"), None);
        assert_eq!(count("0o14"), Some(12));
        assert_eq!(count("014"), Some(14));
        assert_eq!(percent("70%"), Some(70));
        assert_eq!(percent("0"), None);
    }
}
