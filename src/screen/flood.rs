//! How many short plain lines at once pass: most of them go by so fast that they need not become cells first.

use alacritty_terminal::{
    index::{Column, Line},
    term::{TermMode, cell::Cell},
    vte::ansi::{CharsetIndex, StandardCharset},
};

use super::{
    emulator::{self, Emulator},
    ink,
};

/// So many rows above the visible ones become cells all the same, so that they flow anew when the width changes.
const KEPT_ROWS: usize = 32;

impl Emulator {
    /// Takes the first lines of some output straight into the spill, if they would all come to lie there or be hot only
    /// for a moment; answers how many bytes that was. The output must begin between two sequences.
    pub(super) fn absorb(&mut self, output: &[u8]) -> usize {
        if !self.is_ready_for_lines() {
            return 0;
        }
        let kept = self.kept_rows();
        let lines = || PlainLines { rest: output, length_max: usize::from(self.size.cols()) - 1 };
        let count = lines().count();
        if count < 2 * kept {
            return 0;
        }
        let first: Vec<&[u8]> = lines().take(count - kept).collect();
        self.spill_all();
        for line in &first {
            self.spill.push_plain(line);
        }
        first.iter().map(|line| line.len() + 2).sum()
    }

    /// Whether output of such a length may hold lines enough; each has at least two bytes.
    pub(super) fn may_absorb(&self, length: usize) -> bool {
        length >= 4 * self.kept_rows() && self.spill.is_wanted()
    }

    /// How many lines at the end become cells in any case.
    fn kept_rows(&self) -> usize {
        usize::from(self.size.rows()) - 1 + KEPT_ROWS
    }

    /// Whether a line would simply appear in the last row and go up: nothing is set that changes its meaning or its look.
    fn is_ready_for_lines(&self) -> bool {
        let grid = self.term.grid();
        let cursor = &grid.cursor;
        let last = emulator::line(usize::from(self.size.rows()) - 1);
        !self.term.mode().intersects(TermMode::ALT_SCREEN | TermMode::INSERT | TermMode::ORIGIN)
            && self.recall.margins.is_none()
            && self.recall.charset == CharsetIndex::G0
            && cursor.charsets[CharsetIndex::G0] == StandardCharset::Ascii
            && cursor.template == Cell::default()
            && cursor.point.line == last
            && cursor.point.column == Column(0)
            && ink::written(&grid[last]) == 0
    }

    /// Spills all rows above the cursor in the last one, and begins again at the top.
    fn spill_all(&mut self) {
        self.spill_oldest(usize::MAX);
        let last = emulator::line(usize::from(self.size.rows()) - 1).0;
        let grid = self.term.grid_mut();
        for line in (0..last).map(Line) {
            self.spill.push(&grid[line], &grid[line + 1]);
        }
        grid.reset_region(..);
        grid.cursor.point.line = Line(0);
    }
}

/// The lines at the beginning of some output that are printable ASCII, end with CR LF and fit in a row.
struct PlainLines<'a> {
    rest: &'a [u8],
    length_max: usize,
}

impl<'a> Iterator for PlainLines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length =
            self.rest.iter().take(self.length_max + 1).position(|byte| !matches!(byte, b' '..=b'~'))?;
        let (line, end) = self.rest.split_at(length);
        self.rest = end.strip_prefix(b"\r\n")?;
        Some(line)
    }
}
