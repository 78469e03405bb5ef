//! What the record learns of procedures beside the effects of operations.

use crate::domain::effect::{Effect, OpEnd};
use crate::domain::ids::OpId;
use crate::domain::record::Record;
use crate::engine::keeper::Keeper;
use crate::engine::reconcile::EngineError;
use crate::formats::journal::Line;
use crate::ports::world::World;

impl Keeper {
    /// Notes that a step of a procedure is done; when it returns, that is durable.
    pub fn done_for_good<W: World>(
        &mut self,
        world: &W,
        op: &OpId,
        effect: Option<Effect>,
    ) -> Result<(), EngineError> {
        let line = Line::Outcome {
            op: op.clone(),
            end: OpEnd::Done,
            effect,
        };
        let written = self.append(world, std::slice::from_ref(&line), true);
        self.replay(line);
        written
    }

    /// Changes what a run that ended well leaves beside its operations.
    pub fn conclude(&mut self, change: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            change(record);
        }
    }
}
