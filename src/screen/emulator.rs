//! The emulator with its memory: few rows as cells, more of them as they come, and the oldest ones spilled.

use std::mem;

use alacritty_terminal::{
    event::VoidListener,
    grid::{Cursor, Dimensions as _, Grid},
    index::{Column, Line, Point},
    term::{
        Config, Term, TermMode,
        cell::{Cell, Flags},
    },
    vte::ansi::{CharsetIndex, CursorStyle, Handler as _, NamedMode, NamedPrivateMode, TabulationClearMode},
};

use super::{Size, recall::Recall, spill::Spill};

/// Rows above the visible ones that are kept as cells, and flow anew when the width changes.
pub(super) const HOT_ROWS_MAX: usize = 1000;

/// How many of these there is memory for at first. It doubles whenever it is used up: a session that prints little is
/// small.
const HOT_ROWS_FIRST: usize = 4;

/// So many rows are spilled together.
const SPILL_ROWS: usize = 128;

/// More rows than any change of size can make of the hot ones.
const UNLIMITED_ROWS: usize = 2 * 1000 * 1000;

/// Letters with more marks on them than this lose the rest; the emulator would keep any number.
const MARKS_MAX: usize = 16;

/// What happened while output was taken in.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) replies: Vec<u8>,
    pub(super) bell: bool,
    pub(super) title: bool,
}

/// alacritty's terminal, what it keeps private, and the rows it has no room for.
pub(super) struct Emulator {
    pub(super) term: Term<VoidListener>,
    pub(super) size: Size,
    pub(super) recall: Recall,
    pub(super) spill: Spill,
    pub(super) said: Said,
    pub(super) scrollback_rows_max: usize,
    hot_rows_max: usize,
    /// Above so many hot rows something must be done.
    hot_rows_limit: usize,
    /// Whether the primary screen changed its size while the alternate one was shown.
    is_unsettled: bool,
}

impl Emulator {
    pub(super) fn new(size: Size, scrollback_rows_max: usize) -> Self {
        let hot_rows_max = scrollback_rows_max.min(HOT_ROWS_MAX);
        let mut emulator = Self {
            term: Term::new(
                Config { scrolling_history: hot_rows_max, ..Config::default() },
                &size,
                VoidListener,
            ),
            size,
            recall: Recall::new(size),
            // The hot rows are not always as many as they may be, so the spill alone could fill the whole scrollback.
            spill: Spill::new(if scrollback_rows_max > hot_rows_max { scrollback_rows_max } else { 0 }),
            scrollback_rows_max,
            said: Said::default(),
            hot_rows_max,
            hot_rows_limit: 0,
            is_unsettled: false,
        };
        emulator.settle();
        emulator.fold_alternate();
        emulator
    }

    pub(super) fn is_alternate(&self) -> bool {
        self.term.mode().contains(TermMode::ALT_SCREEN)
    }

    pub(super) fn cursor_style(&self) -> CursorStyle {
        self.recall.cursor_style.unwrap_or_default()
    }

    /// Makes sure that so many rows can leave the screen without one being lost. Called before each of them, not after a
    /// piece of output: four bytes can ask for a thousand rows.
    #[inline]
    pub(super) fn make_room(&mut self, rows: usize) {
        let rows = rows.min(self.size.rows().into());
        if self.term.grid().history_size() + rows > self.hot_rows_limit {
            self.make_room_now(rows);
        }
    }

    #[cold]
    fn make_room_now(&mut self, rows: usize) {
        if self.is_alternate() {
            return;
        }
        let wanted = self.term.grid().history_size() + rows;
        if self.capacity() < self.hot_rows_max {
            self.reserve(wanted.max(2 * self.capacity()));
        } else if wanted > self.hot_rows_max {
            self.spill_oldest(rows.max(SPILL_ROWS));
        }
    }

    /// How many rows above the visible ones are kept.
    pub(super) fn scrollback_rows(&self) -> usize {
        (self.spill.rows() + self.hot_rows()).min(self.scrollback_rows_max)
    }

    /// How many rows above the visible ones are cells.
    pub(super) fn hot_rows(&self) -> usize {
        self.term.grid().history_size()
    }

    /// For how many hot rows there is memory.
    pub(super) fn capacity(&self) -> usize {
        self.hot_rows_limit.min(self.hot_rows_max)
    }

    /// Brings the hot rows of the primary screen, which must be shown, back within their limit.
    pub(super) fn settle(&mut self) {
        let hot = self.term.grid().history_size();
        self.spill_oldest(hot.saturating_sub(self.hot_rows_max));
        self.reserve(hot.max(HOT_ROWS_FIRST));
        self.is_unsettled = false;
    }

    /// Moves the oldest hot rows, at most so many, to the spill.
    pub(super) fn spill_oldest(&mut self, rows: usize) {
        let grid = self.term.grid_mut();
        let hot = grid.history_size();
        let rows = rows.min(hot);
        let oldest = -i32::try_from(hot).expect("a screen has fewer rows");
        for line in (oldest..0).take(rows).map(Line) {
            if self.spill.is_wanted() {
                self.spill.push(&grid[line], &grid[line + 1]);
            }
        }
        grid.update_history(hot - rows);
        grid.update_history(self.hot_rows_max);
    }

    /// Moves the primary screen to a grid with memory for just so many hot rows: alacritty itself would take it for a
    /// thousand at once.
    fn reserve(&mut self, hot_rows: usize) {
        let capacity = hot_rows.min(self.hot_rows_max);
        let old = self.term.grid_mut();
        let (lines, columns) = (old.screen_lines(), old.columns());
        let history = old.history_size().min(capacity);
        let mut new: Grid<Cell> = Grid::new(lines + capacity, columns, capacity);
        new.resize(false, lines, columns);
        let all = Line(0)..line(lines);
        for step in (0..history).step_by(lines) {
            new.scroll_up(&all, lines.min(history - step));
        }
        for line in (-line(history).0..line(lines).0).map(Line) {
            mem::swap(&mut new[line], &mut old[line]);
        }
        new.cursor = old.cursor.clone();
        new.saved_cursor = old.saved_cursor.clone();
        *old = new;
        // Where nothing is spilled, the grid drops its oldest row by itself.
        let is_last = capacity == self.hot_rows_max && !self.spill.is_wanted();
        self.hot_rows_limit = if is_last { usize::MAX } else { capacity };
    }

    /// Changes the size. Nothing is lost: rows that no longer fit become hot ones, and then spilled ones.
    pub(super) fn resize(&mut self, size: Size) {
        if size == self.size {
            return;
        }
        // Spilled rows do not flow anew, so a line that is partly among them comes apart.
        self.spill.break_off();
        self.term.set_options(Config { scrolling_history: UNLIMITED_ROWS, ..Config::default() });
        self.term.resize(size);
        self.size = size;
        self.recall.resize(size);
        self.unhang_cursor();
        if self.is_alternate() {
            self.is_unsettled = true;
        } else {
            self.settle();
            self.fold_alternate();
        }
    }

    /// Gives back the memory of the alternate screen, which is not shown: it is empty whenever a program turns to it.
    fn fold_alternate(&mut self) {
        // Turning to it saves the cursor.
        let saved = self.term.grid().saved_cursor.clone();
        self.term.swap_alt();
        *self.term.grid_mut() = Grid::new(1, 2, 0);
        self.term.swap_alt();
        self.term.grid_mut().saved_cursor = saved;
        self.recall.saved_origins[1] = false;
    }

    /// Makes the alternate screen, which has just been turned to, as large as the other one.
    fn unfold_alternate(&mut self) {
        let folded = self.term.grid_mut();
        let mut whole = Grid::new(self.size.rows().into(), self.size.cols().into(), 0);
        whole.cursor = folded.cursor.clone();
        // It has the background of that.
        whole.reset_region(..);
        *folded = whole;
    }

    /// A cursor that waited behind the last column waits there no longer if the row grew.
    fn unhang_cursor(&mut self) {
        let last = usize::from(self.size.cols()) - 1;
        let grid = self.term.grid_mut();
        for cursor in [&mut grid.cursor, &mut grid.saved_cursor] {
            if cursor.input_needs_wrap && cursor.point.column.0 < last {
                cursor.input_needs_wrap = false;
                cursor.point.column += 1;
            }
        }
    }

    /// Makes everything as it was at first; only the size stays.
    pub(super) fn reset(&mut self) {
        self.term.reset_state();
        self.recall = Recall::new(self.size);
        for index in 0..alacritty_terminal::term::color::COUNT {
            self.term.reset_color(index);
        }
        self.spill.clear();
        if self.is_unsettled {
            self.settle();
        }
        self.fold_alternate();
    }

    /// Makes the modes, the margins and the pen ordinary and leaves the picture (DECSTR).
    pub(super) fn soft_reset(&mut self) {
        let place = self.term.grid().cursor.point;
        self.term.unset_mode(NamedMode::Insert.into());
        for mode in [NamedPrivateMode::Origin, NamedPrivateMode::CursorKeys] {
            self.term.unset_private_mode(mode.into());
        }
        for mode in [NamedPrivateMode::ShowCursor, NamedPrivateMode::LineWrap] {
            self.term.set_private_mode(mode.into());
        }
        self.term.unset_keypad_application_mode();
        self.term.set_active_charset(CharsetIndex::G0);
        self.term.set_scrolling_region(1, None);
        self.recall.charset = CharsetIndex::G0;
        self.recall.margins = None;
        let grid = self.term.grid_mut();
        grid.saved_cursor = Cursor::default();
        grid.cursor = Cursor { point: place, ..Cursor::default() };
        self.keep_origin();
    }

    /// Shows the alternate screen or the primary one again.
    pub(super) fn turn_screen(&mut self, to_alternate: bool) {
        if to_alternate == self.is_alternate() {
            return;
        }
        if to_alternate {
            // The cursor of the primary screen is saved with it.
            self.keep_origin();
        }
        self.term.swap_alt();
        if to_alternate {
            self.unfold_alternate();
        } else {
            self.fold_alternate();
            self.turn_origin_back();
            self.stay_within_margins();
        }
        self.recall.keyboard.turn_to(to_alternate);
        if self.is_unsettled && !to_alternate {
            self.unhang_cursor();
            self.settle();
        }
    }

    /// Gives the terminal the tab stops that are remembered; it sets them only where its cursor is.
    pub(super) fn place_tabs(&mut self) {
        let place = self.term.grid().cursor.point.column;
        self.term.clear_tabs(TabulationClearMode::All);
        for (column, _) in self.recall.tabs.iter().enumerate().filter(|(_, stops)| **stops) {
            self.term.grid_mut().cursor.point.column = Column(column);
            self.term.set_horizontal_tabstop();
        }
        self.term.grid_mut().cursor.point.column = place;
    }

    /// Puts a mark on the letter before the cursor, unless that has enough. Room that was left for a wide character is an
    /// ordinary blank once there is a mark on it.
    pub(super) fn mark(&mut self, mark: char) {
        let grid = self.term.grid_mut();
        let Point { line, mut column } = grid.cursor.point;
        if !grid.cursor.input_needs_wrap {
            column.0 = column.0.saturating_sub(1);
        }
        if grid[line][column].flags.contains(Flags::WIDE_CHAR_SPACER) {
            column.0 = column.0.saturating_sub(1);
        }
        let letter = &mut grid[line][column];
        if letter.zerowidth().is_none_or(|marks| marks.len() < MARKS_MAX) {
            letter.flags.remove(Flags::LEADING_WIDE_CHAR_SPACER);
            self.term.input(mark);
        }
    }
}

/// A number of rows as alacritty counts them.
pub(super) fn line(rows: usize) -> Line {
    Line(i32::try_from(rows).expect("a screen has fewer rows"))
}
