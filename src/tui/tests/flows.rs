//! Actions of the file in the panel: running one, and deciding about one that stopped on its way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::app::command::Command;
use crate::app::notice::Notice;
use crate::app::snapshot::Snapshot;
use crate::domain::flow::{Mark, Turn};
use crate::domain::ids::{Address, RunId};
use crate::domain::lease::Verdict;
use crate::domain::plan::model::{ActionKind, Cause, Plan, PlanRequest, Purpose};
use crate::domain::project::hook::HookCommand;
use crate::domain::project::procedure::{
    Input, Mode, Occasion, Primitive, Procedure, ProcedureStep,
};
use crate::domain::project::project::Project;
use crate::domain::report::flows::{FlowStep, OpenFlow};
use crate::tui::effect::Effect;
use crate::tui::model::{Area, Overlay};
use crate::tui::msg::Msg;
use crate::tui::tests::fixtures::idle;
use crate::tui::tests::parts::{action, change, hydrated, lock, options, plan, shop};
use crate::tui::tests::talk::{Given, given, given_with};

const LABELS: [&str; 3] = ["quiesce", "schema", "verify"];

fn input(name: &str, default: Option<&str>, secret: bool) -> Input {
    Input {
        name: name.into(),
        description: Some(format!("the {}", name.to_lowercase())),
        default: default.map(Into::into),
        required: true,
        secret,
    }
}

fn procedure(name: &str, occasion: Occasion, mode: Option<Mode>, inputs: Vec<Input>) -> Procedure {
    let step = |label: &str| ProcedureStep {
        label: label.into(),
        primitive: Primitive::Run {
            command: HookCommand::Shell(format!("./{label}.sh")),
        },
        retries: 0,
        backoff: None,
        timeout: Duration::from_secs(300),
        cleanup: false,
        scripts: BTreeMap::new(),
    };
    Procedure {
        name: name.into(),
        occasion,
        mode,
        description: Some(format!("what {name} is for")),
        cleanup: false,
        inputs,
        steps: LABELS.map(step).to_vec(),
    }
}

fn yard() -> Project {
    let inputs = vec![input("HOST", Some("db-1"), false), input("PIN", None, true)];
    let mut project = shop();
    project.procedures = vec![
        procedure("pause", Occasion::Upgrade, Some(Mode::Pre), Vec::new()),
        procedure("rotate", Occasion::Manual, None, inputs),
        procedure("announce", Occasion::Manual, None, Vec::new()),
    ];
    project
}

/// A flow whose first step is done and whose second failed.
fn flow(of: &Procedure) -> OpenFlow {
    let marks = [Some(Mark::Done), Some(Mark::Failed), None];
    let steps = of.steps.iter().zip(marks).map(|(step, mark)| FlowStep {
        label: step.label.clone(),
        detail: format!("run {}", step.primitive.detail()),
        mark,
        cleanup: false,
    });
    OpenFlow {
        name: of.name.clone(),
        occasion: of.occasion,
        mode: of.mode,
        purpose: "manual 20261121T050000-7f3a".into(),
        steps: steps.collect(),
        owed: Vec::new(),
    }
}

/// Everything runs, and these actions stopped.
fn stopped(names: &[&str]) -> Snapshot {
    let project = yard();
    let mut snapshot = idle();
    let mut status = Arc::unwrap_or_clone(snapshot.status.expect("status"));
    status.flows = names
        .iter()
        .map(|name| flow(project.procedure(name).expect("known")))
        .collect();
    snapshot.status = Some(Arc::new(status));
    snapshot.config = Some(hydrated(project));
    snapshot
}

fn asked_plan(given: &Given) -> Option<&PlanRequest> {
    given.effects.iter().rev().find_map(|effect| match effect {
        Effect::Send {
            command: Command::Plan { request, .. },
            ..
        } => Some(request),
        _ => None,
    })
}

/// Answers the last wish with a plan that runs this action; `inputs` are those it has values for.
fn planned(given: Given, name: &str, inputs: &[&str]) -> Given {
    let request = asked_plan(&given).cloned().expect("a plan was asked for");
    let mut run = action(Address::procedure(name), ActionKind::Run, 0, &[]);
    run.changes = inputs
        .iter()
        .map(|name| {
            change(
                &format!("inputs.{name}"),
                None,
                Some("(sensitive)"),
                Cause::Config,
            )
        })
        .collect();
    answered(given, &request, vec![run])
}

fn answered(
    given: Given,
    request: &PlanRequest,
    actions: Vec<crate::domain::plan::model::Action>,
) -> Given {
    let mut made: Plan = Arc::unwrap_or_clone(plan(&yard(), request.purpose.clone(), actions));
    made.targets.clone_from(&request.targets);
    let ticket = given.ticket();
    given.then().hears(Notice::Planned {
        ticket: Some(ticket),
        plan: Arc::new(made),
        saved_at: None,
    })
}

#[test]
fn an_action_that_stopped_is_shown_with_its_steps_and_what_can_be_done() {
    for size in [(120, 40), (80, 24), (40, 10), (20, 5)] {
        let shown = given(stopped(&["rotate"]))
            .size(size.0, size.1)
            .at(Area::Run);
        let name = format!("stopped_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, shown.keys("j").screen());
    }
    let screen = given(stopped(&["rotate"]))
        .size(120, 40)
        .at(Area::Run)
        .screen();
    for text in [
        "action.rotate",
        "failed at schema",
        "✓ quiesce",
        "✗ schema",
        "○ verify",
        "R retry, K skip, a abort",
    ] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
}

#[test]
fn retrying_asks_for_secrets_again_shows_the_plan_and_then_goes_on() {
    let asked = given(stopped(&["rotate"])).at(Area::Run).keys("R");
    let request = asked_plan(&asked).expect("asked").clone();
    assert_eq!(request.purpose, Purpose::Act);
    assert_eq!(request.flow.turn, Turn::Resume);
    // The plan lacks a required input: it is asked for, and not shown.
    let form = planned(asked, "rotate", &["HOST"]).types("hunter2");
    let screen = form.screen();
    assert!(screen.contains("PIN: the pin"), "{screen}");
    assert!(
        !screen.contains("HOST") && !screen.contains("hunter2"),
        "{screen}"
    );
    let again = form.keys("C-y");
    let inputs = &asked_plan(&again).expect("asked again").flow.inputs;
    assert_eq!(inputs["PIN"].expose(), "hunter2");
    let question = planned(again, "rotate", &["HOST", "PIN"]);
    let screen = question.screen();
    for text in ["retry rotate, shop in local?", "at step", "schema", "done"] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    let run = question.keys("y");
    assert_eq!(run.asked(), ["run action of p-3fe1"]);
    assert_eq!(
        run.model.echo.as_deref(),
        Some("nkapp action run rotate --resume")
    );
    assert!(!format!("{:?}", run.model.deeds).contains("hunter2"));
}

#[test]
fn an_optional_secret_that_the_action_had_has_to_be_given_again() {
    let mut project = yard();
    let pin = &mut project.procedures[1].inputs[1];
    (pin.required, pin.default) = (false, Some("0000".into()));
    let mut snapshot = stopped(&["rotate"]);
    snapshot.config = Some(hydrated(project));
    let asked = given(snapshot).at(Area::Run).keys("R");
    let request = asked_plan(&asked).cloned().expect("a plan was asked for");
    let mut run = action(Address::procedure("rotate"), ActionKind::Run, 0, &[]);
    let had = change("inputs.PIN", Some("(sensitive)"), None, Cause::Config);
    let host = change("inputs.HOST", None, Some("db-1"), Cause::Config);
    run.changes = vec![host, had];
    let form = answered(asked, &request, vec![run]);
    let screen = form.screen();
    assert!(screen.contains("PIN: the pin (not shown)"), "{screen}");
    let early = form.keys("C-y");
    assert!(asked_plan(&early).is_none(), "its default is another value");
    let again = early.types("hunter2").keys("C-y");
    let inputs = &asked_plan(&again).expect("asked again").flow.inputs;
    assert_eq!(inputs["PIN"].expose(), "hunter2");
}

#[test]
fn skipping_needs_a_reason_and_says_what_is_not_run() {
    let asked = given(stopped(&["rotate"])).at(Area::Run).keys("K");
    let screen = asked.screen();
    assert!(screen.contains("skip schema of rotate"), "{screen}");
    assert!(screen.contains("run ./schema.sh"), "{screen}");
    let early = asked.keys("C-y");
    assert!(asked_plan(&early).is_none());
    let sent = early.types("done by hand").keys("C-y");
    let turn = Turn::Skip {
        procedure: "rotate".into(),
        step: "schema".into(),
        reason: "done by hand".into(),
    };
    assert_eq!(asked_plan(&sent).expect("asked").flow.turn, turn);
    let question = planned(sent, "rotate", &["HOST", "PIN"]);
    let screen = question.screen();
    assert!(screen.contains("skipped"), "{screen}");
    assert!(screen.contains("done by hand"), "{screen}");
    let run = question.keys("y");
    assert_eq!(run.asked(), ["run action of p-3fe1"]);
    let line = "nkapp action run rotate --skip schema --reason 'done by hand'";
    assert_eq!(run.model.echo.as_deref(), Some(line));
}

#[test]
fn aborting_is_possible_also_where_nothing_is_cleaned_up() {
    let asked = given(stopped(&["rotate"])).at(Area::Run).keys("a");
    let request = asked_plan(&asked).expect("asked").clone();
    assert_eq!(request.flow.turn, Turn::Abort);
    let question = answered(asked, &request, Vec::new());
    let screen = question.screen();
    for text in [
        "abort rotate",
        "quiesce",
        "never run",
        "schema, verify",
        "no clean-up",
    ] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    assert_eq!(question.keys("y").asked(), ["run action of p-3fe1"]);
    // Elsewhere a plan without anything to do cannot be confirmed.
    let unplanned = Snapshot {
        plan: None,
        ..stopped(&[])
    };
    let asked = given(unplanned).keys("D");
    let nothing = answered(
        asked,
        &PlanRequest {
            purpose: Purpose::Deploy,
            targets: std::collections::BTreeSet::new(),
            flow: crate::domain::flow::FlowRequest::default(),
        },
        Vec::new(),
    );
    assert!(nothing.keys("y").asked().is_empty());
}

#[test]
fn what_belongs_to_an_upgrade_goes_on_with_a_deploy() {
    let asked = given(stopped(&["pause"])).at(Area::Run).keys("R");
    let screen = asked.screen();
    // The panel's own plan is good for it.
    assert!(screen.contains("deploy shop in local?"), "{screen}");
    assert!(screen.contains("at step"), "{screen}");
    let skipped = given(stopped(&["pause"]))
        .at(Area::Run)
        .keys("K")
        .types("x")
        .keys("C-y");
    let request = asked_plan(&skipped).expect("asked");
    assert_eq!(request.purpose, Purpose::Deploy);
    assert!(matches!(request.flow.turn, Turn::Skip { .. }));
}

#[test]
fn of_several_that_stopped_one_is_chosen() {
    let both = given(stopped(&["pause", "rotate"])).size(120, 40);
    let history = both.at(Area::History).keys("R");
    let screen = history.screen();
    assert!(screen.contains("pause, rotate stopped"), "{screen}");
    let mut run = history.then().at(Area::Run);
    // The rows are: heading, pause and its steps, rotate.
    run = run.keys("j j j j j j").keys("a");
    let targets = &asked_plan(&run).expect("asked").targets;
    assert!(targets.contains("rotate"), "{targets:?}\n{}", run.screen());
}

#[test]
fn an_action_is_chosen_from_a_list_and_its_inputs_are_asked_for_first() {
    let list = given(stopped(&[])).size(120, 40).keys("M");
    insta::assert_snapshot!("choose_action", list.screen());
    let asked = given(stopped(&[]))
        .keys("M")
        .types("announce")
        .keys("Enter");
    assert_eq!(asked.asked(), ["plan action [announce]"]);
    let form = given(stopped(&[])).keys("M").types("rotate").keys("Enter");
    let screen = form.screen();
    assert!(
        screen.contains("HOST: the host") && screen.contains("db-1"),
        "{screen}"
    );
    // A required one without a value holds it up.
    assert!(asked_plan(&form.keys("C-y")).is_none());
    let form = given(stopped(&[]))
        .keys("M")
        .types("rotate")
        .keys("Enter Tab");
    let pasted = form.tell(Msg::Paste("hunter2\nrest".into()));
    assert!(!pasted.screen().contains("hunter2"));
    let sent = pasted.keys("C-y");
    let inputs = &asked_plan(&sent).expect("asked").flow.inputs;
    assert_eq!(inputs["HOST"].expose(), "db-1");
    assert_eq!(inputs["PIN"].expose(), "hunter2");
    let run = planned(sent, "rotate", &["HOST", "PIN"]).keys("y");
    assert_eq!(
        run.model.echo.as_deref(),
        Some("nkapp action run rotate --input HOST=db-1")
    );
    // One that stopped is not begun anew, and one of an upgrade not by itself.
    for (name, why) in [
        ("rotate", "stopped at schema"),
        ("pause", "moves the version"),
    ] {
        let refused = given(stopped(&["rotate"]))
            .size(160, 40)
            .keys("M")
            .types(name)
            .keys("Enter");
        assert!(asked_plan(&refused).is_none(), "{name}");
        let screen = refused.screen();
        assert!(screen.contains(why), "{screen}");
    }
}

#[test]
fn a_deploy_asks_for_the_inputs_its_actions_lack() {
    let mut snapshot = stopped(&[]);
    let mut project = yard();
    project.procedures[0].inputs = vec![input("PIN", None, true)];
    snapshot.config = Some(hydrated(project));
    snapshot.plan = None;
    let asked = given(snapshot).keys("D");
    let form = planned(asked, "pause", &[]);
    assert!(matches!(
        form.model.overlays.last(),
        Some(Overlay::Typed(_))
    ));
    let screen = form.screen();
    assert!(screen.contains("PIN"), "{screen}");
    let again = form.types("1234").keys("C-y");
    let request = asked_plan(&again).expect("asked again");
    assert_eq!(request.purpose, Purpose::Deploy);
    assert_eq!(request.flow.inputs["PIN"].expose(), "1234");
}

#[test]
fn a_read_only_panel_and_one_with_nothing_stopped_refuse_and_say_why() {
    let mut read_only = options();
    read_only.read_only = true;
    for key in ["M", "R", "K", "a"] {
        let refused = given_with(read_only.clone(), stopped(&["rotate"]))
            .at(Area::Run)
            .keys(key);
        assert!(
            refused.asked().is_empty() && refused.model.overlays.is_empty(),
            "{key}"
        );
        let screen = refused.screen();
        assert!(
            screen.contains("the panel was opened read-only"),
            "{key}\n{screen}"
        );
    }
    for key in ["R", "K", "a"] {
        let screen = given(stopped(&[])).at(Area::Run).keys(key).screen();
        assert!(screen.contains("no action stopped"), "{key}\n{screen}");
    }
    let screen = given(idle()).keys("M").screen();
    assert!(screen.contains("the file has no actions"), "{screen}");
}

#[test]
fn a_skipped_step_says_why_and_a_cut_off_one_is_told_from_a_failed_one() {
    let mut snapshot = stopped(&["rotate"]);
    let status = Arc::make_mut(snapshot.status.as_mut().expect("status"));
    status.flows[0].steps[0].mark = Some(Mark::Skipped {
        reason: "by hand".into(),
        run: RunId::new("r1"),
    });
    status.flows[0].steps[1].mark = None;
    let screen = given(snapshot).size(120, 40).at(Area::Run).screen();
    assert!(screen.contains("» quiesce"), "{screen}");
    assert!(screen.contains("skipped: by hand"), "{screen}");
    assert!(screen.contains("? action.rotate"), "{screen}");
    assert!(screen.contains("stopped at schema"), "{screen}");
}

#[test]
fn a_plan_without_work_is_no_comfort_while_an_action_is_unfinished() {
    let with = |names: &[&str]| Snapshot {
        plan: Some(plan(&yard(), Purpose::Deploy, Vec::new())),
        drift: None,
        ..stopped(names)
    };
    let screen = |snapshot| given(snapshot).size(100, 30).screen();
    let over = screen(with(&[]));
    assert!(over.contains("✓ as planned"), "{over}");
    let one = screen(with(&["rotate"]));
    assert!(one.contains("! action rotate unfinished"), "{one}");
    assert!(!one.contains("as planned"), "{one}");
    let two = screen(with(&["rotate", "pause"]));
    assert!(two.contains("! 2 actions unfinished"), "{two}");
    let mut held = with(&["rotate"]);
    held.lock = Some(Arc::new(lock(Verdict::Alive)));
    let held = screen(held);
    assert!(
        !held.contains("unfinished") && !held.contains("as planned"),
        "{held}"
    );
}

/// Everything an author or an operator wrote comes to the screen cleaned.
#[test]
fn escapes_in_actions_reach_no_cell() {
    let corpus = include_str!("../../../tests/fixtures/escapes.txt");
    let bytes = |text: &str| {
        text.replace("\\e", "\u{1b}")
            .replace("\\a", "\u{7}")
            .replace("\\b", "\u{8}")
            .replace("\\r", "\r")
            .replace("\\t", "\t")
            .replace("\\x9b", "\u{9b}")
    };
    let evil: String = corpus
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(_, text)| bytes(text))
        .collect();
    let mut project = yard();
    for one in &mut project.procedures {
        one.description = Some(evil.clone());
        for input in &mut one.inputs {
            input.description = Some(evil.clone());
            input.default = Some(evil.clone());
            input.secret = false;
        }
    }
    let mut snapshot = stopped(&["pause"]);
    let status = Arc::make_mut(snapshot.status.as_mut().expect("status"));
    for flow in &mut status.flows {
        flow.purpose.clone_from(&evil);
        flow.steps[0].mark = Some(Mark::Skipped {
            reason: evil.clone(),
            run: RunId::new("r1"),
        });
        for step in &mut flow.steps {
            step.detail.clone_from(&evil);
        }
    }
    snapshot.config = Some(hydrated(project));
    for size in [(120, 40), (80, 24)] {
        for keys in ["j", "j Enter", "K", "R", "a", "M", "M r o t a t e Enter"] {
            let shown = given(snapshot.clone()).size(size.0, size.1).at(Area::Run);
            let screen = shown.keys(keys).screen();
            let hostile = screen.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(hostile, None, "{keys}\n{screen}");
        }
    }
}
