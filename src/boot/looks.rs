//! The user's own keys and themes, and how many colours the terminal has.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cli::ground::Looks;
use crate::tui::setup::{UserFile, UserFiles, check};
use crate::tui::theme::Colors;

/// Folder of ours below the folder for settings.
const FOLDER: &str = "nkapp";
/// Most bytes read of one file: one more than will be taken, so that a longer one is told.
const LIMIT: u64 = (256 << 10) + 1;
/// Most theme files read.
const THEMES: usize = 200;

/// Finds the user's folder for settings: `$XDG_CONFIG_HOME/nkapp`, else `~/.config/nkapp`.
pub(super) fn folder(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(env.get(name)?);
        path.is_absolute().then_some(path)
    };
    let base = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(base.join(FOLDER))
}

/// Reads the files there are; one that cannot be read says why.
pub(super) fn files(env: &BTreeMap<String, String>) -> UserFiles {
    let Some(folder) = folder(env) else {
        return UserFiles::default();
    };
    let home = env.get("HOME").map(PathBuf::from);
    let themes = folder.join("themes");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&themes)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "yml"))
        .collect();
    names.sort();
    names.truncate(THEMES);
    UserFiles {
        keymap: file(&folder.join("keymap.yml"), home.as_deref()),
        themes: names
            .iter()
            .filter_map(|path| file(path, home.as_deref()))
            .collect(),
    }
}

/// Reads them as the panel does, for whoever wants to know what is wrong.
pub(super) fn checked(env: &BTreeMap<String, String>) -> Looks {
    let files = files(env);
    let found = files.keymap.iter().chain(&files.themes);
    Looks {
        folder: folder(env),
        files: found.map(|file| file.shown.clone()).collect(),
        findings: check(&files),
    }
}

fn file(path: &Path, home: Option<&Path>) -> Option<UserFile> {
    let text = match read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        read => read.map_err(|error| error.to_string()),
    };
    let shown = match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => Path::new("~").join(rest),
        None => path.to_path_buf(),
    };
    Some(UserFile {
        name: path.file_stem()?.to_string_lossy().into_owned(),
        shown,
        text,
    })
}

fn read(path: &Path) -> std::io::Result<String> {
    // A pipe or a device in that place would hold everything up.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(LIMIT)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// Says how many colours the terminal has, from what it says of itself.
pub(super) fn colors(env: &BTreeMap<String, String>) -> Colors {
    let get = |name: &str| env.get(name).map_or("", String::as_str);
    let term = get("TERM");
    let direct = term.ends_with("-direct") || term.contains("truecolor");
    if direct || matches!(get("COLORTERM"), "truecolor" | "24bit") {
        Colors::True
    } else if term.contains("256color") {
        Colors::TwoFiftySix
    } else {
        Colors::Sixteen
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests touch the world")]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn colours_follow_what_the_terminal_says() {
        for (pairs, wanted) in [
            (&[("TERM", "xterm")][..], Colors::Sixteen),
            (&[("TERM", "xterm-256color")], Colors::TwoFiftySix),
            (
                &[("TERM", "screen"), ("COLORTERM", "truecolor")],
                Colors::True,
            ),
            (&[("TERM", "xterm-direct")], Colors::True),
            (&[], Colors::Sixteen),
        ] {
            assert_eq!(colors(&env(pairs)), wanted, "{pairs:?}");
        }
    }

    #[test]
    fn files_are_read_from_the_users_folder() {
        let home = tempfile::tempdir().expect("folder");
        let at = home.path().to_string_lossy().into_owned();
        let env = env(&[("HOME", &at), ("XDG_CONFIG_HOME", "not/absolute")]);
        assert_eq!(files(&env), UserFiles::default());
        let folder = folder(&env).expect("folder");
        std::fs::create_dir_all(folder.join("themes")).expect("made");
        std::fs::write(folder.join("keymap.yml"), "all: {}\n").expect("written");
        std::fs::write(folder.join("themes/mine.yml"), [0xff]).expect("written");
        std::fs::create_dir(folder.join("themes/folder.yml")).expect("made");
        let read = files(&env);
        let keymap = read.keymap.expect("keymap");
        assert_eq!(keymap.shown, Path::new("~/.config/nkapp/keymap.yml"));
        assert_eq!(keymap.text.as_deref(), Ok("all: {}\n"));
        let names: Vec<&str> = read
            .themes
            .iter()
            .map(|theme| theme.name.as_str())
            .collect();
        assert_eq!(names, ["folder", "mine"]);
        assert!(read.themes.iter().all(|theme| theme.text.is_err()));
    }
}
