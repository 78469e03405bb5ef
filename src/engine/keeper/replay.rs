//! What announcements, outcomes and other effects make of the record: the same while a run is on and when its
//! journal is read.

use crate::domain::effect::{Effect, Intent, OpEnd};
use crate::engine::keeper::Keeper;
use crate::formats::journal::Line;

impl Keeper {
    pub(super) fn announce(&mut self, intent: Intent) {
        if let (Some(record), Some(shape)) = (&mut self.record, &intent.shape) {
            record.fold(&Effect::Announced {
                address: intent.pending.address.clone(),
                shape: shape.clone(),
            });
        }
        self.open.insert(intent.pending.op.clone(), intent);
    }

    pub(super) fn replay(&mut self, line: Line) {
        match line {
            Line::Begun { .. } | Line::Folded { .. } => {}
            Line::Intent(intent) => self.announce(*intent),
            Line::Effect(effect) => {
                if let Some(record) = &mut self.record {
                    record.fold(&effect);
                }
            }
            Line::Outcome { op, end, effect } => match end {
                OpEnd::Unknown => {}
                OpEnd::Done => {
                    // What is not open was settled by somebody else, who knows better what came of it.
                    let Some(intent) = self.open.remove(&op) else {
                        return;
                    };
                    self.reannounce(intent);
                    if let (Some(record), Some(effect)) = (&mut self.record, effect) {
                        record.fold(&effect);
                    }
                }
                OpEnd::Failed => {
                    let intent = self.open.remove(&op);
                    if let (Some(record), Some(intent)) = (&mut self.record, intent) {
                        record.forget_unborn(&intent.pending.address);
                    }
                }
            },
        }
    }

    /// A failed sibling may have taken the announced resource with it.
    fn reannounce(&mut self, intent: Intent) {
        let op = intent.pending.op.clone();
        self.announce(intent);
        self.open.remove(&op);
    }
}
