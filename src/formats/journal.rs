//! The journal of a run: JSON lines that say what was about to happen and what came of it.
//!
//! A run that was killed leaves its journal behind; the next one folds its effects into the record and settles
//! the operations whose end it does not tell. A torn last line was never acted upon and is dropped. Every line ends with
//! a checksum of itself and all before it, so that none can be changed, left out or moved unseen.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::domain::effect::{Effect, Intent, OpEnd};
use crate::domain::ids::{Epoch, Lineage, OpId, RunId, Serial};
use crate::formats::error::FormatError;
use crate::formats::journal::effect::{EffectWire, effect, effect_wire};
use crate::formats::state::{self, PendingWire, ShapeWire};
use crate::formats::text;

mod effect;

/// Newest version that can be read and the one that is written.
pub const VERSION: u64 = 2;
/// First version whose lines have checksums.
const SUMMED: u64 = 2;
/// What stands before a line's checksum.
const SUM: &str = ",\"sum\":\"";
/// What stands behind it.
const END: &str = "\"}";
/// Letters of a checksum.
const SUM_LETTERS: usize = 16;

/// The checksum of the lines so far; of none at the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Chain(String);

impl Chain {
    fn add(&mut self, body: &[u8]) {
        let sum = Sha256::new().chain_update(&self.0).chain_update(body);
        let mut sum = text::hex(&sum.finalize());
        sum.truncate(SUM_LETTERS);
        self.0 = sum;
    }
}

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

/// Writes one line, line break included, behind those of the chain.
#[must_use]
pub fn encode_line(line: &Line, chain: &mut Chain) -> String {
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
    chain.add(text.as_bytes());
    text.pop();
    text.extend([SUM, &chain.0, END, "\n"]);
    text
}

/// Takes the checksum off a line: what it was made of, and the checksum itself.
fn unsummed(raw: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let rest = raw.strip_suffix(END.as_bytes())?;
    let (rest, sum) = rest.split_at_checked(rest.len().checked_sub(SUM_LETTERS)?)?;
    let body = rest.strip_suffix(SUM.as_bytes())?;
    Some(([body, b"}"].concat(), sum))
}

/// A journal as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Decoded {
    /// Its whole lines.
    pub lines: Vec<Line>,
    /// Bytes of a last line whose write did not come to its end; nothing was done because of it.
    pub torn: usize,
}

/// Reads a journal. A last line that is not whole is dropped and told. Damage anywhere else is an error that names the
/// line.
pub fn decode(bytes: &[u8]) -> Result<Decoded, FormatError> {
    let mut decoded = Decoded::default();
    let mut chain = Chain::default();
    let mut summed = None;
    for (index, raw) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let whole = raw.strip_suffix(b"\n");
        let content = whole.unwrap_or(raw);
        if content.is_empty() {
            continue;
        }
        let read = read_line(content, &mut chain, &mut summed);
        match (read, whole) {
            (Ok(line), Some(_)) => decoded.lines.push(line),
            // Only its line break is lost: nothing less than the whole line has its checksum.
            (Ok(line), None) if summed == Some(true) => decoded.lines.push(line),
            (_, None) => decoded.torn = raw.len(),
            (Err(fault), Some(_)) => {
                return Err(FormatError::Line {
                    line: index + 1,
                    fault: Box::new(fault),
                });
            }
        }
    }
    Ok(decoded)
}

/// Reads one line; the first says whether all have checksums.
fn read_line(
    raw: &[u8],
    chain: &mut Chain,
    summed: &mut Option<bool>,
) -> Result<Line, FormatError> {
    let found = unsummed(raw);
    let body = found.as_ref().map_or(raw, |(body, _)| body);
    let wire: LineWire = text::parse(body).and_then(text::from_value)?;
    let begins = match &wire {
        LineWire::Begun { version, .. } => Some(*version >= SUMMED),
        _ => None,
    };
    let must = *summed.get_or_insert(begins.unwrap_or(found.is_some()));
    let line = line(wire)?;
    match found {
        Some((body, written)) => {
            chain.add(&body);
            if chain.0.as_bytes() != written {
                return Err(FormatError::Checksum {
                    written: String::from_utf8_lossy(written).into_owned(),
                    content: chain.0.clone(),
                });
            }
        }
        None if must => return Err(FormatError::Field("`sum` is missing".to_owned())),
        None => {}
    }
    Ok(line)
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
