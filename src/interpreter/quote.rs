//! How a text stands in a line of an interpreter, whatever bytes it has.

use super::entry::Quote;

impl Quote {
    /// Adds a text to a line.
    pub(super) fn write(self, text: &[u8], line: &mut Vec<u8>) {
        match self {
            Self::Lines => line.extend_from_slice(text),
            Self::Single => single(text, line),
            Self::AnsiC => ansi_c(text, line),
            Self::Hex => text.iter().for_each(|byte| {
                line.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
            }),
        }
    }
}

pub(super) fn single(text: &[u8], line: &mut Vec<u8>) {
    line.push(b'\'');
    for byte in text {
        match byte {
            b'\'' => line.extend_from_slice(br"'\''"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\'');
}

/// Everything that a shell with history or with another character set could take for something else is a number.
pub(super) fn ansi_c(text: &[u8], line: &mut Vec<u8>) {
    line.extend_from_slice(b"$'");
    for byte in text {
        match byte {
            b'\n' => line.extend_from_slice(br"\n"),
            b'\'' | b'\\' | b'!' | 0..=0x1f | 0x7f..=0xff => {
                line.push(b'\\');
                line.extend([byte >> 6, (byte >> 3) & 7, byte & 7].map(|digit| b'0' + digit));
            }
            byte => line.push(*byte),
        }
    }
    line.push(b'\'');
}
