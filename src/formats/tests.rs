//! Golden files, round trips and damage of every format.
#![expect(
    clippy::disallowed_methods,
    reason = "golden files are read from the real disk"
)]

mod events;
mod journals;
mod locks;
mod plans;
mod samples;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use crate::domain::effect::{Effect, Intent, OpEnd, Shape};
use crate::domain::event::{Event, EventKind, RunOutcome, Stage, StepOutcome, Stream};
use crate::domain::flow::{FlowRun, Standing};
use crate::domain::ids::{
    Address, Digest, EnvName, Epoch, ImageId, Instance, Lineage, LockId, OpId, PlanId, ProjectName,
    ProviderId, RunId, Scope, Serial, StepId, TraceId,
};
use crate::domain::lease::{
    Breakage, Evidence, Holder, LockRecord, LockReport, LockStatus, Occupation, Verdict,
};
use crate::domain::model::{Field, Model};
use crate::domain::plan::digest::plan_id;
use crate::domain::plan::model::{
    Action, ActionKind, Cause, Change, Plan, PlanWarning, Purpose, Step, StepKind, StepPlace,
    Strategy,
};
use crate::domain::project::hook::{Hook, HookCommand, HookPhase, HookPlace, OnFailure};
use crate::domain::record::{Pending, Record, RecordedInstance, RecordedResource, Teardown};
use crate::domain::time::Wall;
use crate::formats::error::FormatError;
use serde_json::Value;

use crate::formats::{event, journal, lock, plan, report, state, text};

use samples::*;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/formats")
        .join(name)
}

/// Compares with the frozen file; `NK_BLESS=1` writes a file that is not there yet, never an existing one.
fn golden(name: &str, bytes: &[u8]) {
    let path = fixture(name);
    if !path.exists() && std::env::var_os("NK_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }
    let frozen = std::fs::read(&path).unwrap_or_default();
    assert_eq!(
        String::from_utf8_lossy(bytes),
        String::from_utf8_lossy(&frozen),
        "{} is frozen: what is written must not change",
        path.display()
    );
}

fn names() -> impl Strategy_<Value = String> {
    "[a-z][a-z0-9]{0,6}"
}

use proptest::strategy::Strategy as Strategy_;

prop_compose! {
    fn any_record()(
        serial in 0..=crate::domain::ids::HIGHEST_COUNT,
        services in prop::collection::btree_map(names(), (any::<String>(), any::<u32>(), any::<bool>()), 0..4),
        key in any::<String>(),
    ) -> Record {
        let mut record = sample_record();
        record.serial = Serial(serial);
        record.digest_key = key;
        for (name, (text, number, ready)) in services {
            let mut resource = record.resources[&Address::service("api")].clone();
            resource.address = Address::service(&name);
            resource.model.insert(text.clone(), Field { value: text.clone(), sensitive: ready });
            let made = RecordedInstance { name: text, ready, ..made() };
            resource.instances.insert(Instance(number), made);
            record.resources.insert(resource.address.clone(), resource);
        }
        record
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_record_survives_a_round_trip(record in any_record()) {
        let bytes = state::encode(&record, "w");
        prop_assert_eq!(state::decode(&bytes), Ok(record));
    }
    #[test]
    fn any_bytes_are_refused_without_a_crash(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(state::decode(&bytes).is_err());
        prop_assert!(lock::decode(&bytes).is_err());
        prop_assert!(plan::decode(&bytes).is_err());
        let _ = journal::decode(&bytes);
    }
}
