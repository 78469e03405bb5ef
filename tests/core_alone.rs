//! Compiles the domain with nothing else of ours around it: the compiler itself proves that the core needs
//! no port, no engine, no adapter and no front end.
#![expect(
    dead_code,
    reason = "nothing here calls the domain; it only has to compile alone"
)]
#![expect(
    unreachable_pub,
    reason = "the same files are public inside the library"
)]

#[path = "../src/domain/mod.rs"]
mod domain;
