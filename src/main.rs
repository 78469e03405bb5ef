//! The `nkapp` binary.

fn main() {}
