//! The command line: arguments in, commands to the session, notices printed.
//!
//! How to add a verb: its arguments in `args.rs` (the doc comment is its help), its file in `verbs/`.

pub mod ground;
