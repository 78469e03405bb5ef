//! Time: the critical path, predictions, the timeline, replays.

mod path {
    use crate::domain::history::path::critical_path;
    use crate::domain::history::view::RunView;
    use crate::domain::ids::{Address, StepId};
    use crate::domain::plan::model::{ActionKind, Plan};
    use crate::domain::time::Wall;
    use crate::tui::tests::parts;
    use std::sync::Arc;

    /// A run of the shop from lines `service step from to`, in seconds; `-`: under way.
    fn run(plan: &Arc<Plan>, lines: &[(&str, &str, i64, Option<i64>)]) -> RunView {
        let mut run = RunView {
            plan: Some(Arc::clone(plan)),
            ..RunView::default()
        };
        for (service, step, from, to) in lines {
            let mut view = parts::step_view(0, None, None);
            view.started = Some(Wall(from * 1_000));
            view.finished = to.map(|to| Wall(to * 1_000));
            let id = Address::service(service).step(Some(crate::domain::ids::Instance(0)), step);
            run.steps.insert(id, view);
        }
        run
    }

    fn plan(needs: &[(&str, usize, &[&str])]) -> Arc<Plan> {
        let actions = needs.iter().map(|(name, layer, needs)| {
            let mut action =
                parts::action(Address::service(name), ActionKind::Create, *layer, needs);
            let ids: Vec<StepId> = action.steps.iter().map(|step| step.id.clone()).collect();
            for (step, before) in action.steps.iter_mut().skip(1).zip(ids) {
                step.needs = vec![before];
            }
            action
        });
        let actions = actions.collect();
        parts::plan(
            &parts::shop(),
            crate::domain::plan::model::Purpose::Deploy,
            actions,
        )
    }

    fn path(run: &RunView) -> Vec<String> {
        let short = |id: StepId| id.as_str().replace("service.", "").replace("[0]/", " ");
        critical_path(run).into_iter().map(short).collect()
    }

    #[test]
    fn the_path_goes_back_from_the_last_end_over_what_each_step_waited_for() {
        let plan = plan(&[
            ("db", 0, &[]),
            ("cache", 0, &[]),
            ("api", 1, &["cache", "db"]),
        ]);
        let run = run(
            &plan,
            &[
                ("db", "create", 0, Some(1)),
                ("db", "start", 1, Some(2)),
                ("db", "health", 2, Some(7)),
                ("cache", "create", 0, Some(1)),
                ("cache", "start", 1, Some(3)),
                ("cache", "health", 3, Some(4)),
                ("api", "create", 7, Some(8)),
                ("api", "start", 8, Some(9)),
                ("api", "health", 9, None),
            ],
        );
        let expected = [
            "db create",
            "db start",
            "db health",
            "api create",
            "api start",
            "api health",
        ];
        assert_eq!(path(&run), expected);
    }

    #[test]
    fn a_layer_that_waited_for_a_stranger_says_so() {
        let plan = plan(&[("db", 0, &[]), ("slow", 0, &[]), ("api", 1, &["db"])]);
        let lines = [
            ("db", "start", 0, Some(1)),
            ("slow", "start", 0, Some(5)),
            ("api", "start", 5, Some(6)),
        ];
        assert_eq!(path(&run(&plan, &lines)), ["slow start", "api start"]);
        // Where nothing waits for layers, the stranger is none of its business.
        let eager = [
            ("db", "start", 0, Some(1)),
            ("slow", "start", 0, Some(5)),
            ("api", "start", 2, Some(6)),
        ];
        assert_eq!(path(&run(&plan, &eager)), ["db start", "api start"]);
    }

    #[test]
    fn a_step_that_waited_for_a_worker_follows_the_one_that_freed_it() {
        let plan = plan(&[("a", 0, &[]), ("b", 0, &[])]);
        let lines = [("a", "start", 0, Some(4)), ("b", "start", 4, Some(6))];
        assert_eq!(path(&run(&plan, &lines)), ["a start", "b start"]);
    }

    #[test]
    fn a_run_without_steps_or_plan_has_the_path_it_can_have() {
        assert_eq!(critical_path(&RunView::default()), Vec::new());
        let mut bare = run(
            &plan(&[]),
            &[("a", "start", 0, Some(0)), ("b", "start", 0, Some(0))],
        );
        bare.plan = None;
        assert!(!path(&bare).is_empty());
    }
}

mod predict {
    use crate::domain::history::predict::predict;
    use crate::domain::ids::Address;
    use crate::domain::ids::Instance;
    use crate::domain::plan::forecast::Prediction;
    use crate::domain::plan::model::Plan;
    use crate::domain::plan::model::{ActionKind, Purpose};
    use crate::domain::report::Usual;
    use crate::domain::run::options::{RunOptions, Schedule};
    use crate::domain::run::retry::Guide;
    use crate::tui::tests::parts;
    use std::time::Duration;

    fn usual(times: &[(&str, &str, u64)]) -> Usual {
        let run = times
            .iter()
            .map(|(service, step, seconds)| {
                let id = Address::service(service).step(Some(Instance(0)), step);
                (id, Duration::from_secs(*seconds))
            })
            .collect();
        Usual::learn(&[run])
    }

    fn plan() -> std::sync::Arc<Plan> {
        let create = |name: &str, layer, needs: &[&str]| {
            parts::action(Address::service(name), ActionKind::Create, layer, needs)
        };
        let actions = vec![
            create("db", 0, &[]),
            create("slow", 0, &[]),
            create("api", 1, &["db"]),
        ];
        parts::plan(&parts::shop(), Purpose::Deploy, actions)
    }

    fn foretold(usual: &Usual, schedule: Schedule, parallelism: usize) -> Option<Prediction> {
        let options = RunOptions {
            schedule,
            parallelism,
            unseen: false,
        };
        predict(&plan(), Guide::default(), usual, options)
    }

    #[test]
    fn a_plan_takes_as_long_as_its_longest_way() {
        let usual = usual(&[
            ("db", "health", 3),
            ("slow", "start", 10),
            ("api", "health", 4),
        ]);
        let layered = foretold(&usual, Schedule::Layered, 8).expect("known steps");
        assert_eq!(layered.total, Duration::from_secs(14));
        let words = crate::present::rows::forecast::prediction(Some(&layered));
        assert_eq!(words, "about 14 s, from 1 run, 6 of 9 steps are new");
        let eager = foretold(&usual, Schedule::Eager, 8).expect("known steps");
        assert_eq!(eager.total, Duration::from_secs(10));
    }

    #[test]
    fn fewer_workers_take_longer_but_waiting_takes_none() {
        let starts = usual(&[("db", "start", 3), ("slow", "start", 10)]);
        let total = |usual: &Usual, workers| {
            foretold(usual, Schedule::Eager, workers).map(|found| found.total.as_secs())
        };
        assert_eq!(total(&starts, 8), Some(10));
        assert_eq!(total(&starts, 1), Some(13));
        let waits = usual(&[("db", "health", 3), ("slow", "health", 10)]);
        assert_eq!(total(&waits, 1), Some(10));
    }

    #[test]
    fn without_history_nothing_is_predicted() {
        assert_eq!(foretold(&Usual::default(), Schedule::Layered, 8), None);
        let other = usual(&[("web", "start", 3)]);
        assert_eq!(foretold(&other, Schedule::Eager, 8), None);
    }
}
