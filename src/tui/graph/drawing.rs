//! The drawing: boxes and lines in cells, towards the right or downwards.

/// Where what comes later stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flow {
    /// To the right.
    Right,
    /// Below.
    Down,
}

/// How much a box says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Three lines in a frame.
    Full,
    /// Two lines in a frame.
    Medium,
    /// One line in a frame.
    Small,
    /// One line.
    Dense,
}

impl Class {
    /// All, the biggest first.
    pub const ALL: [Self; 4] = [Self::Full, Self::Medium, Self::Small, Self::Dense];

    /// Returns whether a frame is drawn.
    #[must_use]
    pub fn framed(self) -> bool {
        self != Self::Dense
    }
    /// Returns the rows of a box.
    #[must_use]
    pub fn height(self) -> i32 {
        match self {
            Self::Full => 5,
            Self::Medium => 4,
            Self::Small => 3,
            Self::Dense => 1,
        }
    }
    /// Returns the columns of a box for a name.
    pub(super) fn width(self, name: usize) -> i32 {
        let (beside, least, most) = match self {
            Self::Full | Self::Medium => (10, 24, 36),
            Self::Small => (13, 20, 36),
            Self::Dense => (10, 16, 34),
        };
        i32::try_from(name.saturating_add(beside))
            .unwrap_or(most)
            .clamp(least, most)
    }
}

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Spot {
    /// First column.
    pub x: i32,
    /// First row.
    pub y: i32,
    /// Columns.
    pub w: i32,
    /// Rows.
    pub h: i32,
}

impl Spot {
    /// Tells whether a cell lies in it.
    #[must_use]
    pub fn holds(&self, x: i32, y: i32) -> bool {
        x >= self.x && x < self.x + self.w && y >= self.y && y < self.y + self.h
    }
    /// Tells whether two have a cell in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.x < other.x + other.w
            && other.x < self.x + self.w
            && self.y < other.y + other.h
            && other.y < self.y + self.h
    }
    /// Returns the cell in its middle.
    #[must_use]
    pub fn middle(&self) -> (i32, i32) {
        (self.x + self.w / 2, self.y + self.h / 2)
    }
}

/// One piece of a line: from an item of one layer to one of the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Box the line comes from in the end.
    pub source: usize,
    /// Box it leads to; `None`: it goes on as another piece.
    pub target: Option<usize>,
    /// Corners from the first to the last cell; each differs from the one before in one direction only.
    pub points: Vec<(i32, i32)>,
    /// The piece it continues.
    pub before: Option<usize>,
}

/// Boxes and lines in cells; the first cell is (0, 0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Direction.
    pub flow: Flow,
    /// Size of boxes.
    pub class: Class,
    /// Columns.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// Boxes, in the order of the shape's nodes.
    pub boxes: Vec<Spot>,
    /// Pieces of lines.
    pub wires: Vec<Wire>,
}

impl Drawing {
    /// Tells whether it can be seen whole.
    #[must_use]
    pub fn fits(&self, (width, height): (i32, i32)) -> bool {
        self.width <= width && self.height <= height
    }
    /// Returns the box at a cell.
    #[must_use]
    pub fn at(&self, x: i32, y: i32) -> Option<usize> {
        self.boxes.iter().position(|spot| spot.holds(x, y))
    }
    /// Returns the pieces of the edges that touch a box: its own lines, and those that lead to it.
    #[must_use]
    pub fn around(&self, node: usize) -> Vec<usize> {
        let mut pieces = Vec::new();
        for (index, wire) in self.wires.iter().enumerate() {
            if wire.source == node {
                pieces.push(index);
            } else if wire.target == Some(node) {
                pieces.push(index);
                let mut before = wire.before;
                while let Some((at, piece)) = before.and_then(|b| Some((b, self.wires.get(b)?))) {
                    pieces.push(at);
                    before = piece.before;
                }
            }
        }
        pieces
    }
}
