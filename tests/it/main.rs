//! Whole parts against the real world around them: files on disk, the real binary, a terminal, a real engine.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "tests touch the world and fail loudly"
)]

mod actions_approved;
mod actions_asked;
mod actions_decided;
mod actions_failing;
mod cli_deploy;
mod cli_env;
mod cli_offline;
mod cli_stop;
mod config;
mod crash_disk;
mod crash_memory;
mod crash_process;
mod disk_full;
mod disk_install;
mod disk_lab;
mod disk_power;
mod docker;
#[path = "../support/fault_cases.rs"]
mod fault_cases;
#[path = "../support/fault_proxy/mod.rs"]
mod fault_proxy;
mod fault_rows;
mod faults_table;
#[path = "../support/grammar.rs"]
mod grammar;
mod history_compared;
mod history_pruned;
mod hooks_flood;
mod hooks_host;
mod hooks_survivors;
mod hostile_corpus;
mod hostile_names;
mod hostile_yaml;
mod lock_clocks;
mod lock_conformance;
mod lock_facts;
mod lock_frozen;
mod lock_history;
mod lock_holders;
mod lock_races;
mod offline_calls;
mod panel;
mod panel_actions;
mod panel_lost;
mod panel_panics;
mod panel_rooms;
mod panel_signals;
mod panel_sizes;
mod panel_terminal;
mod process_damage;
mod ran;
mod readme;
mod secrets_canary;
mod state_damage;
mod state_plans;
mod state_planted;
mod state_told;
mod store_conformance;
mod terminal_corpus;
mod terminal_model;
mod terminal_records;
