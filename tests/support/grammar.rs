//! What the panel may write to a terminal, as a grammar: everything else in the bytes is a fault, whoever it is from.
//!
//! Text is UTF-8 without control characters; the sequences are those the renderer and the terminal's guard use:
//! moving, erasing, colours, a handful of modes, and the clipboard. Once the alternate screen is left, plain lines
//! may follow, and what is typed at the plain prompt is taken off again: back, blank, back.

/// Modes that may be set and reset.
const MODES: [&str; 8] = ["25", "1000", "1002", "1006", "1015", "1049", "2004", "2026"];

/// What takes a character off a terminal that knows nothing but going back.
const ERASED: &str = "\u{8} \u{8}";

/// A byte that does not belong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is wrong.
    pub(crate) what: String,
    /// Where.
    pub(crate) at: usize,
}

/// Checks everything that was written.
///
/// # Errors
/// The first thing that does not belong.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Fault> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // A letter may be cut in half where the process was killed.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("valid up to there")
        }
        Err(error) => {
            return Err(Fault {
                what: "not UTF-8".into(),
                at: error.valid_up_to(),
            });
        }
    };
    let mut alternate = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        let fault = |what: String| Fault { what, at };
        if first == '\u{1b}' {
            let length = sequence(&rest[1..], &mut alternate).map_err(fault)?;
            rest = &rest[1 + length..];
            continue;
        }
        if !alternate && rest.starts_with(ERASED) {
            rest = &rest[ERASED.len()..];
            continue;
        }
        let plain_line = !alternate && matches!(first, '\n' | '\r' | '\t');
        if first.is_control() && !plain_line {
            return Err(fault(format!("control character {first:?}")));
        }
        if is_direction(first) {
            return Err(fault(format!("a mark of writing direction {first:?}")));
        }
        rest = &rest[first.len_utf8()..];
    }
    Ok(())
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Reads one sequence behind its ESC; returns how long it is.
fn sequence(rest: &str, alternate: &mut bool) -> Result<usize, String> {
    if let Some(body) = rest.strip_prefix('[') {
        return csi(body, alternate).map(|length| length + 1);
    }
    if let Some(body) = rest.strip_prefix("]52;") {
        return clipboard(body).map(|length| length + 4);
    }
    if rest.is_empty() {
        return Ok(0);
    }
    Err(format!(
        "ESC {:?}",
        rest.chars().take(12).collect::<String>()
    ))
}

fn csi(body: &str, alternate: &mut bool) -> Result<usize, String> {
    let Some(end) = body.find(|c: char| c.is_ascii_alphabetic()) else {
        return Ok(body.len());
    };
    let (numbers, last) = (&body[..end], &body[end..=end]);
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit() || c == ';');
    let known = match last {
        "H" | "m" | "K" | "J" | "A" | "B" | "C" | "D" | "G" => digits(numbers),
        "h" | "l" => match numbers.strip_prefix('?') {
            Some(mode) => {
                if mode == "1049" {
                    *alternate = last == "h";
                }
                // What a program left on is turned off; we never turn it on.
                let undone = mode == "47" && last == "l";
                undone || mode.split(';').all(|mode| MODES.contains(&mode))
            }
            None => false,
        },
        _ => false,
    };
    if known {
        Ok(end + 1)
    } else {
        Err(format!("CSI {numbers:?} {last:?}"))
    }
}

fn clipboard(body: &str) -> Result<usize, String> {
    let Some(end) = body.find(['\u{7}', '\u{1b}']) else {
        return Err("a clipboard that does not end".into());
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "+/=;".contains(c);
    if !body[..end].chars().all(fits) {
        return Err("a clipboard that is not in base 64".into());
    }
    match &body[end..] {
        ended if ended.starts_with('\u{7}') => Ok(end + 1),
        ended if ended.starts_with("\u{1b}\\") => Ok(end + 2),
        _ => Err("a clipboard that ends badly".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_renderer_writes_passes() {
        for good in [
            "\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J\u{1b}[1;1H\u{1b}[38;5;2m● db データ\u{1b}[0m",
            "\u{1b}[?2026h\u{1b}[3;4Hx\u{1b}[?2026l",
            "\u{1b}]52;c;aGVsbG8=\u{7}\u{1b}]52;c;aGk=\u{1b}\\",
            "\u{1b}[?1049hx\u{1b}[?1049l shop (local): ok\r\n",
            "\u{1b}[?47l\u{1b}[m\u{1b}[?1049h",
            "nkapp shop [local]> plam\u{8} \u{8}n\r\n",
        ] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good:?}");
        }
    }

    #[test]
    fn everything_else_is_found() {
        for bad in [
            "\u{1b}]0;title\u{7}",
            "\u{1b}[6n",
            "\u{1b}c",
            "\u{1b}[?1h",
            "\u{1b}[?1049hline\nline",
            "bell \u{7}",
            "back\u{8}\u{8}over it",
            "\u{1b}[?1049hx\u{8} \u{8}",
            "\u{9b}31m",
            "\u{1b}P+q\u{1b}\\",
            "\u{202e}reversed",
            "\u{1b}]52;c;not base 64!\u{7}",
            "\u{1b}[2;J\u{1b}[?47h",
        ] {
            assert!(check(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
