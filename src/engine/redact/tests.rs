//! Every form of every secret, whatever stands around it.

use super::*;

fn redactor(values: &[&str]) -> Redactor {
    let mut redactor = Redactor::default();
    for value in values {
        redactor.register(&Secret::new((*value).to_owned()));
    }
    redactor
}

#[test]
fn a_secret_is_masked_in_every_form() {
    let r = redactor(&["canary \"s3cret/+\u{e9}"]);
    let cases = [
        "plain canary \"s3cret/+\u{e9} end",
        // base64 of the value, then of one and two bytes before it
        "Y2FuYXJ5ICJzM2NyZXQvK8Op",
        "eGNhbmFyeSAiczNjcmV0LyvDqQ==",
        "eHhjYW5hcnkgInMzY3JldC8rw6k=",
        "63616e6172792022733363726574",
        "canary%20%22s3cret%2F%2B%C3%A9",
        "canary \\\"s3cret/+\u{e9}",
    ];
    for text in cases {
        let shown = r.redact(text);
        assert!(shown.contains(MASK), "{text} became {shown}");
    }
    let whole = "63616e61727920227333637265742f2bc3a9";
    assert_eq!(r.redact(whole), MASK);
    assert_eq!(r.redact(&whole.to_uppercase()), MASK);
}

#[test]
fn short_values_are_masked_where_they_stand_alone() {
    let r = redactor(&["ab"]);
    assert_eq!(r.redact("ab cab ab=x"), format!("{MASK} cab {MASK}=x"));
}

#[test]
fn lines_of_a_key_are_masked_one_by_one() {
    let r = redactor(&["-----BEGIN-----\nMIIEvQIBADAN\nxy\n-----END-----"]);
    assert_eq!(r.redact("got MIIEvQIBADAN"), format!("got {MASK}"));
    assert_eq!(r.redact("xy"), "xy");
}

#[test]
fn the_longer_of_two_secrets_goes_first() {
    let r = redactor(&["hunter", "hunter22"]);
    assert_eq!(r.redact("hunter22 hunter"), format!("{MASK} {MASK}"));
}

#[test]
fn without_secrets_text_stays() {
    assert_eq!(redactor(&[""]).redact("grün"), "grün");
}

/// Secrets of every shape; none is in another or in what stands around them.
fn canaries() -> Vec<String> {
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQDh7vXyU0Jzq1mT\n-----END PRIVATE KEY-----\n";
    [
        "canary-0-plain-tower",
        "c4n4ry/1+with=base64==",
        "canary 2 \"quoted\" \\ 'both'",
        "canary3%percent&amp<html>",
        "canary-4-gr\u{fc}n-\u{6f22}\u{5b57}",
        "canary5\ttabbed",
        "postgres://app:c4n4ry-6-p%40ss@db/app",
        "{\"user\": \"app\", \"password\": \"canary-7-in-json\"}",
        pem,
        "canary9",
        "$canary-10`echo`!{}*?",
        &"canary-11-long-".repeat(9),
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Prints a value in one of the ways programs have.
fn printed(value: &str, form: usize) -> String {
    let bytes = value.as_bytes();
    let base64 = |lead: usize, url: bool| {
        let mut all = b"xyz".get(..lead).unwrap().to_vec();
        all.extend(bytes);
        let table: Vec<char> = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(if url { ['-', '_'] } else { ['+', '/'] })
            .collect();
        all.chunks(3)
            .flat_map(|three| {
                let n = (0..3).fold(0, |n, i| n << 8 | usize::from(*three.get(i).unwrap_or(&0)));
                (0..=three.len())
                    .map(|i| table[n >> (18 - 6 * i) & 63])
                    .collect::<Vec<_>>()
            })
            .collect::<String>()
    };
    let each = |to: &dyn Fn(u8) -> String| bytes.iter().map(|byte| to(*byte)).collect::<String>();
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match form {
        0 => value.to_owned(),
        1..=3 => base64(form - 1, false),
        4..=6 => base64(form - 4, true),
        7 => each(&|byte| format!("{byte:02x}")),
        8 => each(&|byte| format!("{byte:02X}")),
        9 => each(&|byte| {
            if safe(byte) {
                char::from(byte).into()
            } else {
                format!("%{byte:02X}")
            }
        }),
        10 => each(&|byte| format!("%{byte:02x}")),
        11 => each(&|byte| match byte {
            b' ' => "+".to_owned(),
            byte if safe(byte) => char::from(byte).into(),
            byte => format!("%{byte:02X}"),
        }),
        12 => serde_json::to_string(value).unwrap(),
        13 => serde_json::to_string(&serde_json::to_string(value).unwrap()).unwrap(),
        14 => value
            .encode_utf16()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect(),
        15 => format!("'{}'", value.replace('\'', r"'\''")),
        16 => value
            .chars()
            .map(|c| {
                if c.is_alphanumeric() {
                    c.to_string()
                } else {
                    format!("\\{c}")
                }
            })
            .collect(),
        17 => format!("{value:?}"),
        18 => each(&|byte| format!("\\x{byte:02x}")),
        19 => each(&|byte| format!("{byte:02x} ")),
        20 => {
            let once = printed(value, 1);
            printed(&once, 1)
        }
        21 => {
            let wide: String = value.chars().flat_map(|c| [c, '\0']).collect();
            let plain = value.is_ascii();
            printed(if plain { &wide } else { value }, 1)
        }
        22 => each(&|byte| format!("%25{byte:02X}")),
        23 => value
            .chars()
            .map(|c| format!("&#{};", u32::from(c)))
            .collect(),
        24 => value
            .chars()
            .map(|c| format!("&#x{:04x};", u32::from(c)))
            .collect(),
        25 => each(&|byte| format!("={byte:02X}")),
        26 => words(bytes, false),
        27 => words(bytes, true),
        28 => each(&|byte| format!("{byte}, "))
            .trim_end_matches(", ")
            .to_owned(),
        29 => each(&|byte| format!("{byte:>3} ")),
        30 => each(&|byte| format!("{byte:03o} ")),
        31 => value.chars().map(|c| format!("{c} ")).collect(),
        32 => value.chars().rev().collect(),
        33 => base32(bytes),
        // As Python, Go and PHP escape HTML, and one who does it twice.
        34 => html(value, ["&quot;", "&#x27;"]),
        35 => html(value, ["&#34;", "&#39;"]),
        36 => html(value, ["&quot;", "&#039;"]),
        37 => html(&html(value, ["&#34;", "&#39;"]), ["&quot;", "&#x27;"]),
        _ => each(&|byte| format!("0x{byte:02X}, ")),
    }
}
const FORMS: usize = 39;

fn html(value: &str, quotes: [&str; 2]) -> String {
    let value = value.replace('&', "&amp;").replace('<', "&lt;");
    let value = value.replace('>', "&gt;").replace('"', quotes[0]);
    value.replace('\'', quotes[1])
}

/// Hexadecimal words of two bytes, as `xxd` has them, or `hexdump`.
fn words(bytes: &[u8], swapped: bool) -> String {
    let word = |word: &[u8]| match word {
        [first, second] if swapped => format!("{second:02x}{first:02x}"),
        all => all.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let words: Vec<String> = bytes.chunks(2).map(word).collect();
    words.join(" ")
}

fn base32(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
        .collect();
    let table: Vec<char> = ('A'..='Z').chain('2'..='7').collect();
    let code =
        |five: &[u8]| (0..5).fold(0, |n, i| n << 1 | usize::from(*five.get(i).unwrap_or(&0)));
    bits.chunks(5).map(|five| table[code(five)]).collect()
}

/// What of a value must not be seen: each of its lines that is long enough.
fn tellings(value: &str) -> Vec<String> {
    value
        .lines()
        .map(str::trim)
        .filter(|line| line.len() >= 7)
        .map(str::to_owned)
        .collect()
}

#[test]
fn f25_no_form_of_any_secret_is_left() {
    let canaries = canaries();
    let values: Vec<&str> = canaries.iter().map(String::as_str).collect();
    let r = redactor(&values);
    let mut cases = 0;
    for value in &canaries {
        for form in 0..FORMS {
            let text = printed(value, form);
            for line in text.lines() {
                let shown = r.redact(&format!("before {line} after"));
                let whole = text.lines().count() == 1;
                if whole {
                    assert!(shown.contains(MASK), "form {form}: {line} became {shown}");
                }
                assert!(
                    shown.starts_with("before ") && shown.ends_with(" after"),
                    "{shown}"
                );
                let bare = shown.replace(MASK, "");
                // At both ends of base64 a character may hold a few bits of the value.
                assert!(
                    !whole || bare.len() <= "before  after".len() + 12,
                    "form {form}: {shown}"
                );
                for telling in tellings(value) {
                    assert!(!bare.contains(&telling), "form {form}: {shown}");
                }
                cases += 1;
            }
        }
    }
    assert!(cases >= 12 * FORMS, "{cases}");
}

#[test]
fn f25_parts_of_documents_and_addresses_are_secrets_too() {
    let canaries = canaries();
    let values: Vec<&str> = canaries.iter().map(String::as_str).collect();
    let r = redactor(&values);
    for part in ["canary-7-in-json", "c4n4ry-6-p%40ss", "c4n4ry-6-p@ss"] {
        assert_eq!(
            r.redact(&format!("login {part}.")),
            format!("login {MASK}.")
        );
    }
    assert_eq!(r.redact("user app"), "user app");
}

#[test]
fn overlapping_secrets_leave_nothing_of_either() {
    let r = redactor(&["abcdefgh", "efghijkl"]);
    assert_eq!(r.redact("<abcdefghijkl>"), format!("<{MASK}>"));
}

#[test]
fn the_lines_of_wrapped_base64_is_masked() {
    let long = "canary-long-".repeat(20);
    let r = redactor(&[long.as_str()]);
    let whole = printed(&long, 1);
    for width in [64, 76] {
        let lines: Vec<&[u8]> = whole.as_bytes().chunks(width).collect();
        for line in lines {
            let line = String::from_utf8_lossy(line);
            assert!(
                r.redact(&line).replace(MASK, "").len() < 8,
                "{width}: {line}"
            );
        }
    }
}

#[test]
fn f25_dumps_show_nothing_wherever_a_secret_begins_in_them() {
    let canaries = canaries();
    let values: Vec<&str> = canaries.iter().map(String::as_str).collect();
    let r = redactor(&values);
    for value in values {
        for lead in 0..16 {
            let text = format!("{}{value}", "x".repeat(lead));
            for (number, line) in text.as_bytes().chunks(16).enumerate() {
                let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
                let shown: String = line
                    .iter()
                    .map(|byte| match byte {
                        b' '..=b'~' => char::from(*byte),
                        _ => '.',
                    })
                    .collect();
                let (left, right) = hex.split_at(hex.len().min(8));
                let dump = format!(
                    "{:08x}  {}  {}  |{shown}|",
                    number * 16,
                    left.join(" "),
                    right.join(" ")
                );
                let whole = line.len() == 16 && (number > 0 || lead == 0);
                let masked = r.redact(&dump);
                assert!(
                    !whole || !masked.contains(&shown) && !masked.contains(&hex.join(" ")),
                    "{dump} became {masked}"
                );
                assert!(!whole || !masked.contains(&right.join(" ")), "{masked}");
            }
        }
    }
}

#[test]
fn f25_a_key_in_lines_of_another_length_is_masked() {
    let body = printed(&"canary-rewrapped-".repeat(20), 1);
    let wrapped = |width: usize| {
        let lines: Vec<&[u8]> = body.as_bytes().chunks(width).collect();
        String::from_utf8(lines.join(&b'\n')).unwrap()
    };
    let key = format!("-----BEGIN KEY-----\n{}\n-----END KEY-----\n", wrapped(64));
    let r = redactor(&[&key]);
    for width in [32, 70, 76, 120, 5000] {
        for line in wrapped(width).lines().filter(|line| line.len() > 24) {
            assert_eq!(r.redact(line), MASK, "{width}");
        }
    }
}

#[test]
fn f25_many_secrets_and_large_ones_are_registered_in_time() {
    let mut r = Redactor::default();
    let line: String = (0..12_000)
        .map(|number| format!("{number:05x}-canary"))
        .collect();
    r.register(&Secret::new(line.chars().take(131_000).collect()));
    for number in 0..500 {
        r.register(&Secret::new(format!("canary-{number}-of-five-hundred")));
    }
    let text = "0a1b2c3d4e5f canary-499-of-five-hundred Y2FuYXJ5".repeat(200);
    assert_eq!(r.redact(&text).matches(MASK).count(), 200);
}

#[test]
fn f25_what_looks_like_an_escape_before_a_secret_does_not_hide_it() {
    let canaries = canaries();
    let values: Vec<&str> = canaries.iter().map(String::as_str).collect();
    let r = redactor(&values);
    for value in &canaries {
        for form in 0..FORMS {
            for before in ["\\", "\\\\", "\\\\\\", "%", "%2", "%%", "\\u", "\\x4"] {
                let text = printed(value, form).replace('\n', " ");
                let shown = r.redact(&format!("{before}{text}"));
                assert!(shown.contains(MASK), "form {form}: {before}{text}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn whatever_stands_around_a_secret_it_is_masked(
        before in "[ -~]{0,12}", after in "[ -~]{0,12}", which in 0usize..12, form in 0usize..FORMS,
    ) {
        let canaries = canaries();
        let values: Vec<&str> = canaries.iter().map(String::as_str).collect();
        let r = redactor(&values);
        let value = &canaries[which];
        let text = printed(value, form).replace('\n', " ");
        let shown = r.redact(&format!("{before}{text}{after}"));
        for telling in tellings(value) {
            proptest::prop_assert!(!shown.contains(&telling), "{shown}");
        }
        proptest::prop_assert!(shown.contains(MASK), "{shown}");
    }
}
