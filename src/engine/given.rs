//! The secrets that instances were given: theirs may be other values than the ones to be had now, or the only ones.
//!
//! A variable that is not set in this shell, or was changed since, still stands in the output of what runs with it.

use std::collections::BTreeMap;

use crate::domain::ids::Address;
use crate::domain::project::project::Project;
use crate::domain::project::service::EnvValue;
use crate::domain::record::Record;
use crate::domain::secret::Secret;

/// Returns what of the variables an instance of a service was given is a secret, by the file or by what was recorded.
pub(super) fn secrets_given<'a>(
    project: &'a Project,
    record: Option<&'a Record>,
    service: &str,
    given: &'a BTreeMap<String, Secret>,
) -> impl Iterator<Item = &'a Secret> {
    let desired = project.services.get(service);
    let recorded = record.and_then(|record| record.resources.get(&Address::service(service)));
    given
        .iter()
        .filter(move |(name, _)| {
            let by_file = desired.and_then(|service| service.env.get(*name));
            let was = recorded.and_then(|resource| resource.model.get(&format!("env.{name}")));
            matches!(by_file, Some(EnvValue::Secret(_))) || was.is_some_and(|field| field.sensitive)
        })
        .map(|(_, value)| value)
}
