//! The `nkapp` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    nanokit::boot::start::main()
}
