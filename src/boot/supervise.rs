//! The hidden subcommand: this very program as the supervisor of one host process.
//!
//! Asked before anything else, since a supervisor reads no configuration and must start fast.

use std::ffi::OsStr;
use std::path::Path;

use crate::adapters::providers::process::link::SUPERVISE;
use crate::adapters::providers::process::supervisor;

/// Supervises when the arguments ask for it, and returns the exit code then.
#[must_use]
pub fn if_asked() -> Option<u8> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref() != Some(OsStr::new(SUPERVISE)) {
        return None;
    }
    let Some(folder) = arguments.next() else {
        return Some(2);
    };
    Some(u8::try_from(supervisor::supervise(Path::new(&folder))).unwrap_or(1))
}
