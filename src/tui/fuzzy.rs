//! Fuzzy matching of what is typed against names, with nucleo.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// What was typed, ready to be compared with many names.
#[derive(Debug)]
pub struct Query {
    pattern: Pattern,
    matcher: Matcher,
    letters: Vec<char>,
}

impl Query {
    /// Prepares what was typed; several words must all match.
    #[must_use]
    pub fn new(typed: &str) -> Self {
        Self {
            pattern: Pattern::parse(typed, CaseMatching::Smart, Normalization::Smart),
            matcher: Matcher::new(Config::DEFAULT),
            letters: Vec::new(),
        }
    }

    /// Returns how well a name fits, higher is better; `None` when it does not.
    pub fn score(&mut self, name: &str) -> Option<u32> {
        self.letters.clear();
        let name = Utf32Str::new(name, &mut self.letters);
        self.pattern.score(name, &mut self.matcher)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_match_in_their_order() {
        let mut query = Query::new("sapi");
        assert!(query.score("service.api").is_some());
        assert!(query.score("service.db").is_none());
        assert!(Query::new("").score("anything").is_some());
    }
}
