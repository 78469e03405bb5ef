//! Supervised host processes: the platform that is always there.
//!
//! Each instance is a folder below `.nanokit/process` and, once started, a supervisor process of its own
//! (`nkapp __supervise FOLDER`) in its own session, which runs the main command, keeps its log, asks for its
//! health and restarts it. The command that started it may end; the next one finds the instance again by its
//! folder, and believes only what `/proc` proves: pid, start time and boot together.
//!
//! What the platform cannot do, it says: images are ignored, a mount target means nothing (folders are told by
//! `NANOKIT_VOLUME_*`, `path:` is the working folder), a network is a record since everything shares the
//! loopback, limits need a writable control group. With several instances `NANOKIT_URL_X` is the lowest one's;
//! `NANOKIT_URLS_X` has all, as they stood when the instance was made. Secrets are in the supervisor's memory
//! only, so an instance with secrets whose supervisor is gone has to be made anew.
//!
//! Nothing here ever signals a number that was merely written down: a process is signalled through a pidfd
//! after its start time was compared, or found by the mark in its environment.
//!
//! Start reading at `provider`, then `operate`, `instances`, `link` and `supervisor`.

mod call;
pub(in crate::adapters) mod cgroup;
mod damage;
mod end;
mod environment;
mod events;
mod exec;
mod files;
mod folder;
mod identity;
mod instances;
pub mod link;
mod log;
mod observe;
mod operate;
mod ports;
mod probe;
pub mod provider;
mod records;
mod rename;
pub mod supervisor;
mod tree;
mod usage;
