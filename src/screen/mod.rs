//! What a terminal shows: it reads what a program prints, answers the program's questions, and can bring any other
//! terminal to the same state.
//!
//! Memory is bounded whatever is printed: the visible rows and up to a thousand above them are cells, older rows are
//! compressed (when there is time), commands and titles are cut. Nothing waits here: a synchronized update is applied as it comes, so there is
//! no picture held back that a dump would miss ([`Screen::is_updating`] tells when one is half drawn).

mod answer;
mod emulator;
mod flood;
mod handler;
mod ink;
mod keyboard;
mod lines;
mod notice;
mod origin;
mod recall;
mod reset;
mod scan;
mod size;
mod snapshot;
mod spill;
mod view;

#[cfg(test)]
mod tests;

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
    time::Duration,
};

use alacritty_terminal::{
    term::TermMode,
    vte::ansi::{Processor, Timeout},
};

use self::{
    emulator::{Emulator, Said},
    flood::Absorbed,
    scan::{Found, Piece, Scanner},
};
pub use self::{
    notice::{Notice, PromptMark},
    reset::{RESET, Traces, reset_below_a_shell},
    size::Size,
    view::{Attributes, Cell, Colour, Cursor, CursorShape, Underline},
};

/// More notices from one `feed` are dropped.
const NOTICES_MAX: usize = 64;

/// What came of some output.
#[derive(Debug, Default)]
pub struct Fed {
    /// What the terminal answers to the program's questions. Whoever has a real terminal attached does not send it: that
    /// terminal answers too, and a second answer looks like keys.
    pub replies: Vec<u8>,
    /// What the program said beside drawing.
    pub notices: Vec<Notice>,
}

/// A terminal without a window.
pub struct Screen {
    emulator: Emulator,
    parser: Processor<Immediately>,
    scanner: Scanner,
    /// The beginning of a character whose end was not fed yet. The parser is not given halves: it loses what stands
    /// behind them.
    begun: Vec<u8>,
    /// What was changed by commands that the emulator does not take in whole.
    traces: Traces,
    was_rebuilt: bool,
}

impl Screen {
    /// Makes an empty screen that keeps so many rows which scrolled out at its top.
    pub fn new(size: Size, scrollback_rows_max: usize) -> Self {
        Self {
            emulator: Emulator::new(size, scrollback_rows_max),
            parser: Processor::new(),
            scanner: Scanner::default(),
            begun: Vec::new(),
            traces: Traces::default(),
            was_rebuilt: false,
        }
    }

    /// Takes what the program printed, in pieces of any size, and tells what came of it.
    pub fn feed(&mut self, bytes: &[u8]) -> Fed {
        let mut notices = Vec::new();
        let joined;
        let mut rest = bytes;
        if !self.begun.is_empty() {
            joined = [&*mem::take(&mut self.begun), bytes].concat();
            rest = &joined;
        }
        while !rest.is_empty() {
            let step = match self.absorb(rest) {
                Absorbed::Taken(length) => {
                    rest = &rest[length..];
                    continue;
                }
                Absorbed::Left(length) => length,
            };
            let (now, later) = rest.split_at(step);
            self.read(now, &mut notices);
            rest = later;
        }
        let Said { replies, bell, title } = mem::take(&mut self.emulator.said);
        notices.truncate(NOTICES_MAX);
        notices.extend(bell.then_some(Notice::Bell));
        notices.extend(title.then_some(Notice::Title));
        notices.extend(mem::take(&mut self.was_rebuilt).then_some(Notice::Rebuilt));
        Fed { replies, notices }
    }

    /// Changes the size. Rows that wrapped flow anew, except the ones that are compressed.
    pub fn resize(&mut self, size: Size) {
        self.guarded(|emulator, _| emulator.resize(size));
        if self.emulator.size != size {
            self.rebuild(size);
        }
    }

    /// The size.
    pub fn size(&self) -> Size {
        self.emulator.size
    }

    /// The bytes that bring a fresh terminal of the same size to this very state, with at most so many rows of scrollback.
    ///
    /// It erases what that terminal shows, and nothing above. At its end is the part of a sequence or a character that was
    /// fed so far, so that the rest of it may follow.
    pub fn snapshot(&mut self, scrollback_rows_max: usize) -> Vec<u8> {
        let mut snapshot = self
            .guarded(|emulator, _| emulator.snapshot(scrollback_rows_max))
            .unwrap_or_else(|| RESET.to_vec());
        snapshot.extend(self.scanner.unfinished());
        snapshot.extend_from_slice(&self.begun);
        snapshot
    }

    /// What was fed of a sequence that is not finished, for whoever is shown something in between.
    pub fn unfinished(&self) -> Vec<u8> {
        self.scanner.unfinished()
    }

    /// The visible rows as plain text. Blanks at the end of a row and empty rows at the end are left out.
    pub fn text(&self) -> String {
        self.emulator.text()
    }

    /// The same with colours and attributes; each row begins and ends plain.
    pub fn ansi(&self) -> String {
        self.emulator.ansi()
    }

    /// The visible rows, each as long as the screen is wide.
    pub fn rows(&self) -> Vec<Vec<Cell>> {
        self.emulator.rows()
    }

    /// Where the cursor is and how it looks.
    pub fn cursor(&self) -> Cursor {
        self.emulator.cursor()
    }

    /// The title the program gave, without control characters.
    pub fn title(&self) -> Option<&str> {
        self.emulator.recall.title.as_deref()
    }

    /// Whether the alternate screen is shown.
    pub fn is_alternate(&self) -> bool {
        self.emulator.is_alternate()
    }

    /// What the program changed, and did not change back, that a [`RESET`] leaves as it is.
    pub fn traces(&self) -> Traces {
        let colours = self.emulator.term.colors();
        let has = |index: usize| colours[index].is_some();
        let seen = Traces {
            colours: [(0..256).any(has), has(256), has(257), has(258)],
            wheel: self.emulator.recall.chose_wheel,
        };
        seen.and(self.traces)
    }

    /// Whether the program is in the middle of drawing a picture (mode 2026).
    pub fn is_updating(&self) -> bool {
        self.emulator.recall.is_updating
    }

    /// Whether pasted text is to be put between marks.
    pub fn takes_bracketed_paste(&self) -> bool {
        self.emulator.term.mode().contains(TermMode::BRACKETED_PASTE)
    }

    /// Whether cursor keys are to be sent in their other form (`ESC O A`).
    pub fn takes_application_cursor(&self) -> bool {
        self.emulator.term.mode().contains(TermMode::APP_CURSOR)
    }

    /// How many rows above the visible ones are kept; on the alternate screen, those of the primary one that are old.
    pub fn scrollback_rows(&self) -> usize {
        self.emulator.scrollback_rows()
    }

    /// How many bytes of memory those of them take that are no longer cells.
    pub fn compressed_bytes(&self) -> usize {
        self.emulator.spill.bytes()
    }

    /// Whether no rows wait to be compressed.
    pub fn is_compressed(&self) -> bool {
        self.emulator.spill.is_compressed()
    }

    /// Compresses some of the rows that left in a hurry; answers whether there are more. For when there is time.
    pub fn compress(&mut self) -> bool {
        self.emulator.spill.compress()
    }

    /// Takes many lines at once, if the output begins with them.
    fn absorb(&mut self, output: &[u8]) -> Absorbed {
        let is_at_rest = self.scanner.is_at_rest();
        self.guarded(|emulator, _| emulator.absorb(output, is_at_rest))
            .unwrap_or(Absorbed::Left(output.len()))
    }

    /// Reads output piece by piece. It ends at the end of a line, or with what there is.
    fn read(&mut self, output: &[u8], notices: &mut Vec<Notice>) {
        let mut rest = output;
        while !rest.is_empty() {
            let piece = self.scanner.next(rest);
            let (mut taken, behind) = rest.split_at(piece.length);
            rest = &behind[piece.skipped..];
            if rest.is_empty() && self.scanner.is_at_rest() {
                let begun = scan::begun_character(taken);
                (taken, self.begun) = (&taken[..taken.len() - begun], taken[taken.len() - begun..].to_vec());
            }
            self.parse(taken);
            self.act_on(piece, notices);
        }
    }

    fn parse(&mut self, bytes: &[u8]) {
        self.guarded(|emulator, parser| parser.advance(emulator, bytes));
    }

    fn act_on(&mut self, piece: Piece, notices: &mut Vec<Notice>) {
        match piece.found {
            Found::Osc(body) => {
                self.traces.heed(&body);
                if notices.len() < NOTICES_MAX {
                    notices.extend(Notice::from_osc(&body));
                }
            }
            Found::Nothing => (),
            // Whatever comes next is not part of it.
            Found::TooLong => self.parse(b"\x18"),
            Found::SoftReset => _ = self.guarded(|emulator, _| emulator.soft_reset()),
            Found::Version => self.emulator.answer_version(),
        }
    }

    /// Does something with the emulator. If that fails the session must not: the screen starts anew, with the scrollback
    /// that is compressed.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Emulator, &mut Processor<Immediately>) -> T,
    ) -> Option<T> {
        let (emulator, parser) = (&mut self.emulator, &mut self.parser);
        let done = panic::catch_unwind(AssertUnwindSafe(|| work(emulator, parser)));
        if done.is_err() {
            self.rebuild(self.emulator.size);
        }
        done.ok()
    }

    fn rebuild(&mut self, size: Size) {
        let mut emulator = Emulator::new(size, self.emulator.scrollback_rows_max);
        emulator.spill = mem::take(&mut self.emulator.spill);
        emulator.spill.break_off();
        emulator.recall.title = self.emulator.recall.title.take();
        self.emulator = emulator;
        self.parser = Processor::new();
        self.scanner = Scanner::default();
        self.was_rebuilt = true;
    }
}

/// Synchronized updates are not held back: nobody looks at this screen while it is drawn.
#[derive(Debug, Default)]
struct Immediately;

impl Timeout for Immediately {
    fn set_timeout(&mut self, _duration: Duration) {}

    fn clear_timeout(&mut self) {}

    fn pending_timeout(&self) -> bool {
        false
    }
}
