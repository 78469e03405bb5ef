//! `.env` files: `NAME=value` lines, quoting, comments, expansion inside.
//!
//! ```text
//! export NAME=plain text  # comment      trimmed, expanded
//! NAME="two\nlines ${OTHER} \$5"          escapes, expanded, may span lines
//! NAME='as it is ${NOT}'                  untouched, may span lines
//! ```
//! Findings name file, line and column, and never show a value: all but the names is masked.

use crate::domain::config::findings::Findings;
use crate::domain::config::scalar::is_variable;
use crate::domain::config::vars::{Expansion, Fault};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::{FileId, Span};

/// Reads a file's text; `set` takes each variable and `lookup` finds what a value names.
pub(crate) fn parse(
    file: FileId,
    text: &str,
    budget: &mut usize,
    findings: &mut Findings,
    variables: &mut dyn Variables,
) {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut reader = Reader {
        file,
        text,
        at: start,
        budget,
        findings,
    };
    while reader.at < text.len() {
        if reader.line(variables).is_none() {
            break;
        }
    }
}

/// What a file is read into.
pub(crate) trait Variables {
    /// Finds the value a later line may refer to.
    fn get(&self, name: &str) -> Option<String>;
    /// Takes a variable.
    fn set(&mut self, name: &str, value: String);
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    at: usize,
    budget: &'a mut usize,
    findings: &'a mut Findings,
}

/// A value as it is written, ready to be expanded.
struct Raw {
    /// Text with the escapes undone; `\$` stands as `$$`.
    text: String,
    /// Where it starts, without its quote.
    start: usize,
    /// Whether variables in it count.
    expands: bool,
}

impl Reader<'_> {
    /// Reads one line, or as many as a quoted value spans; `None` when the rest cannot be read.
    fn line(&mut self, variables: &mut dyn Variables) -> Option<()> {
        let start = self.at;
        let rest = self.text.get(start..)?;
        let end = rest.find('\n').map_or(self.text.len(), |i| start + i);
        let line = self.text.get(start..end)?;
        let trimmed = line.trim_start();
        self.at = end + 1;
        if trimmed.trim_end().is_empty() || trimmed.starts_with('#') {
            return Some(());
        }
        let indent = start + (line.len() - trimmed.len());
        let named = trimmed
            .strip_prefix("export ")
            .map_or(trimmed, str::trim_start);
        let name_at = indent + (trimmed.len() - named.len());
        let Some((name, after)) = named.split_once('=') else {
            self.mask(name_at, end);
            let finding = Diagnostic::error("NK0304", "this line is not `NAME=value`");
            self.findings
                .push(finding.at(self.span(name_at, end), "there is no `=`"));
            return Some(());
        };
        let name = name.trim_end();
        if !is_variable(name) {
            self.mask(name_at, end);
            let finding = Diagnostic::error(
                "NK0304",
                "what stands before `=` is not the name of a variable",
            )
            .at(self.span(name_at, name_at + name.len()), "here")
            .help("a name consists of letters, digits and `_`, and does not start with a digit");
            self.findings.push(finding);
            return Some(());
        }
        let raw = self.value(end - after.len(), end)?;
        self.take(name, (name_at, raw), variables);
        Some(())
    }

    /// Reads the value that starts after `=`.
    fn value(&mut self, start: usize, end: usize) -> Option<Raw> {
        let written = self.text.get(start..end)?;
        let blank = written.len() - written.trim_start().len();
        let written = written.trim_start();
        let at = start + blank;
        if let Some(quote @ ('"' | '\'')) = written.chars().next() {
            self.quoted(at, quote)
        } else {
            self.mask(at, end);
            let comment = if written.starts_with('#') {
                Some(0)
            } else {
                comment(written)
            };
            let value = written.get(..comment.unwrap_or(written.len()))?.trim_end();
            Some(Raw {
                text: value.to_owned(),
                start: at,
                expands: true,
            })
        }
    }

    fn quoted(&mut self, quote_at: usize, quote: char) -> Option<Raw> {
        let inner = self.text.get(quote_at + 1..)?;
        let mut text = String::new();
        let mut chars = inner.char_indices();
        while let Some((i, c)) = chars.next() {
            if c == quote {
                let close = quote_at + 1 + i + 1;
                self.mask(quote_at, close);
                self.after_quote(close);
                return Some(Raw {
                    text,
                    start: quote_at + 1,
                    expands: quote == '"',
                });
            }
            if c != '\\' || quote == '\'' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, 't')) => text.push('\t'),
                Some((_, '$')) => text.push_str("$$"),
                Some((_, c @ ('"' | '\\'))) => text.push(c),
                Some((_, c)) => text.extend(['\\', c]),
                None => {}
            }
        }
        self.mask(quote_at, self.text.len());
        let finding = Diagnostic::error(
            "NK0304",
            format!("a value starts with {quote} and has no second one"),
        );
        self.findings
            .push(finding.at(self.span(quote_at, quote_at + 1), "opened here"));
        None
    }

    /// Checks that nothing but a comment follows a closing quote, and goes to the next line.
    fn after_quote(&mut self, close: usize) {
        let rest = self.text.get(close..).unwrap_or_default();
        let end = rest.find('\n').map_or(self.text.len(), |i| close + i);
        let tail = self.text.get(close..end).unwrap_or_default().trim();
        self.at = end + 1;
        if !tail.is_empty() && !tail.starts_with('#') {
            self.mask(close, end);
            let finding =
                Diagnostic::error("NK0304", "something follows the closing quote of a value");
            self.findings
                .push(finding.at(self.span(close, end), "only a comment may stand here"));
        }
    }

    fn take(&mut self, name: &str, (name_at, raw): (usize, Raw), variables: &mut dyn Variables) {
        if !raw.expands {
            variables.set(name, raw.text);
            return;
        }
        let expanded = {
            let lookup = |name: &str| variables.get(name);
            Expansion {
                lookup: &lookup,
                budget: self.budget,
            }
            .expand(&raw.text)
        };
        match expanded {
            Ok(value) if value.contains('\0') => {
                let finding = Diagnostic::error(
                    "NK0304",
                    format!("the value of `{name}` holds a NUL character"),
                );
                self.findings
                    .push(finding.at(self.span(name_at, name_at + name.len()), "this variable"));
            }
            Ok(value) => variables.set(name, value),
            Err(faults) => faults
                .iter()
                .for_each(|fault| self.fault(name, name_at, fault, raw.start)),
        }
    }

    fn fault(&mut self, name: &str, name_at: usize, fault: &Fault, start: usize) {
        let code = super::expand::code_of(&fault.kind);
        // Escapes before the fault shift its offset; then the name is pointed at instead.
        let at = start + fault.at;
        let span = match self.text.get(at..) {
            Some(rest) if rest.starts_with("${") => self.span(at, at + 2),
            _ => self.span(name_at, name_at + name.len()),
        };
        let finding = Diagnostic::error(
            code,
            format!("the value of `{name}` does not expand: {}", fault.kind),
        );
        self.findings.push(finding.at(span, "here"));
    }

    fn mask(&mut self, start: usize, end: usize) {
        let span = self.span(start, end);
        self.findings.mask(span);
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            file: self.file,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
        }
    }
}

/// Finds the `#` of a comment: one with a blank before it.
fn comment(text: &str) -> Option<usize> {
    text.match_indices('#').map(|(i, _)| i).find(|i| {
        text.get(..*i)
            .is_some_and(|before| before.ends_with([' ', '\t']))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Plain(BTreeMap<String, String>);
    impl Variables for Plain {
        fn get(&self, name: &str) -> Option<String> {
            self.0.get(name).cloned()
        }
        fn set(&mut self, name: &str, value: String) {
            self.0.insert(name.to_owned(), value);
        }
    }

    fn read(text: &str) -> (Plain, Vec<String>, String) {
        let mut findings = Findings::default();
        let file = findings.source(Path::new(".env"), text);
        let mut variables = Plain::default();
        let mut budget = 10_000;
        parse(file, text, &mut budget, &mut findings, &mut variables);
        let (list, sources) = findings.finish();
        let told = list
            .iter()
            .map(|d| {
                let place = d.primary.as_ref().and_then(|l| sources.place(l.span));
                format!(
                    "{} {}",
                    place.map(|p| p.to_string()).unwrap_or_default(),
                    d.message
                )
            })
            .collect();
        let shown = sources
            .get(file)
            .map(|f| f.text.to_string())
            .unwrap_or_default();
        (variables, told, shown)
    }

    #[test]
    fn values_are_read() {
        let text = "\u{feff}# c\n\nA=1\r\nexport B = two words # c\nC=\"x\\ny ${A} \\$5 \\\"q\\\"\"\nD='${A} #'\nE=\nF=a#b\nG=\"l1\nl2\" # c\nH=${B}!\nI=# all\n";
        let (variables, told, _) = read(text);
        assert_eq!(told, Vec::<String>::new());
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "x\ny 1 $5 \"q\""),
            ("D", "${A} #"),
            ("E", ""),
            ("F", "a#b"),
            ("G", "l1\nl2"),
            ("H", "two words!"),
            ("I", ""),
        ];
        for (name, value) in expected {
            assert_eq!(
                variables.0.get(name).map(String::as_str),
                Some(value),
                "{name}"
            );
        }
        assert_eq!(variables.0.len(), expected.len());
    }

    #[test]
    fn faults_are_told_without_values() {
        let text = "GOOD=fine\nhunter2\nA B=hunter2\nC=x${NONE}hunter2\nD=\"hunter2\" hunter2\nE='hunter2\nhunter2";
        let (variables, told, shown) = read(text);
        assert_eq!(
            told,
            [
                ".env:2:1 this line is not `NAME=value`",
                ".env:3:1 what stands before `=` is not the name of a variable",
                ".env:4:4 the value of `C` does not expand: the variable `NONE` is not set",
                ".env:5:12 something follows the closing quote of a value",
                ".env:6:3 a value starts with ' and has no second one",
            ]
        );
        assert!(
            !shown.contains("hunter2") && !shown.contains("fine"),
            "{shown}"
        );
        assert!(told.iter().all(|line| !line.contains("hunter2")));
        assert_eq!(variables.0.get("GOOD").map(String::as_str), Some("fine"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([A-Z_]{0,3}[= \"'#$\\\\{}\\n\\ré]{0,3}){0,12}") {
            read(&text);
        }
    }
}
