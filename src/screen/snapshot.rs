//! The bytes that bring a fresh terminal to the state of this one.

use std::{mem, ops::Range};

use alacritty_terminal::{
    grid::{Cursor, Dimensions as _, Grid},
    index::{Column, Line},
    term::{TermMode, cell::Cell},
    vte::ansi::{CharsetIndex, CursorShape, StandardCharset},
};

use super::{
    emulator::{self, Emulator},
    ink::{self, Ink, Part, put},
    reset::RESET,
};

/// Makes the pen plain, whatever was placed before.
const PLAIN: &[u8] = b"\x1b[0m\x1b]8;;\x1b\\\x1b(B\x1b)B\x1b*B\x1b+B\x0f";

/// Erases all that is shown. To erase "the screen" would be shorter, but some terminals scroll for it.
const CLEAR: &[u8] = b"\x1b[H\x1b[J";

/// Has places counted from the margins, or no longer.
const ORIGIN: &[u8] = b"\x1b[?6h";
const NO_ORIGIN: &[u8] = b"\x1b[?6l";

/// The modes the emulator knows that are off in an ordinary terminal, by their numbers.
const MODES: [(TermMode, &str); 11] = [
    (TermMode::APP_CURSOR, "\x1b[?1h"),
    (TermMode::APP_KEYPAD, "\x1b="),
    (TermMode::INSERT, "\x1b[4h"),
    (TermMode::LINE_FEED_NEW_LINE, "\x1b[20h"),
    (TermMode::MOUSE_REPORT_CLICK, "\x1b[?1000h"),
    (TermMode::MOUSE_DRAG, "\x1b[?1002h"),
    (TermMode::MOUSE_MOTION, "\x1b[?1003h"),
    (TermMode::UTF8_MOUSE, "\x1b[?1005h"),
    (TermMode::SGR_MOUSE, "\x1b[?1006h"),
    (TermMode::FOCUS_IN_OUT, "\x1b[?1004h"),
    (TermMode::BRACKETED_PASTE, "\x1b[?2004h"),
];

impl Emulator {
    /// Writes the state, with at most so many rows of scrollback. The screen is the same afterwards.
    pub(super) fn snapshot(&mut self, scrollback_rows_max: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 * 1024);
        out.extend_from_slice(RESET);
        out.extend_from_slice(CLEAR);
        if self.is_alternate() {
            // The primary screen can be read only while it is shown, and showing the alternate one clears it.
            let empty = blank(self.term.grid());
            let alternate = mem::replace(self.term.grid_mut(), empty);
            self.term.swap_alt();
            self.write_primary(scrollback_rows_max, &mut out);
            self.write_tabs(&mut out);
            let counts = self.saved_origin();
            out.extend_from_slice(if counts { ORIGIN } else { b"" });
            self.write_cursor(&self.term.grid().cursor, &self.all_rows(), &mut out);
            self.recall.keyboard.write(false, &mut out);
            self.term.swap_alt();
            *self.term.grid_mut() = alternate;
            // Entering saves the primary cursor, so it must stand where it belongs before.
            out.extend_from_slice(b"\x1b[?1049h");
            out.extend_from_slice(if counts { NO_ORIGIN } else { b"" });
            out.extend_from_slice(PLAIN);
            out.extend_from_slice(CLEAR);
            write_grid(self.term.grid(), 0, false, &mut out);
        } else {
            self.write_primary(scrollback_rows_max, &mut out);
            self.write_tabs(&mut out);
        }
        self.write_cursors(&mut out);
        self.recall.keyboard.write(self.is_alternate(), &mut out);
        self.write_modes(&mut out);
        self.write_looks(&mut out);
        out
    }

    fn write_primary(&self, scrollback_rows_max: usize, out: &mut Vec<u8>) {
        let rows = scrollback_rows_max.min(self.scrollback_rows_max);
        let hot = self.hot_rows().min(rows);
        self.spill.write_last(rows - hot, out);
        write_grid(self.term.grid(), hot, self.spill.flows_on() && rows > hot, out);
    }

    fn write_tabs(&self, out: &mut Vec<u8>) {
        if self.recall.tabs_are_usual() {
            return;
        }
        out.extend_from_slice(b"\x1b[3g");
        for (column, _) in self.recall.tabs.iter().enumerate().filter(|(_, stops)| **stops) {
            put(out, format_args!("\x1b[{}G\x1bH", column + 1));
        }
    }

    /// Writes the saved cursor, then what changes the meaning of its place, then the cursor.
    fn write_cursors(&self, out: &mut Vec<u8>) {
        let grid = self.term.grid();
        // Without margins the places are the same either way.
        let counts = self.saved_origin();
        out.extend_from_slice(if counts { ORIGIN } else { b"" });
        self.write_cursor(&grid.saved_cursor, &self.all_rows(), out);
        out.extend_from_slice(b"\x1b7");
        out.extend_from_slice(if counts { NO_ORIGIN } else { b"" });
        out.extend_from_slice(PLAIN);
        let mut reachable = self.all_rows();
        if let Some(margins) = &self.recall.margins {
            put(out, format_args!("\x1b[{};{}r", margins.start + 1, margins.end));
            if self.has_origin() {
                reachable = margins.clone();
            }
        }
        if self.has_origin() {
            out.extend_from_slice(ORIGIN);
        }
        self.write_cursor(&grid.cursor, &reachable, out);
    }

    fn all_rows(&self) -> Range<usize> {
        0..self.size.rows().into()
    }

    /// Places a cursor, with its pen and character sets. The pen must be plain. From a row that no sequence can reach
    /// the cursor goes to the nearest one, and waits behind nothing there.
    fn write_cursor(&self, cursor: &Cursor<Cell>, reachable: &Range<usize>, out: &mut Vec<u8>) {
        let grid = self.term.grid();
        let point = cursor.point;
        let line = usize::try_from(point.line.0).unwrap_or(0);
        let is_reachable = reachable.contains(&line);
        let line = line.saturating_sub(reachable.start) + 1;
        let row = &grid[point.line];
        if cursor.input_needs_wrap && is_reachable {
            // Only printing the last cell again leaves the cursor waiting behind it.
            let cells = &row[Column(0)..Column(row.len())];
            let is_second_half = ink::part(cells, point.column.0) == Part::SecondHalf;
            let column = if is_second_half { point.column - 1 } else { point.column };
            put(out, format_args!("\x1b[{line};{}H", column.0 + 1));
            Ink::new(out).last_cell(row, column, &cursor.template);
        } else {
            put(out, format_args!("\x1b[{line};{}H", point.column.0 + 1));
            Ink::new(out).dip(&cursor.template);
        }
        let sets = [CharsetIndex::G0, CharsetIndex::G1, CharsetIndex::G2, CharsetIndex::G3];
        for (index, designation) in sets.into_iter().zip(*b"()*+") {
            if cursor.charsets[index] == StandardCharset::SpecialCharacterAndLineDrawing {
                out.extend_from_slice(&[0x1b, designation, b'0']);
            }
        }
        if self.recall.charset == CharsetIndex::G1 {
            out.push(0x0e);
        }
    }

    fn write_modes(&self, out: &mut Vec<u8>) {
        let modes = *self.term.mode();
        for (mode, on) in MODES {
            if modes.contains(mode) {
                out.extend_from_slice(on.as_bytes());
            }
        }
        for mode in self.recall.foreign_modes() {
            put(out, format_args!("\x1b[?{mode}h"));
        }
        if !modes.contains(TermMode::LINE_WRAP) {
            out.extend_from_slice(b"\x1b[?7l");
        }
        if !modes.contains(TermMode::SHOW_CURSOR) {
            out.extend_from_slice(b"\x1b[?25l");
        }
        if self.recall.chose_wheel {
            let on = modes.contains(TermMode::ALTERNATE_SCROLL);
            out.extend_from_slice(if on { b"\x1b[?1007h" } else { b"\x1b[?1007l" });
        }
        if self.recall.modify_other_keys > 0 {
            put(out, format_args!("\x1b[>4;{}m", self.recall.modify_other_keys));
        }
    }

    /// Writes the cursor's shape, the title and the colours the program chose.
    fn write_looks(&self, out: &mut Vec<u8>) {
        if let Some(style) = self.recall.cursor_style {
            let number = match style.shape {
                CursorShape::Underline => 4,
                CursorShape::Beam => 6,
                CursorShape::Block | CursorShape::HollowBlock | CursorShape::Hidden => 2,
            };
            put(out, format_args!("\x1b[{} q", if style.blinking { number - 1 } else { number }));
        }
        if let Some(title) = &self.recall.title {
            put(out, format_args!("\x1b]2;{title}\x1b\\"));
        }
        for index in 0..=258 {
            let Some(colour) = self.term.colors()[index] else { continue };
            match index {
                0..256 => put(out, format_args!("\x1b]4;{index}")),
                _ => put(out, format_args!("\x1b]{}", index - 256 + 10)),
            }
            put(out, format_args!(";rgb:{:02x}/{:02x}/{:02x}\x1b\\", colour.r, colour.g, colour.b));
        }
    }
}

/// An empty grid of the same size.
fn blank(grid: &Grid<Cell>) -> Grid<Cell> {
    Grid::new(grid.screen_lines(), grid.columns(), 0)
}

/// Writes the rows from so many above the visible ones, of which the first may go on from one that was written; the last
/// one is not ended, for that would scroll.
fn write_grid(grid: &Grid<Cell>, above: usize, goes_on: bool, out: &mut Vec<u8>) {
    let (first, end) = (-emulator::line(above).0, emulator::line(grid.screen_lines()).0);
    let mut flows = goes_on;
    for line in (first..end).map(Line) {
        let row = &grid[line];
        let is_last = line.0 + 1 == end;
        let mut ink = Ink::new(out);
        if flows {
            ink.wrap(row);
        }
        flows = !is_last && ink::flows(row, &grid[line + 1]);
        ink.row(row, flows);
        if !is_last && !flows {
            out.extend_from_slice(b"\r\n");
        }
    }
}
