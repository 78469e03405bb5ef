//! From a verb to its doing.

use crate::app::failure::{Failure, FailureKind};
use crate::cli::args::Verb;
use crate::cli::errand::Errand;
use crate::cli::verbs::{
    action, change, changelog, completions, config, decide, demo, doctor, drift, exec, graph,
    import, infra, init, logs, man, plan, run, schema, state, status, ui, validate, worker,
};
use crate::domain::plan::model::Purpose;

/// Does what the verb says and returns the exit code.
pub(in crate::cli) fn dispatch(
    errand: &mut Errand<'_>,
    verb: Option<&Verb>,
) -> Result<u8, Failure> {
    let Some(verb) = verb else {
        if errand.terminal.interactive && errand.terminal.stdout {
            return ui::ui(errand, false, false);
        }
        return Err(
            Failure::new(FailureKind::Refused, "the panel needs a terminal").next("nkapp --help"),
        );
    };
    match verb {
        Verb::Ui {
            check_keys: true, ..
        } => ui::check_keys(errand),
        Verb::Ui { plain, fresh, .. } => ui::ui(errand, *plain, *fresh),
        Verb::Demo { provider } => demo::demo(errand, *provider),
        Verb::Init { name } => init::init(errand, name.as_deref()),
        Verb::Validate => validate::validate(errand),
        Verb::Config => config::config(errand),
        Verb::Graph { format } => graph::graph(errand, *format),
        Verb::Schema => Ok(schema::schema(errand)),
        Verb::Plan {
            services,
            output,
            detailed_exitcode,
        } => plan::plan(errand, services, output.as_deref(), *detailed_exitcode),
        Verb::Deploy {
            services,
            plan,
            inputs,
            how,
        } => change::deploy(errand, services, plan.as_deref(), (inputs, how)),
        Verb::Destroy { services, how } => {
            change::change(errand, Purpose::Destroy, services, None, how)
        }
        Verb::Clean { how } => change::change(errand, Purpose::Clean, &[], None, how),
        Verb::Status => status::status(errand),
        Verb::Logs {
            service,
            follow,
            tail,
            timestamps,
        } => logs::logs(errand, service, *follow, *tail, *timestamps),
        Verb::Exec { service, command } => exec::exec(errand, service, command),
        Verb::Drift {
            decide: Some(verb), ..
        } => decide::decide(errand, verb),
        Verb::Drift {
            decide: None,
            all,
            watch,
            restore,
            yes,
            services,
        } => match (watch, restore) {
            (true, _) => drift::watch(errand),
            (false, true) => drift::restore(errand, services, *yes),
            (false, false) => drift::drift(errand, *all),
        },
        Verb::Worker => worker::worker(errand),
        Verb::Infra(verb) => infra::infra(errand, verb),
        Verb::State(verb) => state::state(errand, verb),
        Verb::Run(verb) => run::run(errand, verb),
        Verb::Action(verb) => action::action(errand, verb),
        Verb::Import { compose, output } => import::import(errand, compose, output.as_deref()),
        Verb::Completions { shell } => Ok(completions::completions(errand, *shell)),
        Verb::Man => Ok(man::man(errand)),
        Verb::Doctor => Ok(doctor::doctor(errand)),
        Verb::Changelog => Ok(changelog::changelog(errand)),
    }
}
