//! From text to desired state: parse, merge, expand, infer, lower, check; every fault found in one pass.
//!
//! Start at [`load`](load::load). Files and variables come in as values (through [`load::SourceTree`]), so the
//! whole of it runs in a test without a disk. The way of a file: `yaml` reads it into a `tree`, `shape` checks it
//! against the `table` of `keys`, `environment` chooses and `merge` lays over, `dotenv`, `variables` and `vars`
//! find and `expand` the variables, `lower` makes the project, `check` looks at the whole, `export` writes it.
//! `settings` lets others read small files of their own through the same reader.
//!
//! How to add a key: a line in `table`, its reading in `lower`, its line in the example file, and the schema made
//! anew.

mod check;
mod digest;
mod dotenv;
mod environment;
mod expand;
pub mod export;
mod findings;
mod infer;
pub mod keys;
pub mod load;
mod lower;
mod merge;
pub mod near;
pub mod outline;
pub(crate) mod scalar;
mod secret;
pub mod settings;
mod shape;
mod table;
mod tree;
mod variables;
mod vars;
mod yaml;
