//! The `nkapp` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    match nanokit::boot::supervise::if_asked() {
        Some(code) => ExitCode::from(code),
        None => ExitCode::SUCCESS,
    }
}
