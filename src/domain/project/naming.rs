//! Names of a project's objects at a platform.
//!
//! A name is made of its parts with hyphens between. Parts may contain hyphens themselves and platforms limit the
//! length, so two addresses could end up with one name; a name that is too long, or whose parts could be read
//! another way, ends in a digest of the parts. Two different addresses or scopes never share a name.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::domain::ids::{ComponentName, Instance, Scope};

/// Longest name: what a DNS label may have.
pub const LONGEST: usize = 63;

/// Returns what stands before the own part of every name of a scope.
#[must_use]
pub fn prefix(scope: &Scope) -> String {
    match &scope.component {
        Some(component) => format!("nk-{}-{component}-{}", scope.project, scope.env),
        None => format!("nk-{}-{}", scope.project, scope.env),
    }
}

/// Returns how every name of the scope begins: a long one is cut before its digest.
fn head(scope: &Scope) -> String {
    prefix(scope).chars().take(40).collect()
}

/// Tells whether a name starts as every name of the scope does.
#[must_use]
pub fn may_be_named_by(scope: &Scope, name: &str) -> bool {
    let (prefix, head) = (prefix(scope), head(scope));
    name.strip_prefix(head.as_str())
        .is_some_and(|rest| head.len() < prefix.len() || rest.is_empty() || rest.starts_with('-'))
}

/// Returns the name of an instance: `nk-PROJECT[-COMPONENT]-ENV-SERVICE-N`, with a short digest where that would
/// be too long or could be read two ways, so that two addresses never share a name.
#[must_use]
pub fn instance_name(scope: &Scope, service: &str, instance: Instance) -> String {
    let number = instance.to_string();
    name(scope, 's', &[service], Some(&number))
}

/// Returns the name of a network: `nk-PROJECT[-COMPONENT]-ENV` for `default`, with its name behind for others.
#[must_use]
pub fn network_name(scope: &Scope, network: &str) -> String {
    if network == "default" {
        name(scope, 'n', &[], None)
    } else {
        name(scope, 'n', &[network], None)
    }
}

/// Returns the name of a volume: `nk-PROJECT[-COMPONENT]-ENV-VOLUME`.
#[must_use]
pub fn volume_name(scope: &Scope, volume: &str) -> String {
    name(scope, 'v', &[volume], None)
}

/// Returns the alias-like name of an image built for a service: `nk-PROJECT-SERVICE` (the tag is the build's digest).
#[must_use]
pub fn built_image_name(project: &str, service: &str) -> String {
    format!("nk-{project}-{service}")
}

fn name(scope: &Scope, kind: char, tail: &[&str], number: Option<&str>) -> String {
    let component = scope.component.as_ref().map(ComponentName::as_str);
    let mut parts: Vec<&str> = vec![scope.project.as_str()];
    parts.extend(component);
    parts.push(scope.env.as_str());
    parts.extend(tail);
    // 1. A hyphen in a part before the last makes the borders ambiguous. 2. A component is a part that could
    //    stand for an environment. 3. A last part that looks as if it ended in a digest. 4. Length. Numbers of
    //    instances have digits only and stand last: never ambiguous.
    let hyphens = scope.project.as_str().contains('-') || scope.env.as_str().contains('-');
    let ambiguous = component.is_some() || hyphens || tail.iter().any(|t| ends_like_a_digest(t));
    let mut text = format!("nk-{}", parts.join("-"));
    let tail_length = number.map_or(0, |n| n.len() + 1);
    if ambiguous || text.len() + tail_length > LONGEST {
        let digest = digest(scope, kind, tail);
        let room = LONGEST - 1 - digest.len() - tail_length.min(11);
        text.truncate(room);
        let kept = text.trim_end_matches(['-', '.', '_']).len();
        text.truncate(kept);
        text.push('-');
        text.push_str(&digest);
    }
    if let Some(number) = number {
        text.push('-');
        text.push_str(number);
    }
    text
}

fn ends_like_a_digest(text: &str) -> bool {
    let end = text.rsplit('-').next().unwrap_or(text);
    end.len() == 8 && end.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Eight hex digits over the parts with their borders.
fn digest(scope: &Scope, kind: char, tail: &[&str]) -> String {
    let mut hasher = Sha256::new();
    hasher.update([kind as u8, u8::from(scope.component.is_some())]);
    let component = scope.component.as_ref().map_or("", |c| c.as_str());
    for part in [scope.project.as_str(), component, scope.env.as_str()]
        .iter()
        .chain(tail)
    {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let mut text = String::new();
    for byte in hasher.finalize().iter().take(4) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::{EnvName, ProjectName};

    fn scope(project: &str, component: Option<&str>, env: &str) -> Scope {
        Scope {
            project: ProjectName::parse(project).unwrap(),
            env: EnvName::parse(env).unwrap(),
            component: component.map(|c| ComponentName::parse(c).unwrap()),
        }
    }

    #[test]
    fn plain_names_are_the_documented_ones() {
        let shop = scope("shop", None, "local");
        assert_eq!(
            instance_name(&shop, "api", Instance(0)),
            "nk-shop-local-api-0"
        );
        assert_eq!(
            instance_name(&shop, "db-migrate", Instance(12)),
            "nk-shop-local-db-migrate-12"
        );
        assert_eq!(network_name(&shop, "default"), "nk-shop-local");
        assert_eq!(network_name(&shop, "back"), "nk-shop-local-back");
        assert_eq!(volume_name(&shop, "data"), "nk-shop-local-data");
    }

    #[test]
    fn names_that_could_be_read_two_ways_end_in_a_digest() {
        let two = [
            instance_name(&scope("a-b", None, "c"), "d", Instance(0)),
            instance_name(&scope("a", None, "b-c"), "d", Instance(0)),
            instance_name(&scope("a", Some("b"), "c"), "d", Instance(0)),
            instance_name(&scope("a", None, "b"), "c-d", Instance(0)),
        ];
        for (i, one) in two.iter().enumerate() {
            assert!(
                one.starts_with("nk-a-b-c-d-") && one.ends_with("-0"),
                "{one}"
            );
            for other in &two[i + 1..] {
                assert_ne!(one, other);
            }
        }
    }

    #[test]
    fn long_names_fit() {
        let long = "x".repeat(63);
        let scope = scope(&long, Some(&long), &long);
        for name in [
            instance_name(&scope, &long, Instance(u32::MAX)),
            network_name(&scope, "default"),
            volume_name(&scope, &long),
        ] {
            assert!(name.len() <= LONGEST, "{name} has {}", name.len());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn two_addresses_never_share_a_name(
            parts in proptest::collection::vec(
                ("[ab]{1,2}(-[ab])?", proptest::option::of("[ab](-[ab])?"), "[ab](-[ab])?", "[ab]{1,30}(-[ab0-9]{1,8}){0,3}", 0_u32..3),
                2..40,
            )
        ) {
            let mut seen: BTreeMap<String, String> = BTreeMap::new();
            for (project, component, env, service, number) in parts {
                let scope = scope(&project, component.as_deref(), &env);
                let address = format!("{project}/{component:?}/{env}/{service}/{number}");
                let name = instance_name(&scope, &service, Instance(number));
                prop_assert!(name.len() <= LONGEST);
                let first = seen.entry(name).or_insert_with(|| address.clone());
                prop_assert_eq!(&*first, &address);
            }
        }
    }
}
