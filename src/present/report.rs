//! How findings look: the message, the place a human can open, the source line with the fault underlined, help.
//!
//! The only file that names annotate-snippets. Text of a file is foreign: messages go through `present::clean`, and
//! in source lines, where columns must stay, whatever could move a cursor or turn the reading direction is replaced
//! character by character.

use std::collections::BTreeMap;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::domain::diagnostic::{Diagnostic, Label};
use crate::domain::place::{FileId, SourceFile, Sources, Span};
use crate::present::clean;

/// Lines longer than this are named by place only.
const LONGEST_LINE: usize = 4_000;
/// Places further apart than this are shown apart.
const FARTHEST: usize = 200;

/// What the output may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportStyle {
    /// Colours, as ANSI sequences.
    pub color: bool,
    /// Columns to fit into.
    pub width: usize,
    /// Plain characters for frames, for terminals without Unicode.
    pub ascii: bool,
}

impl Default for ReportStyle {
    fn default() -> Self {
        Self {
            color: false,
            width: 100,
            ascii: true,
        }
    }
}

/// Renders findings, one block each with an empty line between, ending in a line break; empty without findings.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, style: ReportStyle) -> String {
    let renderer = if style.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer
        .hyperlink(false)
        .term_width(style.width.max(40))
        .decor_style(if style.ascii {
            DecorStyle::Ascii
        } else {
            DecorStyle::Unicode
        });
    let mut lines = Lines {
        sources,
        starts: BTreeMap::new(),
    };
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&renderer.render(&[group(diagnostic, &mut lines)]));
        out.push('\n');
    }
    out
}

/// Says how many errors and warnings there are: `2 errors, 1 warning`; empty without any.
#[must_use]
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    let count = |n: usize, word: &str| match n {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{n} {word}s")),
    };
    let parts = [
        count(errors, "error"),
        count(diagnostics.len() - errors, "warning"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn group(diagnostic: &Diagnostic, lines: &mut Lines<'_>) -> Group<'static> {
    let level = if diagnostic.is_error() {
        Level::ERROR
    } else {
        Level::WARNING
    };
    let title = level
        .primary_title(clean(&diagnostic.message))
        .id(diagnostic.code);
    let mut group = Group::with_title(title);
    for window in windows(diagnostic, lines) {
        group = match lines.snippet(&window) {
            Shown::Source(snippet) => group.element(snippet),
            Shown::Place(origin) => group.element(origin),
            Shown::Nothing => group,
        };
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    group
}

/// Labels that are shown in one piece of source.
struct Window<'a> {
    file: FileId,
    labels: Vec<(&'a Label, AnnotationKind)>,
}

/// Gathers the labels of a finding: those near the fault with it, each of the others by itself.
fn windows<'a>(diagnostic: &'a Diagnostic, lines: &mut Lines<'_>) -> Vec<Window<'a>> {
    let Some(primary) = &diagnostic.primary else {
        return Vec::new();
    };
    let home = lines.line(primary.span);
    let mut all = vec![Window {
        file: primary.span.file,
        labels: vec![(primary, AnnotationKind::Primary)],
    }];
    for label in &diagnostic.also {
        let near = label.span.file == primary.span.file
            && lines.line(label.span).abs_diff(home) <= FARTHEST;
        match all.first_mut() {
            Some(first) if near => first.labels.push((label, AnnotationKind::Context)),
            _ => all.push(Window {
                file: label.span.file,
                labels: vec![(label, AnnotationKind::Context)],
            }),
        }
    }
    all
}

enum Shown {
    Source(Snippet<'static, Annotation<'static>>),
    Place(Origin<'static>),
    Nothing,
}

/// Line starts of the files, found once per file.
struct Lines<'a> {
    sources: &'a Sources,
    starts: BTreeMap<FileId, Vec<usize>>,
}

impl Lines<'_> {
    fn starts(&mut self, file: FileId) -> &[usize] {
        let sources = self.sources;
        self.starts.entry(file).or_insert_with(|| {
            let text = sources.get(file).map_or("", |file| &file.text);
            let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0)
                .chain(breaks.map(|(i, _)| i + 1))
                .collect()
        })
    }
    /// Returns the line of a span's start, from 0.
    fn line(&mut self, span: Span) -> usize {
        let start = span.start as usize;
        self.starts(span.file)
            .partition_point(|line| *line <= start)
            .saturating_sub(1)
    }
    /// Returns where a line starts and ends, without its break.
    fn bounds(&mut self, file: &SourceFile, id: FileId, line: usize) -> (usize, usize) {
        let starts = self.starts(id);
        let start = starts.get(line).copied().unwrap_or(0);
        let end = starts
            .get(line + 1)
            .map_or(file.text.len(), |next| next - 1);
        (start, end.max(start))
    }

    fn snippet(&mut self, window: &Window<'_>) -> Shown {
        let sources = self.sources;
        let Some(file) = sources.get(window.file) else {
            return Shown::Nothing;
        };
        let path = clean(&file.name.display().to_string());
        let at: Vec<usize> = window
            .labels
            .iter()
            .map(|(label, _)| self.line(label.span))
            .collect();
        let (first, last) = (at.iter().min(), at.iter().max());
        let (Some(first), Some(last)) = (first.copied(), last.copied()) else {
            return Shown::Nothing;
        };
        let too_long = (first..=last).any(|line| {
            let (start, end) = self.bounds(file, window.file, line);
            end - start > LONGEST_LINE
        });
        if too_long {
            let place = window
                .labels
                .first()
                .and_then(|(label, _)| sources.place(label.span));
            let origin = Origin::path(path);
            return Shown::Place(match place {
                Some(place) => origin
                    .line(place.line as usize)
                    .char_column(place.column as usize),
                None => origin,
            });
        }
        let (start, _) = self.bounds(file, window.file, first);
        let (_, end) = self.bounds(file, window.file, last);
        let mut cleaned = Cleaned::new(file.text.get(start..end).unwrap_or_default());
        let mut snippet = Snippet::source(std::mem::take(&mut cleaned.text))
            .path(path)
            .line_start(first + 1);
        for ((label, kind), line) in window.labels.iter().zip(at) {
            // A value of many lines is marked by its first.
            let (_, line_end) = self.bounds(file, window.file, line);
            let from = label.span.start as usize;
            let to = (label.span.end as usize).clamp(from, line_end.max(from));
            let span =
                cleaned.map(from.saturating_sub(start))..cleaned.map(to.saturating_sub(start));
            snippet = snippet.annotation(kind.span(span).label(clean(&label.text)));
        }
        Shown::Source(snippet)
    }
}

/// Text without what could act on a terminal, and how offsets moved.
struct Cleaned {
    text: String,
    /// Offset in the original from which on the offset in the cleaned text differs by so much.
    moved: Vec<(usize, isize)>,
}

impl Cleaned {
    fn new(original: &str) -> Self {
        let mut text = String::with_capacity(original.len());
        let mut moved = Vec::new();
        for (at, c) in original.char_indices() {
            let ends_line = c == '\r'
                && original
                    .get(at + 1..)
                    .is_none_or(|rest| rest.is_empty() || rest.starts_with('\n'));
            if !(ends_line || c == '\u{feff}') {
                text.push(if c == '\n' { c } else { shown(c) });
            }
            let after = at + c.len_utf8();
            let shift = text.len().cast_signed() - after.cast_signed();
            if moved.last().map_or(shift != 0, |(_, last)| *last != shift) {
                moved.push((after, shift));
            }
        }
        Self { text, moved }
    }
    fn map(&self, offset: usize) -> usize {
        let shift = self
            .moved
            .iter()
            .rev()
            .find(|(from, _)| *from <= offset)
            .map_or(0, |(_, shift)| *shift);
        offset.saturating_add_signed(shift)
    }
}

/// Replaces a character that a terminal would act on, or that hides or turns text.
fn shown(c: char) -> char {
    let hidden = matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{061c}'
    );
    match c {
        '\t' => c,
        _ if c.is_control() || hidden => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

fn clean(text: &str) -> String {
    clean::line(&text.replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str, start: u32, end: u32) -> (Sources, Span) {
        let mut sources = Sources::default();
        let file = sources.add("nanokit.yml", text);
        (sources, Span { file, start, end })
    }

    #[test]
    fn a_finding_shows_place_source_and_help() {
        let text =
            "# été\nservices:\n  \"wéb\":\n    depends_on: [\"dé\", db, cahce]\n  cache: {}\n";
        let start = u32::try_from(text.find("cahce").expect("there")).expect("small");
        let (sources, span) = sample(text, start, start + 5);
        let cache = u32::try_from(text.rfind("cache").expect("there")).expect("small");
        let finding =
            Diagnostic::error("NK0401", "`wéb` depends on `cahce`, which is not a service")
                .at(span, "no such service")
                .see(
                    Span {
                        start: cache,
                        end: cache + 5,
                        ..span
                    },
                    "near",
                )
                .help("did you mean `cache`?");
        insta::assert_snapshot!(render(&[finding], &sources, ReportStyle::default()), @r#"
        error[NK0401]: `wéb` depends on `cahce`, which is not a service
         --> nanokit.yml:4:28
          |
        4 |     depends_on: ["dé", db, cahce]
          |                            ^^^^^ no such service
        5 |   cache: {}
          |   ----- near
          |
          = help: did you mean `cache`?
        "#);
    }

    #[test]
    fn foreign_text_cannot_act_on_the_terminal() {
        let text = "a: \u{1b}[2J\u{202e}evil\u{85}\r\n";
        let at = u32::try_from(text.find("evil").expect("there")).expect("small");
        let (sources, span) = sample(text, at, at + 4);
        let finding =
            Diagnostic::error("NK0201", "odd \u{1b}]0;x\u{7} text\nmore").at(span, "\u{9b}1mred");
        let out = render(&[finding], &sources, ReportStyle::default());
        assert!(out.chars().all(|c| c == '\n' || !c.is_control()), "{out:?}");
        assert!(!out.contains('\u{202e}'));
        insta::assert_snapshot!(out, @r"
        error[NK0201]: odd  text more
         --> nanokit.yml:1:9
          |
        1 | a: �[2J�evil�
          |         ^^^^ red
        ");
    }

    #[test]
    fn far_places_and_endless_lines_are_shown_apart() {
        let text = format!(
            "first: 1\n{}second: 2\nlong: {}\n",
            "\n".repeat(1000),
            "x".repeat(9000)
        );
        let second = u32::try_from(text.find("second").expect("there")).expect("small");
        let (sources, span) = sample(&text, second, second + 6);
        let near = Diagnostic::error("NK0102", "twice").at(span, "again").see(
            Span {
                start: 0,
                end: 5,
                ..span
            },
            "first",
        );
        let long = u32::try_from(text.find("xx").expect("there")).expect("small");
        let long = Diagnostic::warning("NK0103", "long").at(
            Span {
                start: long,
                end: long + 9000,
                ..span
            },
            "here",
        );
        insta::assert_snapshot!(render(&[near, long], &sources, ReportStyle::default()),
            @r"
        error[NK0102]: twice
            --> nanokit.yml:1002:1
             |
        1002 | second: 2
             | ^^^^^^ again
             |
            ::: nanokit.yml:1:1
             |
           1 | first: 1
             | ----- first

        warning[NK0103]: long
        --> nanokit.yml:1003:7
        ");
    }

    #[test]
    fn findings_are_counted() {
        let list = [
            Diagnostic::error("NK0101", "a"),
            Diagnostic::error("NK0101", "b"),
            Diagnostic::warning("NK0101", "c"),
        ];
        assert_eq!(summary(&list), "2 errors, 1 warning");
        assert_eq!(summary(&[]), "");
    }
}
