//! A proxy on the engine's socket: it counts what passes, and does to chosen calls what a bad network, a busy
//! engine or a sudden death would.
//!
//! Start at `proxy`; `rule` says which call is meant and what happens to it, `wire` knows where messages end.

mod proxy;
mod rule;
mod wire;

pub(crate) use proxy::{FaultProxy, engine_socket};
pub(crate) use rule::{Fault, Rule};
