//! Which lines of some output look the same wherever they are shown: text and colours that begin and end plain, in each of
//! the rows they take.

use unicode_width::UnicodeWidthChar as _;

const ESC: u8 = 0x1b;

/// Longer lines are left to the emulator, however few columns they take.
const LINE_BYTES_MAX: usize = 4096;

/// Longer sequences are left to the emulator.
const RENDITION_BYTES_MAX: usize = 40;

const FOREGROUND: u16 = 1 << 10;
const BACKGROUND: u16 = 1 << 11;

/// A row that such lines take on a screen: where its bytes end, and whether the line goes on in the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Behind its last byte; where the line ends, behind its CR LF. What ends its lines by CR LF itself has two CR there in
    /// a terminal.
    pub(super) end: usize,
    pub(super) flows: bool,
}

/// Cuts such lines off the beginning of some output, as the rows they take. Where the terminal does not wrap, those that
/// are longer than a row are none.
pub(super) fn rows(output: &[u8], columns: usize, wraps: bool) -> Vec<Row> {
    let mut cutter = Cutter { output, columns, wraps, rows: Vec::new() };
    let (mut at, mut whole) = (0, 0);
    while let Some(end) = cutter.line(at) {
        (at, whole) = (end, cutter.rows.len());
    }
    cutter.rows.truncate(whole);
    cutter.rows
}

struct Cutter<'a> {
    output: &'a [u8],
    columns: usize,
    wraps: bool,
    rows: Vec<Row>,
}

/// What is known of the row that is read.
#[derive(Clone, Copy, Default)]
struct Reading {
    column: usize,
    /// Whether it has something to see, whatever the colours.
    shows: bool,
    /// Whether it has a sequence.
    has_sequence: bool,
    /// Whether the line began before it.
    goes_on: bool,
}

impl Cutter<'_> {
    /// Takes the line that begins here; answers where it ends.
    fn line(&mut self, begin: usize) -> Option<usize> {
        let output = &self.output[..self.output.len().min(begin + LINE_BYTES_MAX)];
        let (mut at, mut pen, mut row) = (begin, 0, Reading::default());
        loop {
            let mut text = output[at..].iter().position(|byte| !matches!(byte, b' '..=b'~'))?;
            while row.column + text > self.columns {
                let fits = self.columns - row.column;
                row.shows |= !is_blank(&output[at..at + fits]);
                (at, text) = (at + fits, text - fits);
                row = self.wrap(at, pen, row)?;
            }
            row.shows |= !is_blank(&output[at..at + text]);
            (at, row.column) = (at + text, row.column + text);
            match output[at] {
                b'\r' => {
                    let end = at + output[at..].iter().position(|byte| *byte != b'\r')?;
                    if pen != 0 || output[end] != b'\n' {
                        return None;
                    }
                    self.end_row(end + 1, false, row)?;
                    return Some(end + 1);
                }
                ESC => {
                    let (length, left) = rendition(&output[at..], pen)?;
                    (at, pen, row.has_sequence) = (at + length, left, true);
                }
                _ => {
                    let c = character(&output[at..])?;
                    let width = c.width().filter(|width| *width > 0)?;
                    if row.column + width > self.columns {
                        // Room that is left for a wide character is for the emulator.
                        row =
                            if row.column == self.columns { self.wrap(at, pen, row)? } else { return None };
                    }
                    (at, row.column, row.shows) = (at + c.len_utf8(), row.column + width, true);
                }
            }
        }
    }

    /// Goes on in the next row, if that begins plain.
    fn wrap(&mut self, at: usize, pen: u16, row: Reading) -> Option<Reading> {
        if !self.wraps || pen != 0 {
            return None;
        }
        self.end_row(at, true, row)?;
        Some(Reading { goes_on: true, ..Reading::default() })
    }

    /// Ends a row. The one before it does not flow on into one in which nothing is: nothing would be printed there that makes
    /// a terminal wrap. Whether colours without text are something is for the emulator to say.
    fn end_row(&mut self, end: usize, flows: bool, row: Reading) -> Option<()> {
        if row.goes_on && !row.shows {
            if row.has_sequence {
                return None;
            }
            self.rows.last_mut()?.flows = false;
        }
        self.rows.push(Row { end, flows });
        Some(())
    }
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte == b' ')
}

/// The character at the beginning of a text, if it is not ASCII.
fn character(text: &[u8]) -> Option<char> {
    let length = match text.first()? {
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    str::from_utf8(text.get(..length)?).ok()?.chars().next()
}

/// How long the sequence at the beginning of a text is, if it only changes the pen, and which looks that then has.
fn rendition(text: &[u8], pen: u16) -> Option<(usize, u16)> {
    let rest = text.strip_prefix(b"\x1b[")?;
    let end = rest.iter().take(RENDITION_BYTES_MAX).position(|byte| !matches!(byte, b'0'..=b'9' | b';'))?;
    if rest[end] != b'm' {
        return None;
    }
    let mut numbers = rest[..end].split(|byte| *byte == b';').map(number);
    let mut pen = pen;
    while let Some(number) = numbers.next() {
        pen = match number? {
            0 => 0,
            1 | 2 => pen | 1 << 1,
            look @ (3 | 4 | 7 | 8 | 9) => pen | 1 << look,
            22 => pen & !(1 << 1),
            look @ (23 | 24 | 27 | 28 | 29) => pen & !(1 << (look - 20)),
            30..=37 | 90..=97 => pen | FOREGROUND,
            39 => pen & !FOREGROUND,
            40..=47 | 100..=107 => pen | BACKGROUND,
            49 => pen & !BACKGROUND,
            which @ (38 | 48) => {
                let parts = match numbers.next()?? {
                    5 => 1,
                    2 => 3,
                    _ => return None,
                };
                for _ in 0..parts {
                    numbers.next()??;
                }
                pen | if which == 38 { FOREGROUND } else { BACKGROUND }
            }
            _ => return None,
        };
    }
    Some((end + 3, pen))
}

/// A number of at most three digits that fits in a byte; none is 0.
fn number(digits: &[u8]) -> Option<u8> {
    if digits.len() > 3 {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| 10 * number + u16::from(digit - b'0'));
    u8::try_from(number).ok()
}
