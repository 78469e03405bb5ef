//! Commands on the host: each in a session of its own, none of which leaves a survivor.

pub mod host;
mod mark;
mod tree;
pub mod warden;
