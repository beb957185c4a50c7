//! What clients may ask of a holder, and who of them controls.

use std::{
    io::ErrorKind,
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

use super::{
    Holder,
    answer::answer,
    client::{Client, View},
    ending::Ending,
};
use crate::{
    screen::Size,
    socket::is_of_own_user,
    terminal::{
        Attach, FromClient, FromHolder, Hello, Info, PROTOCOL, PROTOCOL_MIN, Role, Status, Stop,
        message::{FULL, HANGUP, TAKEN},
    },
};

/// How many connections may be open beside those that are attached; the oldest goes when there is one more.
const CALLERS_MAX: usize = 64;
/// How long those who knock wait at least where there was no room for them.
const KNOCK_AGAIN: Duration = Duration::from_millis(100);

impl Holder {
    /// Takes one of those who knock. Where this process can open nothing more, the oldest who only talks makes room; where
    /// everybody is attached, whoever knocks waits, and nobody else with them.
    pub(super) fn accept(&mut self, now: Instant) {
        // One at a time: without room, to ask whether there is another fails even if there is none.
        match self.listener.accept() {
            Ok((stream, _)) => {
                self.is_full = false;
                self.welcome(stream, now);
            }
            Err(err) if matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => (),
            Err(_) if self.let_oldest_go() => (),
            Err(err) => {
                self.knocks_at = Some(now + KNOCK_AGAIN);
                if !std::mem::replace(&mut self.is_full, true) {
                    tracing::warn!(sessionId = %self.launch.id, error = %err, "somebody knocked in vain, and waits");
                }
            }
        }
    }

    /// Listens anew where the socket was removed; whoever is connected stays.
    pub(super) fn look_after_door(&mut self) {
        let Some(seat) = &mut self.seat else {
            return;
        };
        match seat.retake(&self.held) {
            Ok(None) => (),
            Ok(Some(listener)) => {
                self.listener = listener;
                tracing::warn!(sessionId = %self.launch.id, "the socket of a session had been removed, and is there again");
            }
            Err(err) => {
                tracing::warn!(sessionId = %self.launch.id, error = %err, "the socket of a session stays away");
            }
        }
    }

    /// Says hello to who belongs to the same user.
    fn welcome(&mut self, stream: UnixStream, now: Instant) {
        if !is_of_own_user(&stream).unwrap_or(false) {
            return;
        }
        let here = || self.clients.iter().filter(|client| !client.is_gone);
        if here().filter(|client| client.view.is_none()).count() >= CALLERS_MAX {
            self.let_oldest_go();
        }
        match Client::of(stream, self.launch.limits.frame_bytes_max, now) {
            Ok(mut client) => {
                client.say(&FromHolder::Hello(self.hello()), now);
                self.clients.push(client);
            }
            Err(err) => tracing::debug!(error = %err, "a connection was lost at once"),
        }
    }

    /// Lets the oldest connection go that is not attached; says whether there was one.
    fn let_oldest_go(&mut self) -> bool {
        let oldest = self.clients.iter_mut().find(|it| it.view.is_none() && !it.is_gone);
        oldest.is_some_and(|oldest| !std::mem::replace(&mut oldest.is_gone, true))
    }

    fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            min: PROTOCOL_MIN,
            id: self.launch.id.to_string(),
            holder: std::process::id(),
            pid: self.program.pid().as_raw_nonzero().get().unsigned_abs(),
            rows: self.intake.size().rows(),
            cols: self.intake.size().cols(),
            exited: self.program.exited(),
            frame: self.launch.limits.frame_bytes_max,
        }
    }

    /// Does what a client asks.
    pub(super) fn serve(&mut self, at: usize, message: FromClient, now: Instant) {
        let view = self.clients[at].view;
        self.type_left(at);
        match message {
            FromClient::Attach(attach) => self.attach(at, attach, now),
            FromClient::Input(bytes) => self.take_input(at, &bytes, now),
            FromClient::Resize(size) => {
                if view.is_some_and(|view| view.controls) {
                    self.resize(size, now);
                }
            }
            FromClient::Signal(signal) => self.signal(at, signal, now),
            FromClient::Stop(stop) => self.stop(stop, now),
            FromClient::Hangup => self.stop(HANGUP, now),
            FromClient::Ask(question) => {
                if self.is_deaf(at) {
                    return;
                }
                let info = self.info(now);
                let bytes = answer(question, self.intake.screen(), &info);
                self.clients[at].say(&FromHolder::Answer { bytes, is_last: true }, now);
            }
            FromClient::Report(told) => {
                let bytes = if self.reporter.hear(told) { TAKEN } else { FULL }.to_vec();
                self.clients[at].say(&FromHolder::Answer { bytes, is_last: true }, now);
            }
            FromClient::Lend(lend) => self.borrow(at, &lend, now),
            FromClient::GoAhead => {
                if let Some(lent) = &mut self.clients[at].lent {
                    lent.go_ahead();
                    self.clients[at].flush_terminal(now);
                }
            }
            FromClient::TakeBack => self.clients[at].give_back(false, now),
            FromClient::Detach => self.clients[at].is_gone = true,
        }
    }

    fn take_input(&mut self, at: usize, bytes: &[u8], now: Instant) {
        let controls = self.clients[at].view.is_some_and(|view| view.controls);
        if self.clients[at].lent.is_some() && !self.program.takes_input() {
            let message = "the keys of a terminal that is lent come from there";
            self.refuse(at, "bad-message", message, now);
        } else if self.clients[at].view.is_some_and(|view| !view.controls) {
            self.refuse(at, "not-control", "another client controls this session", now);
        } else if self.program.takes_keys() || (controls && self.program.takes_last_keys()) {
            // Whoever controls is told of no refusal: what was read is typed, and the rest waits over there.
            self.activity.happened(now);
            self.program.type_in(bytes);
            self.clients[at].has_typed_too_much = !self.program.takes_input();
        } else {
            // Everybody who types is heard until it is too much once, and they are many.
            self.refuse(at, "not-read", "the program has not read what was typed before", now);
        }
    }

    /// Whether a client talks and does not read, which ends its connection: answers without end would fill the memory.
    fn is_deaf(&mut self, at: usize) -> bool {
        let client = &mut self.clients[at];
        client.is_gone |= client.waiting() > self.launch.limits.queue_bytes_max;
        client.is_gone
    }

    fn refuse(&mut self, at: usize, code: &str, message: &str, now: Instant) {
        if !self.is_deaf(at) {
            self.clients[at].refuse(code, message, now);
        }
    }

    fn attach(&mut self, at: usize, attach: Attach, now: Instant) {
        if self.is_deaf(at) {
            return;
        }
        if attach.protocol < PROTOCOL_MIN {
            let message = format!("protocol {} is too old, this holder speaks {PROTOCOL}", attach.protocol);
            return self.refuse(at, "protocol", &message, now);
        }
        if !self.make_place(at, attach.role, now) {
            let clients_max = self.launch.limits.clients_max;
            let message = format!("as many clients are attached as may be ({clients_max})");
            return self.refuse(at, "full", &message, now);
        }
        if attach.role == Role::Control && self.others(at).any(|(_, view)| view.controls) {
            let message = "another client controls this session; take over, or observe";
            return self.refuse(at, "controlled", message, now);
        }
        if attach.role == Role::Take {
            self.take_in();
            let unfinished = self.intake.screen().unfinished();
            for other in (0..self.clients.len()).filter(|other| *other != at) {
                if let Some(view) = self.clients[other].view.as_mut().filter(|view| view.controls) {
                    view.controls = false;
                    self.clients[other].show_taken(&unfinished);
                    self.tell_status(other, now);
                }
            }
        }
        let view = View::of(attach.role, attach.is_terminal, attach.scrollback);
        if view.controls
            && let Some(size) = Size::new(attach.rows, attach.cols)
        {
            self.resize(size, now);
        }
        self.clients[at].view = Some(view);
        self.tell_status(at, now);
        self.show_screen(at, view.scrollback, now);
    }

    /// Those who are attached beside this one, the oldest first. Who left in this very turn is still among the clients.
    fn others(&self, at: usize) -> impl Iterator<Item = (usize, View)> {
        let clients = self.clients.iter().enumerate();
        let here = clients.filter(move |(other, client)| *other != at && !client.is_gone);
        here.filter_map(|(other, client)| Some((other, client.view?)))
    }

    /// Makes sure that there is a place for this one; answers whether there is. Where there is none, whoever takes control gets
    /// that of who controls, else of the oldest who looks on: a crowd keeps nobody from a session.
    fn make_place(&mut self, at: usize, role: Role, now: Instant) -> bool {
        if self.others(at).count() < self.launch.limits.clients_max {
            return true;
        }
        let leaves = self.others(at).find(|(_, view)| view.controls).or_else(|| self.others(at).next());
        let Some((other, _)) = leaves.filter(|_| role == Role::Take) else {
            return false;
        };
        self.take_in();
        if let Some(view) = &mut self.clients[other].view {
            view.controls = false;
        }
        self.tell_status(other, now);
        self.clients[other]
            .dismiss("another client took control, and its place: no more may be attached", now);
        true
    }

    /// Gives everybody who missed something the screen anew, without its scrollback, which they may have in part.
    pub(super) fn catch_up(&mut self, now: Instant) {
        for at in 0..self.clients.len() {
            if self.clients[at].wants_screen() {
                self.show_missed(at, now);
            }
        }
    }

    /// Gives a client that missed something the screen anew, behind what waits for it.
    pub(super) fn show_missed(&mut self, at: usize, now: Instant) {
        // What it was not shown so far it does not answer.
        self.take_in();
        if self.clients[at].stops_missing() {
            self.show_screen(at, 0, now);
        }
    }

    fn show_screen(&mut self, at: usize, scrollback: usize, now: Instant) {
        self.take_in();
        let bytes = self.intake.screen().snapshot(scrollback);
        self.clients[at].show_anew(self.offset, bytes, now);
    }

    fn tell_status(&mut self, at: usize, now: Instant) {
        let size = self.intake.size();
        let controls = self.clients[at].view.is_some_and(|view| view.controls);
        let status = Status { controls, rows: size.rows(), cols: size.cols() };
        self.clients[at].say(&FromHolder::Status(status), now);
    }

    /// Gives terminal and screen another size. Everybody gets the screen anew, also who controls: what flows onto a larger
    /// terminal from above comes from its own scrollback, which is not that of the session.
    pub(super) fn resize(&mut self, size: Size, now: Instant) {
        if size == self.intake.size() {
            return;
        }
        // What was printed so far was printed at the old size.
        self.take_in();
        self.intake.resize(size);
        self.program.resize(size);
        for at in 0..self.clients.len() {
            let Some(view) = self.clients[at].view else {
                continue;
            };
            if !view.controls {
                self.tell_status(at, now);
            }
            if self.clients[at].waiting() > self.launch.limits.queue_bytes_max {
                self.clients[at].fall_behind();
            } else {
                self.show_screen(at, 0, now);
            }
        }
    }

    /// Has a full-screen program draw everything again: only another size makes it do so.
    pub(super) fn redraw(&mut self) {
        let size = self.intake.size();
        if let Some(other) =
            Size::new(size.rows(), size.cols() + 1).or(Size::new(size.rows(), size.cols() - 1))
        {
            self.program.resize(other);
            self.program.resize(size);
        }
    }

    /// Begins to end the session, or makes an end that was begun come sooner.
    pub(super) fn stop(&mut self, stop: Stop, now: Instant) {
        let asked = Ending::asked(stop, self.program.foreground(), self.program.living(), now);
        self.ending = Some(self.ending.map_or(asked, |ending| ending.hurry(asked)));
    }

    fn signal(&mut self, at: usize, signal: i32, now: Instant) {
        let signal = rustix::process::Signal::from_named_raw(signal);
        let group = self.program.living().and_then(|leader| self.program.foreground().or(Some(leader)));
        let (Some(signal), Some(group)) = (signal, group) else {
            return self.refuse(at, "bad-message", "there is no such signal, or nobody to take it", now);
        };
        if let Err(err) = rustix::process::kill_process_group(group, signal) {
            tracing::debug!(error = %err, "a signal found nobody");
        }
    }

    fn info(&mut self, now: Instant) -> Info {
        let hello = self.hello();
        let here = || self.clients.iter().filter(|client| !client.is_gone);
        let views = || here().filter_map(|client| client.view);
        let screen = self.intake.screen();
        Info {
            pid: hello.pid,
            holder: hello.holder,
            rows: hello.rows,
            cols: hello.cols,
            output: self.offset,
            silent_ms: u64::try_from(self.activity.silence(now).as_millis()).unwrap_or(u64::MAX),
            clients: views().count(),
            is_controlled: views().any(|view| view.controls),
            title: screen.title().map(ToOwned::to_owned),
            alternate: screen.is_alternate(),
            bracketed_paste: screen.takes_bracketed_paste(),
            application_cursor: screen.takes_application_cursor(),
            mood: Some(self.activity.mood()),
        }
    }
}
