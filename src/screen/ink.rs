//! How cells become the bytes that draw them.

use std::{fmt, io::Write as _, mem};

use alacritty_terminal::{
    grid::Row,
    index::Column,
    term::cell::{Cell, Flags, Hyperlink},
    vte::ansi::{Color, NamedColor},
};

const STYLE: Flags = Flags::BOLD
    .union(Flags::DIM)
    .union(Flags::ITALIC)
    .union(Flags::ALL_UNDERLINES)
    .union(Flags::INVERSE)
    .union(Flags::HIDDEN)
    .union(Flags::STRIKEOUT);

const SPACERS: Flags = Flags::WIDE_CHAR_SPACER.union(Flags::LEADING_WIDE_CHAR_SPACER);

/// How many columns a wide character has.
const WIDE: usize = 2;

/// The attributes that need a number each, in the order of their numbers.
const NUMBERS: [(Flags, &str); 11] = [
    (Flags::BOLD, ";1"),
    (Flags::DIM, ";2"),
    (Flags::ITALIC, ";3"),
    (Flags::UNDERLINE, ";4"),
    (Flags::DOUBLE_UNDERLINE, ";4:2"),
    (Flags::UNDERCURL, ";4:3"),
    (Flags::DOTTED_UNDERLINE, ";4:4"),
    (Flags::DASHED_UNDERLINE, ";4:5"),
    (Flags::INVERSE, ";7"),
    (Flags::HIDDEN, ";8"),
    (Flags::STRIKEOUT, ";9"),
];

/// The look of a cell, without its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pen {
    foreground: Color,
    background: Color,
    style: Flags,
    underline: Option<Color>,
}

impl Pen {
    fn of(cell: &Cell) -> Self {
        Self {
            foreground: cell.fg,
            background: cell.bg,
            style: cell.flags.intersection(STYLE),
            underline: if cell.extra.is_some() { cell.underline_color() } else { None },
        }
    }
}

const PLAIN: Pen = Pen {
    foreground: Color::Named(NamedColor::Foreground),
    background: Color::Named(NamedColor::Background),
    style: Flags::empty(),
    underline: None,
};

/// Draws cells with as few bytes as it easily can; it begins with a plain pen and no link.
pub(super) struct Ink<'a> {
    out: &'a mut Vec<u8>,
    pen: Pen,
    link: Option<Hyperlink>,
    keeps_links: bool,
    /// How many cells of the next row are drawn already.
    drawn: usize,
}

impl<'a> Ink<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, pen: PLAIN, link: None, keeps_links: true, drawn: 0 }
    }

    /// The same without links, for those who want text with colours.
    pub(super) fn without_links(out: &'a mut Vec<u8>) -> Self {
        Self { keeps_links: false, ..Self::new(out) }
    }

    /// Draws a row and ends plain; one that flows on with all its cells, so that the terminal wraps behind it. Where no
    /// room for a wide character was left, the terminal finds that out by itself.
    pub(super) fn row(&mut self, row: &Row<Cell>, flows: bool) {
        let all = &row[Column(0)..Column(row.len())];
        let end = if flows { row.len() - usize::from(leaves_room(row)) } else { written(row) };
        let drawn = mem::take(&mut self.drawn);
        for (column, cell) in all[..end].iter().enumerate().skip(drawn) {
            self.cell(cell, part(all, column));
        }
        self.plain();
    }

    /// Makes the terminal wrap into a row whose first cell has a background: it would give that to all of the row that it
    /// scrolls up for it.
    pub(super) fn wrap(&mut self, row: &Row<Cell>) {
        let all = &row[Column(0)..Column(row.len())];
        if all[0].bg == PLAIN.background {
            return;
        }
        if part(all, 0) == Part::FirstHalf {
            // Nothing else wraps where room was left for it.
            self.cell(&all[0], Part::FirstHalf);
            self.plain();
            if row.len() > WIDE {
                self.out.extend_from_slice(b"\x1b[K");
            }
            self.drawn = WIDE;
        } else {
            self.out.extend_from_slice(b" \r");
        }
    }

    /// Draws one cell; of a wide character, both columns with the first.
    fn cell(&mut self, cell: &Cell, part: Part) {
        if part == Part::SecondHalf {
            return;
        }
        self.dip(cell);
        if part == Part::Broken || cell.c == '\t' {
            self.out.push(b' ');
        } else {
            self.character(cell.c);
        }
        if part != Part::Broken {
            cell.zerowidth().into_iter().flatten().for_each(|&mark| self.character(mark));
        }
    }

    fn character(&mut self, c: char) {
        self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Draws the cell in a column, behind which a cursor waits, then takes the look of that cursor.
    pub(super) fn last_cell(&mut self, row: &Row<Cell>, column: Column, template: &Cell) {
        self.cell(&row[column], part(&row[Column(0)..Column(row.len())], column.0));
        self.dip(template);
    }

    /// Takes the look of a cell.
    pub(super) fn dip(&mut self, cell: &Cell) {
        let pen = Pen::of(cell);
        if pen != self.pen {
            self.pen = pen;
            self.rendition();
        }
        if self.keeps_links && (cell.extra.is_some() || self.link.is_some()) {
            self.take_link(cell.hyperlink());
        }
    }

    /// Becomes plain.
    pub(super) fn plain(&mut self) {
        if self.pen != PLAIN {
            self.pen = PLAIN;
            self.out.extend_from_slice(b"\x1b[0m");
        }
        self.take_link(None);
    }

    fn take_link(&mut self, link: Option<Hyperlink>) {
        if link == self.link {
            return;
        }
        match &link {
            Some(link) => put(self.out, format_args!("\x1b]8;id={};{}\x1b\\", link.id(), link.uri())),
            None => self.out.extend_from_slice(b"\x1b]8;;\x1b\\"),
        }
        self.link = link;
    }

    fn rendition(&mut self) {
        let Pen { foreground, background, style, underline } = self.pen;
        self.out.extend_from_slice(b"\x1b[0");
        for (flag, number) in NUMBERS {
            if style.contains(flag) {
                self.out.extend_from_slice(number.as_bytes());
            }
        }
        self.colour(foreground, 30);
        self.colour(background, 40);
        match underline {
            Some(Color::Indexed(index)) => put(self.out, format_args!(";58:5:{index}")),
            Some(Color::Spec(rgb)) => put(self.out, format_args!(";58:2::{}:{}:{}", rgb.r, rgb.g, rgb.b)),
            Some(Color::Named(_)) | None => (),
        }
        self.out.push(b'm');
    }

    fn colour(&mut self, colour: Color, first: u16) {
        match colour {
            Color::Indexed(index) => put(self.out, format_args!(";{};5;{index}", first + 8)),
            Color::Spec(rgb) => put(self.out, format_args!(";{};2;{};{};{}", first + 8, rgb.r, rgb.g, rgb.b)),
            Color::Named(name) => match name as u16 {
                number @ 0..8 => put(self.out, format_args!(";{}", first + number)),
                number @ 8..16 => put(self.out, format_args!(";{}", first + 60 + number - 8)),
                _ => (),
            },
        }
    }
}

/// What a cell is to the characters around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A character of one column.
    Whole,
    /// The first column of a wide character.
    FirstHalf,
    /// The second column of one.
    SecondHalf,
    /// The first column of a wide character the rest of which was overwritten: nothing that can be shown.
    Broken,
}

/// What the cell in a column is to the ones beside it.
pub(super) fn part(row: &[Cell], column: usize) -> Part {
    let has = |column: usize, flag| row.get(column).is_some_and(|cell| cell.flags.contains(flag));
    if has(column, Flags::WIDE_CHAR) {
        if has(column + 1, Flags::WIDE_CHAR_SPACER) { Part::FirstHalf } else { Part::Broken }
    } else if has(column, Flags::WIDE_CHAR_SPACER) && column > 0 && has(column - 1, Flags::WIDE_CHAR) {
        Part::SecondHalf
    } else {
        Part::Whole
    }
}

/// Writes text where writing cannot fail.
pub(super) fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("memory takes every byte");
}

/// How many cells of a row are not as they were before anything was written.
pub(super) fn written(row: &Row<Cell>) -> usize {
    row[Column(0)..Column(row.len())].iter().rposition(|cell| !is_untouched(cell)).map_or(0, |last| last + 1)
}

/// Whether a row goes on in the next one, so that a terminal may join them again.
///
/// A row that says so before an empty one, or that left room for a wide character which is no longer there as a whole,
/// is taken for ended: nothing could be printed that wraps in the same place.
pub(super) fn flows(row: &Row<Cell>, next: &Row<Cell>) -> bool {
    row[Column(row.len() - 1)].flags.contains(Flags::WRAPLINE)
        && !is_untouched_row(next)
        && (!leaves_room(row) || part(&next[Column(0)..Column(next.len())], 0) == Part::FirstHalf)
}

/// Whether the last column was left empty because a wide character did not fit there.
fn leaves_room(row: &Row<Cell>) -> bool {
    row[Column(row.len() - 1)].flags.contains(Flags::LEADING_WIDE_CHAR_SPACER)
}

fn is_untouched_row(row: &Row<Cell>) -> bool {
    written(row) == 0
}

fn is_untouched(cell: &Cell) -> bool {
    matches!(cell.c, ' ' | '\t')
        && cell.fg == PLAIN.foreground
        && cell.bg == PLAIN.background
        && !cell.flags.intersects(STYLE.union(SPACERS))
        && cell.extra.is_none()
}
