//! `${NAME}` in values: expansion of one text, after parsing, so that a value can never become YAML.
//!
//! `${NAME}`, `${NAME:-text}` (unset or empty), `${NAME-text}` (unset), `${NAME:?message}`, `${NAME?message}`,
//! `${NAME:+text}` (set and not empty), `${NAME+text}`, and `$$` for one `$`. Texts nest. A `$` before anything
//! else stays, so that shell lines read naturally.

use std::fmt;

/// Deepest nesting of texts inside `${…}`.
const DEPTH: usize = 16;

/// Most faults told of one text.
const FAULTS: usize = 20;

/// A fault in one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Byte offset of its `$` in the text.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) kind: FaultKind,
}

/// Kinds of faults; none of them holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The variable is not set, and no default is given.
    Unset(String),
    /// `:?` asks for it, with this message of the file.
    Required(String, String),
    /// There is no `}`.
    Open,
    /// No name stands after `${`, or something odd after the name.
    Syntax,
    /// The texts nest too deep.
    Deep,
    /// The result would be longer than the budget.
    Large,
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(name) => write!(f, "the variable `{name}` is not set"),
            Self::Required(name, message) if message.is_empty() => write!(f, "the variable `{name}` is required"),
            Self::Required(name, message) => write!(f, "the variable `{name}` is required: {message}"),
            Self::Open => f.write_str("`${` is not closed by `}`"),
            Self::Syntax => f.write_str("`${` is not followed by a variable's name and `}` or one of `:-` `-` `:?` `?` `:+` `+`"),
            Self::Deep => write!(f, "`${{…}}` is nested deeper than {DEPTH}"),
            Self::Large => f.write_str("the expanded text is too long"),
        }
    }
}

/// Where values come from and how much text they may still make.
pub(crate) struct Expansion<'a> {
    /// Finds the value of a variable.
    pub(crate) lookup: &'a dyn Fn(&str) -> Option<String>,
    /// Bytes left for results; shared by all texts of a load.
    pub(crate) budget: &'a mut usize,
}

/// Tells whether expansion would change the text.
pub(crate) fn has_variables(text: &str) -> bool {
    text.contains("${") || text.contains("$$")
}

impl Expansion<'_> {
    /// Expands a text; the faults are all that were met, in order, and then the result is of no use.
    pub(crate) fn expand(&mut self, text: &str) -> Result<String, Vec<Fault>> {
        let mut out = String::new();
        let mut faults = Vec::new();
        self.walk(
            Part {
                text,
                at: 0,
                depth: 0,
            },
            &mut out,
            &mut faults,
        );
        if faults.is_empty() {
            Ok(out)
        } else {
            Err(faults)
        }
    }

    fn push(&mut self, text: &str, at: usize, out: &mut String, faults: &mut Vec<Fault>) {
        if let Some(left) = self.budget.checked_sub(text.len()) {
            *self.budget = left;
            out.push_str(text);
        } else if !faults.iter().any(|fault| fault.kind == FaultKind::Large) {
            // Nothing more is looked up: a long value would be copied again for every mention.
            *self.budget = 0;
            faults.push(Fault {
                at,
                kind: FaultKind::Large,
            });
        }
    }

    fn walk(&mut self, part: Part<'_>, out: &mut String, faults: &mut Vec<Fault>) {
        let mut rest = part.text;
        let mut at = part.at;
        while let Some(dollar) = rest.find('$') {
            if faults.len() >= FAULTS || *self.budget == 0 {
                return;
            }
            let (before, tail) = rest.split_at(dollar);
            self.push(before, at, out, faults);
            at += dollar;
            let used = if tail.starts_with("$$") {
                self.push("$", at, out, faults);
                2
            } else if let Some(inner) = tail.strip_prefix("${") {
                let Some(end) = closing(inner) else {
                    faults.push(Fault {
                        at,
                        kind: FaultKind::Open,
                    });
                    return;
                };
                let text = inner.get(..end).unwrap_or_default();
                self.variable(
                    Part {
                        text,
                        at,
                        depth: part.depth + 1,
                    },
                    out,
                    faults,
                );
                end + 3
            } else {
                self.push("$", at, out, faults);
                1
            };
            rest = tail.get(used..).unwrap_or_default();
            at += used;
        }
        self.push(rest, at, out, faults);
    }

    fn variable(&mut self, part: Part<'_>, out: &mut String, faults: &mut Vec<Fault>) {
        let fault = |kind| Fault { at: part.at, kind };
        if part.depth > DEPTH {
            faults.push(fault(FaultKind::Deep));
            return;
        }
        let length = part
            .text
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(part.text.len());
        let (name, tail) = part.text.split_at(length);
        let digit = name.starts_with(|c: char| c.is_ascii_digit());
        let Some((operator, word)) = operator(tail).filter(|_| !name.is_empty() && !digit) else {
            faults.push(fault(FaultKind::Syntax));
            return;
        };
        let at = part.at + 2 + length + (tail.len() - word.len());
        let word = Part {
            text: word,
            at,
            depth: part.depth,
        };
        let value = (self.lookup)(name);
        match (operator, value) {
            (
                Operator::Plain
                | Operator::Default
                | Operator::DefaultIfEmpty
                | Operator::Required
                | Operator::RequiredFull,
                Some(value),
            ) if operator.takes(&value) => self.push(&value, part.at, out, faults),
            (Operator::Plain, _) => faults.push(fault(FaultKind::Unset(name.to_owned()))),
            (Operator::Required | Operator::RequiredFull, _) => {
                faults.push(fault(FaultKind::Required(
                    name.to_owned(),
                    word.text.to_owned(),
                )));
            }
            (Operator::Other | Operator::OtherIfFull, None) => {}
            (Operator::OtherIfFull, Some(value)) if value.is_empty() => {}
            (
                Operator::Default
                | Operator::DefaultIfEmpty
                | Operator::Other
                | Operator::OtherIfFull,
                _,
            ) => self.walk(word, out, faults),
        }
    }
}

#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Plain,
    Default,
    DefaultIfEmpty,
    Required,
    RequiredFull,
    Other,
    OtherIfFull,
}

impl Operator {
    /// Tells whether a value that is set is taken.
    fn takes(self, value: &str) -> bool {
        !value.is_empty() || !matches!(self, Self::DefaultIfEmpty | Self::RequiredFull)
    }
}

fn operator(tail: &str) -> Option<(Operator, &str)> {
    const TABLE: [(&str, Operator); 6] = [
        (":-", Operator::DefaultIfEmpty),
        (":?", Operator::RequiredFull),
        (":+", Operator::OtherIfFull),
        ("-", Operator::Default),
        ("?", Operator::Required),
        ("+", Operator::Other),
    ];
    if tail.is_empty() {
        return Some((Operator::Plain, tail));
    }
    TABLE
        .iter()
        .find_map(|(sign, operator)| tail.strip_prefix(sign).map(|word| (*operator, word)))
}

/// Finds the `}` that closes a `${` whose inside starts at the text's start.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut i) = (0usize, 0usize);
    while let Some(byte) = bytes.get(i) {
        match (byte, bytes.get(i + 1)) {
            (b'$', Some(b'$')) => i += 1,
            (b'$', Some(b'{')) => {
                depth += 1;
                i += 1;
            }
            (b'}', _) if depth == 0 => return Some(i),
            (b'}', _) => depth -= 1,
            _ => {}
        }
        i += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expand(text: &str) -> Result<String, Vec<String>> {
        let lookup = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "B" => Some("b".to_owned()),
            "EMPTY" => Some(String::new()),
            "DOLLAR" => Some("${A}$$".to_owned()),
            _ => None,
        };
        let mut budget = 1000;
        Expansion {
            lookup: &lookup,
            budget: &mut budget,
        }
        .expand(text)
        .map_err(|faults| {
            faults
                .iter()
                .map(|f| format!("{}: {}", f.at, f.kind))
                .collect()
        })
    }

    #[test]
    fn variables_expand() {
        let cases = [
            ("plain", "plain"),
            ("${A}", "a"),
            ("x${A}y${B}z", "xaybz"),
            ("${EMPTY}", ""),
            ("${NONE:-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${NONE-d}", "d"),
            ("${A:-${NONE}}", "a"),
            ("${NONE:-${EMPTY:-${B}}}!", "b!"),
            ("${A:?must}", "a"),
            ("${A:+yes}${NONE:+no}${EMPTY:+no}", "yes"),
            ("${EMPTY+yes}${NONE+no}", "yes"),
            ("$$A $${A} $A $(x) $", "$A ${A} $A $(x) $"),
            ("${NONE:-}", ""),
            ("${DOLLAR}", "${A}$$"),
            ("é${A}é", "éaé"),
            ("${NONE:-a}b}", "ab}"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn every_fault_is_told_with_its_offset() {
        let cases: [(&str, &[&str]); 7] = [
            ("${NONE}", &["0: the variable `NONE` is not set"]),
            (
                "a${X}${Y}",
                &[
                    "1: the variable `X` is not set",
                    "5: the variable `Y` is not set",
                ],
            ),
            ("${A:-${B}", &["0: `${` is not closed by `}`"]),
            (
                "${EMPTY:?set it}",
                &["0: the variable `EMPTY` is required: set it"],
            ),
            ("${NONE?}", &["0: the variable `NONE` is required"]),
            ("${NONE:-x${Y}}", &["9: the variable `Y` is not set"]),
            (
                "${}",
                &[
                    "0: `${` is not followed by a variable's name and `}` or one of `:-` `-` `:?` `?` `:+` `+`",
                ],
            ),
        ];
        for (text, expected) in cases {
            let found = expand(text).expect_err(text);
            assert_eq!(found, expected, "{text}");
        }
        for odd in ["${1A}", "${A B}", "${A%x}", "${-x}"] {
            assert!(expand(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn growth_is_bounded() {
        let big = "x".repeat(600);
        let lookup = |_: &str| Some(big.clone());
        let mut budget = 1000;
        let mut expansion = Expansion {
            lookup: &lookup,
            budget: &mut budget,
        };
        let faults = expansion.expand("${A}${A}${A}").expect_err("too long");
        assert_eq!(
            faults,
            [Fault {
                at: 4,
                kind: FaultKind::Large
            }]
        );
        let deep = format!("{}{}", "${X:-".repeat(40), "}".repeat(40));
        assert!(expand(&deep).expect_err("deep")[0].contains("deeper than 16"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[${}:?+A-Zé\\-]{0,60}") {
            let _ = expand(&text);
        }
    }
}
