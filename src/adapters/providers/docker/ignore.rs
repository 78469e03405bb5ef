//! `.dockerignore`: which files of a build context stay here.
//!
//! Patterns as in Go's `filepath.Match` with `**`; the last pattern that fits decides; `!` brings back.

/// The rules of one `.dockerignore`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    parts: Vec<String>,
    keep: bool,
}

impl Rules {
    /// Reads the file's text.
    pub(super) fn parse(text: &str) -> Self {
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
    pub(super) fn ignores(&self, path: &str) -> bool {
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
    pub(super) fn has_exceptions(&self) -> bool {
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

fn fits_path(parts: &[String], names: &[&str]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((part, rest)), _) if part == "**" => (0..=names.len())
            .any(|skip| names.get(skip..).is_some_and(|tail| fits_path(rest, tail))),
        (Some((part, rest)), Some((name, tail))) => {
            let part: Vec<char> = part.chars().collect();
            let name: Vec<char> = name.chars().collect();
            fits_name(&part, &name) && fits_path(rest, tail)
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn fits_name(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((&'*', rest)) => {
            (0..=name.len()).any(|skip| name.get(skip..).is_some_and(|tail| fits_name(rest, tail)))
        }
        Some((&'?', rest)) => name
            .split_first()
            .is_some_and(|(_, tail)| fits_name(rest, tail)),
        Some((&'[', rest)) => fits_class(rest, name),
        Some((&'\\', rest)) => match (rest.split_first(), name.split_first()) {
            (Some((wanted, rest)), Some((found, tail))) => wanted == found && fits_name(rest, tail),
            _ => false,
        },
        Some((wanted, rest)) => name
            .split_first()
            .is_some_and(|(found, tail)| wanted == found && fits_name(rest, tail)),
    }
}

/// `[a-z]` and `[^a-z]`; a class without an end fits nothing.
fn fits_class(rest: &[char], name: &[char]) -> bool {
    let Some((found, tail)) = name.split_first() else {
        return false;
    };
    let (negated, mut rest) = match rest.split_first() {
        Some((&'^' | &'!', rest)) => (true, rest),
        _ => (false, rest),
    };
    let mut hit = false;
    loop {
        match rest {
            [']', after @ ..] => return hit != negated && fits_name(after, tail),
            [low, '-', high, after @ ..] if *high != ']' => {
                hit |= (low..=high).contains(&found);
                rest = after;
            }
            [one, after @ ..] => {
                hit |= one == found;
                rest = after;
            }
            [] => return false,
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
