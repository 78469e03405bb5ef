//! References to secrets as the file writes them.
//!
//! A plain value is refused and masked in the source that messages show; no message ever quotes one.

use crate::domain::config::findings::Findings;
use crate::domain::config::keys::Type;
use crate::domain::config::near::suggestion;
use crate::domain::config::scalar::is_variable;
use crate::domain::config::tree::{Kind, Node, Scalar};
use crate::domain::config::yaml::brief;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Span;
use crate::domain::secret::SecretRef;

/// Schemes of references that this build reads.
const SCHEMES: [&str; 3] = ["env", "file", "vault"];
/// Schemes that are documented but not in this build.
const LATER: [&str; 1] = ["db"];

/// Reads `env://NAME`, `file://PATH`, `vault://PATH#FIELD` or `{from: env, key: NAME}`; `name` is the variable's own name and `path` where it
/// stands, for messages.
pub(crate) fn parse(
    node: &Node,
    name: &str,
    path: &str,
    findings: &mut Findings,
) -> Result<SecretRef, Box<Diagnostic>> {
    match &node.kind {
        Kind::Scalar(scalar) => match scalar.text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => from_url(scheme, rest, node.span, path),
            _ => Err(plain(node.span, scalar, (name, path), findings)),
        },
        Kind::Map(_) => from_map(node, name, path, findings),
        Kind::List(_) => {
            let text = format!("`{path}` must be {}", Type::Secret.expected());
            Err(Diagnostic::error("NK0202", text)
                .at(node.span, "this is a list")
                .into())
        }
    }
}

fn is_scheme(text: &str) -> bool {
    // `postgres://user:word@host` is a plain value, and one that must not be quoted.
    SCHEMES.contains(&text) || LATER.contains(&text)
}

fn from_url(
    scheme: &str,
    rest: &str,
    span: Span,
    path: &str,
) -> Result<SecretRef, Box<Diagnostic>> {
    if LATER.contains(&scheme) {
        return Err(unsupported(scheme, span, path));
    }
    if rest.is_empty() {
        let text = format!("the reference of `{path}` names nothing");
        return Err(Diagnostic::error("NK0416", text)
            .at(span, "something belongs after `://`")
            .into());
    }
    if scheme == "file" {
        return Ok(SecretRef::File(rest.to_owned()));
    }
    if scheme == "vault" {
        return from_vault(rest, span, path);
    }
    if is_variable(rest) {
        return Ok(SecretRef::Env(rest.to_owned()));
    }
    let text = format!("`{}` is not the name of a variable", brief(rest));
    Err(Diagnostic::error("NK0416", text)
        .at(span, "in this reference")
        .into())
}

fn from_vault(rest: &str, span: Span, path: &str) -> Result<SecretRef, Box<Diagnostic>> {
    let is_name = |text: &str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    let is_path = |text: &str| {
        is_name(text, "-_./") && text.split('/').all(|part| !matches!(part, "" | "." | ".."))
    };
    if let Some((place, field)) = rest.split_once('#')
        && is_path(place)
        && is_name(field, "-_.")
    {
        return Ok(SecretRef::Vault {
            path: place.to_owned(),
            field: field.to_owned(),
        });
    }
    let (text, label) = if rest.contains('#') {
        (
            format!("`{}` is not the place of a secret in Vault", brief(rest)),
            "letters, digits, `-`, `_`, `.`, and `/` between parts",
        )
    } else {
        (
            format!("the reference of `{path}` names no field"),
            "`#FIELD` belongs at its end",
        )
    };
    Err(Diagnostic::error("NK0416", text)
        .at(span, label)
        .help("write `vault://PATH#FIELD`, such as `vault://secret/shop/db#password`")
        .into())
}

fn unsupported(scheme: &str, span: Span, path: &str) -> Box<Diagnostic> {
    Diagnostic::error(
        "NK0416",
        format!("`{path}` takes its value from `{scheme}`, which is not in this build yet"),
    )
    .at(span, "here")
    .help("use `env://NAME` or `file://PATH`")
    .into()
}

fn plain(
    span: Span,
    scalar: &Scalar,
    (name, path): (&str, &str),
    findings: &mut Findings,
) -> Box<Diagnostic> {
    let variable = findings
        .slice(span)
        .and_then(variable_of)
        .map(str::to_owned);
    let finding = Diagnostic::error(
        "NK0415",
        format!("`{path}` holds a plain value instead of a reference"),
    );
    if let Some(variable) = variable {
        return finding
            .at(span, "the value would stand in the plan in clear")
            .help(format!("write `env://{variable}`"))
            .into();
    }
    findings.mask(span);
    let name = if is_variable(name) { name } else { "NAME" };
    let label = if scalar.text.is_empty() {
        "an empty value"
    } else {
        "a value that everyone can read"
    };
    finding
        .at(span, label)
        .help(format!(
            "put the value into the environment or `.env`, and write `env://{name}` here"
        ))
        .into()
}

/// Returns `NAME` when the text as written is nothing but `${NAME}`.
fn variable_of(raw: &str) -> Option<&str> {
    let inner = raw.trim().trim_matches(['"', '\'']);
    let name = inner.strip_prefix("${")?.strip_suffix('}')?;
    is_variable(name).then_some(name)
}

fn from_map(
    node: &Node,
    name: &str,
    path: &str,
    findings: &mut Findings,
) -> Result<SecretRef, Box<Diagnostic>> {
    for (key, entry) in node.map().into_iter().flat_map(|map| map.iter()) {
        if !matches!(key.as_str(), "from" | "key") {
            // What stands here may be a value that was meant to be secret.
            findings.mask(entry.node.span);
            let mut finding = Diagnostic::error(
                "NK0201",
                format!("unknown key `{}` in `{path}`", brief(key)),
            )
            .at(entry.key, "not a key of a reference");
            if let Some(help) = suggestion(key, ["from", "key"]) {
                finding = finding.help(help);
            }
            return Err(finding.into());
        }
    }
    let Some(from) = node.get("from") else {
        let finding = Diagnostic::error(
            "NK0416",
            format!("`{path}` does not say where its value comes from"),
        );
        return Err(finding
            .at(node.span, "`from` is missing")
            .help("write `from: env`")
            .into());
    };
    let span = node.get("key").map_or(node.span, |key| key.span);
    match from.text() {
        Some(scheme @ ("env" | "vault")) => {
            from_url(scheme, node.text_of("key").unwrap_or(name), span, path)
        }
        Some(scheme) if LATER.contains(&scheme) => Err(unsupported(scheme, from.span, path)),
        Some(other) => {
            let mut finding = Diagnostic::error(
                "NK0203",
                format!("`{path}` cannot take its value from `{}`", brief(other)),
            )
            .at(from.span, "unknown source");
            if let Some(help) = suggestion(other, ["env", "vault"]) {
                finding = finding.help(help);
            }
            Err(finding.into())
        }
        None => Err(
            Diagnostic::error("NK0202", format!("`{path}.from` must be text"))
                .at(from.span, "this is not")
                .into(),
        ),
    }
}
