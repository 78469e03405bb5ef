//! What an operation leaves in the record, on the wire of the journal.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::effect::Effect;
use crate::domain::flow::Standing;
use crate::domain::ids::{Digest, Instance, ProviderId, StepId};
use crate::formats::error::FormatError;
use crate::formats::plan;
use crate::formats::state::{
    self, FlowRunWire, InstanceWire, MarkWire, ShapeWire, StandingWire, is_false,
};

/// One assignment.
#[derive(Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "snake_case")]
pub(super) enum EffectWire {
    Announced {
        address: String,
        shape: ShapeWire,
    },
    InstanceMade {
        address: String,
        instance: u32,
        made: InstanceWire,
    },
    InstanceReady {
        address: String,
        instance: u32,
        ready: bool,
    },
    InstanceRenamed {
        address: String,
        instance: u32,
        name: String,
    },
    InstanceGone {
        address: String,
        instance: u32,
        id: Option<String>,
    },
    ObjectMade {
        address: String,
        id: String,
        #[serde(default, skip_serializing_if = "is_false")]
        bare: bool,
    },
    ObjectGone {
        address: String,
    },
    Installed {
        address: String,
        manifest: String,
    },
    Applied {
        address: String,
        shape: ShapeWire,
    },
    Forgotten {
        address: String,
    },
    FlowBegun {
        address: String,
        purpose: String,
        #[serde(default)]
        inputs: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        secrets: BTreeSet<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<FlowRunWire>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        digests: BTreeMap<String, String>,
    },
    Concluded {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        standing: Option<StandingWire>,
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        over: BTreeSet<String>,
    },
    FlowReleased {
        address: String,
    },
    FlowStep {
        address: String,
        step: String,
        mark: MarkWire,
    },
    FlowCleaned {
        purpose: String,
        step: String,
        digest: String,
    },
}

/// Writes an effect.
pub(super) fn effect_wire(effect: &Effect) -> EffectWire {
    match effect {
        Effect::Announced { address, shape } => EffectWire::Announced {
            address: address.to_string(),
            shape: state::shape_wire(shape),
        },
        Effect::InstanceMade {
            address,
            instance,
            made,
        } => EffectWire::InstanceMade {
            address: address.to_string(),
            instance: instance.0,
            made: state::instance_wire(made),
        },
        Effect::InstanceReady {
            address,
            instance,
            ready,
        } => EffectWire::InstanceReady {
            address: address.to_string(),
            instance: instance.0,
            ready: *ready,
        },
        Effect::InstanceRenamed {
            address,
            instance,
            name,
        } => EffectWire::InstanceRenamed {
            address: address.to_string(),
            instance: instance.0,
            name: name.clone(),
        },
        Effect::InstanceGone {
            address,
            instance,
            id,
        } => EffectWire::InstanceGone {
            address: address.to_string(),
            instance: instance.0,
            id: id.as_ref().map(ToString::to_string),
        },
        Effect::ObjectMade { address, id, bare } => EffectWire::ObjectMade {
            address: address.to_string(),
            id: id.to_string(),
            bare: *bare,
        },
        Effect::ObjectGone { address } => EffectWire::ObjectGone {
            address: address.to_string(),
        },
        Effect::Installed { address, manifest } => EffectWire::Installed {
            address: address.to_string(),
            manifest: manifest.to_string(),
        },
        Effect::Applied { address, shape } => EffectWire::Applied {
            address: address.to_string(),
            shape: state::shape_wire(shape),
        },
        Effect::Forgotten { address } => EffectWire::Forgotten {
            address: address.to_string(),
        },
        Effect::FlowBegun {
            address,
            purpose,
            inputs,
            secrets,
            run,
            steps,
        } => EffectWire::FlowBegun {
            address: address.to_string(),
            purpose: purpose.clone(),
            inputs: inputs.clone(),
            secrets: secrets.clone(),
            run: run.as_ref().map(Into::into),
            digests: state::digests_wire(steps),
        },
        Effect::Concluded { standing, over } => concluded_wire(standing, over),
        Effect::FlowReleased { address } => EffectWire::FlowReleased {
            address: address.to_string(),
        },
        Effect::FlowStep {
            address,
            step,
            mark,
        } => EffectWire::FlowStep {
            address: address.to_string(),
            step: step.clone(),
            mark: state::mark_wire(mark),
        },
        Effect::FlowCleaned {
            purpose,
            step,
            digest,
        } => EffectWire::FlowCleaned {
            purpose: purpose.clone(),
            step: step.to_string(),
            digest: digest.to_string(),
        },
    }
}

fn concluded_wire(standing: &Standing, over: &BTreeSet<String>) -> EffectWire {
    EffectWire::Concluded {
        standing: state::standing_wire(standing),
        over: over.clone(),
    }
}

fn concluded(standing: Option<StandingWire>, over: BTreeSet<String>) -> Effect {
    Effect::Concluded {
        standing: state::standing(standing),
        over,
    }
}

/// Reads an effect.
pub(super) fn effect(wire: EffectWire) -> Result<Effect, FormatError> {
    let read = |text: &str| plan::address(text);
    Ok(match wire {
        EffectWire::Announced { address, shape } => Effect::Announced {
            address: read(&address)?,
            shape: state::shape(shape)?,
        },
        EffectWire::InstanceMade {
            address,
            instance,
            made,
        } => Effect::InstanceMade {
            address: read(&address)?,
            instance: Instance(instance),
            made: state::instance(made),
        },
        EffectWire::InstanceReady {
            address,
            instance,
            ready,
        } => Effect::InstanceReady {
            address: read(&address)?,
            instance: Instance(instance),
            ready,
        },
        EffectWire::InstanceRenamed {
            address,
            instance,
            name,
        } => Effect::InstanceRenamed {
            address: read(&address)?,
            instance: Instance(instance),
            name,
        },
        EffectWire::InstanceGone {
            address,
            instance,
            id,
        } => Effect::InstanceGone {
            address: read(&address)?,
            instance: Instance(instance),
            id: id.map(ProviderId),
        },
        EffectWire::ObjectMade { address, id, bare } => Effect::ObjectMade {
            address: read(&address)?,
            id: ProviderId(id),
            bare,
        },
        EffectWire::ObjectGone { address } => Effect::ObjectGone {
            address: read(&address)?,
        },
        EffectWire::Installed { address, manifest } => Effect::Installed {
            address: read(&address)?,
            manifest: Digest(manifest),
        },
        EffectWire::Applied { address, shape } => Effect::Applied {
            address: read(&address)?,
            shape: state::shape(shape)?,
        },
        EffectWire::Forgotten { address } => Effect::Forgotten {
            address: read(&address)?,
        },
        EffectWire::FlowBegun {
            address,
            purpose,
            inputs,
            secrets,
            run,
            digests,
        } => Effect::FlowBegun {
            address: read(&address)?,
            purpose,
            inputs,
            secrets,
            run: run.map(Into::into),
            steps: state::digests(digests),
        },
        EffectWire::Concluded { standing, over } => concluded(standing, over),
        EffectWire::FlowReleased { address } => Effect::FlowReleased {
            address: read(&address)?,
        },
        EffectWire::FlowStep {
            address,
            step,
            mark,
        } => Effect::FlowStep {
            address: read(&address)?,
            step,
            mark: state::mark(mark)?,
        },
        EffectWire::FlowCleaned {
            purpose,
            step,
            digest,
        } => Effect::FlowCleaned {
            purpose,
            step: StepId(step),
            digest: Digest(digest),
        },
    })
}
