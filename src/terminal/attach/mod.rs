//! What happens between the user's terminal and a session while somebody is attached.

use std::{io, os::fd::BorrowedFd, time::Instant};

use rustix::{
    event::{PollFd, PollFlags},
    io::Errno,
    process::Signal,
};

mod loan;
mod parting;
mod stage;
mod traces;

use self::{
    loan::Lending,
    stage::{Below, Stage},
};
use super::{
    Attach, Connection, Exited, FromClient, FromHolder, Refusal, Role, Status, TerminalError,
    lending::TAKEN_TITLE, watch::Watch,
};
use crate::{key::DetachKey, process::Signals, screen::Size, socket::timespec};

/// How much is read from a terminal at once.
const INPUT_BYTES: usize = 16 << 10;
/// What asks a client to leave.
const LEAVING: [Signal; 4] = [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT];

/// Where a session is shown.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// What is typed there.
    pub input: BorrowedFd<'a>,
    /// What is shown there.
    pub output: BorrowedFd<'a>,
    /// Whether both are one terminal in which somebody sits; else what is printed goes out and nothing comes in.
    pub is_terminal: bool,
}

/// How somebody wants to see a session.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// What they want to do.
    pub role: Role,
    /// The key that leaves.
    pub key: DetachKey,
    /// How many rows of scrollback come along.
    pub scrollback: usize,
}

/// Why the session is not shown any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// The key was typed, or the terminal went away. The session goes on.
    Detached,
    /// This process was asked to end by a signal. The session goes on.
    Signalled(i32),
    /// Somebody took control where no more may be attached, and this place with it. The session goes on.
    Displaced,
    /// The program ended.
    Exited(Exited),
    /// The holder went away without a word, and the terminal of the program with it.
    Gone,
}

/// How an attachment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Why.
    pub departure: Departure,
    /// Whether somebody else took control meanwhile, and has it still.
    pub was_taken: bool,
    /// Whether a screen came at all: a program can end before.
    pub was_shown: bool,
}

/// Shows a session until somebody leaves or it ends. The terminal is left as it was found, also after an error.
pub fn attach(connection: Connection, place: Place<'_>, view: View) -> Result<Parting, TerminalError> {
    let local = |source: io::Error| TerminalError::Io { action: "use", path: "the terminal".into(), source };
    let heard = [&LEAVING[..], &[Signal::WINCH, Signal::CONT, Signal::TSTP]].concat();
    let signals = Signals::hear(&heard).map_err(local)?;
    let stage = if place.is_terminal {
        Stage::terminal(place.input, place.output).map_err(local)?
    } else {
        Stage::stream(place.input, place.output)
    };
    let size = stage.size();
    let mut attachment = Attachment {
        lending: Lending::new(stage.is_terminal() && connection.takes_terminals()),
        connection,
        stage,
        signals,
        watch: Watch::of(view.key),
        role: view.role,
        controls: view.role != Role::Observe,
        was_taken: false,
        size,
        picture: Picture::None,
        buffer: vec![0; INPUT_BYTES],
    };
    let request = Attach {
        protocol: attachment.connection.protocol(),
        role: view.role,
        rows: size.rows(),
        cols: size.cols(),
        scrollback: view.scrollback,
        is_terminal: place.is_terminal,
    };
    attachment.connection.queue(&FromClient::Attach(request));
    attachment.run()
}

/// Somebody who is attached.
struct Attachment<'a> {
    // Left before the connection closes: a holder whose client goes without a word puts the terminal in order itself.
    stage: Stage<'a>,
    connection: Connection,
    signals: Signals,
    watch: Watch,
    lending: Lending,
    role: Role,
    controls: bool,
    was_taken: bool,
    size: Size,
    picture: Picture,
    buffer: Vec<u8>,
}

/// How much of a screen has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Picture {
    /// Nothing yet.
    None,
    /// Some parts of it.
    Coming,
    /// All of it; what comes next is another one.
    Whole,
}

/// Who has something to say.
struct Ready {
    signals: PollFlags,
    holder: PollFlags,
    input: PollFlags,
    output: PollFlags,
}

impl Attachment<'_> {
    fn run(mut self) -> Result<Parting, TerminalError> {
        let departure = loop {
            match self.turn() {
                Ok(None) => (),
                Ok(Some(departure)) => break Ok(departure),
                Err(err) => break Err(err),
            }
        };
        if self.lending.may_be_used() {
            self.stage.revoke();
        }
        let departure = departure?;
        let below = match departure {
            Departure::Detached => self.last_row().map_or(Below::Screen, Below::Row),
            Departure::Exited(_) => Below::Cursor,
            Departure::Signalled(_) | Departure::Displaced | Departure::Gone => Below::Screen,
        };
        let is_cut_off = departure == Departure::Displaced && !self.stage.is_terminal();
        if is_cut_off || matches!(departure, Departure::Exited(_) | Departure::Gone) {
            self.stage.finish();
        }
        self.stage.leave(below);
        if let Departure::Detached | Departure::Signalled(_) = departure {
            self.say_good_bye();
        }
        let was_shown = self.picture != Picture::None;
        Ok(Parting { departure, was_taken: self.was_taken, was_shown })
    }

    /// Waits until something happens, and does what there is to do about it.
    fn turn(&mut self) -> Result<Option<Departure>, TerminalError> {
        if self.watch.release_at().is_some_and(|at| Instant::now() >= at) {
            let bytes = self.watch.release();
            self.say(bytes);
        }
        if let Some(departure) = self.look_for_keys()? {
            return Ok(Some(departure));
        }
        let Some(ready) = self.wait()? else {
            return Ok(None);
        };
        if !ready.signals.is_empty() {
            // Whoever was stopped meanwhile, and goes on, may find read what was to be read.
            return self.heed_signals();
        }
        // Keys first: somebody who wants to leave does not wait for a program that prints without end.
        if !ready.input.is_empty() && !self.lending.is_here() {
            self.notice_key();
        } else if !ready.input.is_empty() && self.hear() {
            return Ok(Some(Departure::Detached));
        }
        if ready.holder.contains(PollFlags::OUT) {
            self.connection.flush()?;
        }
        if ready.holder.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            self.connection.fill()?;
            if let Some(departure) = self.take_messages()? {
                return Ok(Some(departure));
            }
        }
        // Whoever closed the other end of a pipe does not want to see more.
        let is_closed = ready.output.intersects(PollFlags::ERR | PollFlags::HUP);
        if is_closed || (self.stage.has_queued() && self.stage.flush().is_err()) {
            return Ok(Some(Departure::Detached));
        }
        self.send()?;
        self.lend();
        self.send()?;
        Ok(None)
    }

    fn send(&mut self) -> Result<(), TerminalError> {
        if self.connection.has_queued() { self.connection.flush() } else { Ok(()) }
    }

    /// Waits for whoever may speak; nothing when only time has passed.
    fn wait(&self) -> Result<Option<Ready>, TerminalError> {
        let flag = |wanted: bool, flag: PollFlags| if wanted { flag } else { PollFlags::empty() };
        let holder =
            flag(!self.stage.is_full(), PollFlags::IN) | flag(self.connection.has_queued(), PollFlags::OUT);
        let hears = self.stage.is_terminal() && !self.connection.is_full() && self.lending.hears();
        let mut polled = vec![
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::from_borrowed_fd(self.stage.output(), flag(self.stage.has_queued(), PollFlags::OUT)),
        ];
        // A peer that hung up would be reported at once and for ever, wanted or not.
        let at = |list: &mut Vec<_>, fd| {
            list.push(fd);
            list.len() - 1
        };
        let holder = (!holder.is_empty()).then(|| at(&mut polled, PollFd::new(&self.connection, holder)));
        let input =
            hears.then(|| at(&mut polled, PollFd::from_borrowed_fd(self.stage.input(), PollFlags::IN)));
        let due = self.watch.release_at().into_iter().chain(self.lending.look_at()).min();
        let limit = due.map(|at| timespec(at.saturating_duration_since(Instant::now())));
        match rustix::event::poll(&mut polled, limit.as_ref()) {
            Ok(0) => Ok(None),
            Ok(_) => {
                let seen = |place: Option<usize>| place.map_or(PollFlags::empty(), |at| polled[at].revents());
                Ok(Some(Ready {
                    signals: polled[0].revents(),
                    output: polled[1].revents(),
                    holder: seen(holder),
                    input: seen(input),
                }))
            }
            // A signal wakes its descriptor too, so the next turn finds it.
            Err(Errno::INTR) => Ok(Some(Ready {
                signals: PollFlags::IN,
                output: PollFlags::empty(),
                holder: PollFlags::empty(),
                input: PollFlags::empty(),
            })),
            Err(_) => Err(TerminalError::Silent { because: "it cannot be waited for" }),
        }
    }

    fn heed_signals(&mut self) -> Result<Option<Departure>, TerminalError> {
        self.signals.clear();
        if let Some(signal) = self.signals.take(&LEAVING) {
            if let Err(err) = self.take_back() {
                tracing::debug!(error = %err, "a terminal is left without the word of its holder");
            }
            return Ok(Some(Departure::Signalled(signal.as_raw())));
        }
        if self.signals.take(&[Signal::TSTP]).is_some() {
            if let Some(departure) = self.take_back()? {
                return Ok(Some(departure));
            }
            if !self.signals.has(&[Signal::CONT]) {
                self.pause();
            }
        }
        if self.signals.take(&[Signal::CONT]).is_some() && self.stage.raw().is_err() {
            return Ok(Some(Departure::Detached));
        }
        if self.signals.take(&[Signal::WINCH]).is_some() {
            self.tell_size();
        }
        Ok(None)
    }

    /// Whoever is asked to stop stops; heard, the signal does not do that by itself.
    fn pause(&self) {
        // Not every shell sets modes of its own.
        self.stage.revoke();
        if let Err(err) = rustix::process::kill_process(rustix::process::getpid(), Signal::STOP) {
            tracing::debug!(error = %err, "a client goes on although it was asked to stop");
        }
    }

    fn tell_size(&mut self) {
        let size = self.stage.size();
        if self.controls && size != self.size {
            self.size = size;
            self.connection.queue(&FromClient::Resize(size));
        }
    }

    /// Reads what is typed; answers whether that was the wish to leave, or nobody is there any longer.
    fn hear(&mut self) -> bool {
        let count = match rustix::io::read(self.stage.input(), &mut self.buffer) {
            Ok(0) => return true,
            Ok(count) => count,
            Err(Errno::INTR | Errno::AGAIN) => return false,
            Err(_) => return true,
        };
        // Whoever changes the size and types sees what was typed at the new size.
        if self.signals.take(&[Signal::WINCH]).is_some() {
            self.tell_size();
        }
        let now = Instant::now();
        let typed = self.watch.take(&self.buffer[..count], now);
        let leaves = typed.is_farewell(self.role);
        self.say(typed.bytes);
        leaves
    }

    /// Sends what was typed, if it is ours to type.
    fn say(&mut self, bytes: Vec<u8>) {
        if self.controls && !bytes.is_empty() {
            self.connection.queue(&FromClient::Input(bytes));
        }
    }

    /// Shows what the holder said.
    fn take_messages(&mut self) -> Result<Option<Departure>, TerminalError> {
        while let Some(message) = self.connection.next()? {
            if let Some(departure) = self.take_message(message)? {
                return Ok(Some(departure));
            }
        }
        Ok((!self.connection.is_open()).then_some(Departure::Gone))
    }

    fn take_message(&mut self, message: FromHolder) -> Result<Option<Departure>, TerminalError> {
        match message {
            FromHolder::Output { bytes, .. } => self.stage.show(&bytes),
            FromHolder::Snapshot { bytes, is_last, .. } => {
                if self.picture != Picture::Coming {
                    self.stage.begin();
                }
                self.picture = if is_last { Picture::Whole } else { Picture::Coming };
                self.stage.show(&bytes);
            }
            FromHolder::Status(status) => self.heed_status(status),
            FromHolder::Exit(exited) => return Ok(Some(Departure::Exited(exited))),
            FromHolder::Refused(Refusal { code, message }) if self.picture == Picture::None => {
                return Err(TerminalError::Refused { code, message });
            }
            FromHolder::Refused(refusal) if refusal.code == "full" => return Ok(Some(Departure::Displaced)),
            FromHolder::Refused(refusal) => {
                tracing::debug!(code = refusal.code, "the holder refused something");
            }
            FromHolder::Borrowed(is_taken) => self.heed_borrowed(is_taken),
            FromHolder::Returned { leaves, unfinished } => {
                return Ok(self.heed_returned(leaves, unfinished));
            }
            FromHolder::Undo(undo) => self.stage.keep_undo(undo),
            FromHolder::Hello(_) | FromHolder::Answer { .. } => (),
        }
        Ok(None)
    }

    fn heed_status(&mut self, status: Status) {
        if self.role == Role::Observe {
            return;
        }
        let had = std::mem::replace(&mut self.controls, status.controls);
        self.was_taken = !status.controls;
        if had && !status.controls && self.stage.is_terminal() && self.lending.shows() {
            self.stage.show(TAKEN_TITLE);
        }
        if !had && status.controls {
            self.tell_size();
        }
    }
}
