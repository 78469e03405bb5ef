//! Tests of the run machine: small plans, scripted facts, orders read as text; and properties over random plans.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::event::RunOutcome;
use crate::domain::ids::{Digest, EnvName, PlanId, ProjectName, Scope, StepId};
use crate::domain::plan::model::{ActionKind, Purpose, StepKind, StepPlace, Strategy};
use crate::domain::run::order::RunResult;

fn now(ms: u64) -> Boot {
    Boot(Duration::from_millis(ms))
}

/// Makes an action `NAME` of that layer whose steps are a chain.
fn action(name: &str, layer: usize, deps: &[&str], steps: &[StepKind]) -> Action {
    let address = Address::service(name);
    let mut before: Option<StepId> = None;
    let steps = steps
        .iter()
        .enumerate()
        .map(|(i, kind)| {
            let id = StepId(format!("{address}[0]/{}{i}", kind.as_str()));
            Step {
                needs: before.replace(id.clone()).into_iter().collect(),
                id,
                kind: kind.clone(),
                place: StepPlace::Provider,
                instance: None,
                old: false,
                detail: String::new(),
            }
        })
        .collect();
    Action {
        address,
        kind: ActionKind::Create,
        strategy: Strategy::Recreate,
        reason: "not deployed yet".into(),
        layer,
        depends_on: deps.iter().map(|d| Address::service(d)).collect(),
        optional: BTreeSet::new(),
        fingerprint: None,
        seen: Vec::new(),
        changes: Vec::new(),
        steps,
    }
}

fn plan(actions: Vec<Action>) -> Arc<Plan> {
    Arc::new(Plan {
        id: PlanId::default(),
        purpose: Purpose::Deploy,
        scope: Scope {
            project: ProjectName::parse("shop").unwrap(),
            env: EnvName::parse("local").unwrap(),
            component: None,
        },
        targets: BTreeSet::new(),
        lineage: None,
        serial: None,
        config_hash: Digest::default(),
        engine: String::new(),
        layers: Vec::new(),
        actions,
        warnings: Vec::new(),
    })
}

/// Plays a whole run; `end_of` says how an attempt ends, `pick` which of those under way ends next.
struct Play {
    machine: Machine,
    under_way: Vec<(StepRef, u32)>,
    script: Vec<String>,
    clock: u64,
    most: usize,
    result: Option<RunResult>,
}

impl Play {
    fn new(plan: Arc<Plan>, guide: Guide, schedule: Schedule, parallelism: usize) -> Self {
        let options = RunOptions {
            schedule,
            parallelism,
            unseen: false,
        };
        Self {
            machine: Machine::new(plan, guide, options),
            under_way: Vec::new(),
            script: Vec::new(),
            clock: 0,
            most: 0,
            result: None,
        }
    }
    fn id(&self, at: StepRef) -> String {
        let step = &self.machine.plan().actions[at.action].steps[at.step];
        step.id.to_string()
    }
    fn feed(&mut self, fact: Fact) {
        let turn = self.machine.step(fact, now(self.clock));
        for order in turn.orders {
            match order {
                Order::Begin { at, attempt } => {
                    self.script.push(format!("{}#{attempt}", self.id(at)));
                    self.under_way.push((at, attempt));
                }
                Order::Abort { at } => self.script.push(format!("abort {}", self.id(at))),
                Order::Close { action, outcome } => {
                    let address = &self.machine.plan().actions[action].address;
                    self.script
                        .push(format!("{} {}", address.name, outcome.as_str()));
                }
                Order::Save => self.script.push("save".into()),
                Order::Finish(result) => {
                    assert!(self.under_way.is_empty());
                    assert!(self.result.is_none());
                    self.result = Some(*result);
                }
            }
        }
        self.most = self.most.max(self.under_way.len());
    }
    fn end(&mut self, index: usize, ended: Ended) {
        let (at, _) = self.under_way.remove(index);
        let mut end = StepEnd::done();
        end.ended = ended;
        if ended != Ended::Done {
            end.message = Some("broken".into());
        }
        self.feed(Fact::Ended { at, end });
    }
    fn run(
        mut self,
        end_of: impl Fn(&str, u32) -> Ended,
        mut pick: impl FnMut(usize) -> usize,
    ) -> Self {
        self.feed(Fact::Begun);
        while self.result.is_none() {
            self.clock += 1;
            if self.under_way.is_empty() {
                let at = self
                    .machine
                    .wake_at()
                    .expect("nothing under way, nothing sleeping");
                self.clock = u64::try_from(at.0.as_millis()).unwrap();
                self.feed(Fact::Woke);
                continue;
            }
            let index = pick(self.under_way.len()) % self.under_way.len();
            let (at, attempt) = self.under_way[index];
            let ended = end_of(&self.id(at), attempt);
            self.end(index, ended);
        }
        self
    }
    fn outcomes(&self) -> BTreeMap<String, (StepOutcome, Option<Address>)> {
        let result = self.result.as_ref().unwrap();
        result
            .ends
            .iter()
            .map(|(a, end)| (a.name.clone(), (end.outcome, end.blame.clone())))
            .collect()
    }
}

fn failing(name: &'static str) -> impl Fn(&str, u32) -> Ended {
    move |id, _| {
        if id.contains(name) {
            Ended::Failed
        } else {
            Ended::Done
        }
    }
}

const TWO: [StepKind; 2] = [StepKind::Create, StepKind::Start];

#[test]
fn a_layer_waits_for_the_layer_before_even_without_an_edge() {
    let plan = plan(vec![
        action("db", 0, &[], &[StepKind::Create, StepKind::Health]),
        action("log", 0, &[], &[StepKind::Create]),
        action("api", 1, &["db"], &[StepKind::Create]),
        action("web", 1, &["log"], &[StepKind::Create]),
    ]);
    let layered = Play::new(plan.clone(), Guide::default(), Schedule::Layered, 8)
        .run(|_, _| Ended::Done, |_| 0);
    assert_eq!(
        layered.script,
        [
            "service.db[0]/create0#1",
            "service.log[0]/create0#1",
            "service.db[0]/health1#1",
            "log done",
            "db done",
            "save",
            "service.api[0]/create0#1",
            "service.web[0]/create0#1",
            "api done",
            "web done"
        ]
    );
    let eager =
        Play::new(plan, Guide::default(), Schedule::Eager, 8).run(|_, _| Ended::Done, |_| 0);
    let web = eager
        .script
        .iter()
        .position(|s| s.starts_with("service.web"));
    let db = eager.script.iter().position(|s| s == "db done");
    assert!(web < db, "{:?}", eager.script);
}

#[test]
fn a_failure_skips_what_needs_it_and_nothing_else() {
    let plan = plan(vec![
        action("bad", 0, &[], &TWO),
        action("good", 0, &[], &TWO),
        action("child", 1, &["bad"], &TWO),
        action("fine", 1, &["good"], &TWO),
        action("grandchild", 2, &["child", "fine"], &TWO),
    ]);
    let play = Play::new(plan, Guide::default(), Schedule::Layered, 4)
        .run(failing("bad[0]/create0"), |n| n - 1);
    let blame = Some(Address::service("bad"));
    let expected = [
        ("bad", (StepOutcome::Failed, None)),
        ("child", (StepOutcome::Skipped, blame.clone())),
        ("fine", (StepOutcome::Done, None)),
        ("good", (StepOutcome::Done, None)),
        ("grandchild", (StepOutcome::Skipped, blame)),
    ];
    let outcomes = play.outcomes();
    assert_eq!(outcomes.len(), expected.len());
    for (name, end) in expected {
        assert_eq!(outcomes.get(name), Some(&end), "{name}");
    }
    let result = play.result.unwrap();
    assert_eq!(result.outcome, RunOutcome::Failed);
    let bad = result.ends.get(&Address::service("bad")).unwrap();
    assert_eq!(bad.message.as_deref(), Some("create0: broken"));
}

#[test]
fn an_optional_dependency_only_warns() {
    let mut child = action("child", 1, &["bad"], &TWO);
    child.optional.insert(Address::service("bad"));
    let play = Play::new(
        plan(vec![action("bad", 0, &[], &TWO), child]),
        Guide::default(),
        Schedule::Layered,
        4,
    )
    .run(failing("bad"), |_| 0);
    assert_eq!(play.outcomes()["child"].0, StepOutcome::Done);
}

#[test]
fn retries_follow_the_policy_and_a_warning_goes_on() {
    let hook = StepKind::Hook {
        phase: crate::domain::project::hook::HookPhase::Prestart,
        index: 0,
    };
    let mut guide = Guide::default();
    guide.policies.insert(
        StepId::new("service.api[0]/hook0"),
        StepPolicy {
            retries: 2,
            warn_only: true,
            backoff: None,
        },
    );
    let plan = plan(vec![action("api", 0, &[], &[hook, StepKind::Create])]);
    let play = Play::new(plan, guide, Schedule::Layered, 1).run(failing("hook"), |_| 0);
    assert_eq!(
        play.script,
        [
            "service.api[0]/hook0#1",
            "service.api[0]/hook0#2",
            "service.api[0]/hook0#3",
            "service.api[0]/create1#1",
            "api done"
        ]
    );
    assert!(
        play.clock >= 3000,
        "pauses of one and two seconds: {}",
        play.clock
    );
    assert_eq!(play.result.unwrap().outcome, RunOutcome::Ok);
}

#[test]
fn what_certainly_did_not_happen_is_done_again_and_what_nobody_knows_is_not() {
    let lost = |ended: Ended| {
        Play::new(
            plan(vec![action("api", 0, &[], &[StepKind::Create])]),
            Guide::default(),
            Schedule::Layered,
            1,
        )
        .run(
            move |_, attempt| if attempt == 1 { ended } else { Ended::Done },
            |_| 0,
        )
    };
    assert_eq!(lost(Ended::NotDone).outcomes()["api"].0, StepOutcome::Done);
    let unknown = lost(Ended::Unknown);
    assert_eq!(unknown.outcomes()["api"].0, StepOutcome::Unknown);
    assert_eq!(unknown.result.unwrap().outcome, RunOutcome::Failed);
}

#[test]
fn workers_are_bounded_but_waiting_takes_none() {
    let chain = [StepKind::Create, StepKind::Health];
    let names: Vec<String> = (0..9).map(|i| format!("s{i}")).collect();
    let actions = names.iter().map(|n| action(n, 0, &[], &chain)).collect();
    let plan = plan(actions);
    let mut play = Play::new(plan, Guide::default(), Schedule::Layered, 2);
    play.feed(Fact::Begun);
    assert_eq!(play.under_way.len(), 2);
    for _ in 0..9 {
        let work = play
            .under_way
            .iter()
            .position(|(at, _)| at.step == 0)
            .unwrap();
        play.end(work, Ended::Done);
    }
    assert_eq!(play.under_way.len(), 9, "all nine wait for health at once");
}

#[test]
fn drain_finishes_what_is_under_way_and_cancel_drops_it() {
    let make = || {
        let mut play = Play::new(
            plan(vec![
                action("a", 0, &[], &TWO),
                action("b", 1, &["a"], &TWO),
            ]),
            Guide::default(),
            Schedule::Layered,
            4,
        );
        play.feed(Fact::Begun);
        play
    };
    let mut drained = make();
    drained.feed(Fact::Halted(Halt::Drain));
    assert_eq!(drained.result, None, "the create is still under way");
    drained.end(0, Ended::Done);
    let outcomes = drained.outcomes();
    assert_eq!(outcomes["a"].0, StepOutcome::Skipped);
    assert_eq!(outcomes["b"], (StepOutcome::Skipped, None));
    let a = &drained.result.as_ref().unwrap().ends[&Address::service("a")];
    assert_eq!(a.message.as_deref(), Some("stopped after create0"));
    assert_eq!(drained.result.unwrap().outcome, RunOutcome::Cancelled);

    let mut cancelled = make();
    cancelled.feed(Fact::Halted(Halt::Drain));
    cancelled.feed(Fact::Halted(Halt::Cancel));
    assert!(
        cancelled
            .script
            .contains(&"abort service.a[0]/create0".to_owned())
    );
    cancelled.end(0, Ended::Unknown);
    assert_eq!(cancelled.outcomes()["a"].0, StepOutcome::Unknown);
    assert_eq!(cancelled.result.unwrap().outcome, RunOutcome::Cancelled);
}

#[test]
fn a_start_is_enough_where_the_edge_says_so() {
    let steps = [StepKind::Create, StepKind::Start, StepKind::Health];
    let plan = plan(vec![
        action("db", 0, &[], &steps),
        action("api", 1, &["db"], &TWO),
    ]);
    let mut guide = Guide::default();
    guide
        .started
        .insert((Address::service("api"), Address::service("db")));
    for schedule in [Schedule::Layered, Schedule::Eager] {
        let play = Play::new(plan.clone(), guide.clone(), schedule, 4)
            .run(failing("db[0]/health"), |n| n - 1);
        assert_eq!(play.outcomes()["db"].0, StepOutcome::Failed);
        assert_eq!(play.outcomes()["api"].0, StepOutcome::Done, "{schedule:?}");
    }
}

#[test]
fn a_plan_that_waits_for_itself_ends_with_words() {
    let play = Play::new(
        plan(vec![
            action("a", 0, &["b"], &TWO),
            action("b", 0, &["a"], &TWO),
        ]),
        Guide::default(),
        Schedule::Eager,
        4,
    )
    .run(|_, _| Ended::Done, |_| 0);
    assert_eq!(play.outcomes()["a"].0, StepOutcome::Failed);
}

#[test]
fn a_run_of_no_ops_is_over_at_once() {
    let mut noop = action("a", 0, &[], &[]);
    noop.kind = ActionKind::Noop;
    let mut play = Play::new(plan(vec![noop]), Guide::default(), Schedule::Layered, 4);
    play.feed(Fact::Begun);
    assert_eq!(play.result.unwrap().outcome, RunOutcome::Ok);
}

/// A random acyclic plan: every action may depend on earlier ones; its layer is one more than the deepest.
fn random_plan() -> impl Strategy2<Value = (Arc<Plan>, BTreeSet<String>)> {
    let one = (
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        1..4usize,
        0..6u8,
    );
    prop::collection::vec(one, 1..12).prop_map(|specs| {
        let mut actions: Vec<Action> = Vec::new();
        let mut broken = BTreeSet::new();
        for (i, (deps, length, fate)) in specs.into_iter().enumerate() {
            let name = format!("s{i}");
            let picked: BTreeSet<usize> = if i == 0 {
                BTreeSet::new()
            } else {
                deps.iter().map(|d| d.index(i)).collect()
            };
            let layer = picked
                .iter()
                .map(|d| actions[*d].layer + 1)
                .max()
                .unwrap_or(0);
            let names: Vec<String> = picked.iter().map(|d| format!("s{d}")).collect();
            let deps: Vec<&str> = names.iter().map(String::as_str).collect();
            let kinds = [StepKind::Create, StepKind::Start, StepKind::Health];
            let mut action = action(&name, layer, &deps, &kinds[..length]);
            if fate == 1 {
                action.optional = action.depends_on.iter().take(1).cloned().collect();
            }
            if fate == 0 {
                broken.insert(action.steps[length - 1].id.to_string());
            }
            actions.push(action);
        }
        actions.sort_by_key(|a| (a.layer, a.address.clone()));
        (plan(actions), broken)
    })
}
use proptest::strategy::Strategy as Strategy2;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn outcomes_depend_on_failures_and_never_on_timing(
        (plan, broken) in random_plan(),
        order in prop::collection::vec(any::<usize>(), 64),
        workers in 1..5usize,
    ) {
        let end_of = |id: &str, _: u32| if broken.contains(id) { Ended::Failed } else { Ended::Done };
        let mut all = Vec::new();
        for schedule in [Schedule::Layered, Schedule::Eager] {
            let mut turn = 0;
            let shuffled = Play::new(plan.clone(), Guide::default(), schedule, workers).run(end_of, |_| {
                turn += 1;
                order[turn % order.len()]
            });
            let plain = Play::new(plan.clone(), Guide::default(), schedule, 64).run(end_of, |_| 0);
            all.push(shuffled.outcomes());
            all.push(plain.outcomes());
        }
        for other in &all[1..] {
            prop_assert_eq!(&all[0], other);
        }
    }

    #[test]
    fn nothing_begins_before_what_it_needs(
        (plan, broken) in random_plan(),
        order in prop::collection::vec(any::<usize>(), 64),
        workers in 1..5usize,
        eager in any::<bool>(),
    ) {
        let end_of = |id: &str, _: u32| if broken.contains(id) { Ended::Failed } else { Ended::Done };
        let schedule = if eager { Schedule::Eager } else { Schedule::Layered };
        let mut turn = 0;
        let play = Play::new(plan.clone(), Guide::default(), schedule, workers).run(end_of, |_| {
            turn += 1;
            order[turn % order.len()]
        });
        let place = |text: &str| play.script.iter().position(|line| line == text);
        for action in &plan.actions {
            for step in &action.steps {
                let Some(begun) = place(&format!("{}#1", step.id)) else { continue };
                for need in &step.needs {
                    let before = place(&format!("{need}#1"));
                    prop_assert!(before.unwrap() < begun);
                }
                for dep in &action.depends_on {
                    let done = place(&format!("{} done", dep.name));
                    let optional = action.optional.contains(dep);
                    prop_assert!(optional || done.is_some_and(|done| done < begun), "{} before {dep}", step.id);
                }
                if !eager {
                    for earlier in plan.actions.iter().filter(|a| a.layer < action.layer) {
                        let over = ["done", "failed", "skipped"]
                            .iter()
                            .find_map(|word| place(&format!("{} {word}", earlier.address.name)));
                        prop_assert!(over.is_some_and(|over| over < begun));
                    }
                }
            }
        }
    }

    #[test]
    fn workers_never_exceed_the_bound((plan, _) in random_plan(), workers in 1..4usize) {
        let mut under = 0usize;
        let mut play = Play::new(plan.clone(), Guide::default(), Schedule::Eager, workers);
        play.feed(Fact::Begun);
        while play.result.is_none() {
            let working = play
                .under_way
                .iter()
                .filter(|(at, _)| plan.actions[at.action].steps[at.step].kind != StepKind::Health)
                .count();
            under = under.max(working);
            play.end(0, Ended::Done);
        }
        prop_assert!(under <= workers);
    }
}
