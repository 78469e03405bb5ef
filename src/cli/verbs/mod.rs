//! One file for each verb: arguments to commands, answers to output.

mod action;
mod change;
mod changelog;
mod completions;
mod config;
mod decide;
mod demo;
pub(super) mod dispatch;
mod doctor;
mod drift;
mod exec;
mod graph;
mod import;
mod infra;
mod init;
mod logs;
mod man;
mod plain;
mod plan;
mod run;
mod schema;
mod state;
mod status;
mod ui;
mod validate;
mod worker;
