//! What a terminal is sent to make it ordinary again.

/// What a client writes when it detaches, so that the person's shell finds an ordinary terminal: it leaves the alternate
/// screen, every mode a program may have set, margins, character sets, colours, links and the cursor's shape.
///
/// Text and place of the cursor stay. The cursor is saved before each step that moves it in some terminal: leaving an
/// alternate screen that was not entered, and setting margins or origin. With full margins the origin means nothing.
pub const RESET: &[u8] = b"\x1b[?2026l\x1b]8;;\x1b\\\
\x1b[<99u\x1b[=0u\x1b7\x1b[?1049l\x1b[<99u\x1b[=0u\x1b[>4;0m\
\x1b[0m\x1b(B\x1b)B\x1b*B\x1b+B\x0f\
\x1b7\x1b[?6l\x1b[r\x1b8\
\x1b[4l\x1b[20l\x1b[?7h\x1b[?1l\x1b>\
\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\
\x1b[?1004l\x1b[?2004l\x1b[?5l\x1b[?2027l\x1b[?2031l\x1b[?2048l\
\x1b[?25h\x1b[0 q";

/// The same for a terminal in which a shell has begun to edit a line already: how a paste comes there is its own matter.
pub fn reset_below_a_shell() -> Vec<u8> {
    const PASTES: &[u8] = b"\x1b[?2004l";
    let at = memchr::memmem::find(RESET, PASTES).expect("a reset also sets how a paste comes");
    [&RESET[..at], &RESET[at + PASTES.len()..]].concat()
}

/// What a program changed in a terminal that no mode tells and [`RESET`] leaves: colours, and what the wheel does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// The palette, then the colours of text, background and cursor.
    pub(super) colours: [bool; 4],
    pub(super) wheel: bool,
}

impl Traces {
    /// Takes note of a command that sets colours, or puts them back: also of colours that have a name, which only real
    /// terminals know.
    pub fn heed(&mut self, command: &[u8]) {
        let text = String::from_utf8_lossy(command);
        let mut parts = text.split(';');
        let Some(code) = parts.next().and_then(|code| code.parse::<usize>().ok()) else {
            return;
        };
        match code {
            4 => self.colours[0] |= parts.skip(1).step_by(2).any(|colour| colour != "?"),
            // Each further colour is that of the next code.
            10..=12 => {
                for (has, colour) in self.colours[code - 9..].iter_mut().zip(parts) {
                    *has |= colour != "?";
                }
            }
            104 if parts.next().is_none() => self.colours[0] = false,
            110..=112 => self.colours[code - 109] = false,
            _ => (),
        }
    }

    /// Takes note that what the wheel does was changed.
    pub fn heed_wheel(&mut self) {
        self.wheel = true;
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut colours = self.colours;
        colours.iter_mut().zip(other.colours).for_each(|(one, other)| *one |= other);
        Self { colours, wheel: self.wheel || other.wheel }
    }

    /// The bytes that put all of it back.
    pub fn undo(self) -> Vec<u8> {
        const BACK: [&[u8]; 4] = [b"\x1b]104\x1b\\", b"\x1b]110\x1b\\", b"\x1b]111\x1b\\", b"\x1b]112\x1b\\"];
        let colours = BACK.iter().zip(self.colours).filter(|(_, has)| *has).map(|(back, _)| *back);
        colours.chain(self.wheel.then_some(&b"\x1b[?1007l"[..])).collect::<Vec<_>>().concat()
    }
}
