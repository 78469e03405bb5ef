//! The plan: what a run will do, field by field, step by step, as one value.
//!
//! `model` has the types; [`build`](build::build) makes a [`Plan`](model::Plan) from desired, live and recorded. It
//! is a pure function: the same three values give the same plan to the byte. Nothing in here may ask the world.
//!
//! The way through a plan: `scope` picks the addresses, `world` sorts what is live (ours, by hand, strays), `infra`
//! and `service` judge one resource each with the three-way comparison of `diff` (an instance alone: `instance`,
//! `made_of`, `joined`; what goes and what comes: `moves`; what a restore makes it of: `origin`), `steps` writes the steps, `removal` the deletions, `reason` the words,
//! `guard` the remarks, `order` the layers, `digest` the identity, `premise` what an approved plan rests on.
//!
//! How to add a kind of drift: its check in `instance` (or `infra`), its mending in [`Fix`](instance::Fix) and
//! `steps`, its row in `tests/drift.rs`.

pub mod build;
pub mod diff;
pub mod digest;
mod draft;
pub mod forecast;
mod guard;
mod infra;
mod instance;
pub(in crate::domain) mod joined;
mod made_of;
pub mod model;
mod moves;
pub(in crate::domain) mod obstacle;
mod order;
pub mod origin;
pub mod premise;
pub mod procedures;
mod reason;
mod removal;
pub mod scope;
mod service;
pub mod step;
mod steps;
pub mod typed;
pub(in crate::domain) mod world;
mod writer;

#[cfg(test)]
pub(in crate::domain) mod tests;
