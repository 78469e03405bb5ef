//! The critical path of a run: the chain of steps, each begun because the one before had ended, that made the
//! run as long as it was. Shortening anything else would not have ended it sooner.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::history::view::{RunView, StepView};
use crate::domain::ids::{Address, StepId};
use crate::domain::plan::model::{Action, Step};
use crate::domain::time::Wall;

/// A step that begins this soon after another ended, with nothing else to wait for, had waited for its worker.
const HANDOVER: i64 = 50;

/// One step of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The step.
    pub step: StepId,
    /// When it began.
    pub from: Wall,
    /// When it ended; `None`: it is under way.
    pub to: Option<Wall>,
}

impl Leg {
    /// Returns how long it took, once it ended.
    #[must_use]
    pub fn took(&self) -> Option<std::time::Duration> {
        let ms = self.to?.0.saturating_sub(self.from.0);
        Some(std::time::Duration::from_millis(
            u64::try_from(ms).unwrap_or(0),
        ))
    }
}

/// Returns the steps of the critical path, the first one first.
#[must_use]
pub fn critical_path(run: &RunView) -> Vec<StepId> {
    legs(run).into_iter().map(|leg| leg.step).collect()
}

/// Returns the critical path with its times.
#[must_use]
pub fn legs(run: &RunView) -> Vec<Leg> {
    let known = Known::of(run);
    let Some(last) = known.last() else {
        return Vec::new();
    };
    let mut path = vec![last];
    let mut seen: BTreeSet<&StepId> = BTreeSet::from([last]);
    while let Some(before) = path.last().and_then(|step| known.before(step, &seen)) {
        seen.insert(before);
        path.push(before);
    }
    path.iter()
        .rev()
        .filter_map(|step| {
            let span = known.spans.get(step)?;
            Some(Leg {
                step: (*step).clone(),
                from: span.from,
                to: span.to,
            })
        })
        .collect()
}

/// When a step was under way.
#[derive(Clone, Copy)]
struct Span {
    from: Wall,
    to: Option<Wall>,
}

impl Span {
    fn of(view: &StepView) -> Option<Self> {
        Some(Self {
            from: view.started?,
            to: view.finished,
        })
    }
    fn end(self) -> i64 {
        self.to.map_or(i64::MAX, |to| to.0)
    }
}

/// A run with its plan's steps by id.
struct Known<'a> {
    spans: BTreeMap<&'a StepId, Span>,
    planned: BTreeMap<&'a StepId, (&'a Action, &'a Step)>,
    by_action: BTreeMap<&'a Address, &'a Action>,
    /// Steps by the time they ended.
    ends: BTreeMap<(i64, &'a StepId), usize>,
    /// Whether each layer waited for the one before.
    layered: bool,
}

impl<'a> Known<'a> {
    fn of(run: &'a RunView) -> Self {
        let spans: BTreeMap<&StepId, Span> = run
            .steps
            .iter()
            .filter_map(|(id, view)| Some((id, Span::of(view)?)))
            .collect();
        let actions = run.plan.as_deref().map_or(&[][..], |plan| &plan.actions);
        let working = || actions.iter().filter(|action| !action.is_noop());
        let mut known = Self {
            planned: working()
                .flat_map(|action| action.steps.iter().map(move |s| (&s.id, (action, s))))
                .collect(),
            by_action: working().map(|action| (&action.address, action)).collect(),
            ends: BTreeMap::new(),
            layered: true,
            spans,
        };
        let mut layers: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
        for (id, span) in &known.spans {
            let layer = known.planned.get(id).map_or(0, |(action, _)| action.layer);
            known.ends.insert((span.end(), id), layer);
            let (from, to) = layers.entry(layer).or_insert((i64::MAX, i64::MIN));
            *from = span.from.0.min(*from);
            *to = span.end().max(*to);
        }
        let mut ended = i64::MIN;
        for (from, to) in layers.into_values() {
            known.layered &= from >= ended;
            ended = ended.max(to);
        }
        known
    }

    /// The step that ended last; of those under way, the one that began first.
    fn last(&self) -> Option<&'a StepId> {
        self.spans
            .iter()
            .max_by_key(|(id, span)| (span.end(), std::cmp::Reverse((span.from, **id))))
            .map(|(id, _)| *id)
    }

    /// The step whose end let this one begin.
    fn before(&self, step: &StepId, seen: &BTreeSet<&StepId>) -> Option<&'a StepId> {
        let begun = self.spans.get(step)?.from.0;
        let fits = |id: &&StepId| !seen.contains(*id);
        let mut found = self.awaited(step, begun, seen);
        let layer = self.planned.get(step).map_or(0, |(action, _)| action.layer);
        // Every key whose time is `begun` or less: none of the next millisecond sorts before the smallest id.
        let smallest = *self.spans.keys().next()?;
        let mut earlier = self.ends.range(..(begun.saturating_add(1), smallest)).rev();
        if self.layered
            && layer > 0
            && let Some(((end, id), _)) = earlier
                .clone()
                .find(|((_, id), other)| **other < layer && fits(id))
            && found.is_none_or(|(known, _)| known < *end)
        {
            found = Some((*end, id));
        }
        let idle_since = found.map_or(i64::MIN, |(end, _)| end);
        if begun.saturating_sub(idle_since) > HANDOVER
            && let Some(((end, id), _)) = earlier.find(|((_, id), _)| fits(id))
            && begun.saturating_sub(*end) <= HANDOVER
        {
            found = Some((*end, id));
        }
        found.map(|(_, id)| id)
    }

    /// Of the steps this one had to wait for, the one that ended last.
    fn awaited(
        &self,
        step: &StepId,
        begun: i64,
        seen: &BTreeSet<&StepId>,
    ) -> Option<(i64, &'a StepId)> {
        let (action, planned) = self.planned.get(step)?;
        let needed = planned.needs.iter();
        let of_others = action
            .depends_on
            .iter()
            .filter_map(|address| self.by_action.get(address))
            .flat_map(|other| other.steps.iter().map(|s| &s.id));
        needed
            .chain(of_others)
            .filter_map(|id| self.spans.get_key_value(id))
            .filter(|(id, span)| span.end() <= begun && !seen.contains(*id))
            .map(|(id, span)| (span.end(), *id))
            .max()
    }
}
