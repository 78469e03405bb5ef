//! Our own log: what the program did, for whoever has to find out why. Never a screen, never a secret.
//!
//! Lines go to `.nanokit/nkapp.log` as JSON, so that no foreign text can forge one. `NANOKIT_LOG` chooses what is
//! kept (`debug`, `nanokit=trace`). The engine's client logs request bodies through the `log` crate; the bridge for
//! that (`tracing-log`) is left out on purpose, since those bodies hold environments in clear.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Largest size of the log before it is moved aside, in bytes.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Starts the log at `path`; what cannot be opened is not an error worth stopping for and is returned.
pub fn start(path: &Path, filter: Option<&str>) -> io::Result<()> {
    let file = open(path)?;
    let filter =
        EnvFilter::try_new(filter.unwrap_or("info")).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(Mutex::new(file));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(io::Error::other)
}

/// Opens the log for appending, readable by its owner only, following no link and waiting for nobody at a pipe.
fn open(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() > LIMIT) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    let careful = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let careful = i32::try_from(careful.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(careful)
        .open(path)?;
    let about = file.metadata()?;
    if about.is_file() && about.nlink() == 1 {
        Ok(file)
    } else {
        Err(io::Error::other("it is no plain file of its own"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_log_s_place_is_not_followed() {
        let folder = tempfile::tempdir().expect("temp folder");
        let target = folder.path().join("elsewhere");
        std::fs::write(&target, "kept").expect("written");
        let log = folder.path().join("nkapp.log");
        std::os::unix::fs::symlink(&target, &log).expect("linked");
        assert!(open(&log).is_err());
        assert_eq!(std::fs::read_to_string(&target).expect("read"), "kept");
    }

    #[test]
    fn s14_a_pipe_or_a_second_name_in_the_log_s_place_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("temp folder");
        let log = folder.path().join("nkapp.log");
        let made = std::process::Command::new("mkfifo").arg(&log).status();
        assert!(made.expect("mkfifo runs").success());
        assert!(open(&log).is_err());
        std::fs::remove_file(&log).expect("removed");
        let theirs = folder.path().join("theirs");
        std::fs::write(&theirs, "kept").expect("written");
        std::fs::hard_link(&theirs, &log).expect("linked");
        assert!(open(&log).is_err());
        assert_eq!(std::fs::read_to_string(&theirs).expect("read"), "kept");
    }

    #[test]
    fn s03_no_foreign_text_can_forge_a_line() {
        let folder = tempfile::tempdir().expect("temp folder");
        let path = folder.path().join("nkapp.log");
        let lines = tracing_subscriber::fmt::layer()
            .json()
            .with_writer(Mutex::new(open(&path).expect("opened")));
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
        let file = open(&log).expect("opened");
        file.set_len(LIMIT + 1).expect("grown");
        drop(open(&log).expect("opened anew"));
        assert_eq!(std::fs::metadata(&log).expect("there").len(), 0);
        assert!(folder.path().join("nkapp.log.1").exists());
    }
}
