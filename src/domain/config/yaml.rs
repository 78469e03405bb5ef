//! The YAML reader: text to the spanned tree, within bounds.
//!
//! The only file that names the YAML parser. It refuses what could exhaust a machine (nesting, aliases that
//! multiply, endless documents) by counting, never by trying, and keeps going past duplicate keys and odd
//! tags so that all of them are reported together.

use std::collections::BTreeMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StrInput, Tag};

use crate::domain::config::findings::Findings;
use crate::domain::config::tree::{Entries, Entry, Kind, Map, Node, Scalar};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::{FileId, Span};

/// Bounds of one document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Most bytes of the text.
    pub(crate) bytes: usize,
    /// Most values, those an alias repeats included.
    pub(crate) nodes: usize,
    /// Deepest nesting.
    pub(crate) depth: usize,
    /// Most bytes of text that aliases may repeat.
    pub(crate) repeated: usize,
}

impl Limits {
    /// Bounds for a project file: ten thousand services fit, a bomb does not.
    pub(crate) const FILE: Self = Self {
        bytes: 8 << 20,
        nodes: 300_000,
        depth: 64,
        repeated: 4 << 20,
    };
}

/// Parsing stops: the finding was already made.
struct Stop;

type Parsed<T> = Result<T, Stop>;

/// An anchored value with what repeating it costs.
struct Anchor {
    node: Node,
    nodes: usize,
    bytes: usize,
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
    file: FileId,
    limits: Limits,
    nodes: usize,
    bytes: usize,
    repeated: usize,
    depth: usize,
    anchors: BTreeMap<usize, Anchor>,
    findings: &'a mut Findings,
}

/// Reads the one document of `text`; `None` when it is empty or cannot be read, with a finding in the latter case.
pub(crate) fn parse(
    file: FileId,
    text: &str,
    limits: Limits,
    findings: &mut Findings,
) -> Option<Node> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        text,
        file,
        limits,
        nodes: 0,
        bytes: 0,
        repeated: 0,
        depth: 0,
        anchors: BTreeMap::new(),
        findings,
    };
    reader.document().unwrap_or(None)
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Parsed<Option<Node>> {
        let mut root = None;
        while let Some((event, span)) = self.next()? {
            let Event::DocumentStart(..) = event else {
                continue;
            };
            if root.is_some() {
                let finding = Diagnostic::error("NK0105", "a file holds one YAML document");
                return self.stop(finding.at(span, "a second one starts here"));
            }
            let Some((event, span)) = self.next()? else {
                break;
            };
            root = Some(self.node(event, span)?);
        }
        Ok(root)
    }

    /// Returns the next event that is not a comment.
    fn next(&mut self) -> Parsed<Option<(Event<'a>, Span)>> {
        loop {
            match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => {
                    let range = span.byte_range().unwrap_or(0..0);
                    return Ok(Some((event, self.span(range.start, range.end))));
                }
                Some(Err(error)) => {
                    let at = error.marker().byte_offset().unwrap_or(self.text.len());
                    let finding = match error.kind() {
                        ErrorKind::RecursionLimitExceeded => self.too_deep(self.point(at)),
                        _ => self.syntax(at, &error.info()),
                    };
                    return self.stop(finding);
                }
            }
        }
    }

    fn must(&mut self) -> Parsed<(Event<'a>, Span)> {
        if let Some(event) = self.next()? {
            Ok(event)
        } else {
            let finding = self.syntax(self.text.len(), "the document ends too early");
            self.stop(finding)
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        // A block ends at the start of what follows; the blank space between belongs to nobody.
        let end = self
            .text
            .get(start..end)
            .map_or(end, |part| start + part.trim_end().len());
        Span {
            file: self.file,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end.max(start)).unwrap_or(u32::MAX),
        }
    }

    fn stop<T>(&mut self, finding: Diagnostic) -> Parsed<T> {
        self.findings.push(finding);
        Err(Stop)
    }

    /// The character at an offset, or the end of the text.
    fn point(&self, at: usize) -> Span {
        let at = (0..=at.min(self.text.len()))
            .rev()
            .find(|i| self.text.is_char_boundary(*i))
            .unwrap_or(0);
        let next = self.text.get(at..).and_then(|rest| rest.chars().next());
        self.span(at, at + next.map_or(0, char::len_utf8))
    }

    fn syntax(&self, at: usize, what: &str) -> Diagnostic {
        let point = self.point(at);
        let at = point.start as usize;
        let rest = self.text.get(at..).unwrap_or_default();
        let before = self.text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line_end = rest.find('\n').map_or(self.text.len(), |i| at + i);
        let line = self.text.get(line_start..line_end).unwrap_or_default();
        let finding = Diagnostic::error("NK0101", format!("this is not valid YAML: {what}"))
            .at(point, "here");
        if line.contains("${") {
            finding.help("quote a value that holds `${…}`: `\"${NAME}\"`")
        } else if line.contains(": #") {
            finding.help("quote a value that starts with `#`: what follows it is a comment")
        } else if line.trim_start_matches(' ').starts_with('\t') {
            finding.help("indent with spaces; YAML does not take tabs there")
        } else {
            finding
        }
    }

    fn too_deep(&self, span: Span) -> Diagnostic {
        let text = format!("values are nested deeper than {}", self.limits.depth);
        Diagnostic::error("NK0103", text).at(span, "too deep from here")
    }

    fn count(&mut self, span: Span, nodes: usize) -> Parsed<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > self.limits.nodes {
            let text = format!("the file holds more than {} values", self.limits.nodes);
            return self
                .stop(Diagnostic::error("NK0103", text).at(span, "the limit is reached here"));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Parsed<Node> {
        self.count(span, 1)?;
        let (nodes, bytes) = (self.nodes, self.bytes);
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tagged_text = self.tag(tag.as_deref(), span);
                self.bytes = self.bytes.saturating_add(text.len());
                let scalar = Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain && !tagged_text,
                    expanded: false,
                };
                (
                    anchor,
                    Node {
                        span,
                        kind: Kind::Scalar(scalar),
                    },
                )
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                (anchor, self.nested(span, Self::list)?)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag.as_deref(), span);
                (anchor, self.nested(span, Self::map)?)
            }
            Event::Alias(id) => return self.alias(id, span),
            _ => {
                let finding = self.syntax(span.start as usize, "a value is missing");
                return self.stop(finding);
            }
        };
        if anchor != 0 {
            let nodes = self.nodes - nodes + 1;
            let bytes = self.bytes - bytes;
            self.repeat(span, nodes, bytes)?;
            let kept = Anchor {
                node: node.clone(),
                nodes,
                bytes,
            };
            self.anchors.insert(anchor, kept);
        }
        Ok(node)
    }

    fn nested(&mut self, span: Span, read: fn(&mut Self, Span) -> Parsed<Node>) -> Parsed<Node> {
        self.depth += 1;
        if self.depth > self.limits.depth {
            let finding = self.too_deep(span);
            return self.stop(finding);
        }
        let node = read(self, span)?;
        self.depth -= 1;
        Ok(node)
    }

    fn list(&mut self, span: Span) -> Parsed<Node> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.must()?;
            if let Event::SequenceEnd = event {
                let span = self.span(span.start as usize, at.end.max(span.end) as usize);
                return Ok(Node {
                    span,
                    kind: Kind::List(items),
                });
            }
            items.push(self.node(event, at)?);
        }
    }

    fn map(&mut self, span: Span) -> Parsed<Node> {
        let mut map: Map = Box::default();
        let mut merges = Vec::new();
        loop {
            let (event, at) = self.must()?;
            let (key, plain) = match event {
                Event::MappingEnd => {
                    for (at, node) in merges {
                        self.merge(&mut map, at, node);
                    }
                    let span = self.span(span.start as usize, at.end.max(span.end) as usize);
                    return Ok(Node {
                        span,
                        kind: Kind::Map(map),
                    });
                }
                Event::Scalar(text, style, _, _) => {
                    (text.into_owned(), style == ScalarStyle::Plain)
                }
                other => {
                    self.node(other, at)?;
                    let (event, value) = self.must()?;
                    self.node(event, value)?;
                    let finding = Diagnostic::error("NK0105", "a key is plain text");
                    self.findings.push(finding.at(at, "this is not"));
                    continue;
                }
            };
            self.bytes = self.bytes.saturating_add(key.len());
            let (event, value_at) = self.must()?;
            let node = self.node(event, value_at)?;
            if plain && key == "<<" {
                if let Some((first, _)) = merges.first() {
                    self.twice(&key, at, *first);
                }
                merges.push((at, node));
            } else {
                self.insert(&mut map, key, at, node);
            }
        }
    }

    fn insert(&mut self, map: &mut Entries, key: String, at: Span, node: Node) {
        if let Some(first) = map.get(&key) {
            self.twice(&key, at, first.key);
        } else {
            map.insert(key, Entry { key: at, node });
        }
    }

    fn twice(&mut self, key: &str, at: Span, first: Span) {
        let text = format!("the key `{}` is given twice", brief(key));
        let finding = Diagnostic::error("NK0102", text)
            .at(at, "given again")
            .see(first, "first defined here");
        self.findings.push(finding);
    }

    /// Takes over what `<<` names: keys that are written out win, then earlier sources.
    fn merge(&mut self, map: &mut Entries, at: Span, node: Node) {
        let sources = match node.kind {
            Kind::List(list) => list,
            Kind::Map(_) | Kind::Scalar(_) => vec![node],
        };
        for source in sources {
            if let Kind::Map(entries) = source.kind {
                for (key, entry) in *entries {
                    map.entry(key).or_insert(entry);
                }
            } else {
                let finding =
                    Diagnostic::error("NK0105", "`<<` takes a mapping or a list of mappings");
                self.findings.push(finding.at(at, "this one is neither"));
            }
        }
    }

    /// Repeats an anchored value; its outermost place is the alias, the places inside are the anchor's.
    fn alias(&mut self, id: usize, span: Span) -> Parsed<Node> {
        let Some((nodes, bytes)) = self.anchors.get(&id).map(|a| (a.nodes, a.bytes)) else {
            let finding = Diagnostic::error("NK0105", "an alias stands inside the value it names");
            return self.stop(finding.at(span, "this one"));
        };
        self.repeat(span, nodes, bytes)?;
        self.bytes = self.bytes.saturating_add(bytes);
        let kind = self.anchors.get(&id).map(|anchor| anchor.node.kind.clone());
        kind.map(|kind| Node { span, kind }).ok_or(Stop)
    }

    /// Counts what is about to be copied, before it is.
    fn repeat(&mut self, span: Span, nodes: usize, bytes: usize) -> Parsed<()> {
        self.count(span, nodes)?;
        self.repeated = self.repeated.saturating_add(bytes);
        if self.repeated > self.limits.repeated {
            let text = format!("aliases repeat more than {} bytes", self.limits.repeated);
            return self
                .stop(Diagnostic::error("NK0103", text).at(span, "the limit is reached here"));
        }
        Ok(())
    }

    /// Checks a tag; returns whether it makes a text of the scalar.
    fn tag(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else {
            return false;
        };
        if let Some(core) = tag.core_suffix() {
            return core == "str";
        }
        if tag.original() == "!" {
            return true;
        }
        let text = format!("the tag `{}` has no meaning here", brief(&tag.original()));
        self.findings
            .push(Diagnostic::error("NK0105", text).at(span, "tagged value"));
        false
    }
}

/// Shortens a text that came from the file for a message.
pub(crate) fn brief(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}
