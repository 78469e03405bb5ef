//! nanokit: a terminal panel and a command line over one plan/execute core.
//!
//! # Map
//!
//! ```text
//!                  main.rs → boot            (composition root: the only place that names everything)
//!         ┌───────────┬───────────┴───────────────┐
//!       cli/         tui/                      adapters/      docker · process
//!         └────┬──────┘                           │            stores · hooks · secrets · watch
//!           present/      words, roles, rows      │
//!              │                                  │
//!            app/         Command in, Notice out  │
//!              │                                  │
//!           engine/       async driver, generic   │
//!              └────┬──────┐                      │
//!                 formats/ ports/  ◄──────────────┘            wire types · traits
//!                   └──┬───┘
//!                   domain/      pure: no I/O, no clock, no async, no HashMap
//! ```
//!
//! `tests/architecture.rs` holds the table of who may name whom. Start reading at [`domain`], then
//! `engine::reconcile`, then `app::session`; the two front ends come last.
//!
//! # Glossary
//!
//! * **desired / recorded / live**: what the file asks for, what we last applied, what the provider reports.
//! * **change / drift**: desired differs from recorded; live differs from recorded.
//! * **plan / action / step**: the whole difference; what happens to one resource; one thing to do.
//! * **procedure / flow / mark**: what the file and the command line call an action (`actions:`, `nkapp action`, address
//!   `action.NAME`), one carrying-out of it, what came of one of its steps. In code, *action* is a plan's alone.
//! * **order / fact**: what the run machine wants done; what came of it.
//! * **event / notice / command**: what happened in a run; what a front end hears; what a front end wishes.
//! * **lease / lock / epoch**: the right to change things, the record of it, its fencing token.
//! * **layer**: resources that may be worked on side by side.
//! * **gate**: what keeps a container's main command waiting; **health gate**: what keeps a layer waiting.
//!
//! # Invariants
//!
//! 1. The domain is pure; the same desired, recorded and live state give the same plan to the byte.
//! 2. An intent is durable before the call that needs it.
//! 3. What is printed as a plan is what runs, nothing else.
//! 4. Only objects with our lineage and a known address are ever changed.
//! 5. Only proof acts on a lock without a human.
//! 6. A secret value is in no plan, state, journal, event, log or argument list.
//! 7. Foreign text reaches a terminal only through `present::clean`.
//! 8. Every wait has a deadline, every channel a bound.

pub mod domain;
pub mod formats;
pub mod ports;

pub mod engine;

pub mod app;

pub mod present;

pub mod cli;
pub mod tui;

pub mod adapters;

pub mod boot;
