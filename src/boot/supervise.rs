//! The hidden subcommands: this very program as the supervisor of one host process, or as the keeper of one hook.
//!
//! Asked before anything else, since neither reads a configuration and both must start fast.

use std::ffi::OsString;
use std::path::Path;

use crate::adapters::hooks::warden::{self, HOOK};
use crate::adapters::providers::process::link::SUPERVISE;
use crate::adapters::providers::process::supervisor;

/// Supervises when the arguments ask for it, and returns the exit code then.
#[must_use]
pub fn if_asked() -> Option<u8> {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next()?;
    if asked == HOOK {
        let rest: Vec<OsString> = arguments.collect();
        return Some(u8::try_from(warden::stand(&rest)).unwrap_or(1));
    }
    if asked != SUPERVISE {
        return None;
    }
    let Some(folder) = arguments.next() else {
        return Some(2);
    };
    Some(u8::try_from(supervisor::supervise(Path::new(&folder))).unwrap_or(1))
}
