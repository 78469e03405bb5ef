//! Desired state: what the merged file asks for, checked and with every default filled in.
//!
//! Start at [`Project`](project::Project), then [`Service`](service::Service). `canonical` turns each
//! resource into the [`Model`](crate::domain::model::Model) that is compared and recorded.
//!
//! How to add a property of a service: a field in `service.rs`, a line in `canonical.rs` with its class in
//! `model.rs`, its reading in `config/lower.rs`, its line in the schema and the example file.

pub mod canonical;
pub mod health;
pub mod hook;
pub mod naming;
pub mod procedure;
#[expect(clippy::module_inception, reason = "the type gives the file its name")]
pub mod project;
pub mod service;
pub mod telemetry;
pub mod watch;
