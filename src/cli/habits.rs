//! What fingers know: the same letter after another verb, and a file named before the verb it is for.

use std::ffi::OsString;

/// After `logs`, `-f` follows: the flag everybody's fingers know wins over the global one there.
pub(super) fn follow<I, T>(arguments: I) -> Vec<OsString>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString>,
{
    let mut verb = None;
    let mut is_value = false;
    let mut out: Vec<OsString> = Vec::new();
    for (at, argument) in arguments.into_iter().map(Into::into).enumerate() {
        let text = argument.to_str().unwrap_or_default().to_owned();
        if at > 0 && verb.is_none() && !is_value && !text.starts_with('-') {
            verb = Some(text.clone());
        } else if verb.as_deref() == Some("logs")
            && !is_value
            && matches!(text.as_str(), "-f" | "-tf" | "-ft")
        {
            out.push("--follow".into());
            if text.len() > 2 {
                out.push("--timestamps".into());
            }
            continue;
        }
        is_value = matches!(
            text.as_str(),
            "-f" | "--file" | "-e" | "--env" | "--env-file" | "--color" | "-n" | "--tail"
        );
        out.push(argument);
    }
    match verb.as_deref() {
        Some("ui") => gathered(out),
        Some(_) | None => out,
    }
}

/// Puts project files named before `ui` behind it, since of the same option in both places only the latter counts.
fn gathered(words: Vec<OsString>) -> Vec<OsString> {
    let mut rest = Vec::new();
    let mut files = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let text = word.to_str().unwrap_or_default();
        let joined = text.starts_with("--file=") || (text.starts_with("-f") && text.len() > 2);
        if joined {
            files.push(word);
        } else if matches!(text, "-f" | "--file") {
            files.push(word);
            files.extend(words.next());
        } else {
            rest.push(word);
        }
    }
    rest.extend(files);
    rest
}
