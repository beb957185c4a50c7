//! What is visible, as values and as text.

use alacritty_terminal::{
    grid::{Dimensions as _, Row},
    index::{Column, Line},
    term::{
        TermMode,
        cell::{self, Flags},
    },
    vte::ansi::{self, Color, NamedColor},
};

use super::{
    emulator::{self, Emulator},
    ink::{self, Ink, Part},
};

/// One character on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The character with the marks on it; a space where nothing is.
    pub text: String,
    /// How many columns it takes: 1 or 2.
    pub width: u8,
    /// The colour of the text.
    pub foreground: Colour,
    /// The colour behind the text.
    pub background: Colour,
    /// The colour of the line under the text, if it is another than the text's.
    pub underline_colour: Option<Colour>,
    /// Bold, italic and the like.
    pub attributes: Attributes,
    /// Where it leads, as the program said it.
    pub link: Option<String>,
}

/// A colour as a program chose it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// The terminal's own.
    #[default]
    Default,
    /// One of the 256 of the palette; the first 16 have names.
    Indexed(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// How a character is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes(Flags);

/// The kind of a line under a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Underline {
    /// One line.
    Single,
    /// Two lines.
    Double,
    /// A wavy line.
    Curly,
    /// Dots.
    Dotted,
    /// Dashes.
    Dashed,
}

impl Attributes {
    /// Bold.
    pub fn is_bold(self) -> bool {
        self.0.contains(Flags::BOLD)
    }

    /// Dim.
    pub fn is_dim(self) -> bool {
        self.0.contains(Flags::DIM)
    }

    /// Italic.
    pub fn is_italic(self) -> bool {
        self.0.contains(Flags::ITALIC)
    }

    /// Foreground and background exchanged.
    pub fn is_inverse(self) -> bool {
        self.0.contains(Flags::INVERSE)
    }

    /// There, but not to be seen.
    pub fn is_hidden(self) -> bool {
        self.0.contains(Flags::HIDDEN)
    }

    /// Struck out.
    pub fn is_struck(self) -> bool {
        self.0.contains(Flags::STRIKEOUT)
    }

    /// The line under the character.
    pub fn underline(self) -> Option<Underline> {
        let kinds = [
            (Flags::UNDERLINE, Underline::Single),
            (Flags::DOUBLE_UNDERLINE, Underline::Double),
            (Flags::UNDERCURL, Underline::Curly),
            (Flags::DOTTED_UNDERLINE, Underline::Dotted),
            (Flags::DASHED_UNDERLINE, Underline::Dashed),
        ];
        kinds.into_iter().find_map(|(flag, kind)| self.0.contains(flag).then_some(kind))
    }
}

/// Where the next character goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The row, counted from 0.
    pub row: u16,
    /// The column, counted from 0.
    pub column: u16,
    /// Whether the program shows it.
    pub visible: bool,
    /// Its form.
    pub shape: CursorShape,
    /// Whether it blinks.
    pub blinking: bool,
}

/// The form of the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorShape {
    /// A block.
    Block,
    /// A line below the character.
    Underline,
    /// A line before the character.
    Beam,
}

impl Emulator {
    pub(super) fn rows(&self) -> Vec<Vec<Cell>> {
        self.visible().map(cells).collect()
    }

    pub(super) fn text(&self) -> String {
        let rows = self.visible().map(|row| {
            let text: String = cells(row).into_iter().map(|cell| cell.text).collect();
            text.trim_end().to_owned()
        });
        joined(rows.collect())
    }

    pub(super) fn ansi(&self) -> String {
        let rows = self.visible().map(|row| {
            let mut out = Vec::new();
            Ink::without_links(&mut out).row(row, false);
            String::from_utf8_lossy(&out).into_owned()
        });
        joined(rows.collect())
    }

    pub(super) fn cursor(&self) -> Cursor {
        let point = self.term.grid().cursor.point;
        let style = self.cursor_style();
        Cursor {
            row: u16::try_from(point.line.0).unwrap_or(0),
            column: u16::try_from(point.column.0).unwrap_or(0),
            visible: self.term.mode().contains(TermMode::SHOW_CURSOR),
            shape: match style.shape {
                ansi::CursorShape::Underline => CursorShape::Underline,
                ansi::CursorShape::Beam => CursorShape::Beam,
                ansi::CursorShape::Block | ansi::CursorShape::HollowBlock | ansi::CursorShape::Hidden => {
                    CursorShape::Block
                }
            },
            blinking: style.blinking,
        }
    }

    fn visible(&self) -> impl Iterator<Item = &Row<cell::Cell>> {
        let grid = self.term.grid();
        (0..emulator::line(grid.screen_lines()).0).map(|line| &grid[Line(line)])
    }
}

fn joined(mut rows: Vec<String>) -> String {
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows.join("\n")
}

/// The characters of a row; their widths add up to its columns.
pub(super) fn cells(row: &Row<cell::Cell>) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::with_capacity(row.len());
    let all = &row[Column(0)..Column(row.len())];
    for (column, cell) in all.iter().enumerate() {
        match ink::part(all, column) {
            Part::SecondHalf => (),
            part @ (Part::Whole | Part::FirstHalf | Part::Broken) => cells.push(view(cell, part)),
        }
    }
    cells
}

fn view(cell: &cell::Cell, part: Part) -> Cell {
    let is_blank = cell.c == '\t' || part == Part::Broken;
    let mut text = String::from(if is_blank { ' ' } else { cell.c });
    if part != Part::Broken {
        text.extend(cell.zerowidth().into_iter().flatten());
    }
    let shown = Flags::ALL_UNDERLINES | Flags::BOLD_ITALIC | Flags::DIM | Flags::INVERSE | Flags::HIDDEN;
    Cell {
        text,
        width: if part == Part::FirstHalf { 2 } else { 1 },
        foreground: colour(cell.fg),
        background: colour(cell.bg),
        underline_colour: cell.underline_color().map(colour),
        attributes: Attributes(cell.flags & (shown | Flags::STRIKEOUT)),
        link: cell.hyperlink().map(|link| link.uri().to_owned()),
    }
}

fn colour(colour: Color) -> Colour {
    match colour {
        Color::Spec(rgb) => Colour::Rgb(rgb.r, rgb.g, rgb.b),
        Color::Indexed(index) => Colour::Indexed(index),
        Color::Named(NamedColor::Foreground | NamedColor::Background) => Colour::Default,
        Color::Named(name) => match u8::try_from(name as usize) {
            Ok(index) => Colour::Indexed(index),
            Err(_) => Colour::Default,
        },
    }
}
