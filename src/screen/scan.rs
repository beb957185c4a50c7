//! Where sequences in the output begin and end, so that the ones the emulator does not know are found, the ones it would
//! keep without a limit are cut, and the one that is not finished yet can be handed on.

use std::mem;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;
/// The emulator takes this byte for the end of a string, in which it may be a part of a character.
const STRING_TERMINATOR: u8 = 0x9c;

/// Longer texts of operating system commands are cut; the emulator itself would keep them all.
pub(super) const OSC_BYTES_MAX: usize = 4096;

/// Longer sequences of other kinds are not handed on to the end.
const HELD_BYTES_MAX: usize = 256;

/// What stands at the end of a piece of output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing: the output ended.
    Nothing,
    /// A whole operating system command, without its frame.
    Osc(Vec<u8>),
    /// An operating system command that is too long: the emulator must be told that it ends here.
    TooLong,
    /// Soft reset (DECSTR).
    SoftReset,
    /// The question for name and version (XTVERSION).
    Version,
}

/// A piece of output: so many bytes for the emulator, then what was found, then so many bytes nobody needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) length: usize,
    pub(super) found: Found,
    pub(super) skipped: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Ground,
    Escape,
    /// Behind `ESC` and what only a last byte can follow.
    Designation,
    /// Behind `ESC [`.
    Control,
    /// An operating system command.
    Osc,
    /// One that is too long.
    TooLong,
    /// A string for the device or the program, which means nothing here.
    String,
}

/// Reads along with the emulator, over the borders of what is fed.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    state: State,
    /// What of the present sequence was seen; of a command, without `ESC ]`.
    held: Vec<u8>,
}

impl Scanner {
    /// What was fed of a sequence that is not finished: whoever reads on must have read this.
    pub(super) fn unfinished(&self) -> Vec<u8> {
        match self.state {
            State::Osc => [b"\x1b]", &*self.held].concat(),
            // The rest of it is nothing anybody misses, as long as it is not taken for text.
            State::TooLong => b"\x1b]".to_vec(),
            State::Ground | State::Escape | State::Designation | State::Control | State::String => {
                self.held.clone()
            }
        }
    }

    /// Whether it stands between two sequences.
    pub(super) fn is_at_rest(&self) -> bool {
        self.state == State::Ground
    }

    /// Cuts the next piece off the output.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Piece {
        let skipped = if self.state == State::TooLong { self.skip(bytes) } else { 0 };
        if skipped > 0 {
            return Piece { length: 0, found: Found::Nothing, skipped };
        }
        let mut at = 0;
        while at < bytes.len() {
            let (length, found) = match self.state {
                State::Ground => (self.text(&bytes[at..]), Found::Nothing),
                State::Osc => self.osc(&bytes[at..]),
                State::String if bytes[at] == STRING_TERMINATOR => {
                    return Piece { length: at, found: Found::Nothing, skipped: 1 };
                }
                State::String => (self.string(&bytes[at..]), Found::Nothing),
                State::Escape | State::Designation | State::Control | State::TooLong => {
                    (1, self.step(bytes[at]))
                }
            };
            at += length;
            if found != Found::Nothing {
                return Piece { length: at, found, skipped: 0 };
            }
        }
        Piece { length: bytes.len(), found: Found::Nothing, skipped: 0 }
    }

    /// Passes text up to the next sequence.
    fn text(&mut self, bytes: &[u8]) -> usize {
        match memchr::memchr(ESC, bytes) {
            Some(end) => {
                self.begin();
                end + 1
            }
            None => bytes.len(),
        }
    }

    fn begin(&mut self) {
        self.state = State::Escape;
        self.held.clear();
        self.held.push(ESC);
    }

    fn step(&mut self, byte: u8) -> Found {
        if byte == ESC {
            self.begin();
            return Found::Nothing;
        }
        self.held.push(byte);
        let state = match (self.state, byte) {
            (_, CANCEL | SUBSTITUTE) => State::Ground,
            (State::Escape, b'[') | (State::Control, 0x20..0x40) => State::Control,
            (State::Escape, b']') => State::Osc,
            (State::Escape, b'P' | b'X' | b'^' | b'_') => State::String,
            // Control characters act at once and are part of no sequence.
            (state, 0..0x20 | 0x7f..) => {
                self.held.pop();
                state
            }
            (State::Escape | State::Designation, 0x20..0x30) => State::Designation,
            (State::Control, b'p' | b'q') => {
                self.state = State::Ground;
                return match &*mem::take(&mut self.held) {
                    b"\x1b[!p" => Found::SoftReset,
                    b"\x1b[>q" | b"\x1b[>0q" => Found::Version,
                    _ => Found::Nothing,
                };
            }
            _ => State::Ground,
        };
        if matches!(state, State::Ground | State::Osc) {
            self.held.clear();
        }
        self.held.truncate(HELD_BYTES_MAX);
        self.state = state;
        Found::Nothing
    }

    /// Passes a string, of which only the beginning is remembered.
    fn string(&mut self, bytes: &[u8]) -> usize {
        let ends = |byte: &u8| matches!(*byte, ESC | CANCEL | SUBSTITUTE | STRING_TERMINATOR);
        let end = bytes.iter().position(ends);
        let room = HELD_BYTES_MAX.saturating_sub(self.held.len());
        let text = &bytes[..end.unwrap_or(bytes.len())];
        self.held.extend_from_slice(&text[..text.len().min(room)]);
        let Some(end) = end else { return bytes.len() };
        match bytes[end] {
            STRING_TERMINATOR => return end,
            ESC => self.begin(),
            _ => {
                self.state = State::Ground;
                self.held.clear();
            }
        }
        end + 1
    }

    /// Collects the text of a command up to its end, and answers how many bytes that took.
    fn osc(&mut self, bytes: &[u8]) -> (usize, Found) {
        let end = bytes.iter().position(|&byte| matches!(byte, BEL | ESC | CANCEL | SUBSTITUTE));
        let text = &bytes[..end.unwrap_or(bytes.len())];
        let room = OSC_BYTES_MAX - self.held.len();
        if text.len() > room {
            self.held.clear();
            self.state = State::TooLong;
            return (room, Found::TooLong);
        }
        self.held.extend_from_slice(text);
        let Some(end) = end else { return (bytes.len(), Found::Nothing) };
        let body = mem::take(&mut self.held);
        self.state = State::Ground;
        match bytes[end] {
            BEL => (end + 1, Found::Osc(body)),
            ESC => {
                self.begin();
                (end + 1, Found::Osc(body))
            }
            _ => (end + 1, Found::Nothing),
        }
    }

    /// How many bytes still belong to a command that was too long. The `ESC` of its end is left: it begins a sequence.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        let Some(end) = bytes.iter().position(|&byte| matches!(byte, BEL | ESC | CANCEL | SUBSTITUTE)) else {
            return bytes.len();
        };
        self.state = State::Ground;
        if bytes[end] == ESC { end } else { end + 1 }
    }
}

/// How many bytes at the end of a text are the beginning of a character.
pub(super) fn begun_character(text: &[u8]) -> usize {
    for (count, byte) in (1..=3).zip(text.iter().rev()) {
        let length = match byte {
            0x80..0xc0 => continue,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..0xf8 => 4,
            _ => 0,
        };
        return if length > count { count } else { 0 };
    }
    0
}
