//! Procedures in a plan: when they are due, in which order, what is left of them, and what is put back.

use std::time::Duration;

use super::lab::{Lab, needing, service};
use crate::domain::flow::{Flow, FlowRequest, Mark, Turn};
use crate::domain::graph::build::Graph;
use crate::domain::ids::Digest;
use crate::domain::live::Status;
use crate::domain::plan::digest::staleness;
use crate::domain::plan::model::{Plan, PlanRequest, Purpose};
use crate::domain::plan::procedures::refusal::{refusal, unanswered};
use crate::domain::plan::procedures::standing::{conclude, due};
use crate::domain::project::hook::HookCommand;
use crate::domain::project::procedure::{
    Input, Mode, Occasion, Primitive, Procedure, ProcedureStep,
};
use crate::domain::report::drift::{drift, everything};
use crate::domain::report::flows::{OpenFlow, open_flows};
use crate::domain::secret::Secret;

fn step(label: &str, primitive: Primitive) -> ProcedureStep {
    ProcedureStep {
        label: label.to_owned(),
        primitive,
        retries: 0,
        backoff: None,
        timeout: Duration::from_secs(1),
        cleanup: false,
        scripts: [].into(),
    }
}

fn run(label: &str) -> ProcedureStep {
    let command = HookCommand::Shell(label.to_owned());
    step(label, Primitive::Run { command })
}

fn procedure(name: &str, occasion: Occasion, mode: Option<Mode>) -> Procedure {
    Procedure {
        name: name.to_owned(),
        occasion,
        mode,
        description: None,
        cleanup: false,
        inputs: Vec::new(),
        steps: vec![run("one"), run("two")],
    }
}

/// `api` on `db`, deployed and set up at version 1, with a procedure for every slot.
fn lab() -> Lab {
    let mut lab = Lab::deployed(vec![service("db"), needing("api", &["db"])]);
    lab.project.version = Some("1".to_owned());
    settle(&mut lab);
    let up = |name: &str, mode| procedure(name, Occasion::Upgrade, Some(mode));
    lab.project.procedures = vec![
        up("after", Mode::Post),
        up("core", Mode::Core),
        up("before", Mode::Pre),
        procedure("seed", Occasion::Setup, Some(Mode::Pre)),
        procedure("mend", Occasion::Manual, None),
    ];
    lab
}

fn settle(lab: &mut Lab) {
    let request = wish(Purpose::Deploy, &[], Turn::Fresh);
    let record = lab.record.as_mut().unwrap();
    conclude(record, &lab.project, &request);
}

fn wish(purpose: Purpose, targets: &[&str], turn: Turn) -> PlanRequest {
    PlanRequest {
        purpose,
        targets: targets.iter().map(|t| (*t).to_owned()).collect(),
        flow: FlowRequest {
            turn,
            ..FlowRequest::default()
        },
    }
}

fn told(plan: &Plan) -> Vec<String> {
    let acting = plan.actions.iter().filter(|action| !action.is_noop());
    acting
        .map(|action| {
            let steps: Vec<&str> = action
                .steps
                .iter()
                .map(|step| step.id.as_str().rsplit_once('/').unwrap().1)
                .collect();
            format!("{} {}: {}", action.layer, action.address, steps.join(" "))
        })
        .collect()
}

fn began(lab: &mut Lab, name: &str, purpose: &str, marks: &[(&str, Mark)]) {
    let flow = Flow {
        purpose: purpose.to_owned(),
        marks: marks
            .iter()
            .map(|(label, mark)| ((*label).to_owned(), mark.clone()))
            .collect(),
        ..Flow::default()
    };
    let record = lab.record.as_mut().unwrap();
    record.flows.insert(name.to_owned(), flow);
}

#[test]
fn a_deploy_without_a_moved_version_shows_no_procedure() {
    let lab = lab();
    assert!(lab.plan().is_empty());
    assert!(lab.plan().actions.iter().all(|a| a.address.name != "core"));
}

#[test]
fn a_secret_input_that_a_flow_was_given_is_needed_again_even_if_it_is_optional() {
    let mut lab = lab();
    let input = |name: &str| Input {
        name: name.to_owned(),
        description: None,
        required: false,
        secret: true,
        default: (name == "USER").then(|| "root".to_owned()),
    };
    let mend = lab.project.procedures.last_mut().unwrap();
    mend.inputs = vec![input("TOKEN"), input("USER"), input("OTHER")];
    began(&mut lab, "mend", "manual r1", &[("one", Mark::Done)]);
    let flow = lab.record.as_mut().unwrap().flows.get_mut("mend").unwrap();
    flow.secrets = ["TOKEN", "USER"].map(str::to_owned).into();

    let lacking = |request: &PlanRequest| {
        let plan = lab.plan_of(request);
        let names = unanswered(&lab.project, &plan).into_iter();
        let names: Vec<String> = names.map(|input| input.name.clone()).collect();
        assert_eq!(plan.warnings.len(), names.len(), "{:?}", plan.warnings);
        names
    };
    let mut request = wish(Purpose::Act, &["mend"], Turn::Resume);
    assert_eq!(lacking(&request), ["TOKEN", "USER"]);
    let mut give = |name: &str, value: &str| {
        let value = Secret::new(value.to_owned());
        request.flow.inputs.insert(name.to_owned(), value);
        lacking(&request)
    };
    assert_eq!(give("TOKEN", "t"), ["USER"]);
    assert!(give("USER", "").is_empty(), "an empty one is a value, too");

    let give_up = wish(Purpose::Act, &["mend"], Turn::Abort);
    assert!(lacking(&give_up).is_empty(), "nothing is run");
    let mend = lab.project.procedures.last_mut().unwrap();
    mend.steps[1].cleanup = true;
    let plan = lab.plan_of(&give_up);
    assert_eq!(unanswered(&lab.project, &plan).len(), 2);
    assert_eq!(plan.warnings.len(), 2);
    let why = "(secret, given before and kept nowhere)";
    assert!(plan.warnings[0].text.contains(why));
}

/// What came of which steps.
type Marks = [(&'static str, Mark)];

#[test]
fn who_gives_up_puts_back_what_ran_and_not_what_the_rest_would_have() {
    let stop = |keep| Primitive::Stop {
        services: vec!["api".to_owned()],
        keep,
    };
    let start = Primitive::Start {
        services: vec!["api".to_owned()],
    };
    let cases: [(Primitive, &Marks, &str); 6] = [
        (
            stop(false),
            &[("down", Mark::Done), ("two", Mark::Failed)],
            "put-back: api",
        ),
        (stop(false), &[("down", Mark::Failed)], "put-back: api"),
        (stop(false), &[], "put-back: api"),
        (
            stop(true),
            &[("down", Mark::Done), ("two", Mark::Failed)],
            "",
        ),
        (run("down").primitive, &[("down", Mark::Done)], ""),
        // It was not known whether the start went through: to let it run once more harms nobody.
        (
            stop(false),
            &[
                ("down", Mark::Done),
                ("two", Mark::Done),
                ("up", Mark::Failed),
            ],
            "put-back: api",
        ),
    ];
    for (first, marks, expected) in cases {
        let mut lab = lab();
        let mend = lab.project.procedures.last_mut().unwrap();
        mend.steps = vec![
            step("down", first.clone()),
            run("two"),
            step("up", start.clone()),
        ];
        began(&mut lab, "mend", "manual r1", marks);
        let plan = lab.plan_of(&wish(Purpose::Act, &["mend"], Turn::Abort));
        let said = told(&plan).join(", ");
        assert_eq!(
            said.contains("put-back"),
            !expected.is_empty(),
            "{marks:?}: {said}"
        );
        assert!(said.contains(expected), "{marks:?}: {said}");
    }
}

/// Names what is open, each with the step it goes on at.
fn open(lab: &Lab) -> Vec<String> {
    let flows = open_flows(&lab.project, lab.record.as_ref());
    let at = |flow: &OpenFlow| flow.at().map_or("-", |step| step.label.as_str()).to_owned();
    let flows = flows.iter();
    flows
        .map(|flow| format!("{} at {}", flow.name, at(flow)))
        .collect()
}

#[test]
fn what_began_and_is_not_over_is_open_for_the_upgrade_it_belongs_to() {
    let mut lab = lab();
    assert!(open(&lab).is_empty());
    lab.project.version = Some("2".to_owned());
    let purpose = "upgrade version 1 -> 2";
    let done = [("one", Mark::Done), ("two", Mark::Done)];
    began(&mut lab, "before", purpose, &done);
    began(&mut lab, "core", purpose, &[("one", Mark::Failed)]);
    began(&mut lab, "mend", "manual r1", &[("one", Mark::Done)]);
    began(&mut lab, "after", "upgrade version 0 -> 1", &[]);
    assert_eq!(open(&lab), ["mend at two", "before at -", "core at one"]);
    // Another version is another upgrade, which begins anew.
    lab.project.version = Some("3".to_owned());
    assert_eq!(open(&lab), ["mend at two"]);
    lab.project.procedures.retain(|one| one.name != "mend");
    assert!(open(&lab).is_empty());
}

#[test]
fn an_upgrade_stands_around_the_resources_in_the_order_of_its_modes() {
    let mut lab = lab();
    lab.project.version = Some("2".to_owned());
    lab.service("api").memory_bytes = Some(1 << 27);
    let plan = lab.plan();
    assert_eq!(
        told(&plan),
        [
            "0 action.before: one two",
            "1 action.core: one two",
            "4 service.api: limits",
            "5 action.after: one two",
        ]
    );
    let needs = |name: &str| -> Vec<String> {
        let action = plan.actions.iter().find(|a| a.address.to_string() == name);
        let needs = &action.unwrap().depends_on;
        needs.iter().map(ToString::to_string).collect()
    };
    assert_eq!(needs("action.core"), ["action.before"]);
    assert!(needs("service.api").contains(&"action.core".to_owned()));
    assert_eq!(needs("action.after"), ["service.api", "action.core"]);
    assert_eq!(plan.summary().run, 3);
    settle(&mut lab);
    assert_eq!(due(&lab.project, lab.record.as_ref()), None);
}

#[test]
fn what_is_finished_is_not_planned_again_unless_the_target_moved() {
    let mut lab = lab();
    lab.project.version = Some("2".to_owned());
    let (_, purpose) = due(&lab.project, lab.record.as_ref()).unwrap();
    assert_eq!(purpose, "upgrade version 1 -> 2");
    let before = lab.plan();
    let marks = [("one", Mark::Done), ("two", Mark::Done)];
    began(&mut lab, "before", &purpose, &marks);
    began(
        &mut lab,
        "core",
        &purpose,
        &[("one", Mark::Done), ("two", Mark::Failed)],
    );
    assert_eq!(
        told(&lab.plan()),
        ["1 action.core: two", "5 action.after: one two"]
    );
    let stale = staleness(&before, &lab.plan());
    assert_eq!(
        stale.as_deref(),
        Some("action.before was to run, now it is as wanted")
    );
    lab.project.version = Some("3".to_owned());
    assert_eq!(told(&lab.plan())[0], "0 action.before: one two");
}

#[test]
fn a_first_deploy_is_a_setup_and_one_of_chosen_services_is_none() {
    let mut lab = lab();
    lab.record = None;
    lab.live.instances.clear();
    assert_eq!(told(&lab.plan())[0], "0 action.seed: one two");
    let chosen = lab.plan_for(Purpose::Deploy, &["db"]);
    assert!(told(&chosen).iter().all(|line| !line.contains("action.")));
    assert!(
        chosen
            .warnings
            .iter()
            .any(|w| w.text.starts_with("setup actions run with"))
    );
}

#[test]
fn what_was_stopped_and_not_started_is_put_back_before_post_and_at_the_end() {
    let mut lab = lab();
    lab.project.version = Some("2".to_owned());
    let stop = |keep| Primitive::Stop {
        services: vec!["api".to_owned()],
        keep,
    };
    lab.project.procedures[2].steps = vec![step("stop", stop(false))];
    let after = "action.after".to_owned();
    let last = |lab: &Lab| told(&lab.plan()).split_off(2).join(", ");
    assert_eq!(
        last(&lab),
        "5 action.put-back: api, 6 action.after: one two"
    );
    let plan = lab.plan();
    let post = plan.actions.iter().find(|a| a.address.to_string() == after);
    let needs = &post.unwrap().depends_on;
    assert!(needs.contains(&crate::domain::ids::Address::procedure("put-back")));
    let after = lab
        .project
        .procedures
        .iter_mut()
        .find(|one| one.name == "after");
    after.unwrap().steps = vec![step("stop", stop(false))];
    assert_eq!(
        last(&lab),
        "5 action.put-back: api, 6 action.after: stop, 7 action.put-back-post: api"
    );
    for index in [0, 2] {
        lab.project.procedures[index].steps = vec![step("stop", stop(true))];
    }
    assert!(!told(&lab.plan()).join(" ").contains("put-back"));
}

#[test]
fn a_manual_one_is_planned_alone_and_goes_on_where_it_stopped() {
    let mut lab = lab();
    let fresh = wish(Purpose::Act, &["mend"], Turn::Fresh);
    assert_eq!(told(&lab.plan_of(&fresh)), ["0 action.mend: one two"]);
    began(
        &mut lab,
        "mend",
        "manual r1",
        &[("one", Mark::Done), ("two", Mark::Failed)],
    );
    let refused = |lab: &Lab, request: &PlanRequest| {
        refusal(&lab.project, lab.record.as_ref(), request).map(|r| r.problem)
    };
    assert_eq!(
        refused(&lab, &fresh).as_deref(),
        Some("an earlier run of `mend` stopped at its step `two`")
    );
    let resume = wish(Purpose::Act, &["mend"], Turn::Resume);
    assert_eq!(refused(&lab, &resume), None);
    assert_eq!(told(&lab.plan_of(&resume)), ["0 action.mend: two"]);
    let skip = |step: &str| Turn::Skip {
        procedure: "mend".to_owned(),
        step: step.to_owned(),
        reason: "known".to_owned(),
    };
    let skipped = lab.plan_of(&wish(Purpose::Act, &["mend"], skip("two")));
    assert_eq!(skipped.actions[0].steps[0].detail, "skipped: known");
    let behind = "nkapp action run mend --skip two --reason \"why\"";
    for (turn, problem, next) in [
        (
            skip("tow"),
            "action `mend` has no step `tow`",
            "nkapp action show mend",
        ),
        (skip("one"), "step `one` of `mend` is over already", behind),
    ] {
        let request = wish(Purpose::Act, &["mend"], turn);
        let found = refusal(&lab.project, lab.record.as_ref(), &request).unwrap();
        assert_eq!(found.problem, problem);
        assert_eq!(found.next.as_deref(), Some(next));
    }
    let other = wish(Purpose::Act, &["core"], Turn::Fresh);
    assert_eq!(
        refused(&lab, &other).as_deref(),
        Some("`core` is part of a deploy, as its upgrade")
    );
    let unknown = wish(Purpose::Act, &["mand"], Turn::Fresh);
    assert_eq!(
        refused(&lab, &unknown).as_deref(),
        Some("there is no action `mand`")
    );
}

#[test]
fn only_the_step_a_run_stopped_at_is_skipped_and_secret_inputs_are_asked_for_again() {
    let mut lab = lab();
    let mend = lab.project.procedures.last_mut().unwrap();
    mend.steps.push(run("three"));
    mend.inputs.push(Input {
        name: "PIN".to_owned(),
        description: None,
        default: None,
        required: true,
        secret: true,
    });
    let marks = [("one", Mark::Done), ("two", Mark::Failed)];
    began(&mut lab, "mend", "manual r1", &marks);
    let flows = &mut lab.record.as_mut().unwrap().flows;
    let secrets = ["PIN", "GONE"].map(str::to_owned);
    flows.get_mut("mend").unwrap().secrets = secrets.into();
    let found = |turn: Turn| {
        let request = wish(Purpose::Act, &["mend"], turn);
        refusal(&lab.project, lab.record.as_ref(), &request)
    };
    let skip = |step: &str| Turn::Skip {
        procedure: "mend".to_owned(),
        step: step.to_owned(),
        reason: "known".to_owned(),
    };
    assert_eq!(found(skip("two")), None);
    let refused = found(skip("three")).unwrap();
    assert_eq!(refused.problem, "`mend` did not stop at its step `three`");
    assert_eq!(
        refused.hints,
        ["it stopped at `two`, and only that can be skipped"]
    );
    assert_eq!(
        refused.next.as_deref(),
        Some("nkapp action run mend --skip two --reason \"why\" --input PIN=VALUE")
    );
    let goes_on = "nkapp action run mend --resume --input PIN=VALUE";
    let refused = found(Turn::Fresh).unwrap();
    assert_eq!(refused.next.as_deref(), Some(goes_on));
    let open = open_flows(&lab.project, lab.record.as_ref());
    assert_eq!(open[0].goes_on(), goes_on);
}

#[test]
fn what_a_manual_procedure_stopped_stays_so_until_it_goes_on_or_somebody_names_the_service() {
    let mut lab = lab();
    let stop = Primitive::Stop {
        services: vec!["api".to_owned()],
        keep: false,
    };
    let mend = lab.project.procedures.last_mut().unwrap();
    mend.steps = vec![step("stop", stop), run("gate")];
    lab.instance("api", 0).status = Status::Exited(0);
    let marks = [("stop", Mark::Done), ("gate", Mark::Failed)];
    began(&mut lab, "mend", "manual r1", &marks);
    for purpose in [Purpose::Deploy, Purpose::Restore] {
        let plan = lab.plan_for(purpose.clone(), &[]);
        assert!(told(&plan).is_empty(), "{purpose:?}: {:?}", told(&plan));
        assert_eq!(
            plan.warnings[0].text,
            "stays stopped until action mend goes on or is given up"
        );
        let named = told(&lab.plan_for(purpose.clone(), &["api"]));
        assert_eq!(named, ["1 service.api: start health"], "{purpose:?}");
    }
    let graph = Graph::of(&lab.project);
    assert!(drift(&lab.input(&graph, &everything())).drifted.is_empty());
    // Whatever else is done to what it only stopped is another matter.
    let drifts = |lab: &Lab| {
        let graph = Graph::of(&lab.project);
        !drift(&lab.input(&graph, &everything())).drifted.is_empty()
    };
    lab.instance("api", 0).status = Status::Paused;
    assert!(drifts(&lab));
    lab.instance("api", 0).status = Status::Exited(137);
    assert!(!drifts(&lab));
    // Somebody let it run again; what stops it then is nobody's plan.
    let flow = lab.record.as_mut().unwrap().flows.get_mut("mend").unwrap();
    flow.released.insert("api".to_owned());
    assert!(drifts(&lab));
    // A step that means something else by now holds nothing.
    let flow = lab.record.as_mut().unwrap().flows.get_mut("mend").unwrap();
    flow.released.clear();
    assert!(!drifts(&lab));
    let flow = lab.record.as_mut().unwrap().flows.get_mut("mend").unwrap();
    flow.steps.insert("stop".to_owned(), Digest::new("another"));
    assert!(drifts(&lab));
}

#[test]
fn a_secret_given_to_a_flow_is_needed_again_also_by_what_had_not_begun() {
    let mut lab = lab();
    lab.project.version = Some("2".to_owned());
    lab.project.procedures[1].inputs = vec![Input {
        name: "TOKEN".to_owned(),
        description: None,
        required: false,
        secret: true,
        default: None,
    }];
    let lacking = |lab: &Lab| unanswered(&lab.project, &lab.plan()).len();
    began(&mut lab, "before", "upgrade version 1 -> 2", &[]);
    assert_eq!(lacking(&lab), 0);
    let flow = lab.record.as_mut().unwrap().flows.get_mut("before");
    flow.unwrap().secrets.insert("TOKEN".to_owned());
    assert_eq!(lacking(&lab), 1);
    lab.project.version = Some("3".to_owned());
    assert_eq!(lacking(&lab), 0, "another upgrade begins anew");
}

#[test]
fn a_scaled_service_is_held_only_where_its_step_left_nothing_running() {
    let mut shrunk = service("api");
    shrunk.instances = 3;
    let mut lab = Lab::deployed(vec![shrunk]);
    let scale = Primitive::Scale {
        service: "api".to_owned(),
        to: 1,
        keep: false,
    };
    let mut mend = procedure("mend", Occasion::Manual, None);
    mend.steps = vec![step("scale", scale), run("gate")];
    lab.project.procedures = vec![mend];
    for index in 1..3 {
        lab.instance("api", index).status = Status::Exited(0);
    }
    began(&mut lab, "mend", "manual r1", &[("scale", Mark::Done)]);
    assert!(told(&lab.plan()).is_empty());
    lab.instance("api", 0).status = Status::Exited(1);
    assert!(!told(&lab.plan()).is_empty(), "that one was left running");
}

#[test]
fn what_a_finished_step_stopped_has_not_drifted_while_the_flow_goes_on() {
    let mut lab = lab();
    lab.project.version = Some("2".to_owned());
    let stop = Primitive::Stop {
        services: vec!["api".to_owned()],
        keep: false,
    };
    lab.project.procedures[2].steps = vec![step("stop", stop), run("gate")];
    lab.instance("api", 0).status = Status::Exited(0);
    let starts = |lab: &Lab| {
        told(&lab.plan())
            .iter()
            .any(|line| line.contains("service.api"))
    };
    assert!(starts(&lab), "nobody said that it was meant");
    let marks = [("stop", Mark::Done), ("gate", Mark::Failed)];
    began(&mut lab, "before", "upgrade version 1 -> 2", &marks);
    assert!(!starts(&lab));
    assert!(told(&lab.plan()).join(" ").contains("action.put-back: api"));
}
