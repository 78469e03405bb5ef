//! The shape check: unknown keys and wrong types, by the table of keys, all of them in one walk.
//!
//! It runs twice: on the file as written (every environment, values that hold a variable left out), and on
//! the merged and expanded tree (everything). What it lets through, `lower` can read without a word.

use crate::domain::config::findings::Findings;
use crate::domain::config::keys::{Key, Object, Type, is_extension};
use crate::domain::config::table::meant;
use crate::domain::config::tree::{Entry, Kind, Map, Node, Scalar};
use crate::domain::config::yaml::brief;
use crate::domain::config::{scalar, secret};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::ids::check_name;

/// Which tree is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// The file as written.
    Written,
    /// The merged and expanded tree.
    Merged,
}

/// One walk.
pub(crate) struct Shape<'a> {
    pass: Pass,
    path: Vec<String>,
    findings: &'a mut Findings,
}

impl<'a> Shape<'a> {
    /// Starts a walk.
    pub(crate) fn new(pass: Pass, findings: &'a mut Findings) -> Self {
        Self {
            pass,
            path: Vec::new(),
            findings,
        }
    }

    /// Checks `node` against a table of keys.
    pub(crate) fn object(&mut self, node: &Node, object: &'static Object) {
        let Some(map) = node.map() else {
            if !node.is_null() {
                self.wrong(node, &Type::Object(object));
            }
            return;
        };
        for (name, entry) in map.iter() {
            match object.key(name) {
                Some(key) => self.known(key, name, entry),
                None if is_extension(name) => {}
                None => self.unknown(name, entry, object),
            }
        }
    }

    fn known(&mut self, key: &'static Key, name: &str, entry: &Entry) {
        if key.later && self.pass == Pass::Merged && !entry.node.is_null() {
            // What is inside was checked as it is written, and is not expanded.
            return self.later(key, name, entry);
        }
        self.inside(name, |walk| walk.check(&entry.node, &key.ty));
    }

    fn inside(&mut self, name: &str, walk: impl FnOnce(&mut Self)) {
        self.path.push(brief(name));
        walk(self);
        self.path.pop();
    }

    fn later(&mut self, key: &Key, name: &str, entry: &Entry) {
        let text = |path: &str| format!("`{path}` is not carried out by this version");
        let path = self.at(name);
        let (Type::Names(_), Some(inner)) = (&key.ty, entry.node.map()) else {
            let finding = Diagnostic::warning("NK0208", text(&path));
            self.findings
                .push(finding.at(entry.key, "accepted, without effect"));
            return;
        };
        for (inner, entry) in inner.iter() {
            let finding = Diagnostic::warning("NK0208", text(&format!("{path}.{}", brief(inner))));
            self.findings
                .push(finding.at(entry.key, "accepted, without effect"));
        }
    }

    fn at(&self, name: &str) -> String {
        let mut path = self.path.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&brief(name));
        path
    }

    fn unknown(&mut self, name: &str, entry: &Entry, object: &'static Object) {
        let place = if self.path.is_empty() {
            String::new()
        } else {
            format!(" in `{}`", self.path.join("."))
        };
        let mut finding =
            Diagnostic::error("NK0201", format!("unknown key `{}`{place}", brief(name)))
                .at(entry.key, format!("not a key of {}", object.what));
        if let Some(hint) = meant(object.id, name) {
            finding = finding.help(hint);
        } else if let Some(help) = self.findings.suggest(name, || object.names()) {
            finding = finding.help(help);
        }
        self.findings.push(finding);
    }

    fn check(&mut self, node: &Node, ty: &'static Type) {
        match ty {
            Type::Any => {}
            Type::Secret => self.secret(node),
            Type::List(item) => self.list(node, ty, item),
            Type::Map(value) => self.free(node, ty, value, |_| None),
            Type::Names(value) => self.free(node, ty, value, |key| {
                check_name(key).err().map(|e| e.to_string())
            }),
            Type::Variables(value) => self.free(node, ty, value, bad_variable),
            Type::Object(object) => self.object(node, object),
            Type::Either(types) => self.either(node, ty, types),
            Type::Text
            | Type::Name
            | Type::Bool
            | Type::Count
            | Type::Port
            | Type::Cpu
            | Type::Memory
            | Type::Duration
            | Type::Percent
            | Type::Restart
            | Type::OneOf(_) => self.scalar(node, ty),
        }
    }

    fn list(&mut self, node: &Node, ty: &Type, item: &'static Type) {
        let Some(list) = node.list() else {
            if !node.is_null() {
                self.wrong(node, ty);
            }
            return;
        };
        for (index, node) in list.iter().enumerate() {
            let name = index.to_string();
            if node.is_null() {
                self.inside(&name, |walk| walk.wrong(node, item));
            } else {
                self.inside(&name, |walk| walk.check(node, item));
            }
        }
    }

    fn free(
        &mut self,
        node: &Node,
        ty: &Type,
        value: &'static Type,
        bad: fn(&str) -> Option<String>,
    ) {
        let Some(map) = node.map() else {
            if !node.is_null() {
                self.wrong(node, ty);
            }
            return;
        };
        for (name, entry) in map.iter() {
            // `x-…` is the user's own wherever names are; a variable may be called anything.
            if matches!(ty, Type::Names(_)) && name.starts_with("x-") {
                continue;
            }
            if let Some(why) = bad(name) {
                let finding = Diagnostic::error(
                    "NK0205",
                    format!("`{}` is not a valid name: {why}", brief(name)),
                );
                self.findings.push(finding.at(entry.key, "this name"));
            }
            self.inside(name, |walk| walk.check(&entry.node, value));
        }
    }

    fn either(&mut self, node: &Node, ty: &'static Type, types: &'static [Type]) {
        let fitting = types.iter().filter(|ty| match &node.kind {
            Kind::List(_) => matches!(ty, Type::List(_)),
            Kind::Map(_) => matches!(
                ty,
                Type::Map(_) | Type::Names(_) | Type::Variables(_) | Type::Object(_)
            ),
            Kind::Scalar(_) => !matches!(
                ty,
                Type::List(_)
                    | Type::Map(_)
                    | Type::Names(_)
                    | Type::Variables(_)
                    | Type::Object(_)
            ),
        });
        // Among several mappings the one that knows most of the keys is meant.
        let best = match &node.kind {
            Kind::Map(map) => fitting.rev().max_by_key(|ty| known_keys(ty, map)),
            Kind::Scalar(scalar) => {
                let fitting: Vec<&Type> = fitting.collect();
                let accepting = fitting.iter().find(|ty| accepts(ty, scalar)).copied();
                accepting.or(fitting.first().copied())
            }
            Kind::List(_) => fitting.rev().next_back(),
        };
        match best {
            Some(one) => self.check(node, one),
            None if node.is_null() => {}
            None => self.wrong(node, ty),
        }
    }

    fn scalar(&mut self, node: &Node, ty: &Type) {
        let Some(scalar) = node.scalar() else {
            return self.wrong(node, ty);
        };
        if scalar.is_null() || (self.pass == Pass::Written && scalar.text.contains('$')) {
            return;
        }
        if scalar.text.contains('\0') {
            let finding = Diagnostic::error(
                "NK0204",
                format!("`{}` holds a NUL character", self.path.join(".")),
            );
            self.findings.push(finding.at(node.span, "this text"));
        } else if !accepts(ty, scalar) {
            self.wrong(node, ty);
        }
    }

    fn secret(&mut self, node: &Node) {
        // The key is the name of the variable; `{from: env}` takes it as it is.
        let key = self.path.last().cloned().unwrap_or_default();
        if node.is_null()
            || (self.pass == Pass::Written
                && node
                    .text()
                    .is_some_and(|t| t.contains("://") && t.contains('$')))
        {
            return;
        }
        if let Err(finding) = secret::parse(node, &key, &self.path.join("."), self.findings) {
            self.findings.push(*finding);
        }
    }

    fn wrong(&mut self, node: &Node, ty: &Type) {
        let path = self.path.join(".");
        let found = match &node.kind {
            Kind::List(_) => "this is a list".to_owned(),
            Kind::Map(_) => "this is a mapping".to_owned(),
            Kind::Scalar(scalar) if scalar.is_null() => "this is empty".to_owned(),
            Kind::Scalar(scalar) if scalar.expanded => "this expands to something else".to_owned(),
            Kind::Scalar(scalar) => format!("this is `{}`", brief(&scalar.text)),
        };
        let code = match (ty, &node.kind) {
            (Type::OneOf(_) | Type::Restart, Kind::Scalar(_)) => "NK0203",
            (Type::Name, Kind::Scalar(_)) => "NK0205",
            (
                Type::Text
                | Type::Bool
                | Type::List(_)
                | Type::Map(_)
                | Type::Names(_)
                | Type::Variables(_)
                | Type::Object(_)
                | Type::Either(_),
                _,
            )
            | (_, Kind::List(_) | Kind::Map(_)) => "NK0202",
            _ => "NK0204",
        };
        let subject = if path.is_empty() {
            "the file".to_owned()
        } else {
            format!("`{path}`")
        };
        let mut finding = Diagnostic::error(code, format!("{subject} must be {}", ty.expected()))
            .at(node.span, found);
        if let (Kind::Scalar(scalar), Some(help)) = (&node.kind, self.mending(node, ty))
            && !scalar.is_null()
        {
            finding = finding.help(help);
        }
        self.findings.push(finding);
    }

    /// Says how a wrong scalar is mended, where that is plain to see.
    fn mending(&self, node: &Node, ty: &Type) -> Option<String> {
        let scalar = node.scalar()?;
        if scalar.expanded {
            return None;
        }
        match ty {
            Type::OneOf(words) => self
                .findings
                .suggest(&scalar.text, || words.iter().copied()),
            Type::Restart => self.findings.suggest(&scalar.text, || {
                ["no", "always", "unless-stopped", "on-failure"]
            }),
            Type::Duration if scalar::count(&scalar.text).is_some() => {
                Some(format!("write the unit: `{}s`", brief(&scalar.text)))
            }
            Type::Name => check_name(&scalar.text).err().map(|why| why.to_string()),
            Type::Bool if matches!(scalar.text.as_str(), "yes" | "on" | "Yes" | "On") => {
                Some("write `true`".into())
            }
            Type::Bool if matches!(scalar.text.as_str(), "no" | "off" | "No" | "Off") => {
                Some("write `false`".into())
            }
            Type::Port
                if scalar.text.contains(':')
                    && self.path.last().is_some_and(|key| key == "port") =>
            {
                Some("the port on the host is `port`, the one inside is `expose`".into())
            }
            _ => None,
        }
    }
}

fn bad_variable(name: &str) -> Option<String> {
    let bad = name
        .chars()
        .find(|c| *c == '=' || c.is_control() || c.is_whitespace());
    match bad {
        Some(c) => Some(format!("the name of a variable holds no {c:?}")),
        None if name.is_empty() => Some("the name of a variable is not empty".into()),
        None => None,
    }
}

fn known_keys(ty: &Type, map: &Map) -> usize {
    match ty {
        Type::Object(object) => map.keys().filter(|key| object.key(key).is_some()).count(),
        Type::Text
        | Type::Name
        | Type::Bool
        | Type::Count
        | Type::Port
        | Type::Cpu
        | Type::Memory
        | Type::Duration
        | Type::Percent
        | Type::Restart
        | Type::OneOf(_)
        | Type::Secret
        | Type::Any
        | Type::List(_)
        | Type::Map(_)
        | Type::Names(_)
        | Type::Variables(_)
        | Type::Either(_) => 0,
    }
}

/// Tells whether a scalar means something as `ty`.
pub(crate) fn accepts(ty: &Type, value: &Scalar) -> bool {
    let text = value.text.as_str();
    match ty {
        Type::Text | Type::Any => true,
        Type::Name => check_name(text).is_ok(),
        Type::Bool => scalar::boolean(text).is_some(),
        Type::Count => scalar::small(text).is_some(),
        Type::Port => scalar::port(text).is_some(),
        Type::Cpu => scalar::cpu_millis(text).is_some(),
        Type::Memory => scalar::memory_bytes(text).is_some(),
        Type::Duration => scalar::duration(text).is_some(),
        Type::Percent => scalar::percent(text).is_some(),
        Type::Restart => scalar::restart(text).is_some(),
        Type::OneOf(words) => words.contains(&text),
        Type::Either(types) => types.iter().any(|ty| accepts(ty, value)),
        Type::Secret
        | Type::List(_)
        | Type::Map(_)
        | Type::Names(_)
        | Type::Variables(_)
        | Type::Object(_) => false,
    }
}
