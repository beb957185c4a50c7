//! What a terminal shows.

/// How large a terminal is, in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    rows: u16,
    cols: u16,
}

impl Size {
    /// A size that can be emulated: 1 to 1000 rows, 2 to 1000 columns.
    pub fn new(rows: u16, cols: u16) -> Option<Self> {
        ((1..=1000).contains(&rows) && (2..=1000).contains(&cols)).then_some(Self { rows, cols })
    }

    /// Its rows.
    pub fn rows(self) -> u16 {
        self.rows
    }

    /// Its columns.
    pub fn cols(self) -> u16 {
        self.cols
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { rows: 24, cols: 80 }
    }
}

/// Takes everything back that a program may have set in a terminal.
pub const RESET: &[u8] = b"\x1b[?2026l\x1b[?1049l\x1b[0m";
