//! What holds for every project: permuted input, the same plan; deploy and plan again, nothing; removal is creation
//! backwards; a hand-made change of any kind is mended by one deploy.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::lab::{Lab, add, mounting, needing, plain, rows};
use crate::domain::ids::Address;
use crate::domain::live::Status;
use crate::domain::plan::model::{Plan, Purpose};
use crate::domain::project::service::{Service, ServiceKind, UpdateStrategy};

/// A project of up to eight services: dependencies only on earlier ones, some with volumes, jobs, ports, rolling.
fn projects() -> impl Strategy<Value = Vec<Service>> {
    let one = (
        any::<u8>(),
        any::<u8>(),
        0_u32..4,
        any::<bool>(),
        any::<bool>(),
    );
    proptest::collection::vec(one, 1..8).prop_map(|rolls| {
        let mut services = Vec::new();
        for (i, (needs, shape, instances, job, rolling)) in rolls.into_iter().enumerate() {
            let needed: Vec<String> = (0..i)
                .filter(|j| needs & (1 << j) != 0)
                .map(|j| format!("s{j}"))
                .collect();
            let names: Vec<&str> = needed.iter().map(String::as_str).collect();
            let mut service = needing(&format!("s{i}"), &names);
            if shape & 1 != 0 {
                service.mounts = mounting("x", &format!("v{}", shape & 3)).mounts;
            }
            if shape & 4 != 0 {
                service
                    .networks
                    .insert("back".to_owned(), std::collections::BTreeSet::new());
            }
            service.instances = instances;
            if shape & 8 != 0 {
                service.port = Some(u16::from(shape));
                service.instances = instances.min(1);
            }
            if job {
                service.kind = ServiceKind::Job;
            }
            if rolling {
                service.update_strategy = UpdateStrategy::Rolling;
            }
            services.push(service);
        }
        services
    })
}

/// Hand-made changes, by kind and by the instance they hit.
fn disturb(lab: &mut Lab, deeds: &[(u8, usize)]) {
    for (kind, at) in deeds {
        let count = lab.live.instances.len();
        if count == 0 {
            return;
        }
        let live = &mut lab.live.instances[at % count];
        let job = lab.project.services[&live.service].kind == ServiceKind::Job;
        match kind % 9 {
            0 => {
                lab.live.instances.remove(at % count);
            }
            1 if !job => live.status = Status::Exited(137),
            2 if !job => live.status = Status::Paused,
            3 if !job => live.name = format!("odd-{at}"),
            4 if !job => {
                live.model.insert("memory".to_owned(), plain("1"));
            }
            5 if !job => {
                live.model.remove("networks.default");
            }
            6 if !job => {
                live.model.insert("networks.odd".to_owned(), plain("x"));
            }
            7 => {
                lab.live.volumes.pop();
            }
            8 => {
                for network in lab.live.networks.drain(..) {
                    let field = format!("networks.{}", network.network.unwrap());
                    for live in &mut lab.live.instances {
                        live.model.remove(&field);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Edits of the file, by kind.
fn edit(lab: &mut Lab, kinds: &[u8]) {
    let names: Vec<String> = lab.project.services.keys().cloned().collect();
    for (i, kind) in kinds.iter().enumerate() {
        let name = &names[i % names.len()];
        match kind % 6 {
            0 => lab.service(name).command = Some(vec![format!("c{i}")]),
            1 => lab.service(name).memory_bytes = Some(1 << 20),
            2 if lab.service(name).port.is_none() => {
                lab.service(name).instances = u32::from(*kind % 4);
            }
            3 if names.len() > 1 => {
                lab.project.services.remove(name);
                for service in lab.project.services.values_mut() {
                    service.depends_on.remove(name);
                }
                if lab.project.services.is_empty() {
                    add(&mut lab.project, needing("last", &[]));
                }
                return;
            }
            4 => lab.service(name).depends_on.clear(),
            5 => lab.service(name).update_strategy = UpdateStrategy::Recreate,
            _ => {}
        }
    }
}

fn order_is_sound(plan: &Plan) -> Result<(), TestCaseError> {
    let layer: BTreeMap<&Address, usize> =
        plan.actions.iter().map(|a| (&a.address, a.layer)).collect();
    prop_assert_eq!(layer.len(), plan.actions.len());
    for action in &plan.actions {
        for need in &action.depends_on {
            prop_assert!(
                layer[need] < action.layer,
                "{} before {}",
                need,
                action.address
            );
        }
        let idle = action.steps.is_empty() && action.changes.is_empty();
        prop_assert!(
            idle || !action.is_noop(),
            "{} does nothing, with steps",
            action.address
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_deploy_brings_everything_there(
        services in projects(),
        deeds in proptest::collection::vec((any::<u8>(), any::<usize>()), 0..5),
        kinds in proptest::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut lab = Lab::new(services);
        order_is_sound(&lab.deploy())?;
        prop_assert_eq!(rows(&lab.plan()), "");
        disturb(&mut lab, &deeds);
        edit(&mut lab, &kinds);
        order_is_sound(&lab.deploy())?;
        prop_assert_eq!(rows(&lab.plan()), "");
    }

    #[test]
    fn the_order_of_what_is_live_does_not_matter(
        services in projects(),
        deeds in proptest::collection::vec((any::<u8>(), any::<usize>()), 0..5),
        kinds in proptest::collection::vec(any::<u8>(), 0..4),
        turn in any::<usize>(),
    ) {
        let mut lab = Lab::deployed(services);
        disturb(&mut lab, &deeds);
        edit(&mut lab, &kinds);
        let plan = lab.plan();
        let count = lab.live.instances.len().max(1);
        lab.live.instances.rotate_left(turn % count);
        lab.live.instances.reverse();
        lab.live.networks.reverse();
        lab.live.volumes.reverse();
        prop_assert_eq!(lab.plan(), plan);
    }

    #[test]
    fn what_is_removed_goes_in_the_reverse_order_of_its_making(services in projects()) {
        let mut lab = Lab::new(services);
        let made = lab.deploy();
        let gone = lab.plan_for(Purpose::Clean, &[]);
        order_is_sound(&gone)?;
        let place = |plan: &Plan| -> BTreeMap<Address, usize> {
            plan.actions
                .iter()
                .filter(|a| !a.is_noop())
                .map(|a| (a.address.clone(), a.layer))
                .collect()
        };
        let (up, down) = (place(&made), place(&gone));
        for action in &made.actions {
            for need in action.depends_on.iter().filter(|n| down.contains_key(n)) {
                if down.contains_key(&action.address) {
                    prop_assert!(down[need] > down[&action.address]);
                    prop_assert!(up[need] < up[&action.address]);
                }
            }
        }
        lab.apply(&gone);
        prop_assert!(lab.live.instances.is_empty());
        prop_assert!(lab.live.networks.is_empty());
        prop_assert!(lab.live.volumes.is_empty());
    }

    #[test]
    fn a_rolling_update_never_runs_fewer_than_wanted(count in 1_u32..5) {
        let mut lab = Lab::deployed(vec![Service {
            instances: count,
            update_strategy: UpdateStrategy::Rolling,
            ..super::lab::service("api")
        }]);
        lab.service("api").command = Some(vec!["x".to_owned()]);
        let plan = lab.plan();
        let mut running = i64::from(count);
        for step in &plan.action(&Address::service("api")).unwrap().steps {
            match step.kind.as_str() {
                "health" => running += 1,
                "stop" => running -= 1,
                _ => {}
            }
            prop_assert!(running >= i64::from(count) && running <= i64::from(count) + 1);
        }
        lab.apply(&plan);
        prop_assert_eq!(rows(&lab.plan()), "");
    }
}
