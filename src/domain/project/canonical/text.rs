//! How single values are written in a canonical model; providers use the same functions for what they read.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::project::hook::{Hook, HookPlace, OnFailure};
use crate::domain::project::service::{Mount, MountSource, RestartPolicy};

/// Writes an argument vector as text: JSON's array of strings, so that borders stay visible.
#[must_use]
pub fn argv_text(argv: &[String]) -> String {
    let mut text = String::from("[");
    for (i, argument) in argv.iter().enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        text.push('"');
        for c in argument.chars() {
            match c {
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                c if c.is_control() => {
                    let _ = write!(text, "\\u{:04x}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        text.push('"');
    }
    text.push(']');
    text
}

/// Writes a restart policy: `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:N`.
#[must_use]
pub fn restart_text(policy: RestartPolicy) -> String {
    match policy {
        RestartPolicy::No => "no".to_owned(),
        RestartPolicy::Always => "always".to_owned(),
        RestartPolicy::UnlessStopped => "unless-stopped".to_owned(),
        RestartPolicy::OnFailure(0) => "on-failure".to_owned(),
        RestartPolicy::OnFailure(most) => format!("on-failure:{most}"),
    }
}

/// Reads what [`restart_text`] wrote.
#[must_use]
pub fn restart_of(text: &str) -> Option<RestartPolicy> {
    match text {
        "no" => Some(RestartPolicy::No),
        "always" => Some(RestartPolicy::Always),
        "unless-stopped" => Some(RestartPolicy::UnlessStopped),
        "on-failure" => Some(RestartPolicy::OnFailure(0)),
        other => {
            let most = other.strip_prefix("on-failure:")?.parse().ok()?;
            Some(RestartPolicy::OnFailure(most))
        }
    }
}

/// Writes what is mounted: `volume:NAME` or `bind:PATH`, with `:ro` behind when writing is refused.
#[must_use]
pub fn mount_text(mount: &Mount) -> String {
    let source = match &mount.source {
        MountSource::Volume(name) => format!("volume:{name}"),
        MountSource::Bind { path, .. } => format!("bind:{}", path.display()),
    };
    if mount.read_only {
        format!("{source}:ro")
    } else {
        source
    }
}

/// Writes aliases: sorted, with commas.
#[must_use]
pub fn aliases_text(aliases: &BTreeSet<String>) -> String {
    aliases.iter().cloned().collect::<Vec<_>>().join(",")
}

/// Writes a hook: command, place, limits.
pub(super) fn hook_text(hook: &Hook) -> String {
    let place = match hook.place {
        HookPlace::Host => "host",
        HookPlace::Container => "container",
    };
    let failure = match hook.on_failure {
        OnFailure::Fail => "fail",
        OnFailure::Warn => "warn",
    };
    format!(
        "{} ({place}, {} ms, {} retries, {failure})",
        argv_text(&hook.command.argv()),
        millis(hook.timeout),
        hook.retries
    )
}

/// Writes a span in whole milliseconds.
pub(super) fn millis(span: Duration) -> String {
    span.as_millis().to_string()
}

/// Writes bytes in lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
