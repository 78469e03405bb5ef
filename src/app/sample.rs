//! Values for the tests of this layer.

use std::collections::BTreeSet;
use std::path::Path;

use crate::domain::ids::{Digest, EnvName, PlanId, ProjectName, Scope};
use crate::domain::plan::model::{Plan, Purpose};
use crate::domain::project::project::Project;

/// A project without services.
pub(super) fn project() -> Project {
    Project::named(
        ProjectName::parse("shop").expect("a name"),
        EnvName::parse("local").expect("a name"),
        Path::new("/shop"),
    )
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
