//! Actions of the file: an upgrade killed at each of its steps and resumed, and what an operator does with a failed one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use nanokit::domain::event::{EventKind, RunOutcome, StepOutcome};
use nanokit::domain::flow::{FlowRequest, Mark, Standing, Turn};
use nanokit::domain::plan::model::Purpose;
use nanokit::domain::project::hook::HookCommand;
use nanokit::domain::project::procedure::{
    Input, Mode, Occasion, Primitive, Procedure, ProcedureStep, Wait,
};
use nanokit::domain::project::project::Project;
use nanokit::domain::secret::Secret;
use nanokit::engine::reconcile::EngineError;
use nanokit::formats::audit;

use crate::harness::{Ask, Ran, assert_converged, deploy, machine, machine_with, record, run, sim};
use crate::support::sim::ledger::Planted;
use crate::support::sim::life::killed_at;
use crate::support::sim::project::{checked, project, service};
use crate::support::sim::world::Machine;

fn step(label: &str, primitive: Primitive) -> ProcedureStep {
    ProcedureStep {
        label: label.to_owned(),
        primitive,
        retries: 0,
        backoff: None,
        timeout: Duration::from_secs(60),
        cleanup: false,
        scripts: [].into(),
    }
}

pub fn host(label: &str, line: &str) -> ProcedureStep {
    let command = HookCommand::Shell(line.to_owned());
    step(label, Primitive::Run { command })
}

pub fn procedure(
    name: &str,
    when: (Occasion, Option<Mode>),
    steps: Vec<ProcedureStep>,
) -> Procedure {
    Procedure {
        name: name.to_owned(),
        occasion: when.0,
        mode: when.1,
        description: None,
        cleanup: false,
        inputs: Vec::new(),
        steps,
    }
}

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

/// A shop whose upgrade stops the worker, migrates inside the service, and looks at the result.
pub fn shop(version: &str, image: &str) -> Project {
    let mut shop = project(vec![
        checked(service("api", &[])),
        service("worker", &["api"]),
    ]);
    shop.version = Some(version.to_owned());
    for one in shop.services.values_mut() {
        one.image = Some(image.to_owned());
    }
    let migrate = Primitive::Exec {
        service: "api".to_owned(),
        commands: vec![HookCommand::Shell("migrate".to_owned())],
    };
    let up = |mode| (Occasion::Upgrade, Some(mode));
    shop.procedures = vec![
        procedure(
            "seed",
            (Occasion::Setup, Some(Mode::Post)),
            vec![host("seed", "seed")],
        ),
        procedure(
            "tell",
            up(Mode::Post),
            vec![step("migrate", migrate), host("tell", "tell")],
        ),
        procedure(
            "quiet",
            up(Mode::Pre),
            vec![
                host("note", "note"),
                step(
                    "stop",
                    Primitive::Stop {
                        services: names(&["worker"]),
                        keep: false,
                    },
                ),
            ],
        ),
        procedure(
            "core",
            up(Mode::Core),
            vec![
                host("core", "core"),
                step("wait", Primitive::Wait(Wait::Time(Duration::from_secs(1)))),
            ],
        ),
    ];
    shop
}

/// Steps of actions that were done in a run.
pub fn done(ran: &Ran) -> Vec<String> {
    let ended = ran.events.iter().filter(|event| {
        matches!(&event.kind, EventKind::StepFinished { outcome, .. } if *outcome == StepOutcome::Done)
    });
    ended
        .filter_map(|event| event.step.as_ref().map(ToString::to_string))
        .filter(|step| step.starts_with("action."))
        .collect()
}

pub fn begun(ran: &Ran) -> Vec<String> {
    let steps = ran.words("step_started");
    steps
        .into_iter()
        .filter(|s| s.starts_with("action."))
        .collect()
}

async fn standing(machine: &Machine, shop: &Project) -> Standing {
    record(machine, shop).await.unwrap().standing
}

#[test]
fn setup_runs_once_and_an_upgrade_in_the_order_of_its_modes() {
    sim(async {
        let machine = machine(1);
        let first = deploy(&machine, &shop("1", "app:1")).await;
        assert_eq!(done(&first), ["action.seed/seed"]);
        let again = deploy(&machine, &shop("1", "app:1")).await;
        assert_eq!(done(&again), Vec::<String>::new());
        let upgrade = deploy(&machine, &shop("2", "app:2")).await;
        assert_eq!(
            done(&upgrade),
            [
                "action.quiet/note",
                "action.quiet/stop",
                "action.core/core",
                "action.core/wait",
                "action.put-back/worker",
                "action.tell/migrate",
                "action.tell/tell",
            ]
        );
        let order = upgrade.words("step_started");
        let at = |step: &str| order.iter().position(|s| s == step).unwrap();
        let made = order
            .iter()
            .position(|s| s.starts_with("service."))
            .unwrap();
        let last = order
            .iter()
            .rposition(|s| s.starts_with("service."))
            .unwrap();
        assert!(at("action.core/wait") < made && last < at("action.tell/migrate"));
        let stands = standing(&machine, &shop("2", "app:2")).await;
        assert_eq!(stands.version.as_deref(), Some("2"));
        assert_converged(&machine, &shop("2", "app:2"), "upgrade").await;
    });
}

#[test]
fn an_upgrade_killed_at_every_step_is_resumed_and_repeats_nothing_finished() {
    upgrades_killed(Planted::None);
}

#[test]
#[should_panic(expected = "commands ran twice")]
fn an_action_that_forgets_what_it_finished_is_caught() {
    upgrades_killed(Planted::MarksForgotten);
}

fn upgrades_killed(planted: Planted) {
    let machine = |seed| machine_with(Machine::planted(seed, planted, false));
    let (before, after) = (shop("1", "app:1"), shop("2", "app:2"));
    let all = sim(async {
        let machine = machine(11);
        deploy(&machine, &before).await;
        deploy(&machine, &after).await.steps
    });
    assert!(all > 60, "{all} places to be killed at");
    for at in 1..=all {
        sim(async {
            let mut resumed = 0;
            let machine = machine(11);
            deploy(&machine, &before).await;
            let ask = Ask {
                fate: killed_at(at),
                ..Ask::default()
            };
            let killed = run(&machine, &after, ask).await;
            let context = format!("killed at {at} of {all} ({})", killed.last);
            tokio::time::sleep(Duration::from_secs(2)).await;
            // What the journal knows to be over is what a process that is gone can have finished.
            let left = record(&machine, &after).await.unwrap();
            let mut finished = BTreeSet::new();
            for (name, flow) in &left.flows {
                let over = flow.marks.iter().filter(|(_, mark)| mark.is_over());
                finished.extend(over.map(|(label, _)| format!("action.{name}/{label}")));
            }
            let again = run(&machine, &after, Ask::default()).await;
            let error = again.error();
            assert_eq!(again.outcome(), RunOutcome::Ok, "{context}: {error}");
            for step in begun(&again) {
                assert!(
                    !finished.contains(&step),
                    "{context}: {step} was done twice"
                );
            }
            // Only the command that was under way may have run twice.
            let ran = machine.platform.with(|m| m.ran.clone());
            let once: BTreeSet<&String> = ran.iter().collect();
            let twice = ran.len() - once.len();
            assert!(twice <= 1, "{context}: {twice} commands ran twice: {ran:?}");
            let lines = ["note", "core", "migrate", "tell"];
            for line in lines {
                let all = ran.iter().filter(|said| said.ends_with(line)).count();
                assert!(all > 0, "{context}: {line} never ran");
                resumed += usize::from(all == 1);
            }
            assert!(resumed >= lines.len() - 1, "{context}: {ran:?}");
            let stands = standing(&machine, &after).await;
            assert_eq!(stands.version.as_deref(), Some("2"), "{context}");
            assert_converged(&machine, &after, &context).await;
        });
    }
}

fn manual() -> Project {
    let mut shop = shop("1", "app:1");
    let mut steps = vec![
        host("first", "first"),
        host("bad", "fail"),
        host("last", "last"),
    ];
    steps.push(host("tidy", "tidy"));
    steps[3].cleanup = true;
    shop.procedures = vec![procedure("mend", (Occasion::Manual, None), steps)];
    shop
}

pub fn act(turn: Turn) -> Ask {
    Ask {
        purpose: Purpose::Act,
        targets: BTreeSet::from(["mend".to_owned()]),
        flow: FlowRequest {
            turn,
            inputs: BTreeMap::new(),
        },
        ..Ask::default()
    }
}

fn refused(ran: &Ran) -> String {
    match ran.end.as_ref().and_then(|end| end.error.as_ref()) {
        Some(EngineError::Refused(refusal)) => refusal.problem.clone(),
        _ => String::new(),
    }
}

/// The decisions about actions on record, the newest first: what, which step, why.
fn audited(machine: &Machine) -> Vec<String> {
    let log = machine.file("audit.log").unwrap_or_default();
    let decided = audit::read(&[log.as_bytes()]).deeds.into_iter();
    decided
        .filter(|deed| deed.action.as_deref() == Some("mend"))
        .map(|deed| {
            let (step, reason) = (
                deed.step.unwrap_or_default(),
                deed.reason.unwrap_or_default(),
            );
            format!("{} {step} {reason}", deed.act)
        })
        .collect()
}

#[test]
fn a_failed_action_is_resumed_skipped_or_given_up() {
    sim(async {
        let machine = machine(3);
        let shop = manual();
        deploy(&machine, &shop).await;
        machine
            .platform
            .with(|m| m.exits.insert("fail".to_owned(), 3));
        let failed = run(&machine, &shop, act(Turn::Fresh)).await;
        assert_eq!(failed.outcome(), RunOutcome::Failed);
        assert_eq!(done(&failed), ["action.mend/first"]);
        let flow = &record(&machine, &shop).await.unwrap().flows["mend"];
        assert_eq!(flow.marks["first"], Mark::Done);
        assert_eq!(flow.marks["bad"], Mark::Failed);

        let fresh = run(&machine, &shop, act(Turn::Fresh)).await;
        assert_eq!(
            refused(&fresh),
            "an earlier run of `mend` stopped at its step `bad`"
        );
        let retried = run(&machine, &shop, act(Turn::Resume)).await;
        assert_eq!(retried.outcome(), RunOutcome::Failed);
        assert_eq!(begun(&retried), ["action.mend/bad"]);

        let skip = Turn::Skip {
            procedure: "mend".to_owned(),
            step: "bad".to_owned(),
            reason: "known".to_owned(),
        };
        let skipped = run(&machine, &shop, act(skip)).await;
        assert_eq!(skipped.outcome(), RunOutcome::Ok, "{}", skipped.error());
        assert!(
            skipped
                .warnings()
                .contains("action.mend/bad is skipped: known")
        );
        let ran = machine.platform.with(|m| m.ran.clone());
        let count = |what: &str| ran.iter().filter(|line| line.ends_with(what)).count();
        assert_eq!((count("first"), count("last"), count("tidy")), (1, 1, 1));
        assert!(record(&machine, &shop).await.unwrap().flows.is_empty());
        assert_eq!(audited(&machine), ["skip bad known"]);

        let none = run(&machine, &shop, act(Turn::Abort)).await;
        assert_eq!(refused(&none), "no run of `mend` is unfinished");
        run(&machine, &shop, act(Turn::Fresh)).await;
        let given_up = run(&machine, &shop, act(Turn::Abort)).await;
        assert_eq!(given_up.outcome(), RunOutcome::Ok, "{}", given_up.error());
        assert_eq!(done(&given_up), ["action.mend/tidy"]);
        assert_eq!(audited(&machine), ["abort bad ", "skip bad known"]);
        assert!(record(&machine, &shop).await.unwrap().flows.is_empty());
    });
}

#[test]
fn a_failed_upgrade_has_not_moved_and_its_clean_up_is_what_is_marked() {
    sim(async {
        let machine = machine(4);
        deploy(&machine, &shop("1", "app:1")).await;
        let mut after = shop("2", "app:2");
        after.procedures[1].cleanup = true;
        machine
            .platform
            .with(|m| m.exits.insert("core".to_owned(), 3));
        let failed = run(&machine, &after, Ask::default()).await;
        assert_eq!(failed.outcome(), RunOutcome::Failed);
        assert_eq!(
            standing(&machine, &after).await.version.as_deref(),
            Some("1")
        );
        assert!(
            failed
                .words("step_started")
                .iter()
                .all(|s| !s.starts_with("service."))
        );
        let mut give_up = act(Turn::Abort);
        give_up.targets = BTreeSet::from(["core".to_owned()]);
        let given_up = run(&machine, &after, give_up).await;
        assert_eq!(given_up.outcome(), RunOutcome::Ok, "{}", given_up.error());
        assert_eq!(
            done(&given_up),
            [
                "action.put-back/worker",
                "action.tell/migrate",
                "action.tell/tell"
            ]
        );
        let left = record(&machine, &after).await.unwrap();
        assert!(left.flows.is_empty());
        assert_eq!(left.standing.version.as_deref(), Some("1"));
        assert!(
            machine
                .platform
                .picture()
                .contains(&"worker[0] running".to_owned())
        );
    });
}

#[test]
fn an_input_is_needed_and_a_secret_one_is_written_nowhere() {
    sim(async {
        let machine = machine(5);
        let mut shop = manual();
        shop.procedures[0].steps.truncate(1);
        shop.procedures[0].inputs = vec![Input {
            name: "TOKEN".to_owned(),
            description: None,
            default: None,
            required: true,
            secret: true,
        }];
        let bare = run(&machine, &shop, act(Turn::Fresh)).await;
        assert_eq!(refused(&bare), "action `mend` needs the input TOKEN");
        let mut ask = act(Turn::Fresh);
        let value = Secret::new("hunter2-hunter2".to_owned());
        ask.flow.inputs.insert("TOKEN".to_owned(), value);
        let ran = run(&machine, &shop, ask).await;
        assert_eq!(ran.outcome(), RunOutcome::Ok, "{}", ran.error());
        for (path, bytes) in machine.files.borrow().iter() {
            let text = format!("{bytes:?}");
            assert!(!text.contains("hunter2"), "{path:?}");
        }
        let told = format!("{:?}", ran.events);
        assert!(told.contains("(sensitive)") && !told.contains("hunter2"));
    });
}
