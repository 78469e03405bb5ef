//! A bundle for a report: what the panel knows, with version, platform, configuration and log, secrets masked.
//!
//! Masking is done twice. First every value that is known to be a secret, in all the forms the engine looks for: what
//! references resolve to, and variables whose names say so. Then whatever stands behind such a name in the text, known
//! or not.

#![expect(
    clippy::disallowed_methods,
    reason = "the composition root touches the world"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::adapters::disk::ProjectDisk;
use crate::adapters::source_tree::ProjectFiles;
use crate::boot::hydrate::{self, Surroundings};
use crate::domain::config::load::Loaded;
use crate::domain::project::service::EnvValue;
use crate::domain::secret::{Secret, SecretRef};
use crate::engine::redact::{MASK, Redactor};
use crate::ports::disk::Disk as _;
use crate::present::clean;
use crate::present::report::{self, ReportStyle};

/// How much of the log's end goes in, in bytes.
const LOG: usize = 64 * 1024;
/// Most bytes of the log that are read for that.
const LOG_READ: u64 = 8 << 20;
/// Variables of this process that say how the panel is shown.
const SHOWN: [&str; 12] = [
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "TMUX",
    "STY",
    "SSH_TTY",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "NO_COLOR",
    "NANOKIT_ASCII",
    "NANOKIT_LOG",
];
/// Parts of names whose values are nobody's business.
const TELLING: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "credential",
    "private",
    "auth",
    "cookie",
    "signature",
];

/// Writes the bundle.
pub(super) fn text(
    surroundings: &Surroundings,
    disk: &ProjectDisk,
    parts: &[(String, String)],
) -> String {
    let loaded = hydrate::load(surroundings, &ProjectFiles::new());
    let mut whole = String::new();
    part(&mut whole, "nkapp", &about(surroundings));
    part(&mut whole, "configuration", &configuration(&loaded));
    for (heading, text) in parts {
        part(&mut whole, heading, text);
    }
    part(&mut whole, "log", &log(disk));
    masked(&whole, surroundings, &loaded)
}

fn part(whole: &mut String, heading: &str, text: &str) {
    let _ = writeln!(whole, "== {heading}\n{}\n", text.trim_end());
}

fn about(surroundings: &Surroundings) -> String {
    let mut text = format!(
        "version {}\nplatform {} {}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    if let Ok(kernel) = std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        let _ = writeln!(text, "kernel {}", kernel.trim());
    }
    for name in SHOWN {
        if let Some(value) = surroundings.process_env.get(name) {
            let _ = writeln!(text, "{name}={}", clean::line(value));
        }
    }
    text
}

fn configuration(loaded: &Loaded) -> String {
    let style = ReportStyle {
        ascii: true,
        ..ReportStyle::default()
    };
    let mut text = report::render(&loaded.diagnostics, &loaded.sources, style);
    if let Some(merged) = loaded.merged_text() {
        text.push_str(&merged);
    }
    text
}

fn log(disk: &ProjectDisk) -> String {
    let bytes = match disk.read(Path::new("nkapp.log"), LOG_READ) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return "there is none\n".to_owned(),
        Err(error) => return format!("it cannot be read: {error}\n"),
    };
    let tail = bytes
        .get(bytes.len().saturating_sub(LOG)..)
        .unwrap_or(&bytes);
    let text = String::from_utf8_lossy(tail);
    // The first line is cut anywhere, perhaps in the middle of a secret.
    let whole = match (bytes.len() > LOG, text.split_once('\n')) {
        (true, Some((_, rest))) => rest,
        (true, None) => "",
        (false, _) => &text,
    };
    whole.lines().map(|line| clean::line(line) + "\n").collect()
}

/// Masks everything that is known or said to be a secret.
fn masked(text: &str, surroundings: &Surroundings, loaded: &Loaded) -> String {
    let mut redactor = Redactor::default();
    for value in secrets(surroundings, loaded) {
        redactor.register(&Secret::new(value));
    }
    let masked = redactor.redact(text);
    masked.lines().map(|line| keyed(line) + "\n").collect()
}

fn secrets(surroundings: &Surroundings, loaded: &Loaded) -> Vec<String> {
    let mut values = Vec::new();
    let named = |variables: &BTreeMap<String, String>| -> Vec<String> {
        let telling = variables.iter().filter(|(name, _)| tells(name));
        telling.map(|(_, value)| value.clone()).collect()
    };
    values.extend(named(&surroundings.process_env));
    values.extend(named(&loaded.variables));
    // A file with faults gives no project, but its references are secrets all the same.
    let root = surroundings.project_file(&ProjectFiles::new());
    let root = root.parent().unwrap_or(&surroundings.folder);
    for source in loaded.sources.files() {
        for reference in references(&source.text) {
            values.extend(resolved(&reference, root, surroundings, loaded));
        }
    }
    let Some(project) = &loaded.project else {
        return values;
    };
    let used = project.services.values().flat_map(|service| &service.env);
    for (name, value) in used {
        match value {
            EnvValue::Plain(text) if tells(name) => values.push(text.clone()),
            EnvValue::Plain(_) => {}
            EnvValue::Secret(reference) => {
                values.extend(resolved(reference, &project.root, surroundings, loaded));
            }
        }
    }
    values
}

/// Returns what a reference resolves to, here and now.
fn resolved(
    reference: &SecretRef,
    root: &Path,
    surroundings: &Surroundings,
    loaded: &Loaded,
) -> Vec<String> {
    match reference {
        SecretRef::Env(name) => [&loaded.variables, &surroundings.process_env]
            .into_iter()
            .filter_map(|variables| variables.get(name).cloned())
            .collect(),
        SecretRef::File(path) => std::fs::read_to_string(root.join(path))
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .into_iter()
            .collect(),
        SecretRef::Vault { .. } => Vec::new(),
    }
}

/// Finds references in a text, whatever surrounds them.
fn references(text: &str) -> Vec<SecretRef> {
    let mut found = Vec::new();
    for (start, make) in [
        ("env://", SecretRef::Env as fn(String) -> SecretRef),
        ("file://", SecretRef::File),
    ] {
        for (_, rest) in text
            .match_indices(start)
            .filter_map(|(at, _)| text.split_at_checked(at + start.len()))
        {
            let end = rest.find([' ', '\t', '\n', '\r', '"', '\'', ',', '}', ']', '#']);
            let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
            if !name.is_empty() {
                found.push(make(name.to_owned()));
            }
        }
    }
    found
}

/// Tells whether a name says that its value is nobody's business.
fn tells(name: &str) -> bool {
    let name = name.to_lowercase();
    TELLING.iter().any(|word| name.contains(word)) || name.ends_with("_key") || name == "key"
}

/// Masks what stands behind a telling name in a line, and the password of an address.
fn keyed(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['=', ':']) {
        let (before, after) = rest.split_at(at);
        let (sign, after) = after.split_at(1);
        kept.push_str(before);
        kept.push_str(sign);
        rest = after;
        if let Some(password) = sign
            .eq(":")
            .then(|| after.strip_prefix("//"))
            .flatten()
            .and_then(user_info)
        {
            let (user, length) = password;
            kept.push_str("//");
            kept.push_str(user);
            kept.push(':');
            kept.push_str(MASK);
            rest = after.get(2 + user.len() + 1 + length..).unwrap_or_default();
            continue;
        }
        let bare = |c: char| !(c.is_alphanumeric() || "_-.".contains(c));
        let name = before.trim_end().trim_end_matches(['"', '\'', '\\']);
        let name = name.rsplit(bare).next().unwrap_or_default();
        if !tells(name) {
            continue;
        }
        let value = after.trim_start_matches([' ', '\\']);
        kept.push_str(after.get(..after.len() - value.len()).unwrap_or_default());
        let length = value_length(value, sign);
        let hidden = value.get(..length).unwrap_or_default();
        let is_reference = ["env://", "file://", "${", MASK]
            .iter()
            .any(|start| hidden.trim_matches(['"', '\'']).starts_with(start));
        kept.push_str(if is_reference || hidden.is_empty() {
            hidden
        } else {
            MASK
        });
        rest = value.get(length..).unwrap_or_default();
    }
    kept.push_str(rest);
    kept
}

/// Finds user and length of the password in `user:password@host`.
fn user_info(address: &str) -> Option<(&str, usize)> {
    let host = address.find(['/', ' ', '"', '\'']).unwrap_or(address.len());
    let (info, _) = address.get(..host)?.rsplit_once('@')?;
    let (user, password) = info.split_once(':')?;
    Some((user, password.len()))
}

/// Measures a value: a quoted one to its quote, one behind `=` to the next space, one behind `:` to the line's end or
/// the comma of its neighbour.
fn value_length(value: &str, sign: &str) -> usize {
    if let Some(quote) = value.chars().next().filter(|c| "\"'".contains(*c)) {
        let inner = value.get(1..).unwrap_or_default();
        return inner.find(quote).map_or(value.len(), |end| end + 2);
    }
    let ends = if sign == "=" {
        value.find([' ', '\t', '"', '\'', ',', ';', '&', '}'])
    } else {
        value.find(['"', '}'])
    };
    ends.unwrap_or(value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_telling_name_is_masked() {
        let cases = [
            ("DB_PASSWORD=canary x=1", "DB_PASSWORD=[redacted] x=1"),
            ("password: canary bird", "password: [redacted]"),
            (
                r#"{"token":"canary","a":1}"#,
                r#"{"token":[redacted],"a":1}"#,
            ),
            (r#""msg":"api_key=canary""#, r#""msg":"api_key=[redacted]""#),
            ("PASSWORD: env://DB_PASSWORD", "PASSWORD: env://DB_PASSWORD"),
            (
                "postgres://app:canary@db:5432/x",
                "postgres://app:[redacted]@db:5432/x",
            ),
            ("ports: 80:8080", "ports: 80:8080"),
            ("12:30:01 plan made", "12:30:01 plan made"),
        ];
        for (line, expected) in cases {
            assert_eq!(keyed(line), expected);
        }
    }

    #[test]
    fn no_canary_sings_in_a_bundle() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        let own = root.join(".nanokit");
        std::fs::create_dir(&own).expect("own folder");
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).expect("file");
        write("key.txt", "canary-in-a-file\n");
        write(
            "nanokit.yml",
            "name: shop\nservices:\n  api:\n    start: sleep 1\n    env:\n      DB_PASSWORD: canary-in-the-file\n      PLAIN: visible\n    secrets:\n      UPSTREAM: env://UPSTREAM\n      CERT: file://key.txt\n",
        );
        write(
            ".nanokit/nkapp.log",
            "{\"level\":\"error\",\"message\":\"refused canary-from-env, Y2FuYXJ5LWZyb20tZW52\"}\n{\"password\":\"canary-unknown\"}\n",
        );
        let surroundings = Surroundings {
            folder: root.to_owned(),
            process_env: [
                ("UPSTREAM".to_owned(), "canary-from-env".to_owned()),
                ("SESSION_SECRET".to_owned(), "canary-by-name".to_owned()),
                ("TERM".to_owned(), "xterm".to_owned()),
            ]
            .into(),
            ..Surroundings::default()
        };
        let parts = [(
            "run".to_owned(),
            "failed: login with canary-in-a-file and canary-in-the-file, canary-by-name".to_owned(),
        )];
        let text = text(&surroundings, &ProjectDisk::new(own), &parts);
        assert!(!text.contains("canary"), "{text}");
        assert!(!text.contains("Y2FuYXJ5LWZyb20tZW52"), "{text}");
        assert!(text.contains("PLAIN: visible"), "{text}");
        assert!(text.contains("TERM=xterm"), "{text}");
        assert!(text.contains("== log"), "{text}");
    }
}
