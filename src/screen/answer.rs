//! What a program gets to know when it asks the terminal.

use std::fmt;

use alacritty_terminal::{
    term::TermMode,
    vte::ansi::{Mode, NamedColor, NamedMode, NamedPrivateMode, PrivateMode, Rgb},
};

use super::{emulator::Emulator, ink::put};

/// A program that asks without end gets no more than this for one `feed`.
const REPLIES_BYTES_MAX: usize = 64 * 1024;

const FOREGROUND: Rgb = Rgb { r: 0xd8, g: 0xd8, b: 0xd8 };
const BACKGROUND: Rgb = Rgb { r: 0x12, g: 0x12, b: 0x12 };

/// The sixteen named colours of xterm.
const NAMED: [u32; 16] = [
    0x00_0000, 0xcd_0000, 0x00_cd00, 0xcd_cd00, 0x00_00ee, 0xcd_00cd, 0x00_cdcd, 0xe5_e5e5, 0x7f_7f7f,
    0xff_0000, 0x00_ff00, 0xff_ff00, 0x5c_5cff, 0xff_00ff, 0x00_ffff, 0xff_ffff,
];

impl Emulator {
    /// Adds an answer to the ones the caller may send.
    pub(super) fn answer(&mut self, answer: fmt::Arguments<'_>) {
        if self.said.replies.len() < REPLIES_BYTES_MAX {
            put(&mut self.said.replies, answer);
        }
    }

    /// Says that this is a terminal of the second level with colours; to the second question, a version.
    pub(super) fn answer_identity(&mut self, intermediate: Option<char>) {
        match intermediate {
            None => self.answer(format_args!("\x1b[?62;22c")),
            Some('>') => self.answer(format_args!("\x1b[>0;276;0c")),
            Some(_) => (),
        }
    }

    pub(super) fn answer_version(&mut self) {
        self.answer(format_args!("\x1bP>|wharf {}\x1b\\", env!("CARGO_PKG_VERSION")));
    }

    pub(super) fn answer_status(&mut self, question: usize) {
        let point = self.term.grid().cursor.point;
        let top = match &self.recall.margins {
            Some(margins) if self.term.mode().contains(TermMode::ORIGIN) => margins.start,
            Some(_) | None => 0,
        };
        let row = usize::try_from(point.line.0).unwrap_or(0).saturating_sub(top) + 1;
        match question {
            5 => self.answer(format_args!("\x1b[0n")),
            6 => self.answer(format_args!("\x1b[{row};{}R", point.column.0 + 1)),
            _ => (),
        }
    }

    pub(super) fn answer_mode(&mut self, mode: Mode) {
        let on = match mode {
            Mode::Named(NamedMode::Insert) => Some(TermMode::INSERT),
            Mode::Named(NamedMode::LineFeedNewLine) => Some(TermMode::LINE_FEED_NEW_LINE),
            Mode::Unknown(_) => None,
        };
        let state = state(on.map(|flag| self.term.mode().contains(flag)));
        self.answer(format_args!("\x1b[{};{state}$y", mode.raw()));
    }

    pub(super) fn answer_private_mode(&mut self, mode: PrivateMode) {
        let state = state(self.private_mode(mode));
        self.answer(format_args!("\x1b[?{};{state}$y", mode.raw()));
    }

    fn private_mode(&self, mode: PrivateMode) -> Option<bool> {
        let flag = match mode {
            PrivateMode::Unknown(47 | 1047)
            | PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor) => TermMode::ALT_SCREEN,
            PrivateMode::Unknown(66) => TermMode::APP_KEYPAD,
            PrivateMode::Unknown(_) | PrivateMode::Named(NamedPrivateMode::ColumnMode) => return None,
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => return Some(self.recall.is_updating),
            PrivateMode::Named(NamedPrivateMode::BlinkingCursor) => {
                return Some(self.recall.cursor_style.is_some_and(|style| style.blinking));
            }
            PrivateMode::Named(NamedPrivateMode::CursorKeys) => TermMode::APP_CURSOR,
            PrivateMode::Named(NamedPrivateMode::Origin) => TermMode::ORIGIN,
            PrivateMode::Named(NamedPrivateMode::LineWrap) => TermMode::LINE_WRAP,
            PrivateMode::Named(NamedPrivateMode::ShowCursor) => TermMode::SHOW_CURSOR,
            PrivateMode::Named(NamedPrivateMode::ReportMouseClicks) => TermMode::MOUSE_REPORT_CLICK,
            PrivateMode::Named(NamedPrivateMode::ReportCellMouseMotion) => TermMode::MOUSE_DRAG,
            PrivateMode::Named(NamedPrivateMode::ReportAllMouseMotion) => TermMode::MOUSE_MOTION,
            PrivateMode::Named(NamedPrivateMode::ReportFocusInOut) => TermMode::FOCUS_IN_OUT,
            PrivateMode::Named(NamedPrivateMode::Utf8Mouse) => TermMode::UTF8_MOUSE,
            PrivateMode::Named(NamedPrivateMode::SgrMouse) => TermMode::SGR_MOUSE,
            PrivateMode::Named(NamedPrivateMode::AlternateScroll) => TermMode::ALTERNATE_SCROLL,
            PrivateMode::Named(NamedPrivateMode::UrgencyHints) => TermMode::URGENCY_HINTS,
            PrivateMode::Named(NamedPrivateMode::BracketedPaste) => TermMode::BRACKETED_PASTE,
        };
        Some(self.term.mode().contains(flag))
    }

    /// Tells a colour: the one the program set, else what most terminals show.
    pub(super) fn answer_colour(&mut self, prefix: &str, index: usize, end: &str) {
        let Some(Rgb { r, g, b }) = self.colour(index) else { return };
        self.answer(format_args!("\x1b]{prefix};rgb:{r:02x}{r:02x}/{g:02x}{g:02x}/{b:02x}{b:02x}{end}"));
    }

    fn colour(&self, index: usize) -> Option<Rgb> {
        const FIRST: usize = NamedColor::Foreground as usize;
        const SECOND: usize = NamedColor::Background as usize;
        const THIRD: usize = NamedColor::Cursor as usize;
        if !matches!(index, 0..=255 | FIRST | SECOND | THIRD) {
            return None;
        }
        self.term.colors()[index].or_else(|| match index {
            FIRST | THIRD => Some(FOREGROUND),
            SECOND => Some(BACKGROUND),
            _ => u8::try_from(index).ok().map(palette),
        })
    }
}

/// A colour of the usual 256: names, a cube of six steps, greys.
fn palette(index: u8) -> Rgb {
    match index {
        0..16 => {
            let [_, r, g, b] = NAMED[usize::from(index)].to_be_bytes();
            Rgb { r, g, b }
        }
        16..232 => {
            let step = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let cube = index - 16;
            Rgb { r: step(cube / 36), g: step(cube / 6 % 6), b: step(cube % 6) }
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            Rgb { r: grey, g: grey, b: grey }
        }
    }
}

/// The number DECRPM has for a mode: unknown, set, reset.
fn state(on: Option<bool>) -> u8 {
    match on {
        None => 0,
        Some(true) => 1,
        Some(false) => 2,
    }
}
