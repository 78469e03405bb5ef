//! The Docker engine: the contract, and what only it promises. Fails loudly where no engine answers.

mod budget;
mod engine;
mod images;

use std::collections::BTreeMap;

use nanokit::adapters::providers::docker::provider::DockerProvider;

use crate::suite::stage::Stage;
use crate::suite::{command_cases, life_cases};

/// Image of the instances; made by `assets/test-images/make.sh`.
const IMAGE: &str = "nk-test/busybox:1";

fn variables() -> BTreeMap<String, String> {
    std::env::vars().collect()
}

fn stage() -> Stage<DockerProvider> {
    let provider = DockerProvider::new(&variables()).expect("a Docker engine is needed here");
    Stage::new(provider, Some(IMAGE), None)
}

life_cases!(crate::docker::stage);
command_cases!(crate::docker::stage);
