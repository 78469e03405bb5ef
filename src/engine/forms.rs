//! The forms in which programs print a value: encoded as a whole, piece by piece, or with some characters escaped.
//!
//! A whole encoding (base64, decimal numbers: `encodings`) is a text of its own to look for. An escape (percent, backslash, `&#…;`)
//! may touch any of the characters, so there the text is decoded instead, with a way back to where each byte stood; and
//! hexadecimal digits are read without whatever stands between them.

use std::borrow::Cow;

/// Bytes an escaped byte may take (`&#x0061;`).
pub(super) const WIDEST: usize = 8;
/// Shortest value that is looked for among hexadecimal digits, in bytes: a shorter one is found in any date.
pub(super) const SHORTEST_HEX: usize = 6;

/// Characters that programs escape by name in HTML.
const NAMES: [(&[u8], u8); 8] = [
    (b"&amp;", b'&'),
    (b"&lt;", b'<'),
    (b"&gt;", b'>'),
    (b"&quot;", b'"'),
    (b"&apos;", b'\''),
    (b"&plus;", b'+'),
    (b"&sol;", b'/'),
    (b"&equals;", b'='),
];

/// What stands at the start of a text: the bytes it means, and how many it takes.
type Meant = Option<(Vec<u8>, usize)>;

/// A text in which any character may be escaped. It can be read from every place on, since what stands before a
/// value may look like the beginning of its first escape and turn a reading from the start out of step.
pub(super) struct View<'a> {
    text: Cow<'a, [u8]>,
    /// Where each byte stood before the text was decoded, and the end; nothing: it was not.
    places: Option<Vec<usize>>,
    meant: fn(&[u8]) -> Meant,
}

/// Returns the text as each kind of escape would have it read; a text without escapes has no views.
pub(super) fn views(text: &[u8]) -> Vec<View<'_>> {
    let mut views = Vec::new();
    let mut view = |text, places, meant| {
        views.push(View {
            text,
            places,
            meant,
        });
    };
    if text.contains(&b'\\') {
        view(Cow::Borrowed(text), None, backslash as fn(&[u8]) -> Meant);
        // JSON in JSON.
        let (once, places) = decode(text, backslash);
        if once.contains(&b'\\') {
            view(Cow::Owned(once), Some(places), backslash);
        }
    }
    let has = |first: u8, meant: fn(&[u8]) -> Meant| {
        memchr::memchr_iter(first, text).any(|at| text.get(at..).and_then(meant).is_some())
    };
    if has(b'%', percent) {
        view(Cow::Borrowed(text), None, percent);
        // An address in an address.
        let (once, places) = decode(text, percent);
        if once.contains(&b'%') {
            view(Cow::Owned(once), Some(places), percent);
        }
    }
    if text.contains(&b'+') {
        view(Cow::Borrowed(text), None, form);
    }
    if has(b'&', entity) {
        view(Cow::Borrowed(text), None, entity);
        // HTML in HTML.
        let (once, places) = decode(text, entity);
        if once.contains(&b'&') {
            view(Cow::Owned(once), Some(places), entity);
        }
    }
    if has(b'=', quoted) {
        view(Cow::Borrowed(text), None, quoted);
    }
    views
}

/// The hexadecimal digits of a text in lower case and where each stood, if there are enough for a value: bytes and words
/// may be apart from each other, with a colon or a comma and `0x` between, but no other letter is.
pub(super) fn digits(text: &[u8]) -> Vec<(Vec<u8>, Vec<usize>)> {
    let mut runs = Vec::new();
    let (mut digits, mut places) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at <= text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let prefix = matches!(rest, [b'0', b'x' | b'X', next, ..] if next.is_ascii_hexdigit());
        match rest.first() {
            _ if prefix => at += 1,
            Some(digit) if digit.is_ascii_hexdigit() => {
                digits.push(digit.to_ascii_lowercase());
                places.push(at);
            }
            Some(b' ' | b':' | b',' | b'\t' | b'-' | b'\\' | b'x') => {}
            _ => {
                let run = (std::mem::take(&mut digits), std::mem::take(&mut places));
                if run.0.len() >= 2 * SHORTEST_HEX {
                    runs.push(run);
                }
            }
        }
        at += 1;
    }
    runs
}

impl View<'_> {
    /// Returns how many places there are to read from.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Reads from a place on: each byte that is meant, and the place behind what means it.
    pub(super) fn read_from(&self, at: usize) -> impl Iterator<Item = (u8, usize)> {
        let mut next = at;
        let read = move || {
            let rest = self.text.get(next..)?;
            let (bytes, taken) = self.unit(rest)?;
            next += taken;
            Some((bytes, next))
        };
        std::iter::from_fn(read).flat_map(|(bytes, end)| bytes.into_iter().map(move |b| (b, end)))
    }

    /// Returns the two bytes that are meant at a place; zero for a second where the text ends.
    pub(super) fn two_at(&self, at: usize) -> Option<(u8, u8)> {
        let first = *self.text.get(at)?;
        let second = self.text.get(at + 1).copied().unwrap_or_default();
        if !is_escape(first) && !is_escape(second) {
            return Some((first, second));
        }
        let mut read = self.read_from(at).map(|(byte, _)| byte);
        Some((read.next()?, read.next().unwrap_or_default()))
    }

    /// Returns the byte before a place: what an escape that ends there means, else the byte itself.
    pub(super) fn before(&self, at: usize) -> Option<u8> {
        let escape = (2..=WIDEST).find_map(|length| {
            let start = at.checked_sub(length)?;
            let (bytes, taken) = (self.meant)(self.text.get(start..)?)?;
            bytes.last().copied().filter(|_| taken == length)
        });
        escape.or_else(|| self.text.get(at.checked_sub(1)?).copied())
    }

    /// Returns where a place is in the text the view was made of.
    pub(super) fn place(&self, at: usize) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(at).copied(),
            None => Some(at),
        }
    }

    fn unit(&self, rest: &[u8]) -> Meant {
        let first = *rest.first()?;
        let meant = is_escape(first).then(|| (self.meant)(rest)).flatten();
        Some(meant.unwrap_or_else(|| (vec![first], 1)))
    }
}

/// Tells whether an escape of any kind may begin with a byte.
fn is_escape(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'+' | b'&' | b'=')
}

/// Decodes from the start on: the bytes, and where each began; one more for the end.
fn decode(text: &[u8], meant: fn(&[u8]) -> Meant) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut places) = (Vec::with_capacity(text.len()), Vec::new());
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (bytes_meant, taken) =
            meant(rest).unwrap_or_else(|| (rest.iter().take(1).copied().collect(), 1));
        for byte in bytes_meant {
            bytes.push(byte);
            places.push(at);
        }
        at += taken;
    }
    places.push(text.len());
    (bytes, places)
}

fn percent(text: &[u8]) -> Meant {
    two_digits(text.strip_prefix(b"%")?)
}

/// Quoted-printable, as mails have it.
fn quoted(text: &[u8]) -> Meant {
    two_digits(text.strip_prefix(b"=")?)
}

/// Two hexadecimal digits behind one character.
fn two_digits(text: &[u8]) -> Meant {
    let code = number(text.get(..2)?, 16)?;
    Some((vec![u8::try_from(code).ok()?], 3))
}

/// A character of HTML by its number, `&#97;` or `&#x61;`, or by its name where that is one that programs write.
fn entity(text: &[u8]) -> Meant {
    if let Some((name, byte)) = NAMES.iter().find(|(name, _)| text.starts_with(name)) {
        return Some((vec![*byte], name.len()));
    }
    let rest = text.strip_prefix(b"&#")?;
    let length = rest.iter().take(8).position(|byte| *byte == b';')?;
    let inside = rest.get(..length)?;
    let code = match inside.strip_prefix(b"x").or(inside.strip_prefix(b"X")) {
        Some(digits) => number(digits, 16)?,
        None => number(inside, 10)?,
    };
    let c = char::from_u32(code)?;
    Some((c.to_string().into_bytes(), length + 3))
}

fn form(text: &[u8]) -> Meant {
    match text.first()? {
        b'+' => Some((vec![b' '], 1)),
        _ => percent(text),
    }
}

fn backslash(text: &[u8]) -> Meant {
    let rest = text.strip_prefix(b"\\")?;
    let byte = match rest.first()? {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'a' => 7,
        b'v' => 11,
        b'e' => 27,
        b'x' => {
            let digits = rest.get(1..3)?;
            return Some((vec![u8::try_from(number(digits, 16)?).ok()?], 4));
        }
        b'u' => return unicode(rest),
        b'0'..=b'7' => {
            let digits = rest.get(..3)?;
            return Some((vec![u8::try_from(number(digits, 8)?).ok()?], 4));
        }
        other if other.is_ascii() => *other,
        _ => return None,
    };
    Some((vec![byte], 2))
}

/// Decodes `u0061`, a pair of surrogates, or `u{61}`; the backslash before it is taken too.
fn unicode(text: &[u8]) -> Meant {
    let encoded = |code: u32, taken: usize| {
        let c = char::from_u32(code)?;
        Some((c.to_string().into_bytes(), taken))
    };
    if text.get(1) == Some(&b'{') {
        let length = text.iter().take(9).position(|byte| *byte == b'}')?;
        return encoded(number(text.get(2..length)?, 16)?, length + 2);
    }
    let code = number(text.get(1..5)?, 16)?;
    if (0xd800..0xdc00).contains(&code) && text.get(5..7) == Some(b"\\u") {
        let low = number(text.get(7..11)?, 16)?;
        if (0xdc00..0xe000).contains(&low) {
            return encoded(0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00), 12);
        }
    }
    encoded(code, 6)
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let signed = digits.first().is_some_and(|first| *first == b'+');
    let text = std::str::from_utf8(digits).ok().filter(|_| !signed)?;
    u32::from_str_radix(text, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_every_byte_knows_where_it_ends() {
        let cases: [(&str, &str, &[usize]); 8] = [
            ("a%2Fb", "a/b", &[1, 4, 5]),
            ("a%2fb%", "a/b%", &[1, 4, 5, 6]),
            ("a+b", "a b", &[1, 2, 3]),
            (r"a\/b", "a/b", &[1, 3, 4]),
            (r"\u0061b", "ab", &[6, 7]),
            (r"\ud83d\ude00", "\u{1f600}", &[12, 12, 12, 12]),
            (r"\u{e9}x", "\u{e9}x", &[6, 6, 7]),
            (r"\x61\142", "ab", &[4, 8]),
        ];
        for (text, bytes, ends) in cases {
            let views = views(text.as_bytes());
            let read: Vec<(u8, usize)> = views[0].read_from(0).collect();
            let (found, places): (Vec<u8>, Vec<usize>) = read.into_iter().unzip();
            assert_eq!(found, bytes.as_bytes(), "{text}");
            assert_eq!(places, ends, "{text}");
        }
        assert!(views(b"plain").is_empty());
    }

    #[test]
    fn digits_are_read_whatever_stands_between_them() {
        let cases = [
            ("x: 6361 6e61 7279", "63616e617279", 3),
            ("[0x63, 0x61, 0x6E, 0x61, 0x72, 0x79]", "63616e617279", 3),
            (r"\x63\x61\x6e\x61\x72\x79", "63616e617279", 2),
            ("63:61:6e:61:72:79", "63616e617279", 0),
        ];
        for (text, found, start) in cases {
            let runs = digits(text.as_bytes());
            assert_eq!(runs.len(), 1, "{text}");
            assert_eq!(String::from_utf8_lossy(&runs[0].0), found);
            assert_eq!(runs[0].1.first(), Some(&start), "{text}");
        }
        assert!(digits(b"63616e61 is too short, and so is a bad cafe").is_empty());
    }

    #[test]
    fn what_stands_before_an_escape_does_not_hide_it() {
        for text in [r"\\u0061b", r"\\x61b", r"%ab", r"%%61b"] {
            let views = views(text.as_bytes());
            let read = |at: usize| views[0].read_from(at).map(|(byte, _)| byte);
            assert!(read(1).eq(*b"ab"), "{text}");
        }
    }

    #[test]
    fn the_byte_before_a_place_is_the_one_that_is_meant() {
        let views = views(br"x\nab\u0061b");
        let before: Vec<Option<u8>> = [0, 1, 3, 4, 11].map(|at| views[0].before(at)).into();
        assert_eq!(
            before,
            [None, Some(b'x'), Some(b'\n'), Some(b'a'), Some(b'a')]
        );
    }
}
