//! Programs that get the terminal for a while: the editor at the right line, a shell in a service.

#![expect(
    clippy::disallowed_methods,
    reason = "the composition root touches the world"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::tui::rooms::doors::Program;

/// Longest reason that is read back, in characters.
const REASON: usize = 300;
/// What looks for a shell inside a service: `bash` where there is one, else `sh`.
const ANY_SHELL: &str = "command -v bash >/dev/null 2>&1 && exec bash; exec sh";

/// Returns the editor the user has chosen, on this file at this line.
pub(super) fn editor(
    env: &BTreeMap<String, String>,
    file: &Path,
    line: u32,
) -> Result<Program, String> {
    let chosen = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| env.get(name).filter(|value| !value.trim().is_empty()));
    let Some(chosen) = chosen else {
        return Err("neither VISUAL nor EDITOR names one".to_owned());
    };
    // An editor may come with arguments (`code -w`); who needs more than words writes a script.
    let mut words = chosen.split_whitespace();
    let name = words.next().unwrap_or_default();
    if !there(env, name) {
        return Err(format!(
            "there is no `{name}`, which VISUAL or EDITOR names"
        ));
    }
    let mut arguments: Vec<OsString> = words.map(OsString::from).collect();
    let base = Path::new(name).file_name().and_then(|name| name.to_str());
    match base.unwrap_or_default() {
        "code" | "code-insiders" | "codium" | "cursor" | "zed" | "subl" | "hx" | "helix" => {
            if base.is_some_and(|base| base.starts_with("cod") || base == "cursor") {
                arguments.push("--goto".into());
            }
            arguments.push(format!("{}:{line}", file.display()).into());
        }
        "vi" | "vim" | "nvim" | "view" | "nano" | "pico" | "emacs" | "emacsclient" | "mg"
        | "joe" | "jed" | "kak" | "micro" | "ne" | "jmacs" | "vis" | "nvi" | "mcedit" | "gvim" => {
            arguments.push(format!("+{line}").into());
            arguments.push(file.into());
        }
        _ => arguments.push(file.into()),
    }
    Ok(Program {
        name: name.into(),
        arguments,
        reason: None,
    })
}

/// Tells whether a program can be found the way a shell would.
fn there(env: &BTreeMap<String, String>, name: &str) -> bool {
    if name.contains('/') {
        return Path::new(name).is_file();
    }
    let path = env.get("PATH").map(String::as_str).unwrap_or_default();
    std::env::split_paths(path).any(|folder| folder.join(name).is_file())
}

/// Returns our own `exec` with a shell in a service.
pub(super) fn shell(
    nkapp: &Path,
    before: Vec<OsString>,
    service: &str,
    own: Option<&Path>,
) -> Program {
    let reason = own.map(|own| own.join(format!("reason-{}.txt", std::process::id())));
    let mut arguments = before;
    arguments.extend(
        ["exec", service, "--", "sh", "-c", ANY_SHELL]
            .into_iter()
            .map(OsString::from),
    );
    Program {
        name: nkapp.into(),
        arguments,
        reason,
    }
}

/// Reads why a program failed, where it wrote that down.
pub(super) fn reason(program: &Program) -> Option<String> {
    let path: &PathBuf = program.reason.as_ref()?;
    let text = std::fs::read_to_string(path).ok();
    let _ = std::fs::remove_file(path);
    let text = text?;
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    Some(line.chars().take(REASON).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_editor_is_told_the_line_in_its_own_way() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["vim", "nano", "hx", "code", "ed", "micro"] {
            std::fs::write(folder.path().join(name), "").expect("program");
        }
        let env = |editor: &str| -> BTreeMap<String, String> {
            [
                ("EDITOR".to_owned(), editor.to_owned()),
                ("PATH".to_owned(), folder.path().display().to_string()),
            ]
            .into()
        };
        let cases = [
            ("vim", "vim +12 /p/nanokit.yml"),
            ("nano -l", "nano -l +12 /p/nanokit.yml"),
            ("hx", "hx /p/nanokit.yml:12"),
            ("code -w", "code -w --goto /p/nanokit.yml:12"),
            ("micro", "micro +12 /p/nanokit.yml"),
            ("ed", "ed /p/nanokit.yml"),
        ];
        for (chosen, expected) in cases {
            let program = editor(&env(chosen), Path::new("/p/nanokit.yml"), 12).expect("an editor");
            let mut words = vec![program.name];
            words.extend(program.arguments);
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            assert_eq!(words.join(" "), expected);
        }
        let missing = editor(&env("vmi"), Path::new("/p/x"), 1).expect_err("missing");
        assert!(missing.contains("`vmi`"), "{missing}");
        assert!(editor(&BTreeMap::new(), Path::new("/p/x"), 1).is_err());
    }
}
