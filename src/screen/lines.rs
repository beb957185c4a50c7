//! Which lines of some output look the same wherever they are shown: text and colours that begin and end plain, and fit
//! in a row.

use unicode_width::UnicodeWidthChar as _;

const ESC: u8 = 0x1b;

/// Longer lines are left to the emulator, however few columns they take.
const LINE_BYTES_MAX: usize = 4096;

/// Longer sequences are left to the emulator.
const RENDITION_BYTES_MAX: usize = 40;

const FOREGROUND: u16 = 1 << 10;
const BACKGROUND: u16 = 1 << 11;

/// Cuts such lines off the beginning of some output, and answers where each of them ends, behind its CR LF. What ends its
/// lines by CR LF itself has two CR there in a terminal.
pub(super) fn ends(output: &[u8], columns_max: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(length) = length(&output[at..], columns_max) {
        at += length;
        ends.push(at);
    }
    ends
}

/// How long the line at the beginning of some output is, with its end.
fn length(output: &[u8], columns_max: usize) -> Option<usize> {
    let output = &output[..output.len().min(LINE_BYTES_MAX)];
    let (mut at, mut columns, mut pen) = (0, 0, 0);
    loop {
        let text = output[at..].iter().position(|byte| !matches!(byte, b' '..=b'~'))?;
        at += text;
        columns += text;
        if columns > columns_max {
            return None;
        }
        match output[at] {
            b'\r' => {
                let end = at + output[at..].iter().position(|byte| *byte != b'\r')?;
                return (pen == 0 && output[end] == b'\n').then_some(end + 1);
            }
            ESC => {
                let (length, left) = rendition(&output[at..], pen)?;
                (at, pen) = (at + length, left);
            }
            _ => {
                let c = character(&output[at..])?;
                at += c.len_utf8();
                columns += c.width().filter(|width| *width > 0)?;
            }
        }
    }
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
