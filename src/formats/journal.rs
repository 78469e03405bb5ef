//! The journal of a run: JSON lines that say what was about to happen and what came of it.
//!
//! A run that was killed leaves its journal behind; the next one folds its effects into the record and settles
//! the operations whose end it does not tell. A torn last line was never acted upon and is dropped.

use serde::{Deserialize, Serialize};

use crate::domain::effect::{Effect, Intent, OpEnd};
use crate::domain::ids::{Epoch, Lineage, OpId, RunId, Serial};
use crate::formats::error::FormatError;
use crate::formats::journal::effect::{EffectWire, effect, effect_wire};
use crate::formats::state::{self, PendingWire, ShapeWire};
use crate::formats::text;

mod effect;

/// Newest version that can be read and the one that is written.
pub const VERSION: u64 = 1;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// First line: whose journal it is.
    Begun {
        /// The run.
        run: RunId,
        /// State it belongs to.
        lineage: Lineage,
        /// Fencing token it runs under.
        epoch: Epoch,
    },
    /// An operation is about to be called. Durable before the call.
    Intent(Box<Intent>),
    /// An operation ended; `effect` is what it left in the record.
    Outcome {
        /// The operation.
        op: OpId,
        /// How.
        end: OpEnd,
        /// What it left.
        effect: Option<Effect>,
    },
    /// Something else the record has to remember.
    Effect(Effect),
    /// Everything above is in the snapshot of this number.
    Folded {
        /// The snapshot.
        serial: Serial,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum LineWire {
    Begun {
        version: u64,
        run: String,
        lineage: String,
        epoch: u64,
    },
    Intent {
        pending: PendingWire,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shape: Option<ShapeWire>,
    },
    Outcome {
        op: String,
        end: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effect: Option<EffectWire>,
    },
    Effect {
        effect: EffectWire,
    },
    Folded {
        serial: u64,
    },
}

/// Writes one line, line break included.
#[must_use]
pub fn encode_line(line: &Line) -> String {
    let wire = match line {
        Line::Begun {
            run,
            lineage,
            epoch,
        } => LineWire::Begun {
            version: VERSION,
            run: run.to_string(),
            lineage: lineage.to_string(),
            epoch: epoch.0,
        },
        Line::Intent(intent) => LineWire::Intent {
            pending: state::pending_wire(&intent.pending),
            shape: intent.shape.as_ref().map(state::shape_wire),
        },
        Line::Outcome { op, end, effect } => LineWire::Outcome {
            op: op.to_string(),
            end: end_word(*end).to_owned(),
            effect: effect.as_ref().map(effect_wire),
        },
        Line::Effect(effect) => LineWire::Effect {
            effect: effect_wire(effect),
        },
        Line::Folded { serial } => LineWire::Folded { serial: serial.0 },
    };
    let mut text = serde_json::to_string(&wire).unwrap_or_default();
    text.push('\n');
    text
}

/// A journal as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Decoded {
    /// Its whole lines.
    pub lines: Vec<Line>,
    /// Bytes of a last line whose write did not come to its end; nothing was done because of it.
    pub torn: usize,
}

/// Reads a journal. A last line without its line break is dropped and told. Damage anywhere else is an error that
/// names the line.
pub fn decode(bytes: &[u8]) -> Result<Decoded, FormatError> {
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let mut lines = Vec::new();
    let raws = bytes.get(..whole).unwrap_or_default();
    for (index, raw) in raws.split(|byte| *byte == b'\n').enumerate() {
        if raw.is_empty() {
            continue;
        }
        let read = text::parse(raw).and_then(text::from_value).and_then(line);
        lines.push(read.map_err(|fault| FormatError::Line {
            line: index + 1,
            fault: Box::new(fault),
        })?);
    }
    Ok(Decoded {
        lines,
        torn: bytes.len() - whole,
    })
}

const ENDS: [OpEnd; 3] = [OpEnd::Done, OpEnd::Failed, OpEnd::Unknown];

fn end_word(end: OpEnd) -> &'static str {
    match end {
        OpEnd::Done => "done",
        OpEnd::Failed => "failed",
        OpEnd::Unknown => "unknown",
    }
}

fn line(wire: LineWire) -> Result<Line, FormatError> {
    Ok(match wire {
        LineWire::Begun { version, .. } if version > VERSION => {
            return Err(FormatError::Newer {
                found: version,
                known: VERSION,
            });
        }
        LineWire::Begun {
            version: _,
            run,
            lineage,
            epoch,
        } => Line::Begun {
            run: RunId(run),
            lineage: Lineage(lineage),
            epoch: Epoch(epoch),
        },
        LineWire::Intent { pending, shape } => Line::Intent(Box::new(Intent {
            pending: state::pending(pending)?,
            shape: shape.map(state::shape).transpose()?,
        })),
        LineWire::Outcome {
            op,
            end,
            effect: left,
        } => Line::Outcome {
            op: OpId(op),
            end: text::by_word(&ENDS, end_word, "end", &end)?,
            effect: left.map(effect).transpose()?,
        },
        LineWire::Effect { effect: left } => Line::Effect(effect(left)?),
        LineWire::Folded { serial } => Line::Folded {
            serial: Serial(serial),
        },
    })
}
