//! Platforms that carry instances: the Docker engine and supervised host processes.
//!
//! `any` chooses one at run time without `dyn`. How to add a platform: a folder here that implements
//! [`Provider`](crate::ports::provider::Provider), an arm in `any`, a line in `tests/contract`, and in
//! `domain::project::project::ProviderKind` the word that names it in the file.

pub mod any;
#[cfg(feature = "docker")]
pub mod docker;
pub mod process;
