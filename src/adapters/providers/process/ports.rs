//! Which port an instance listens on.
//!
//! On one host two instances cannot share a port, so each instance of a service with only `expose` is told by
//! `PORT` where to listen. Instance 0 of a service whose `expose` no other service has gets that very port; all
//! others get one of a range that lies below the ports the kernel hands out for outgoing connections. It is the same
//! every time as long as it is free; else the next free one is taken.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};

use sha2::{Digest as _, Sha256};

use crate::domain::ids::{Instance, Scope};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// Returns the port an instance gets unless it is taken: the one in the file where it is the only one that asks for
/// it (`alone`) and may be listened on by everybody, else one made of its address.
pub(super) fn first_choice(
    scope: &Scope,
    service: &str,
    instance: Instance,
    expose: Option<u16>,
    alone: bool,
) -> u16 {
    match expose {
        Some(port) if alone && instance.0 == 0 && port >= 1024 => port,
        Some(_) | None => wished(scope, service, instance),
    }
}

fn wished(scope: &Scope, service: &str, instance: Instance) -> u16 {
    let mut hasher = Sha256::new();
    let component = scope.component.as_ref().map_or("", |c| c.as_str());
    for part in [
        scope.project.as_str(),
        component,
        scope.env.as_str(),
        service,
        &instance.to_string(),
    ] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    let number = digest
        .iter()
        .take(4)
        .fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    FIRST + u16::try_from(number % u32::from(COUNT)).unwrap_or(0)
}

/// Returns the first choice, else the first free port of the range from there on, going round; `None` when the whole
/// range is taken.
pub(super) fn choose(
    first: u16,
    recorded: &BTreeSet<u16>,
    is_free: impl Fn(u16) -> bool,
) -> Option<u16> {
    if !recorded.contains(&first) && is_free(first) {
        return Some(first);
    }
    let offset = first.wrapping_sub(FIRST) % COUNT;
    (0..COUNT)
        .map(|step| FIRST + (offset + step) % COUNT)
        .find(|port| !recorded.contains(port) && is_free(*port))
}

/// Tells whether a port can be listened on now.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{EnvName, ProjectName};

    #[test]
    fn ports_are_steady_and_taken_ones_are_passed_over() {
        let scope = Scope {
            project: ProjectName::parse("shop").unwrap(),
            env: EnvName::parse("local").unwrap(),
            component: None,
        };
        let first = wished(&scope, "api", Instance(0));
        assert_eq!(first, wished(&scope, "api", Instance(0)));
        assert_ne!(first, wished(&scope, "api", Instance(1)));
        assert!((FIRST..FIRST + COUNT).contains(&first));

        let none = BTreeSet::new();
        let last = FIRST + COUNT - 1;
        let cases = [
            (FIRST + 5, none.clone(), Some(FIRST + 5)),
            (FIRST + 5, BTreeSet::from([FIRST + 5]), Some(FIRST + 6)),
            (last, BTreeSet::from([last]), Some(FIRST)),
            (8080, none.clone(), Some(8080)),
        ];
        for (wish, recorded, expected) in cases {
            assert_eq!(choose(wish, &recorded, |_| true), expected);
        }
        assert_eq!(
            choose(FIRST, &none, |port| port == FIRST + 9),
            Some(FIRST + 9)
        );
        assert_eq!(choose(FIRST, &none, |_| false), None);
        let aside = choose(8080, &BTreeSet::from([8080]), |_| true);
        assert!(aside.is_some_and(|port| (FIRST..FIRST + COUNT).contains(&port)));
    }

    #[test]
    fn the_port_of_the_file_is_taken_where_only_one_asks_for_it() {
        let scope = Scope {
            project: ProjectName::parse("shop").unwrap(),
            env: EnvName::parse("local").unwrap(),
            component: None,
        };
        let own = wished(&scope, "api", Instance(0));
        let cases = [
            (0, Some(8080), true, 8080),
            (0, Some(8080), false, own),
            (0, Some(80), true, own),
            (0, None, true, own),
            (1, Some(8080), true, wished(&scope, "api", Instance(1))),
        ];
        for (number, expose, alone, expected) in cases {
            let port = first_choice(&scope, "api", Instance(number), expose, alone);
            assert_eq!(port, expected, "{number} {expose:?} {alone}");
        }
    }
}
