//! Names of ours that something else bears: no instance can be made there, nor be taken for gone.

use crate::domain::ids::{Address, Instance};
use crate::domain::live::Obstacle;
use crate::domain::plan::draft::Draft;
use crate::domain::plan::instance::{Case, Fix};
use crate::domain::plan::model::{PlanWarning, Purpose};
use crate::domain::plan::moves::{Move, Moves};
use crate::domain::plan::world::World;
use crate::domain::project::naming;

/// Says what is in the way of the instances a service gets or gives a name to.
pub(super) fn of_moves(case: &Case<'_>, moves: &Moves, draft: &mut Draft) {
    let renamed = moves.list.iter().filter_map(|one| match one {
        Move::Mend(number, fixes) | Move::Start(number, fixes) => {
            let renames = fixes.iter().any(|fix| matches!(fix, Fix::Rename(_)));
            renames.then_some(*number)
        }
        Move::Create(_)
        | Move::Recreate(_)
        | Move::Roll { .. }
        | Move::Remove(_)
        | Move::Finish(_) => None,
    });
    let numbers: Vec<Instance> = moves.made().chain(renamed).collect();
    for number in numbers {
        let name = naming::instance_name(&case.world.scope, &case.service.name, number);
        if let Some(found) = find(case.world, &name) {
            say(found, number, draft);
        }
    }
}

/// Says which instances of a service that goes are not gone, though nothing tells any more that they are ours.
pub(super) fn of_removal(world: &World<'_>, draft: &mut Draft) {
    let recorded = world.recorded(&draft.address);
    let numbers: Vec<Instance> = recorded
        .into_iter()
        .flat_map(|recorded| recorded.instances.keys().copied())
        .collect();
    for number in numbers {
        let name = naming::instance_name(&world.scope, &draft.address.name, number);
        if let Some(found) = find(world, &name).filter(|found| found.is_ours) {
            say(found, number, draft);
        }
    }
}

fn find<'a>(world: &World<'a>, name: &str) -> Option<&'a Obstacle> {
    let mut all = world.input.live.obstacles.iter();
    all.find(|one| one.name == name)
}

fn say(found: &Obstacle, number: Instance, draft: &mut Draft) {
    let place = Address::service(&draft.address.name).instance(number);
    draft.warnings.push(PlanWarning {
        address: Some(draft.address.clone()),
        text: format!(
            "{} is in the way of {place}: {}; `{}` clears the way",
            found.name, found.what, found.remedy
        ),
        blocks: true,
    });
}

/// Returns what bears names of the scope and is no instance, for people.
pub(in crate::domain) fn shown<'a>(world: &World<'a>) -> impl Iterator<Item = String> + use<'a> {
    let act = world.input.request.purpose == Purpose::Act;
    let all = world.input.live.obstacles.iter().filter(move |_| !act);
    all.map(|one| {
        format!(
            "{} ({}; `{}` clears the way)",
            one.name, one.what, one.remedy
        )
    })
}
