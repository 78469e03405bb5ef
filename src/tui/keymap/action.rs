//! Everything a key can ask of the panel, and where a key is being pressed.

/// A wish of the person at the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Go up one row.
    Up,
    /// Go down one row.
    Down,
    /// Go up half a screen.
    PageUp,
    /// Go down half a screen.
    PageDown,
    /// Go to the first row.
    Top,
    /// Go to the last row.
    Bottom,
    /// Move text to the left.
    Left,
    /// Move text to the right.
    Right,
    /// Open the row.
    Unfold,
    /// Close the row, or go to its parent.
    Fold,
    /// Open or close the row.
    Toggle,
    /// Open every row.
    UnfoldAll,
    /// Close every row.
    FoldAll,
    /// Go to the details of the row.
    Details,
    /// Leave what is open.
    Back,
    /// Next area.
    NextArea,
    /// Previous area.
    PreviousArea,
    /// Services.
    Services,
    /// Plan.
    Plans,
    /// Run.
    Runs,
    /// Locks and state.
    Locks,
    /// Drift.
    Drift,
    /// History.
    History,
    /// Compare and show the plan.
    MakePlan,
    /// Deploy.
    Deploy,
    /// Undo the drift of the chosen resource.
    Restore,
    /// Undo all drift.
    RestoreAll,
    /// Record what is live.
    Accept,
    /// Set drift aside, or let it count again.
    Ignore,
    /// Take services down.
    Destroy,
    /// Take services and volumes down.
    Clean,
    /// Choose an action of the file and run it.
    RunAction,
    /// Let an action that stopped go on at the step it stopped at.
    Retry,
    /// Let an action that stopped go on behind that step.
    Skip,
    /// Give an action that stopped up.
    Abort,
    /// Stop the run.
    Cancel,
    /// Clear the lock.
    Unlock,
    /// Output of the service.
    Logs,
    /// Look again.
    Refresh,
    /// Follow the run with the cursor.
    Follow,
    /// Narrow the list.
    Filter,
    /// List of all actions.
    Palette,
    /// Help.
    Help,
    /// Copy what is chosen.
    Copy,
    /// Draw the same in another shape: tree or graph, steps or timeline.
    Shape,
    /// Flip the graph between now and after the plan.
    After,
    /// Show what services use beside them, or not.
    Usage,
    /// Go to what the chosen service depends on.
    ToDependency,
    /// Go to what depends on the chosen service.
    ToDependent,
    /// Go to the next one on the critical path.
    ToCritical,
    /// Go to what the chosen one waits for.
    ToBlocker,
    /// Show values that sound like secrets, or hide them.
    Reveal,
    /// Draw the graph the other way round.
    FlipGraph,
    /// Open the chosen one: the whole output of a step, a past run.
    Open,
    /// Compare two past runs.
    Compare,
    /// Let a replayed run go on, or hold it.
    Play,
    /// One event further in a replay.
    StepForward,
    /// One event back in a replay.
    StepBack,
    /// Replay faster.
    Faster,
    /// Replay slower.
    Slower,
    /// Go to the start of a replay.
    ReplayStart,
    /// Go to the end of a replay.
    ReplayEnd,
    /// Go to the next failure.
    NextFailure,
    /// Leave the replay.
    LeaveReplay,
    /// Show a shorter time over the same width.
    ZoomIn,
    /// Show a longer time over the same width.
    ZoomOut,
    /// Show an earlier part of the time.
    Earlier,
    /// Show a later part of the time.
    Later,
    /// Find text in the output.
    Search,
    /// Next find.
    SearchNext,
    /// Previous find.
    SearchPrevious,
    /// Show only lines that match.
    Only,
    /// Show one stream of the output, or all.
    Streams,
    /// Wrap long lines, or not.
    Wrap,
    /// Show the times of lines, or not.
    Times,
    /// Fold repeated lines and stack traces, and mark what is new.
    Lens,
    /// Set a line of our own into the output.
    Marker,
    /// Save the output to a file.
    Save,
    /// Next theme.
    Theme,
    /// Choose a theme.
    Themes,
    /// Go to anything by its name.
    Jump,
    /// Give the list more room.
    Wider,
    /// Give the list less room.
    Narrower,
    /// Give list and details the same room.
    Even,
    /// Take the mouse, or leave it to the terminal.
    Mouse,
    /// Show what is wrong with the file of keys or themes.
    KeyProblems,
    /// Choose a project and environment.
    Places,
    /// Choose an environment.
    Environments,
    /// Go to the next open project.
    NextRoom,
    /// Go to the previous open project.
    PreviousRoom,
    /// Edit the project file.
    Edit,
    /// Open a shell in the chosen service.
    Shell,
    /// Show what the panel did.
    Deeds,
    /// Save what the panel did as a script.
    SaveScript,
    /// Write a bundle for a report.
    Bundle,
    /// Show how the panel itself does.
    Figures,
    /// Mark the chosen one.
    Mark,
    /// Mark all that are shown.
    MarkAll,
    /// Take all marks away.
    Unmark,
    /// Confirm a dialog.
    Confirm,
    /// Leave a dialog.
    Dismiss,
    /// Next field of a dialog.
    NextField,
    /// Take the chosen row of a list of choices.
    Choose,
    /// Leave the panel.
    Quit,
    /// Stop what runs, or leave.
    Interrupt,
    /// Go to the background.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// Where a key is being pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// Area: services.
    Services,
    /// Area: plan.
    Plan,
    /// Area: run.
    Run,
    /// Area: drift.
    Drift,
    /// Area: locks and state.
    Locks,
    /// Area: history.
    History,
    /// Output of a service.
    Logs,
    /// Help screen.
    Help,
    /// A dialog that is confirmed with one key.
    Dialog,
    /// A dialog that is confirmed by typing.
    Typed,
    /// A line of text that narrows a list.
    Input,
    /// The list of all actions.
    Palette,
    /// Everything the panel did.
    Deeds,
}

impl Context {
    /// All contexts.
    pub const ALL: [Self; 13] = [
        Self::Services,
        Self::Plan,
        Self::Run,
        Self::Drift,
        Self::Locks,
        Self::History,
        Self::Logs,
        Self::Help,
        Self::Dialog,
        Self::Typed,
        Self::Input,
        Self::Palette,
        Self::Deeds,
    ];

    /// Returns its name on the help screen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Plan => "plan",
            Self::Run => "run",
            Self::Locks => "locks",
            Self::Drift => "drift",
            Self::History => "history",
            Self::Logs => "output of a service",
            Self::Help => "help",
            Self::Dialog => "dialogs",
            Self::Typed => "typed confirmation",
            Self::Input => "filter",
            Self::Palette => "list of actions",
            Self::Deeds => "log of the panel",
        }
    }

    /// Tells whether characters go into a text field here before they are looked up as keys.
    #[must_use]
    pub fn takes_text(self) -> bool {
        matches!(self, Self::Input | Self::Palette | Self::Typed)
    }
}

/// What an action is about; the order is the order on the help screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Changes the world.
    Act,
    /// Shows something.
    Look,
    /// Moves the cursor.
    Move,
    /// Goes somewhere else.
    Go,
    /// Answers a dialog.
    Answer,
    /// Is about the panel itself.
    Panel,
}

impl Group {
    /// All groups in the order of the help screen.
    pub const ALL: [Self; 6] = [
        Self::Act,
        Self::Look,
        Self::Move,
        Self::Go,
        Self::Answer,
        Self::Panel,
    ];

    /// Returns its heading.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Act => "change things",
            Self::Look => "look",
            Self::Move => "move",
            Self::Go => "areas",
            Self::Answer => "dialogs and lists",
            Self::Panel => "panel",
        }
    }
}
