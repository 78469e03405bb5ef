//! Stores of the state document and the lock record.
//!
//! How to add a backend: a file here that implements [`CasStore`](crate::ports::cas_store::CasStore) with the
//! platform's own conditional write, and an arm in `boot`.

pub mod file;
