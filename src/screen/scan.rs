//! Which sequences in the output the emulator does not know, or would keep without a limit.

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const CANCEL: u8 = 0x18;
const SUBSTITUTE: u8 = 0x1a;

/// Longer texts of operating system commands are cut; the emulator itself would keep them all.
pub(super) const OSC_BYTES_MAX: usize = 4096;

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
    /// Behind `ESC [`, as long as it may become a sequence we look for.
    Control([u8; 3], usize),
    Osc,
    TooLong,
}

/// Reads along with the emulator, over the borders of what is fed.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    state: State,
    osc: Vec<u8>,
}

impl Scanner {
    /// Whether it stands between two sequences.
    pub(super) fn is_at_rest(&self) -> bool {
        self.state == State::Ground
    }

    /// Cuts the next piece off the output.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Piece {
        let mut at = 0;
        let skipped = if self.state == State::TooLong { self.skip(bytes) } else { 0 };
        if skipped > 0 {
            return Piece { length: 0, found: Found::Nothing, skipped };
        }
        while at < bytes.len() {
            if self.state == State::Ground {
                let Some(next) = bytes[at..].iter().position(|&byte| byte == ESC) else { break };
                self.state = State::Escape;
                at += next + 1;
                continue;
            }
            let found = if self.state == State::Osc {
                let (length, found) = self.osc(&bytes[at..]);
                at += length;
                found
            } else {
                at += 1;
                self.step(bytes[at - 1])
            };
            if found != Found::Nothing {
                return Piece { length: at, found, skipped: 0 };
            }
        }
        Piece { length: bytes.len(), found: Found::Nothing, skipped: 0 }
    }

    fn step(&mut self, byte: u8) -> Found {
        self.state = match (self.state, byte) {
            (_, ESC) | (State::Escape, 0..=0x17 | 0x19 | 0x1c..=0x1f) => State::Escape,
            (State::Escape, b'[') => State::Control([0; 3], 0),
            (State::Escape, b']') => {
                self.osc.clear();
                State::Osc
            }
            (State::Control(mut seen, length), b'!' | b'>' | b'0') if length < 2 => {
                seen[length] = byte;
                State::Control(seen, length + 1)
            }
            (State::Control(seen, length), b'p' | b'q') => {
                self.state = State::Ground;
                return match (&seen[..length], byte) {
                    (b"!", b'p') => Found::SoftReset,
                    (b">" | b">0", b'q') => Found::Version,
                    _ => Found::Nothing,
                };
            }
            _ => State::Ground,
        };
        Found::Nothing
    }

    /// Collects the text of a command up to its end, and answers how many bytes that took.
    fn osc(&mut self, bytes: &[u8]) -> (usize, Found) {
        let end = bytes.iter().position(|&byte| matches!(byte, BEL | ESC | CANCEL | SUBSTITUTE));
        let text = &bytes[..end.unwrap_or(bytes.len())];
        let room = OSC_BYTES_MAX - self.osc.len();
        if text.len() > room {
            self.osc.clear();
            self.state = State::TooLong;
            return (room, Found::TooLong);
        }
        self.osc.extend_from_slice(text);
        let Some(end) = end else { return (bytes.len(), Found::Nothing) };
        self.state = if bytes[end] == ESC { State::Escape } else { State::Ground };
        match bytes[end] {
            BEL | ESC => (end + 1, Found::Osc(std::mem::take(&mut self.osc))),
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
