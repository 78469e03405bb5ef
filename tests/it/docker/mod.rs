//! The real binary against a real Docker engine: what an operator does, and what `docker inspect` says afterwards.
//!
//! These tests fail where no engine answers; they are never skipped. Every test owns a project of its own name
//! and removes what carries it, also when it fails.

mod actions_killed;
mod actions_primitives;
mod budget;
mod crash_calls;
mod crash_stage;
mod demo;
mod drift;
mod drift_decided;
mod drift_networks;
mod drift_put_back;
mod engine_ends;
mod engine_foreign;
mod engine_other;
mod engine_private;
mod engine_restart;
mod evening;
mod hooks_zoo;
mod install_lock;
mod lifecycle;
mod paused;
mod project;
mod proxy_garbage;
mod proxy_lost;
mod proxy_slow;
mod proxy_stale;
mod secrets_given;
mod terminal_foreign;
mod worker_drift;
mod worker_ends;
mod worker_kit;
mod worker_life;
mod worker_soak;
