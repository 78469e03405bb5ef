//! What the record learns of procedures beside the effects of operations.

use std::collections::BTreeSet;

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

    /// Changes what a run that ended well leaves beside its operations. The journal may outlive the snapshot and would
    /// begin anew what is over, so that is durable there too.
    pub fn conclude<W: World>(&mut self, world: &W, change: impl FnOnce(&mut Record)) {
        let Some(record) = &mut self.record else {
            return;
        };
        let before = (record.standing.clone(), record.flows.clone());
        change(record);
        let is_over = |name: &&String| !record.flows.contains_key(*name);
        let over: BTreeSet<String> = before.1.keys().filter(is_over).cloned().collect();
        if over.is_empty() && record.standing == before.0 {
            return;
        }
        let standing = record.standing.clone();
        let line = Line::Effect(Effect::Concluded { standing, over });
        // The snapshot has it too, and where neither can be written it is the snapshot that is told.
        if let Err(error) = self.append(world, &[line], true) {
            tracing::warn!(%error, "the journal does not say what is over");
        }
    }
}
