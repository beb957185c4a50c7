//! Where the cursor comes to stand when it is put back: with it goes, as in terminals, whether places are counted from the
//! margins (DECOM), which the emulator leaves as it is.

use alacritty_terminal::{
    term::TermMode,
    vte::ansi::{Handler as _, NamedPrivateMode},
};

use super::emulator::{self, Emulator};

impl Emulator {
    /// Saves the cursor (DECSC).
    pub(super) fn save_cursor(&mut self) {
        self.term.save_cursor_position();
        self.keep_origin();
    }

    /// Puts the cursor back (DECRC).
    pub(super) fn restore_cursor(&mut self) {
        self.turn_origin_back();
        self.term.restore_cursor_position();
        self.stay_within_margins();
    }

    /// Whether places are counted from the margins.
    pub(super) fn has_origin(&self) -> bool {
        self.term.mode().contains(TermMode::ORIGIN)
    }

    /// Takes note of that for the cursor of this screen that is saved now.
    pub(super) fn keep_origin(&mut self) {
        let screen = usize::from(self.is_alternate());
        self.recall.saved_origins[screen] = self.has_origin();
    }

    /// Whether it is so for the cursor of this screen that was saved.
    pub(super) fn saved_origin(&self) -> bool {
        self.recall.saved_origins[usize::from(self.is_alternate())]
    }

    pub(super) fn turn_origin_back(&mut self) {
        let mode = NamedPrivateMode::Origin.into();
        // This places the cursor, which is placed anew then.
        let place = self.term.grid().cursor.clone();
        if self.saved_origin() {
            self.term.set_private_mode(mode);
        } else {
            self.term.unset_private_mode(mode);
        }
        self.term.grid_mut().cursor = place;
    }

    /// Moves the cursor from row to row, and to a column. The emulator itself would count the rows above the margins twice.
    pub(super) fn move_to(&mut self, rows: i32, column: usize) {
        let margins = self.recall.margins.as_ref().filter(|_| self.has_origin());
        let first = margins.map_or(0, |margins| emulator::line(margins.start).0);
        let line = self.term.grid().cursor.point.line.0.saturating_add(rows);
        self.term.goto((line - first).max(0), column);
    }

    /// No cursor stands outside margins that it counts from: also not one that was saved under others.
    pub(super) fn stay_within_margins(&mut self) {
        let Some(margins) = self.recall.margins.clone().filter(|_| self.has_origin()) else {
            return;
        };
        let (first, last) = (emulator::line(margins.start), emulator::line(margins.end - 1));
        let cursor = &mut self.term.grid_mut().cursor;
        let line = cursor.point.line.clamp(first, last);
        if line != cursor.point.line {
            cursor.point.line = line;
            cursor.input_needs_wrap = false;
        }
    }
}
