//! The terminal that a client lends to its holder, so that keys and output need no process in between: what is said about
//! it, and what is done with it.
//!
//! The client shows the first screen, then says `Lend`, with its terminal open, and reads no more keys. The holder answers
//! `Borrowed` behind everything it sent before; when that is shown too the client says `GoAhead`. From then on the holder
//! reads the keys and draws, until it says `Returned`: because the key that leaves was pressed, because the client wants
//! its terminal back (`TakeBack`), or because the terminal is no longer as it was lent, which is how it is seen that a shell
//! took it from a client that was stopped.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use rustix::{
    fs::{FileType, Mode, OFlags},
    io::Errno,
    termios::{
        ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios,
    },
};
use serde::{Deserialize, Serialize};

use crate::screen::Size;

/// Ends a control string that was cut off.
pub(super) const STRING_END: &[u8] = b"\x1b\\";
/// Gives up a sequence in its middle.
pub(super) const CANCEL: &[u8] = b"\x18";
pub(super) const TITLE_BACK: &[u8] = b"\x1b[23;2t";
pub(super) const CLEAR: &[u8] = b"\x1b[H\x1b[2J";
/// Below every screen.
pub(super) const BELOW_SCREEN: &[u8] = b"\x1b[999;1H\r\n";
pub(super) const TAKEN_TITLE: &[u8] = b"\x1b]2;looking on: somebody else has taken control\x1b\\";

/// What is said about a terminal that is lent.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lend {
    /// The key that leaves.
    pub key: String,
    /// How it was before it was made to let every key through.
    pub modes: Modes,
}

/// The modes of a terminal, as the system numbers them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Modes {
    input: u32,
    output: u32,
    control: u32,
    local: u32,
    min: u8,
    time: u8,
}

impl Modes {
    /// Those that are told.
    pub(super) fn of(told: &Termios) -> Self {
        Self {
            input: told.input_modes.bits(),
            output: told.output_modes.bits(),
            control: told.control_modes.bits(),
            local: told.local_modes.bits(),
            min: told.special_codes[SpecialCodeIndex::VMIN],
            time: told.special_codes[SpecialCodeIndex::VTIME],
        }
    }

    /// Gives a terminal these modes, if it still is as it was lent.
    pub(super) fn replace_raw(self, terminal: impl AsFd) -> rustix::io::Result<()> {
        let mut told = rustix::termios::tcgetattr(&terminal)?;
        if !lets_all_through(&told) {
            return Err(Errno::ACCESS);
        }
        told.input_modes = InputModes::from_bits_retain(self.input);
        told.output_modes = OutputModes::from_bits_retain(self.output);
        told.control_modes = ControlModes::from_bits_retain(self.control);
        told.local_modes = LocalModes::from_bits_retain(self.local);
        told.special_codes[SpecialCodeIndex::VMIN] = self.min;
        told.special_codes[SpecialCodeIndex::VTIME] = self.time;
        rustix::termios::tcsetattr(&terminal, OptionalActions::Now, &told)
    }
}

/// Whether a terminal lets every key and every byte through. A shell that takes its terminal back has it otherwise: also
/// while it edits a line, output is processed and keys send signals.
pub(super) fn is_raw(terminal: impl AsFd) -> bool {
    rustix::termios::tcgetattr(terminal).is_ok_and(|told| lets_all_through(&told))
}

fn lets_all_through(told: &Termios) -> bool {
    !told.output_modes.contains(OutputModes::OPOST)
        && !told.local_modes.intersects(LocalModes::ISIG | LocalModes::ICANON | LocalModes::ECHO)
}

/// How large a terminal is, as far as a session can be; nothing where it does not say.
pub(super) fn size_of(terminal: impl AsFd) -> Option<Size> {
    let told = rustix::termios::tcgetwinsize(terminal).ok()?;
    let is_told = told.ws_row > 0 && told.ws_col > 0;
    is_told.then(|| Size::new(told.ws_row.min(Size::MAX), told.ws_col.clamp(2, Size::MAX)))?
}

/// Opens the terminal that a descriptor stands for once more, if it is one and our own user's: a flag that is set on ours
/// is then not set for whoever has theirs, and nobody can take it from ours.
pub(super) fn reopened(terminal: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    let meta = rustix::fs::fstat(terminal)?;
    let is_device = FileType::from_raw_mode(meta.st_mode) == FileType::CharacterDevice;
    if !is_device || meta.st_uid != rustix::process::geteuid().as_raw() {
        return Err(Errno::ACCESS);
    }
    // To open another device can do something: wind a tape back, reset a board.
    if !rustix::termios::isatty(terminal) {
        return Err(Errno::NOTTY);
    }
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let path = format!("/proc/self/fd/{}", terminal.as_raw_fd());
    let own = rustix::fs::open(path, flags, Mode::empty())?;
    if rustix::termios::isatty(&own) { Ok(own) } else { Err(Errno::NOTTY) }
}
