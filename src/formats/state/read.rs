//! From the wire to a record: every word and address is checked.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::effect::Shape;
use crate::domain::ids::{
    Digest, Epoch, ImageId, Instance, Lineage, OpId, PlanId, ProviderId, RunId, Serial, StepId,
};
use crate::domain::model::{Field, Model};
use crate::domain::project::hook::{Hook, HookCommand, HookPlace, OnFailure};
use crate::domain::record::{Pending, Record, RecordedInstance, RecordedResource, Teardown};
use crate::formats::error::FormatError;
use crate::formats::state::flow;
use crate::formats::state::{
    FieldWire, HookWire, InstanceWire, PendingWire, RunWire, ShapeWire, StateWire, failure_word,
    place_word,
};
use crate::formats::{plan, text};

/// Turns the wire's state into a record.
pub(super) fn record(wire: StateWire) -> Result<Record, FormatError> {
    let mut resources = BTreeMap::new();
    for (address, wire) in wire.resources {
        let address = plan::address(&address)?;
        let shape = shape(wire.shape)?;
        let resource = RecordedResource {
            address: address.clone(),
            model: shape.model,
            hash: shape.hash,
            depends_on: shape.depends_on,
            teardown: shape.teardown,
            id: wire.id.map(ProviderId),
            bare: wire.bare,
            instances: wire
                .instances
                .into_iter()
                .map(|(number, wire)| Ok((number_of(&number)?, instance(wire))))
                .collect::<Result<_, FormatError>>()?,
            installed: wire.installed.map(Digest),
        };
        resources.insert(address, resource);
    }
    Ok(Record {
        lineage: Lineage(wire.lineage),
        serial: Serial(text::counter("serial", wire.serial)?),
        fence: Epoch(text::counter("fence", wire.fence)?),
        scope: plan::scope(&wire.project, &wire.env, wire.component.as_deref())?,
        digest_key: wire.digest_key,
        engine: wire.engine,
        resources,
        applied_plans: wire.applied_plans.into_iter().map(PlanId).collect(),
        pending: wire
            .pending
            .into_iter()
            .map(pending)
            .collect::<Result<_, _>>()?,
        standing: flow::standing(wire.standing),
        flows: flow::flows(wire.flows)?,
        strays: Vec::new(),
    })
}

fn number_of(text: &str) -> Result<Instance, FormatError> {
    text.parse()
        .map(Instance)
        .map_err(|_| FormatError::Field(format!("`{text}` is no instance number")))
}

/// Reads an instance.
pub(in crate::formats) fn instance(wire: InstanceWire) -> RecordedInstance {
    RecordedInstance {
        id: ProviderId(wire.id),
        name: wire.name,
        image_id: wire.image_id.map(ImageId),
        op: OpId(wire.op),
        ready: wire.ready,
    }
}

/// Reads what is remembered of a resource.
pub(in crate::formats) fn shape(wire: ShapeWire) -> Result<Shape, FormatError> {
    let model: Model = wire
        .model
        .into_iter()
        .map(|(path, field)| {
            let field = match field {
                FieldWire::Plain(value) => Field::plain(value),
                FieldWire::Sensitive { sensitive } => Field::secret(&Digest(sensitive)),
            };
            (path, field)
        })
        .collect();
    Ok(Shape {
        model,
        hash: wire.hash,
        depends_on: wire
            .depends_on
            .iter()
            .map(|text| plan::address(text))
            .collect::<Result<_, _>>()?,
        teardown: Teardown {
            prestop: hooks(wire.teardown.prestop)?,
            poststop: hooks(wire.teardown.poststop)?,
            stop_grace: Duration::from_millis(wire.teardown.stop_grace_ms),
            stop_signal: wire.teardown.stop_signal,
        },
    })
}

fn hooks(wires: Vec<HookWire>) -> Result<Vec<Hook>, FormatError> {
    const PLACES: [HookPlace; 2] = [HookPlace::Host, HookPlace::Container];
    const FAILURES: [OnFailure; 2] = [OnFailure::Fail, OnFailure::Warn];
    wires
        .into_iter()
        .map(|wire| {
            Ok(Hook {
                command: match wire.run {
                    RunWire::Shell(line) => HookCommand::Shell(line),
                    RunWire::Argv(argv) => HookCommand::Argv(argv),
                },
                place: text::by_word(&PLACES, place_word, "where", &wire.place)?,
                timeout: Duration::from_millis(wire.timeout_ms),
                retries: wire.retries,
                on_failure: text::by_word(&FAILURES, failure_word, "on_failure", &wire.on_failure)?,
            })
        })
        .collect()
}

/// Reads an announced operation.
pub(in crate::formats) fn pending(wire: PendingWire) -> Result<Pending, FormatError> {
    Ok(Pending {
        run: RunId(wire.run),
        step: StepId(wire.step),
        op: OpId(wire.op),
        address: plan::address(&wire.address)?,
        instance: wire.instance.map(Instance),
        verb: wire.verb,
        target: wire.target.map(ProviderId),
    })
}
