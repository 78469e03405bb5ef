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
    /// Compare and show the plan.
    MakePlan,
    /// Deploy.
    Deploy,
    /// Undo the drift of the chosen resource.
    Restore,
    /// Undo all drift.
    RestoreAll,
    /// Take services down.
    Destroy,
    /// Take services and volumes down.
    Clean,
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
    /// Area: locks and state.
    Locks,
    /// Area: drift.
    Drift,
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
}

impl Context {
    /// All contexts.
    pub const ALL: [Self; 11] = [
        Self::Services,
        Self::Plan,
        Self::Run,
        Self::Locks,
        Self::Drift,
        Self::Logs,
        Self::Help,
        Self::Dialog,
        Self::Typed,
        Self::Input,
        Self::Palette,
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
            Self::Logs => "output of a service",
            Self::Help => "help",
            Self::Dialog => "dialogs",
            Self::Typed => "typed confirmation",
            Self::Input => "filter",
            Self::Palette => "list of actions",
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
