//! How many rows and columns a terminal has.

use alacritty_terminal::grid::Dimensions;

/// The size of a terminal in character cells; always one that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    rows: u16,
    cols: u16,
}

impl Size {
    /// The most rows, and the most columns, a screen may have.
    pub const MAX: u16 = 1000;

    /// Makes a size of 1 to 1000 rows and 2 to 1000 columns; a wide character needs two columns.
    pub fn new(rows: u16, cols: u16) -> Option<Self> {
        ((1..=Self::MAX).contains(&rows) && (2..=Self::MAX).contains(&cols)).then_some(Self { rows, cols })
    }

    /// The number of rows.
    pub fn rows(self) -> u16 {
        self.rows
    }

    /// The number of columns.
    pub fn cols(self) -> u16 {
        self.cols
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { rows: 24, cols: 80 }
    }
}

impl Dimensions for Size {
    fn total_lines(&self) -> usize {
        self.rows.into()
    }

    fn screen_lines(&self) -> usize {
        self.rows.into()
    }

    fn columns(&self) -> usize {
        self.cols.into()
    }
}
