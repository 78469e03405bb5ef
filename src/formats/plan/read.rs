//! From the wire to a plan: every word and name is checked.

use crate::domain::ids::{
    Address, ComponentName, Digest, EnvName, Instance, Lineage, PlanId, ProjectName, ResourceKind,
    Scope, Serial, StepId,
};
use crate::domain::plan::model::{
    Action, ActionKind, Cause, Change, Plan, PlanWarning, Purpose, Step, StepKind, StepPlace,
    Strategy, Summary,
};
use crate::domain::project::hook::HookPhase;
use crate::domain::project::procedure::Verb;
use crate::formats::error::FormatError;
use crate::formats::plan::{ActionWire, ChangeWire, PlanWire, StepWire};
use crate::formats::text;

fn bad_name(error: &impl ToString) -> FormatError {
    FormatError::Field(error.to_string())
}

/// Reads an address.
pub(in crate::formats) fn address(text: &str) -> Result<Address, FormatError> {
    Address::parse(text).ok_or_else(|| FormatError::Field(format!("`{text}` is no address")))
}

fn addresses<C: FromIterator<Address>>(texts: &[String]) -> Result<C, FormatError> {
    texts.iter().map(|text| address(text)).collect()
}

/// Reads the scope of a document.
pub(in crate::formats) fn scope(
    project: &str,
    env: &str,
    component: Option<&str>,
) -> Result<Scope, FormatError> {
    Ok(Scope {
        project: ProjectName::parse(project).map_err(|error| bad_name(&error))?,
        env: EnvName::parse(env).map_err(|error| bad_name(&error))?,
        component: component
            .map(ComponentName::parse)
            .transpose()
            .map_err(|error| bad_name(&error))?,
    })
}

/// Turns the wire's plan into the domain's.
pub(super) fn plan(wire: PlanWire) -> Result<Plan, FormatError> {
    let purposes = [
        Purpose::Deploy,
        Purpose::Destroy,
        Purpose::Clean,
        Purpose::Restore,
        Purpose::Act,
    ];
    let purpose = purposes
        .into_iter()
        .find(|purpose| purpose.as_str() == wire.purpose)
        .ok_or_else(|| FormatError::Field(format!("`purpose` cannot be `{}`", wire.purpose)))?;
    let counted = Summary::from(wire.summary);
    let plan = Plan {
        id: PlanId(wire.plan_id),
        purpose,
        scope: scope(&wire.project, &wire.environment, wire.component.as_deref())?,
        targets: wire.targets,
        lineage: wire.lineage.map(Lineage),
        serial: wire.serial.map(Serial),
        config_hash: Digest(wire.config_hash),
        engine: wire.engine,
        layers: wire
            .layers
            .iter()
            .map(|layer| addresses(layer))
            .collect::<Result<_, _>>()?,
        actions: wire
            .actions
            .into_iter()
            .map(action)
            .collect::<Result<_, _>>()?,
        warnings: wire
            .warnings
            .into_iter()
            .map(|warning| {
                Ok(PlanWarning {
                    address: warning.address.as_deref().map(address).transpose()?,
                    text: warning.text,
                    blocks: warning.blocks,
                })
            })
            .collect::<Result<_, FormatError>>()?,
    };
    if plan.summary() == counted {
        Ok(plan)
    } else {
        let text = "`summary` does not count the actions it stands over";
        Err(FormatError::Field(text.to_owned()))
    }
}

const KINDS: [ActionKind; 5] = [
    ActionKind::Create,
    ActionKind::Update,
    ActionKind::Delete,
    ActionKind::Noop,
    ActionKind::Run,
];

/// Reads the kind of an action.
pub(in crate::formats) fn action_kind(text: &str) -> Result<ActionKind, FormatError> {
    text::by_word(&KINDS, ActionKind::as_str, "kind", text)
}

fn action(wire: ActionWire) -> Result<Action, FormatError> {
    const STRATEGIES: [Strategy; 5] = [
        Strategy::Recreate,
        Strategy::Rolling,
        Strategy::InPlace,
        Strategy::Start,
        Strategy::None,
    ];
    let address = address(&wire.address)?;
    Ok(Action {
        kind: action_kind(&wire.kind)?,
        strategy: text::by_word(&STRATEGIES, Strategy::as_str, "strategy", &wire.strategy)?,
        reason: wire.reason,
        layer: wire.layer,
        depends_on: addresses(&wire.depends_on)?,
        optional: addresses(&wire.optional)?,
        fingerprint: wire.fingerprint.map(Digest),
        seen: wire.seen,
        changes: changes(wire.changes)?,
        steps: wire
            .steps
            .into_iter()
            .map(|wire| step(wire, address.kind))
            .collect::<Result<_, _>>()?,
        address,
    })
}

/// Reads differences.
pub(in crate::formats) fn changes(wires: Vec<ChangeWire>) -> Result<Vec<Change>, FormatError> {
    const CAUSES: [Cause; 2] = [Cause::Config, Cause::Drift];
    wires
        .into_iter()
        .map(|wire| {
            Ok(Change {
                path: wire.path,
                instance: wire.instance.map(Instance),
                before: wire.before,
                after: wire.after,
                cause: text::by_word(&CAUSES, Cause::as_str, "cause", &wire.cause)?,
                sensitive: wire.sensitive,
            })
        })
        .collect()
}

fn step(wire: StepWire, resource: ResourceKind) -> Result<Step, FormatError> {
    const PLACES: [StepPlace; 3] = [StepPlace::Provider, StepPlace::Host, StepPlace::Container];
    let kind = step_kind(&wire, resource)?;
    // A step of a network has no instance of its own: its number is that of the member it takes off.
    let instance = match resource {
        ResourceKind::Service => wire.instance.map(Instance),
        ResourceKind::Network | ResourceKind::Volume | ResourceKind::Procedure => None,
    };
    Ok(Step {
        kind,
        id: StepId(wire.id),
        place: text::by_word(&PLACES, StepPlace::as_str, "where", &wire.place)?,
        instance,
        old: wire.old,
        needs: wire.needs.into_iter().map(StepId).collect(),
        detail: wire.detail,
    })
}

fn step_kind(wire: &StepWire, resource: ResourceKind) -> Result<StepKind, FormatError> {
    const PHASES: [HookPhase; 4] = [
        HookPhase::Prestart,
        HookPhase::Poststart,
        HookPhase::Prestop,
        HookPhase::Poststop,
    ];
    let network = || {
        let missing = || FormatError::Field(format!("step `{}` names no network", wire.id));
        wire.network.clone().ok_or_else(missing)
    };
    if resource == ResourceKind::Procedure {
        return of_procedure(wire);
    }
    Ok(match (wire.kind.as_str(), resource) {
        ("pull", _) => StepKind::Pull {
            image: wire
                .image
                .clone()
                .ok_or_else(|| FormatError::Field(format!("step `{}` names no image", wire.id)))?,
        },
        ("build", _) => StepKind::Build,
        ("create", ResourceKind::Network) => StepKind::CreateNetwork,
        ("create", ResourceKind::Volume) => StepKind::CreateVolume,
        ("create", ResourceKind::Service) => StepKind::Create,
        ("remove", ResourceKind::Network) => StepKind::RemoveNetwork,
        ("remove", ResourceKind::Volume) => StepKind::RemoveVolume,
        ("remove", ResourceKind::Service) => StepKind::Remove,
        ("start", _) => StepKind::Start,
        ("hook", _) => StepKind::Hook {
            phase: text::by_word(
                &PHASES,
                HookPhase::as_str,
                "phase",
                wire.phase.as_deref().unwrap_or_default(),
            )?,
            index: wire.index.unwrap_or(0),
        },
        ("install", _) => StepKind::Install,
        ("open_gate", _) => StepKind::OpenGate,
        ("health", _) => StepKind::Health,
        ("complete", _) => StepKind::Complete,
        ("stop", _) => StepKind::Stop,
        ("rename", _) => StepKind::Rename,
        ("limits", _) => StepKind::Limits,
        ("connect", _) => StepKind::Connect {
            network: network()?,
        },
        ("disconnect", ResourceKind::Network) => StepKind::Detach {
            service: wire.service.clone().ok_or_else(|| {
                FormatError::Field(format!("step `{}` names no service", wire.id))
            })?,
            instance: Instance(wire.instance.unwrap_or(0)),
        },
        ("disconnect", _) => StepKind::Disconnect {
            network: network()?,
        },
        ("unpause", _) => StepKind::Unpause,
        ("adopt", _) => StepKind::Adopt,
        (other, _) => {
            return Err(FormatError::Field(format!(
                "step `{}` is of unknown kind `{other}`",
                wire.id
            )));
        }
    })
}

fn of_procedure(wire: &StepWire) -> Result<StepKind, FormatError> {
    let index = wire.index.unwrap_or(0);
    Ok(match wire.kind.as_str() {
        "skip" => StepKind::Skip {
            reason: wire.reason.clone().unwrap_or_default(),
            index,
        },
        "put_back" => StepKind::PutBack {
            service: wire.service.clone().ok_or_else(|| {
                FormatError::Field(format!("step `{}` names no service", wire.id))
            })?,
        },
        word => StepKind::Perform {
            verb: text::by_word(&Verb::ALL, Verb::as_str, "kind", word)?,
            index,
        },
    })
}
