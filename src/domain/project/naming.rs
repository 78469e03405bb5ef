//! Names of a project's objects at a platform.

use crate::domain::ids::{Instance, Scope};

/// Returns the name of an instance: `nk-PROJECT[-COMPONENT]-ENV-SERVICE-N`, with a short digest where that would
/// be too long or could be read two ways, so that two addresses never share a name.
#[must_use]
pub fn instance_name(scope: &Scope, service: &str, instance: Instance) -> String {
    format!("{}-{service}-{instance}", prefix(scope))
}

/// Returns the name of a network: `nk-PROJECT[-COMPONENT]-ENV` for `default`, with its name behind for others.
#[must_use]
pub fn network_name(scope: &Scope, network: &str) -> String {
    if network == "default" {
        prefix(scope)
    } else {
        format!("{}-{network}", prefix(scope))
    }
}

/// Returns the name of a volume: `nk-PROJECT[-COMPONENT]-ENV-VOLUME`.
#[must_use]
pub fn volume_name(scope: &Scope, volume: &str) -> String {
    format!("{}-{volume}", prefix(scope))
}

fn prefix(scope: &Scope) -> String {
    match &scope.component {
        Some(component) => format!("nk-{}-{component}-{}", scope.project, scope.env),
        None => format!("nk-{}-{}", scope.project, scope.env),
    }
}
