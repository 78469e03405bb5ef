//! The real binary against a real Docker engine: what an operator does, and what `docker inspect` says afterwards.
//!
//! These tests fail where no engine answers; they are never skipped. Every test owns a project of its own name
//! and removes what carries it, also when it fails.

mod budget;
mod demo;
mod drift;
mod evening;
mod lifecycle;
mod project;
