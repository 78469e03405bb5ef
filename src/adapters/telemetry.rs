//! Our own log: what the program did, for whoever has to find out why. Never a screen, never a secret.
//!
//! Lines go to `.nanokit/nkapp.log` as JSON, so that no foreign text can forge one. `NANOKIT_LOG` chooses what is
//! kept (`debug`, `nanokit=trace`). The engine's client logs request bodies through the `log` crate; the bridge for
//! that (`tracing-log`) is left out on purpose, since those bodies hold environments in clear.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::adapters::folder::Folder;

/// Largest size of the log before it is moved aside, in bytes.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Name of the log in the project's own folder.
const LOG: &str = "nkapp.log";
/// Name of the one before.
const BEFORE: &str = "nkapp.log.1";

/// Starts the log in the project's own folder; what cannot be opened is not an error worth stopping for and is returned.
/// `false`: there is no such folder, and nothing is made just to log into.
pub fn start(own: &Path, filter: Option<&str>) -> io::Result<bool> {
    let Some(folder) = Folder::own(own, false)? else {
        return Ok(false);
    };
    let file = open(&folder)?;
    let filter =
        EnvFilter::try_new(filter.unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(Mutex::new(file));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(io::Error::other)?;
    Ok(true)
}

/// Opens the log for appending, readable by its owner only, following no link and waiting for nobody at a pipe.
fn open(folder: &Folder) -> io::Result<File> {
    let file = folder.lasting(LOG)?;
    if file.metadata()?.len() <= LIMIT {
        return Ok(file);
    }
    folder.link(LOG, folder, BEFORE)?;
    folder.remove(LOG)?;
    folder.lasting(LOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> io::Result<File> {
        super::open(&Folder::open(folder)?)
    }

    #[test]
    fn a_link_in_the_log_s_place_is_not_followed() {
        let folder = tempfile::tempdir().expect("temp folder");
        let target = folder.path().join("elsewhere");
        std::fs::write(&target, "kept").expect("written");
        let log = folder.path().join("nkapp.log");
        std::os::unix::fs::symlink(&target, &log).expect("linked");
        assert!(open(folder.path()).is_err());
        assert_eq!(std::fs::read_to_string(&target).expect("read"), "kept");
    }

    #[test]
    fn s14_a_link_in_place_of_our_folder_is_not_followed() {
        let root = tempfile::tempdir().expect("temp folder");
        let elsewhere = tempfile::tempdir().expect("temp folder");
        let own = root.path().join(".nanokit");
        assert!(!start(&own, None).expect("nothing there"));
        std::os::unix::fs::symlink(elsewhere.path(), &own).expect("linked");
        assert!(start(&own, None).is_err());
        let names = std::fs::read_dir(elsewhere.path()).expect("a folder");
        assert_eq!(names.count(), 0);
    }

    #[test]
    fn s14_a_pipe_or_a_second_name_in_the_log_s_place_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("temp folder");
        let log = folder.path().join("nkapp.log");
        let made = std::process::Command::new("mkfifo").arg(&log).status();
        assert!(made.expect("mkfifo runs").success());
        assert!(open(folder.path()).is_err());
        std::fs::remove_file(&log).expect("removed");
        let theirs = folder.path().join("theirs");
        std::fs::write(&theirs, "kept").expect("written");
        std::fs::hard_link(&theirs, &log).expect("linked");
        assert!(open(folder.path()).is_err());
        assert_eq!(std::fs::read_to_string(&theirs).expect("read"), "kept");
    }

    #[test]
    fn s03_no_foreign_text_can_forge_a_line() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("nkapp.log");
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .with_writer(Mutex::new(open(folder.path()).expect("opened")));
        let forged = "x\n{\"level\":\"ERROR\",\"fields\":{\"message\":\"forged\"}}\r\u{1b}[2J\u{0}";
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::warn!(cause = forged, other = ?forged, "told {forged}");
            tracing::warn!("{}", forged);
        });
        let text = std::fs::read_to_string(&path).expect("read");
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            !text
                .trim_end()
                .contains(|c: char| c.is_control() && c != '\n')
        );
        for line in text.lines() {
            let read: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(read["level"], "WARN", "{line}");
        }
    }

    #[test]
    fn a_long_log_is_moved_aside() {
        let folder = tempfile::tempdir().expect("temp folder");
        let log = folder.path().join("nkapp.log");
        let file = open(folder.path()).expect("opened");
        file.set_len(LIMIT + 1).expect("grown");
        drop(open(folder.path()).expect("opened anew"));
        assert_eq!(std::fs::metadata(&log).expect("there").len(), 0);
        assert!(folder.path().join("nkapp.log.1").exists());
    }
}
