//! What is looked for in output: words, or a pattern after `re:`.
//!
//! Case matters only when a capital letter was typed. A filter takes several words, all of which a line must have,
//! and none of those that begin with `!`; a search takes what was typed as one.

use std::ops::Range;

use memchr::memmem::Finder;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

/// What begins a pattern.
const PATTERN: &str = "re:";
/// Bytes a compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;

/// One thing to find in a line.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a query has a handful of them, and the searcher is wanted without a hop"
)]
enum Term {
    /// A text as it stands.
    Exact(Finder<'static>),
    /// A text of ASCII, in any case: its small letters, and the byte that is looked for first.
    Small { text: Vec<u8>, rare: usize },
    /// Another text, in any case: its small letters.
    Folded(String),
    /// A pattern.
    Pattern(Box<Regex>),
}

/// Something to look for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    typed: String,
    wanted: Vec<Term>,
    unwanted: Vec<Term>,
    problem: Option<String>,
}

impl Query {
    /// Reads what was typed for a search: one text, or a pattern.
    #[must_use]
    pub fn search(typed: &str) -> Self {
        let mut query = Self {
            typed: typed.to_owned(),
            ..Self::default()
        };
        match typed.strip_prefix(PATTERN) {
            Some(pattern) => query.pattern(pattern),
            None if typed.is_empty() => {}
            None => query.wanted.push(Term::of(typed)),
        }
        query
    }

    /// Reads what was typed for a filter: words, or a pattern.
    #[must_use]
    pub fn filter(typed: &str) -> Self {
        if typed.starts_with(PATTERN) {
            return Self::search(typed);
        }
        let mut query = Self {
            typed: typed.to_owned(),
            ..Self::default()
        };
        for word in typed.split_whitespace() {
            match word.strip_prefix('!') {
                Some("") => {}
                Some(word) => query.unwanted.push(Term::of(word)),
                None => query.wanted.push(Term::of(word)),
            }
        }
        query
    }

    fn pattern(&mut self, pattern: &str) {
        if pattern.is_empty() {
            return;
        }
        let built = Regex::builder()
            .syntax(syntax::Config::new().case_insensitive(!has_capital(pattern)))
            .configure(Regex::config().nfa_size_limit(Some(PATTERN_SIZE)))
            .build(pattern);
        match built {
            Ok(regex) => self.wanted.push(Term::Pattern(Box::new(regex))),
            Err(_) => self.problem = Some("this is no valid pattern".to_owned()),
        }
    }

    /// Returns what was typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }
    /// Returns why nothing can be looked for.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }
    /// Tells whether every line fits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    /// Tells whether a line fits.
    #[must_use]
    pub fn fits(&self, line: &str) -> bool {
        self.wanted.iter().all(|term| term.is_in(line))
            && !self.unwanted.iter().any(|term| term.is_in(line))
    }

    /// Returns where in a line the wanted things stand, in their order, none over another.
    #[must_use]
    pub fn places(&self, line: &str) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        for term in &self.wanted {
            term.places(line, &mut places);
        }
        places.sort_by_key(|place| (place.start, place.end));
        let mut end = 0;
        places.retain(|place| {
            let free = place.start >= end && place.end > place.start;
            if free {
                end = place.end;
            }
            free
        });
        places
    }
}

/// Tells whether a pattern has a capital letter that is not part of an escape such as `\S`.
fn has_capital(pattern: &str) -> bool {
    let mut escaped = false;
    pattern.chars().any(|c| {
        let counts = !escaped && c.is_uppercase();
        escaped = !escaped && c == '\\';
        counts
    })
}

/// Places in one line that are looked for at most.
const PLACES: usize = 1_000;

impl Term {
    fn of(text: &str) -> Self {
        if text.chars().any(char::is_uppercase) || !text.chars().any(char::is_alphabetic) {
            return Self::Exact(Finder::new(text).into_owned());
        }
        if !text.is_ascii() {
            return Self::Folded(text.to_lowercase());
        }
        let text = text.as_bytes().to_vec();
        let rare = text
            .iter()
            .enumerate()
            .min_by_key(|(_, byte)| frequency(**byte))
            .map_or(0, |(index, _)| index);
        Self::Small { text, rare }
    }

    fn is_in(&self, line: &str) -> bool {
        match self {
            Self::Exact(finder) => finder.find(line.as_bytes()).is_some(),
            Self::Small { text, rare } => small(line.as_bytes(), text, *rare).is_some(),
            Self::Folded(text) => line.to_lowercase().contains(text.as_str()),
            Self::Pattern(regex) => regex.is_match(line),
        }
    }

    fn places(&self, line: &str, places: &mut Vec<Range<usize>>) {
        match self {
            Self::Exact(finder) => {
                let len = finder.needle().len();
                let found = finder.find_iter(line.as_bytes()).take(PLACES);
                places.extend(found.map(|start| start..start + len));
            }
            Self::Small { text, rare } => {
                let mut from = 0;
                while let Some(rest) = line.as_bytes().get(from..)
                    && let Some(found) = small(rest, text, *rare)
                    && places.len() < PLACES
                {
                    places.push(from + found..from + found + text.len());
                    from += found + text.len();
                }
            }
            Self::Folded(text) => folded(line, text, places),
            Self::Pattern(regex) => {
                let found = regex.find_iter(line).take(PLACES);
                places.extend(found.map(|found| found.range()));
            }
        }
    }
}

/// Says how common a byte is in output, roughly.
const fn frequency(byte: u8) -> u8 {
    match byte {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b' ' => 9,
        b'0'..=b'9' | b'd' | b'l' | b'c' | b'u' | b'm' | b'p' | b':' | b'-' | b'.' | b'/' => 6,
        b'a'..=b'z' => 3,
        _ => 2,
    }
}

/// Finds a text of small letters in bytes of any case.
fn small(line: &[u8], text: &[u8], rare: usize) -> Option<usize> {
    let byte = *text.get(rare)?;
    let mut from = rare;
    while let Some(rest) = line.get(from..) {
        let found = from + memchr::memchr2(byte, byte.to_ascii_uppercase(), rest)?;
        let start = found - rare;
        let here = line.get(start..start + text.len())?;
        if here.eq_ignore_ascii_case(text) {
            return Some(start);
        }
        from = found + 1;
    }
    None
}

/// Finds a text of small letters where letters may change their length in bytes with their case.
fn folded(line: &str, text: &str, places: &mut Vec<Range<usize>>) {
    let mut starts = line.char_indices();
    while let Some((start, _)) = starts.next() {
        let mut left = text;
        let mut end = start;
        for c in line.get(start..).unwrap_or_default().chars() {
            let lower: String = c.to_lowercase().collect();
            let Some(rest) = left.strip_prefix(lower.as_str()) else {
                break;
            };
            left = rest;
            end += c.len_utf8();
            if left.is_empty() {
                break;
            }
        }
        if left.is_empty() && places.len() < PLACES {
            places.push(start..end);
            while starts.as_str().len() > line.len() - end {
                starts.next();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_matters_only_with_a_capital_letter() {
        let cases = [
            ("error", "an ERROR occurred", true),
            ("Error", "an ERROR occurred", false),
            ("ERROR", "an ERROR occurred", true),
            ("größe", "GRÖSSE Größe", true),
            ("GET /a", "get /a", false),
            ("get /a", "GET /A", true),
            ("404", "status=404", true),
            ("x", "", false),
            ("日本", "こんにちは日本", true),
            ("re:^get \\S+ 50[0-9]$", "GET /x 503", true),
            ("re:Get", "GET", false),
            ("re:\\S+ing", "RUNNING", true),
        ];
        for (typed, line, expected) in cases {
            let query = Query::search(typed);
            assert_eq!(query.fits(line), expected, "{typed:?} in {line:?}");
            assert_eq!(!query.places(line).is_empty(), expected, "{typed:?} places");
        }
    }

    #[test]
    fn a_filter_wants_all_words_and_none_of_the_others() {
        let query = Query::filter("error !timeout db");
        for (line, expected) in [
            ("db: error 3", true),
            ("error in DB", true),
            ("db: error: timeout", false),
            ("db: fine", false),
        ] {
            assert_eq!(query.fits(line), expected, "{line}");
        }
        assert!(Query::filter(" ! ").is_empty());
        assert_eq!(
            Query::search("error db").places("error db error db").len(),
            2
        );
    }

    #[test]
    fn places_are_byte_ranges_of_whole_letters() {
        let line = "Ärger ÄRGER ärger";
        let found: Vec<&str> = Query::search("ärger")
            .places(line)
            .into_iter()
            .map(|place| &line[place])
            .collect();
        assert_eq!(found, ["Ärger", "ÄRGER", "ärger"]);
        assert_eq!(Query::filter("aa a").places("aaa"), [0..1, 1..2, 2..3]);
    }

    #[test]
    fn a_pattern_that_is_none_says_so() {
        let query = Query::search("re:(");
        assert_eq!(query.problem(), Some("this is no valid pattern"));
        assert!(query.is_empty());
        assert_eq!(Query::search("re:").problem(), None);
        assert!(Query::search("re:(a{1000}){1000}").problem().is_some());
    }
}
