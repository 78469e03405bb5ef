//! What is there beside the wanted instances: copies made by hand, leftovers of runs, half-labelled objects.

use super::lab::{Lab, changes, rows, service, steps};
use crate::domain::ids::{Address, Instance, OpId, ProviderId, RunId};
use crate::domain::live::Unplaced;
use crate::domain::plan::model::Purpose;
use crate::domain::record::Pending;

fn api() -> Lab {
    Lab::deployed(vec![service("api")])
}

#[test]
fn a_copy_under_a_free_number_is_drift_and_its_removal_is_named_and_counted() {
    for purpose in [Purpose::Deploy, Purpose::Restore] {
        let mut lab = api();
        let op = OpId::new("r/service.api[0]/create#1");
        for one in lab.recorded("service.api").instances.values_mut() {
            one.op = op.clone();
        }
        lab.instance("api", 0).op = Some(op);
        let mut copy = lab.live.instances[0].clone();
        copy.id = ProviderId::new("copy");
        copy.name = "mine".to_owned();
        copy.instance = Instance(7);
        lab.live.instances.push(copy);
        let plan = lab.plan_for(purpose, &[]);
        assert_eq!(
            changes(&plan, "service.api"),
            "status[7] running: mine is one too many -> none drift\n"
        );
        assert_eq!(
            rows(&plan),
            "~ service.api in_place (status (running: mine is one too many) drifted)\n"
        );
        assert_eq!(
            steps(&plan, "service.api"),
            "[7]/stop (old) <- \n[7]/remove (old) <- [7]/stop\n"
        );
        assert_eq!((plan.surplus(), plan.summary().drift), (1, 1));
        lab.apply(&plan);
        assert_eq!(lab.numbers(), "api[0]");
        assert_eq!(rows(&lab.plan()), "");
    }
}

#[test]
fn what_a_run_made_that_was_cut_off_is_no_stranger() {
    let mut lab = api();
    let op = OpId::new("r/service.api[1]/create#1");
    let mut begun = lab.live.instances[0].clone();
    begun.id = ProviderId::new("begun");
    begun.instance = Instance(1);
    begun.op = Some(op.clone());
    begun.hash = Some("1:other".to_owned());
    lab.live.instances.push(begun);
    let address = Address::service("api");
    let pending = Pending {
        run: RunId::new("r"),
        step: address.step(Some(Instance(1)), "create"),
        op,
        address,
        instance: Some(Instance(1)),
        verb: "create".to_owned(),
        target: None,
    };
    lab.record.as_mut().unwrap().pending.push(pending);
    assert_eq!(rows(&lab.plan_for(Purpose::Restore, &[])), "");
}

#[test]
fn what_bears_our_labels_and_does_not_say_what_it_is_of_is_a_stray() {
    for purpose in [Purpose::Deploy, Purpose::Restore, Purpose::Destroy] {
        let mut lab = api();
        let lineage = lab.live.instances[0].lineage.clone();
        for (name, lineage) in [("half", lineage), ("other", None)] {
            lab.live.unplaced.push(Unplaced {
                name: name.to_owned(),
                lineage,
                why: "without a number".to_owned(),
            });
        }
        let plan = lab.plan_for(purpose, &[]);
        let told: Vec<&str> = plan.warnings.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(
            told,
            [
                "half (with our labels, without a number) is not ours and is left alone",
                "other (without a lineage, without a number) is not ours and is left alone",
            ]
        );
    }
}
