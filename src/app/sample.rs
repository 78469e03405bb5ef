//! Values for the tests of this layer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::domain::ids::{Digest, EnvName, PlanId, ProjectName, Scope};
use crate::domain::plan::model::{Plan, Purpose};
use crate::domain::project::project::{EnvRule, Project};

/// A project without services.
pub(super) fn project() -> Project {
    Project {
        name: ProjectName::parse("shop").expect("a name"),
        version: None,
        actions_version: None,
        procedures: Vec::new(),
        component: None,
        env: EnvName::parse("local").expect("a name"),
        env_rule: EnvRule::Default,
        provider: None,
        shared_infra: false,
        lock_lease: None,
        telemetry: None,
        history: crate::domain::project::project::Retention::default(),
        drift: crate::domain::project::watch::DriftWatch::default(),
        root: PathBuf::from("/shop"),
        file: PathBuf::from("/shop/nanokit.yml"),
        services: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
        origins: BTreeMap::new(),
    }
}

/// A plan that does nothing.
pub(super) fn empty_plan() -> Plan {
    let scope: Scope = project().scope();
    Plan {
        id: PlanId::new("p0"),
        purpose: Purpose::Deploy,
        scope,
        targets: BTreeSet::new(),
        lineage: None,
        serial: None,
        config_hash: Digest::default(),
        engine: String::new(),
        layers: Vec::new(),
        actions: Vec::new(),
        warnings: Vec::new(),
    }
}
