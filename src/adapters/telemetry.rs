//! Our own log: what the program did, for whoever has to find out why. Never a screen, never a secret.
//!
//! Lines go to `.nanokit/nkapp.log` as JSON, so that no foreign text can forge one. `NANOKIT_LOG` chooses what is
//! kept (`debug`, `nanokit=trace`). The engine's client logs request bodies through the `log` crate; the bridge for
//! that (`tracing-log`) is left out on purpose, since those bodies hold environments in clear.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
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

/// Opens the log for appending, readable by its owner only, following no link.
fn open(path: &Path) -> io::Result<File> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() > LIMIT) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).map_err(io::Error::other)?;
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
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
