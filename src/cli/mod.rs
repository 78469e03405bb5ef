//! The command line: arguments in, commands to the session, notices printed.
//!
//! Start at [`start`], then `errand` (what every verb holds) and `verbs`. The outside comes in through
//! [`ground::Ground`], so that no verb touches a file, a clock or a terminal by itself.
//!
//! How to add a verb: its arguments in `args.rs` (the doc comment is its help), its file in `verbs/`, its arm in
//! `verbs/dispatch.rs`.

pub mod args;
pub mod ask;
pub mod compose;
pub mod docs;
mod echo;
pub mod errand;
pub mod exit;
pub mod ground;
mod habits;
mod inputs;
mod json;
mod live;
mod news;
pub mod paint;
pub mod plain;
pub mod printer;
pub mod start;
mod typing;
mod verbs;
