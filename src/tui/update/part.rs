//! Which part of the panel an action belongs to: the one table by which an action is judged and done.

use crate::tui::keymap::action::Action;
use crate::tui::model::Area;

/// A part of the panel that judges and does actions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Commands to the session, and ways between the areas.
    Acts,
    /// Cursor and folds.
    Moves,
    /// What lies above an area, and the panel as a program.
    Panel,
    /// The drawn graph.
    Graph,
    /// The run over time, and replays.
    Timeline,
    /// Past runs.
    History,
    /// Output.
    Reading,
    /// Themes, splits, mouse, jumps.
    Looks,
    /// Projects, editor, shell, and what the panel did.
    Rooms,
    /// Marks.
    Marks,
    /// Actions of the file.
    Flows,
}

/// Returns the part an action belongs to in an area.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a table: one line an action")]
pub fn part_of(action: Action, area: Area) -> Part {
    match action {
        Action::MakePlan
        | Action::Deploy
        | Action::Restore
        | Action::RestoreAll
        | Action::Accept
        | Action::Ignore
        | Action::Destroy
        | Action::Clean
        | Action::Cancel
        | Action::Unlock
        | Action::Logs
        | Action::Refresh
        | Action::Copy
        | Action::Quit
        | Action::NextArea
        | Action::PreviousArea
        | Action::Services
        | Action::Plans
        | Action::Runs
        | Action::Locks
        | Action::Drift
        | Action::History => Part::Acts,
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::Top
        | Action::Bottom
        | Action::Left
        | Action::Right
        | Action::Unfold
        | Action::Fold
        | Action::Toggle
        | Action::UnfoldAll
        | Action::FoldAll
        | Action::Details
        | Action::Back
        | Action::Follow => Part::Moves,
        Action::Interrupt
        | Action::Suspend
        | Action::Redraw
        | Action::Confirm
        | Action::Dismiss
        | Action::NextField
        | Action::Choose
        | Action::Filter
        | Action::Palette
        | Action::Help
        | Action::Usage
        | Action::Reveal => Part::Panel,
        Action::ToCritical | Action::Shape if area == Area::Run => Part::Timeline,
        Action::After
        | Action::FlipGraph
        | Action::ToDependency
        | Action::ToDependent
        | Action::ToCritical
        | Action::ToBlocker
        | Action::Shape => Part::Graph,
        Action::Play
        | Action::StepForward
        | Action::StepBack
        | Action::Faster
        | Action::Slower
        | Action::ReplayStart
        | Action::ReplayEnd
        | Action::NextFailure
        | Action::LeaveReplay
        | Action::ZoomIn
        | Action::ZoomOut
        | Action::Earlier
        | Action::Later => Part::Timeline,
        Action::Open if area == Area::History => Part::History,
        Action::Compare => Part::History,
        Action::Open
        | Action::Search
        | Action::SearchNext
        | Action::SearchPrevious
        | Action::Only
        | Action::Streams
        | Action::Wrap
        | Action::Times
        | Action::Lens
        | Action::Marker
        | Action::Save => Part::Reading,
        Action::Theme
        | Action::Themes
        | Action::Jump
        | Action::Wider
        | Action::Narrower
        | Action::Even
        | Action::Mouse
        | Action::KeyProblems => Part::Looks,
        Action::Places
        | Action::Environments
        | Action::NextRoom
        | Action::PreviousRoom
        | Action::Edit
        | Action::Shell
        | Action::Deeds
        | Action::SaveScript
        | Action::Bundle
        | Action::Figures => Part::Rooms,
        Action::Mark | Action::MarkAll | Action::Unmark => Part::Marks,
        Action::RunAction | Action::Retry | Action::Skip | Action::Abort => Part::Flows,
    }
}
