//! What the emulator keeps to itself although a snapshot needs it: remembered here as the program sets it.

use std::ops::Range;

use alacritty_terminal::vte::ansi::{CharsetIndex, CursorShape, CursorStyle};

use super::{Size, keyboard::Keyboard};

const TAB_COLUMNS: usize = 8;
const TITLE_BYTES_MAX: usize = 1024;
const TITLES_MAX: usize = 16;

/// Modes the emulator does not know and a terminal may: reverse colours, the oldest mouse mode, two mouse encodings,
/// grapheme clusters, news of the colour scheme and of the size.
pub(super) const FOREIGN_MODES: [u16; 7] = [5, 9, 1015, 1016, 2027, 2031, 2048];

/// The part of the state that nobody else can tell.
#[derive(Clone, Debug)]
pub(super) struct Recall {
    /// The rows that scroll, if not all do.
    pub(super) margins: Option<Range<usize>>,
    /// For each column, whether a tab stops there.
    pub(super) tabs: Vec<bool>,
    pub(super) charset: CharsetIndex,
    /// For the saved cursors of the primary screen and the alternate one, whether they count from the margins.
    pub(super) saved_origins: [bool; 2],
    pub(super) keyboard: Keyboard,
    pub(super) modify_other_keys: u8,
    pub(super) cursor_style: Option<CursorStyle>,
    pub(super) title: Option<String>,
    titles: Vec<Option<String>>,
    foreign: [bool; FOREIGN_MODES.len()],
    /// Whether the program itself chose what the wheel does on the alternate screen; terminals begin differently.
    pub(super) chose_wheel: bool,
    /// Whether the program is in the middle of a synchronized update.
    pub(super) is_updating: bool,
}

impl Recall {
    pub(super) fn new(size: Size) -> Self {
        let mut recall = Self {
            margins: None,
            tabs: Vec::new(),
            charset: CharsetIndex::G0,
            saved_origins: [false; 2],
            keyboard: Keyboard::default(),
            modify_other_keys: 0,
            cursor_style: None,
            title: None,
            titles: Vec::new(),
            foreign: [false; FOREIGN_MODES.len()],
            chose_wheel: false,
            is_updating: false,
        };
        recall.resize(size);
        recall
    }

    /// A new size frees the margins and keeps the tab stops; new columns get the usual ones.
    pub(super) fn resize(&mut self, size: Size) {
        self.margins = None;
        let mut column = self.tabs.len();
        self.tabs.resize_with(size.cols().into(), || {
            column += 1;
            is_usual_tab(column - 1)
        });
    }

    pub(super) fn tabs_are_usual(&self) -> bool {
        self.tabs.iter().enumerate().all(|(column, &stops)| stops == is_usual_tab(column))
    }

    pub(super) fn set_usual_tabs(&mut self) {
        for (column, stops) in self.tabs.iter_mut().enumerate() {
            *stops = is_usual_tab(column);
        }
    }

    /// Takes a title, without what no terminal could be told; answers whether it is another one.
    pub(super) fn set_title(&mut self, title: Option<String>) -> bool {
        let title = title.map(|title| {
            let mut kept: String = title.chars().filter(|c| !c.is_control()).collect();
            kept.truncate(kept.floor_char_boundary(TITLE_BYTES_MAX));
            kept
        });
        let is_new = self.title != title;
        self.title = title;
        is_new
    }

    /// Puts the title aside; beyond a number the oldest one is given up.
    pub(super) fn push_title(&mut self) {
        if self.titles.len() == TITLES_MAX {
            self.titles.remove(0);
        }
        self.titles.push(self.title.clone());
    }

    pub(super) fn pop_title(&mut self) -> bool {
        match self.titles.pop() {
            Some(title) => self.set_title(title),
            None => false,
        }
    }

    pub(super) fn set_foreign_mode(&mut self, mode: u16, on: bool) {
        if let Some(index) = FOREIGN_MODES.iter().position(|&known| known == mode) {
            self.foreign[index] = on;
        }
    }

    /// The modes that are on although the emulator does not know them.
    pub(super) fn foreign_modes(&self) -> impl Iterator<Item = u16> {
        FOREIGN_MODES.into_iter().zip(self.foreign).filter_map(|(mode, on)| on.then_some(mode))
    }

    /// The cursor's style, to be changed; a block until the program says otherwise.
    pub(super) fn cursor_style_mut(&mut self) -> &mut CursorStyle {
        self.cursor_style.get_or_insert(CursorStyle { shape: CursorShape::Block, blinking: false })
    }
}

fn is_usual_tab(column: usize) -> bool {
    column.is_multiple_of(TAB_COLUMNS)
}
