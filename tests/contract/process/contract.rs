//! The contract, on host processes.

use crate::process::world::provider;
use crate::suite::stage::Stage;
use crate::suite::{command_cases, life_cases};
use nanokit::adapters::providers::process::provider::ProcessProvider;

fn stage() -> Stage<ProcessProvider> {
    let ground = tempfile::tempdir().expect("a folder");
    Stage::new(provider(ground.path()), None, Some(ground))
}

life_cases!(crate::process::contract::stage);
command_cases!(crate::process::contract::stage);
