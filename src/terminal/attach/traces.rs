//! What a program changed in the terminal of who looks on that no mode tells: colours, and what the wheel does.

use crate::screen::Traces;

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;
/// Given up in the middle.
const CANCELS: [u8; 2] = [0x18, 0x1a];
/// How much of a sequence is kept; a longer one says in its beginning what it is about.
const KEPT_BYTES_MAX: usize = 256;
const WHEEL_MODE: &str = "1007";

/// Looks at what is shown.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    place: Place,
    kept: Vec<u8>,
    found: Traces,
}

/// Where in a sequence the next byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    Escape,
    Control,
    Command,
}

impl Tracker {
    /// Takes note of what is shown.
    pub(super) fn see(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.place == Place::Text {
                let Some(at) = memchr::memchr(ESCAPE, bytes) else {
                    return;
                };
                self.place = Place::Escape;
                bytes = &bytes[at + 1..];
                continue;
            }
            self.step(byte);
            bytes = rest;
        }
    }

    /// The bytes that put back what was changed, which is forgotten then.
    pub(super) fn undo(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.found).undo()
    }

    fn step(&mut self, byte: u8) {
        match (self.place, byte) {
            (Place::Command, ESCAPE | BELL) => {
                self.found.heed(&self.kept);
                self.place = if byte == ESCAPE { Place::Escape } else { Place::Text };
            }
            (_, ESCAPE) => self.place = Place::Escape,
            (_, byte) if CANCELS.contains(&byte) => self.place = Place::Text,
            (Place::Escape, b'[' | b']') => {
                self.kept.clear();
                self.place = if byte == b'[' { Place::Control } else { Place::Command };
            }
            (Place::Escape | Place::Text, _) => self.place = Place::Text,
            (Place::Control, 0x40..=0x7e) => {
                if matches!(byte, b'h' | b'l') && self.is_wheel_mode() {
                    self.found.heed_wheel();
                }
                self.place = Place::Text;
            }
            (Place::Control | Place::Command, _) => {
                if self.kept.len() < KEPT_BYTES_MAX {
                    self.kept.push(byte);
                }
            }
        }
    }

    fn is_wheel_mode(&self) -> bool {
        let modes = self.kept.strip_prefix(b"?").and_then(|modes| std::str::from_utf8(modes).ok());
        modes.is_some_and(|modes| modes.split(';').any(|mode| mode == WHEEL_MODE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn undone(shown: &str, expected: &str) {
        let mut whole = Tracker::default();
        whole.see(shown.as_bytes());
        assert_eq!(String::from_utf8(whole.undo()).unwrap(), expected, "{shown:?}");
        assert_eq!(whole.undo(), b"", "once");
        let mut pieces = Tracker::default();
        shown.as_bytes().chunks(1).for_each(|byte| pieces.see(byte));
        assert_eq!(String::from_utf8(pieces.undo()).unwrap(), expected, "{shown:?} in pieces");
    }

    #[test]
    fn what_was_set_goes_back_and_nothing_else() {
        undone("plain text \x1b[1mbold\x1b[0m \x1b]2;a title\x07", "");
        undone("\x1b]4;1;#ff0000\x07text", "\x1b]104\x1b\\");
        undone("\x1b]4;1;?;2;rgb:00/00/00\x1b\\", "\x1b]104\x1b\\");
        undone("\x1b]10;white\x1b\\\x1b]12;red\x07", "\x1b]110\x1b\\\x1b]112\x1b\\");
        undone("\x1b]10;white;black\x1b\\", "\x1b]110\x1b\\\x1b]111\x1b\\");
        undone("\x1b[?1007h", "\x1b[?1007l");
        undone("\x1b[?1000;1007;1006lx", "\x1b[?1007l");
        undone("\x1b]11;red\x07\x1b]111\x07", "");
    }

    #[test]
    fn a_question_or_half_a_sequence_sets_nothing() {
        for shown in [
            "\x1b]11;?\x1b\\\x1b]4;7;?\x07",
            "\x1b]10;?;?\x07",
            "\x1b]11;red\x18",
            "\x1b]11;red",
            "\x1b[?1007\x1b[0m",
            "\x1b[1007h",
            "\x1b[?11007h",
            "]11;red\x07",
        ] {
            undone(shown, "");
        }
        undone(&format!("\x1b]2;{}\x07\x1b]11;red\x07", "x".repeat(10_000)), "\x1b]111\x1b\\");
    }
}
