//! How many lines at once pass: most of them go by so fast that they need not become cells first.

use alacritty_terminal::{
    index::{Column, Line},
    term::{TermMode, cell::Cell},
    vte::ansi::{CharsetIndex, StandardCharset},
};

use super::{
    emulator::{self, Emulator, HOT_ROWS_MAX},
    ink, lines,
};

/// So many lines above the visible ones become cells all the same, so that they flow anew when the width changes.
const KEPT_LINES: usize = 32;

/// How far on lines are looked for again when there was another thing in the way.
const STEP_BYTES: usize = 256;

/// What became of some output that may be a flood.
pub(super) enum Absorbed {
    /// So many bytes of it are dealt with.
    Taken(usize),
    /// So many bytes of it are for the emulator.
    Left(usize),
}

impl Emulator {
    /// Takes the first lines of some output straight into the spill, if they would all come to lie there or be hot only
    /// for a moment. Output that begins in the middle of a sequence goes to the emulator up to the end of a line.
    pub(super) fn absorb(&mut self, output: &[u8], is_at_rest: bool) -> Absorbed {
        let kept = self.kept_lines();
        // Each line has at least two bytes.
        if output.len() < 4 * kept || !self.spill.is_wanted() {
            return Absorbed::Left(output.len());
        }
        if !is_at_rest {
            return Absorbed::Left(step(output, 0));
        }
        if !self.is_ready_for_lines() {
            let at_left = self.term.grid().cursor.point.column == Column(0);
            return Absorbed::Left(if at_left { step(output, 0) } else { line_end(output) });
        }
        let wraps = self.term.mode().contains(TermMode::LINE_WRAP);
        let rows = lines::rows(output, self.size.cols().into(), wraps);
        // Lines that flow anew in a larger terminal fill it, and go as a whole.
        let mut lines = 0;
        let ended = rows.iter().rposition(|row| {
            lines += usize::from(!row.flows);
            lines > kept
        });
        let first_kept = ended.map_or(0, |last| last + 1).max(rows.len().saturating_sub(HOT_ROWS_MAX));
        let passed = rows[..first_kept].iter().rposition(|row| !row.flows).map_or(0, |last| last + 1);
        if passed < kept {
            return Absorbed::Left(step(output, rows.last().map_or(0, |row| row.end)));
        }
        self.spill_all();
        let mut at = 0;
        for row in &rows[..passed] {
            self.spill.push_printed(&output[at..row.end], row.flows);
            at = row.end;
        }
        Absorbed::Taken(at)
    }

    /// How many lines at the end become cells in any case, where those are no more rows than can be.
    fn kept_lines(&self) -> usize {
        usize::from(self.size.rows()) - 1 + KEPT_LINES
    }

    /// Whether lines would simply appear and go up: nothing is below the cursor, and nothing is set that changes their
    /// meaning or their look.
    fn is_ready_for_lines(&self) -> bool {
        let grid = self.term.grid();
        let cursor = &grid.cursor;
        let end = emulator::line(self.size.rows().into());
        !self.term.mode().intersects(TermMode::ALT_SCREEN | TermMode::INSERT | TermMode::ORIGIN)
            && self.recall.margins.is_none()
            && self.recall.charset == CharsetIndex::G0
            && cursor.charsets[CharsetIndex::G0] == StandardCharset::Ascii
            && cursor.template == Cell::default()
            && cursor.point.column == Column(0)
            && (cursor.point.line.0..end.0).all(|line| ink::written(&grid[Line(line)]) == 0)
    }

    /// Spills all rows above the cursor, and begins again at the top.
    fn spill_all(&mut self) {
        self.spill_oldest(usize::MAX);
        let grid = self.term.grid_mut();
        for line in (0..grid.cursor.point.line.0).map(Line) {
            self.spill.push(&grid[line], &grid[line + 1]);
        }
        grid.reset_region(..);
        grid.cursor.point.line = Line(0);
    }
}

/// How much of some output goes on to the emulator before the next look for lines: what was looked at, and some more
/// up to the end of a line.
fn step(output: &[u8], looked_at: usize) -> usize {
    let step = output.len().min(looked_at + STEP_BYTES);
    step + line_end(&output[step..])
}

fn line_end(output: &[u8]) -> usize {
    memchr::memchr(b'\n', output).map_or(output.len(), |end| end + 1)
}
