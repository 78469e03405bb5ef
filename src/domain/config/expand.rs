//! Expansion of every value of the merged tree.

use crate::domain::config::findings::Findings;
use crate::domain::config::near::nearest;
use crate::domain::config::table::FILE;
use crate::domain::config::tree::{Kind, Node, Scalar};
use crate::domain::config::variables::Environment;
use crate::domain::config::vars::{Expansion, Fault, FaultKind, has_variables};
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;

/// Bytes all expanded values of a load may have together.
pub(crate) const BUDGET: usize = 16 << 20;

/// Expands the whole file but the parts that are not carried out: an unset variable there harms nobody.
pub(crate) fn file(
    root: &mut Node,
    environment: &Environment,
    budget: &mut usize,
    findings: &mut Findings,
) {
    if let Kind::Map(map) = &mut root.kind {
        for (name, entry) in map.iter_mut() {
            let later = FILE.key(name).is_none_or(|key| key.later);
            if !later {
                expand(&mut entry.node, environment, budget, findings);
            }
        }
    }
}

/// Expands the values below `node`; faults are found all, each at its place.
fn expand(node: &mut Node, environment: &Environment, budget: &mut usize, findings: &mut Findings) {
    match &mut node.kind {
        Kind::List(items) => {
            for item in items {
                expand(item, environment, budget, findings);
            }
        }
        Kind::Map(map) => {
            for (name, entry) in map.iter_mut() {
                if !name.starts_with("x-") {
                    expand(&mut entry.node, environment, budget, findings);
                }
            }
        }
        Kind::Scalar(scalar) => text(scalar, node.span, environment, (budget, findings)),
    }
}

fn text(
    scalar: &mut Scalar,
    span: Span,
    environment: &Environment,
    (budget, findings): (&mut usize, &mut Findings),
) {
    if !has_variables(&scalar.text) {
        return;
    }
    let lookup = |name: &str| environment.value(name);
    match (Expansion {
        lookup: &lookup,
        budget,
    })
    .expand(&scalar.text)
    {
        Ok(value) => {
            scalar.expanded = scalar.text.contains("${");
            scalar.text = value;
        }
        Err(faults) => {
            for fault in faults {
                findings.push(finding(&fault, &scalar.text, span, environment, findings));
            }
            // So that no type error follows from what could not be expanded.
            "$".clone_into(&mut scalar.text);
            scalar.expanded = true;
        }
    }
}

/// Returns the code of a fault.
pub(crate) fn code_of(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::Unset(_) | FaultKind::Required(..) => "NK0301",
        FaultKind::Open | FaultKind::Syntax | FaultKind::Deep => "NK0302",
        FaultKind::Large => "NK0303",
    }
}

fn finding(
    fault: &Fault,
    text: &str,
    span: Span,
    environment: &Environment,
    findings: &Findings,
) -> Diagnostic {
    let at = narrow(fault, text, span, findings);
    let finding = Diagnostic::error(code_of(&fault.kind), fault.kind.to_string());
    match &fault.kind {
        FaultKind::Unset(name) => {
            let finding = finding.at(at, "not set, and without a default");
            let near = if findings.is_crowded() {
                None
            } else {
                nearest(name, environment.names())
            };
            match near {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help(format!(
                    "set it in `.env`, or give a default: `${{{name}:-…}}`"
                )),
            }
        }
        FaultKind::Required(..) => finding.at(at, "required here"),
        FaultKind::Open | FaultKind::Syntax | FaultKind::Deep => finding
            .at(at, "here")
            .help("write `$$` for a `$` that is meant for the shell"),
        FaultKind::Large => finding.at(at, "the limit is reached here"),
    }
}

/// Finds the `${` of a fault in the source, as long as the value stands there as it is.
fn narrow(fault: &Fault, text: &str, span: Span, findings: &Findings) -> Span {
    let number = text
        .get(..fault.at)
        .map_or(0, |before| before.matches("${").count());
    let Some(raw) = findings.slice(span) else {
        return span;
    };
    let Some((start, _)) = raw.match_indices("${").nth(number) else {
        return span;
    };
    let rest = raw.get(start..).unwrap_or_default();
    let length = rest
        .find('}')
        .map_or(2, |i| i + 1)
        .min(rest.find('\n').unwrap_or(usize::MAX))
        .max(2);
    let offset = |n: usize| {
        span.start
            .saturating_add(u32::try_from(n).unwrap_or(u32::MAX))
    };
    Span {
        file: span.file,
        start: offset(start),
        end: offset(start + length),
    }
}
