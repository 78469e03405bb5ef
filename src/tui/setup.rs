//! What the user's own files make of the panel: keys and themes, and what is wrong with them.
//!
//! Pure: the composition root reads the files and hands their texts over. A bad file never stops the panel: what is
//! built in is used instead, and the report says why.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::config::settings::File;
use crate::domain::diagnostic::Diagnostic;
use crate::domain::place::Sources;
use crate::present::report::{ReportStyle, render, summary};
use crate::tui::keymap::map::Keymap;
use crate::tui::keymap::overlay::lay_over;
use crate::tui::theme::shelf::Shelf;

/// A file of the user's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFile {
    /// Its name without folder and ending.
    pub name: String,
    /// Its path, as it is shown.
    pub shown: PathBuf,
    /// Its text, or why it could not be read.
    pub text: Result<String, String>,
}

/// The files of the user's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFiles {
    /// `keymap.yml`.
    pub keymap: Option<UserFile>,
    /// `themes/*.yml`.
    pub themes: Vec<UserFile>,
}

/// Keys and themes, ready for use.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// The themes.
    pub shelf: Arc<Shelf>,
    /// What is wrong with the files, for reading; empty when nothing is.
    pub report: String,
    /// The same in a few words: `2 errors`.
    pub summary: String,
    /// Whether a file could not be used.
    pub refused: bool,
}

impl Setup {
    /// Reads the files.
    #[must_use]
    pub fn read(files: &UserFiles, style: ReportStyle) -> Self {
        let (keymap, shelf, findings) = lay_out(files);
        let reports: Vec<String> = findings
            .iter()
            .map(|(findings, sources)| render(findings, sources, style))
            .collect();
        let all: Vec<Diagnostic> = findings.into_iter().flat_map(|(list, _)| list).collect();
        Self {
            // The shipped table has no conflict; a test holds that.
            keymap: Arc::new(
                keymap
                    .or_else(|| Keymap::built_in().ok())
                    .unwrap_or_default(),
            ),
            shelf: Arc::new(shelf),
            summary: summary(&all),
            refused: all.iter().any(Diagnostic::is_error),
            report: reports.join("\n"),
        }
    }
}

/// Findings of one file, and its text.
pub type Found = (Vec<Diagnostic>, Sources);

/// Says what is wrong with the files.
#[must_use]
pub fn check(files: &UserFiles) -> Vec<Found> {
    lay_out(files).2
}

fn lay_out(files: &UserFiles) -> (Option<Keymap>, Shelf, Vec<Found>) {
    let mut findings = Vec::new();
    let mut keymap = None;
    if let Some(file) = &files.keymap {
        findings.push(match &file.text {
            Ok(text) => {
                let (mut read, root) = File::read(&file.shown, text);
                keymap = root.and_then(|root| lay_over(&mut read, &root));
                read.finish()
            }
            Err(why) => unreadable(file, why),
        });
    }
    let mut shelf = Shelf::built_in();
    for file in &files.themes {
        findings.push(match &file.text {
            Ok(text) => shelf.add(&file.name, &file.shown, text),
            Err(why) => unreadable(file, why),
        });
    }
    findings.retain(|(list, _)| !list.is_empty());
    (keymap, shelf, findings)
}

fn unreadable(file: &UserFile, why: &str) -> Found {
    let message = format!("`{}` cannot be read: {why}", file.shown.display());
    (
        vec![Diagnostic::error("NK0613", message)],
        Sources::default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::keymap::action::{Action, Context};

    fn file(name: &str, text: &str) -> UserFile {
        UserFile {
            name: name.into(),
            shown: format!("{name}.yml").into(),
            text: Ok(text.into()),
        }
    }

    #[test]
    fn a_bad_file_leaves_what_is_built_in_and_is_told() {
        let files = UserFiles {
            keymap: Some(file("keymap", "all: {qiut: [Q]}\n")),
            themes: vec![
                file("mine", "base: dark\nok: {fg: blue}\n"),
                UserFile {
                    text: Err("permission denied".into()),
                    ..file("locked", "")
                },
            ],
        };
        let setup = Setup::read(&files, ReportStyle::default());
        assert_eq!((setup.refused, setup.summary.as_str()), (true, "2 errors"));
        assert!(
            setup.report.contains("did you mean `quit`?"),
            "{}",
            setup.report
        );
        assert!(
            setup.report.contains("permission denied"),
            "{}",
            setup.report
        );
        assert_eq!(setup.keymap.keys(Context::Plan, Action::Quit), ["q"]);
        assert!(setup.shelf.get("mine").is_some());
        assert_eq!(check(&files).len(), 2);
    }

    #[test]
    fn without_files_nothing_is_said() {
        let setup = Setup::read(&UserFiles::default(), ReportStyle::default());
        assert!(setup.report.is_empty() && !setup.refused);
    }
}
