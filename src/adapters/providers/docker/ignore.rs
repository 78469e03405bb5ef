//! `.dockerignore`: which files of a build context stay here.
//!
//! Patterns as in Go's `filepath.Match` with `**`; the last pattern that fits decides; `!` brings back.

/// The rules of one `.dockerignore`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    parts: Vec<String>,
    keep: bool,
}

impl Rules {
    /// Reads the file's text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let rules = text
            .trim_start_matches('\u{feff}')
            .lines()
            .filter_map(|line| {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    return None;
                }
                let (keep, pattern) = match line.strip_prefix('!') {
                    Some(rest) => (true, rest.trim()),
                    None => (false, line),
                };
                let parts: Vec<String> = pattern
                    .split('/')
                    .filter(|part| !part.is_empty() && *part != ".")
                    .map(str::to_owned)
                    .collect();
                (!parts.is_empty()).then_some(Rule { parts, keep })
            });
        Self(rules.collect())
    }
    /// Tells whether a path relative to the context (`a/b`) stays here.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        self.0.iter().fold(false, |ignored, rule| {
            if rule.covers(&names) {
                !rule.keep
            } else {
                ignored
            }
        })
    }
    /// Tells whether something below an ignored folder may still be wanted.
    #[must_use]
    pub fn has_exceptions(&self) -> bool {
        self.0.iter().any(|rule| rule.keep)
    }
}

impl Rule {
    /// A rule covers what it names and everything below.
    fn covers(&self, names: &[&str]) -> bool {
        (1..=names.len()).any(|length| {
            names
                .get(..length)
                .is_some_and(|head| fits_path(&self.parts, head))
        })
    }
}

/// Where a star stands that may take more: what comes after it, and where it began to take.
type Star<'p, 'n, P, N> = Option<(&'p [P], &'n [N])>;

/// Only the last star ever has to take more, so this takes no longer than pattern times path.
fn fits_path(parts: &[String], names: &[&str]) -> bool {
    let (mut parts, mut names) = (parts, names);
    let mut star: Star<'_, '_, String, &str> = None;
    loop {
        match (parts.split_first(), names.split_first()) {
            (None, None) => return true,
            (Some((part, rest)), _) if part == "**" => {
                star = Some((rest, names));
                parts = rest;
                continue;
            }
            (Some((part, rest)), Some((name, tail))) if fits_text(part, name) => {
                (parts, names) = (rest, tail);
                continue;
            }
            _ => {}
        }
        let Some((after, Some((_, tail)))) = star.map(|(after, from)| (after, from.split_first()))
        else {
            return false;
        };
        star = Some((after, tail));
        (parts, names) = (after, tail);
    }
}

fn fits_text(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    fits_name(&pattern, &name)
}

fn fits_name(pattern: &[char], name: &[char]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut star: Star<'_, '_, char, char> = None;
    loop {
        if let Some((&'*', rest)) = pattern.split_first() {
            star = Some((rest, name));
            pattern = rest;
        } else if pattern.is_empty() && name.is_empty() {
            return true;
        } else if let Some((rest, tail)) = past_one(pattern, name) {
            (pattern, name) = (rest, tail);
        } else if let Some((after, Some((_, tail)))) =
            star.map(|(after, from)| (after, from.split_first()))
        {
            star = Some((after, tail));
            (pattern, name) = (after, tail);
        } else {
            return false;
        }
    }
}

/// What is left of pattern and name behind one character that fits.
fn past_one<'p, 'n>(pattern: &'p [char], name: &'n [char]) -> Option<(&'p [char], &'n [char])> {
    let (found, tail) = name.split_first()?;
    match pattern.split_first()? {
        ('?', rest) => Some((rest, tail)),
        ('[', rest) => past_class(rest, *found).map(|rest| (rest, tail)),
        ('\\', rest) => {
            let (wanted, rest) = rest.split_first()?;
            (wanted == found).then_some((rest, tail))
        }
        (wanted, rest) => (wanted == found).then_some((rest, tail)),
    }
}

/// `[a-z]` and `[^a-z]`; a class without an end fits nothing.
fn past_class(rest: &[char], found: char) -> Option<&[char]> {
    let (negated, mut rest) = match rest.split_first() {
        Some((&'^' | &'!', rest)) => (true, rest),
        _ => (false, rest),
    };
    let mut hit = false;
    loop {
        match rest {
            [']', after @ ..] => return (hit != negated).then_some(after),
            [low, '-', high, after @ ..] if *high != ']' => {
                hit |= (*low..=*high).contains(&found);
                rest = after;
            }
            [one, after @ ..] => {
                hit |= *one == found;
                rest = after;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_docker() {
        let cases = [
            ("node_modules", "node_modules/a/b", true),
            ("node_modules", "sub/node_modules", false),
            ("**/node_modules", "sub/deep/node_modules/x", true),
            ("**/node_modules", "node_modules", true),
            ("*.md", "README.md", true),
            ("*.md", "docs/README.md", false),
            ("*/temp*", "a/temporary", true),
            ("*/temp*", "a/b/temporary", false),
            ("/dist/", "dist/app.js", true),
            ("file?.txt", "file1.txt", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("# comment\n\nfoo", "# comment", false),
            ("*.md\n!README.md", "README.md", false),
            ("*.md\n!README.md", "a.md", true),
            ("!README.md\n*.md", "README.md", true),
            ("**\n!src", "src/main.rs", false),
            ("**\n!src", "Cargo.toml", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**", "a", true),
            ("[a", "[a", false),
        ];
        for (text, path, expected) in cases {
            assert_eq!(
                Rules::parse(text).ignores(path),
                expected,
                "{path:?} by {text:?}"
            );
        }
    }
}
