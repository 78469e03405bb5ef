//! Patterns of a `.dockerignore`: later lines win, `!` takes back, a folder that matches takes its content along.

/// Compiled patterns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    /// Segments between slashes.
    segments: Vec<String>,
    /// Whether it takes files back.
    keeps: bool,
}

impl Ignore {
    /// Reads the lines; blank ones and comments are skipped.
    pub(crate) fn new(lines: &[String]) -> Self {
        Self {
            rules: lines.iter().filter_map(|line| Rule::read(line)).collect(),
        }
    }

    /// Tells whether a path (relative, with slashes) is left out.
    pub(crate) fn leaves_out(&self, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        let mut out = false;
        for rule in &self.rules {
            if rule.keeps == out && rule.matches(&names) {
                out = !rule.keeps;
            }
        }
        out
    }

    /// Tells whether a folder that is left out may still hold files that are kept.
    pub(crate) fn may_keep_below(&self) -> bool {
        self.rules.iter().any(|rule| rule.keeps)
    }
}

impl Rule {
    fn read(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (keeps, pattern) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        let mut segments: Vec<String> = Vec::new();
        for segment in pattern.split('/') {
            match segment {
                "" | "." => {}
                ".." => drop(segments.pop()),
                other => segments.push(other.to_owned()),
            }
        }
        (!segments.is_empty()).then_some(Self { segments, keeps })
    }

    /// Matches the path itself or any folder it is in.
    fn matches(&self, names: &[&str]) -> bool {
        (1..=names.len()).any(|end| {
            names
                .get(..end)
                .is_some_and(|part| all(&self.segments, part))
        })
    }
}

fn all(pattern: &[String], names: &[&str]) -> bool {
    let Some((first, rest)) = pattern.split_first() else {
        return names.is_empty();
    };
    if first == "**" {
        return (0..=names.len())
            .any(|skip| names.get(skip..).is_some_and(|names| all(rest, names)));
    }
    match names.split_first() {
        Some((name, names)) => one(first.as_bytes(), name.as_bytes()) && all(rest, names),
        None => false,
    }
}

/// Matches one name: `*`, `?`, `[a-z]`, `[^a]` and `\` before a literal, as Go's `filepath.Match` has them.
fn one(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => {
            (0..=name.len()).any(|skip| name.get(skip..).is_some_and(|name| one(rest, name)))
        }
        Some((b'[', rest)) => match (class(rest, name.first()), name.split_first()) {
            (Some((true, rest)), Some((_, name))) => one(rest, name),
            _ => false,
        },
        Some((head, rest)) => {
            let Some((byte, name)) = name.split_first() else {
                return false;
            };
            match (head, rest.split_first()) {
                (b'?', _) => one(rest, name),
                (b'\\', Some((literal, rest))) => literal == byte && one(rest, name),
                _ => head == byte && one(rest, name),
            }
        }
    }
}

/// Matches a byte against a class and returns what follows the class; `None` when it is not closed.
fn class<'a>(pattern: &'a [u8], byte: Option<&u8>) -> Option<(bool, &'a [u8])> {
    let end = pattern.iter().skip(1).position(|byte| *byte == b']')? + 1;
    let (inner, rest) = (pattern.get(..end)?, pattern.get(end + 1..)?);
    let (negated, inner) = match inner.split_first() {
        Some((b'^', inner)) => (true, inner),
        _ => (false, inner),
    };
    let byte = *byte?;
    let mut found = false;
    let mut at = inner;
    while let Some((low, after)) = at.split_first() {
        match after {
            [b'-', high, after @ ..] => {
                found |= (*low..=*high).contains(&byte);
                at = after;
            }
            after => {
                found |= *low == byte;
                at = after;
            }
        }
    }
    Some((found != negated, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_docker_has_them() {
        let cases = [
            ("node_modules", "node_modules/a/b.js", true),
            ("node_modules", "web/node_modules/a.js", false),
            ("**/node_modules", "web/node_modules/a.js", true),
            ("**/node_modules", "node_modules", true),
            ("/target/", "target/debug/x", true),
            ("*.log", "a.log", true),
            ("*.log", "logs/a.log", false),
            ("*/*.log", "logs/a.log", true),
            ("**/*.log", "a.log", true),
            ("**/*.log", "x/y/z/a.log", true),
            ("docs/**", "docs/a/b", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**/z", "b/z", false),
            ("?.txt", "a.txt", true),
            ("?.txt", "ab.txt", false),
            ("[a-c].txt", "b.txt", true),
            ("[^a-c].txt", "b.txt", false),
            ("[ab", "a", false),
            ("\\*.md", "*.md", true),
            ("\\*.md", "a.md", false),
            ("./src/../lib", "lib/x", true),
            ("# note", "# note", false),
            ("", "a", false),
        ];
        for (pattern, path, expected) in cases {
            let ignore = Ignore::new(&[pattern.to_owned()]);
            assert_eq!(ignore.leaves_out(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_last_line_that_matches_decides() {
        let lines = [
            "*",
            "!src",
            "src/secret",
            "!src/secret/public.pem",
            "**/*.tmp",
        ];
        let ignore = Ignore::new(&lines.map(ToOwned::to_owned));
        let cases = [
            ("README.md", true),
            ("src/main.rs", false),
            ("src/secret/key.pem", true),
            ("src/secret/public.pem", false),
            ("src/a.tmp", true),
        ];
        for (path, expected) in cases {
            assert_eq!(ignore.leaves_out(path), expected, "{path}");
        }
        assert!(ignore.may_keep_below());
    }
}
