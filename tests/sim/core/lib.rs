//! The layers that the simulation drives: what `src/lib.rs` has below its front ends and adapters, file by file the same.
#![allow(
    dead_code,
    reason = "what only front ends and adapters call is called by nobody here"
)]

/// A simulation makes and drops small things most of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[path = "../../../src/domain/mod.rs"]
pub mod domain;
#[path = "../../../src/formats/mod.rs"]
pub mod formats;
#[path = "../../../src/ports/mod.rs"]
pub mod ports;

#[path = "../../../src/engine/mod.rs"]
pub mod engine;

#[path = "../../../src/app/mod.rs"]
pub mod app;
