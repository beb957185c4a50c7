//! The process that keeps one session's context: its interpreter, its log and its socket, and nothing else.
//!
//! One thread in one `poll` loop over the sockets; a second one has the context, and runs one command after the other.

mod client;
mod desk;
mod environment;
mod execute;
mod jobs;
mod leader;
mod pool;
mod seat;
mod serving;
mod teller;
mod worker;

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixListener,
    },
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use self::{client::Client, desk::Desk, leader::Present, seat::Seat, teller::Teller, worker::Worker};
use super::{Keeper, Order, ShellError, message::FromHolder};
use crate::{
    clock::Clock,
    process::{self, Signal, Signals},
};

/// How long callers may take to read the last of what there is.
const FAREWELL: Duration = Duration::from_millis(500);
/// What tells a holder to save its context and to end.
const ENDING: [Signal; 2] = [Signal::TERM, Signal::INT];
/// What a holder hears: besides, that a child ended, and HUP, which means nothing to it.
const HEARD: [Signal; 4] = [Signal::CHILD, Signal::HUP, Signal::TERM, Signal::INT];

/// What the thread with the sockets has.
struct Holder {
    order: Order,
    listener: UnixListener,
    signals: Signals,
    clients: Vec<Client>,
    /// What the next connection is called.
    number: u64,
    desk: Arc<Desk>,
    teller: Teller,
    /// Who waits for the context to be unloaded.
    unloading: Vec<u64>,
    /// Whether what runs ends with the context.
    ends_jobs: bool,
    /// Whether children may have ended that were not reaped yet.
    is_reaping: bool,
}

/// What can become ready.
#[derive(Clone, Copy, Debug)]
enum Source {
    Listener,
    Signals,
    Bell,
    Client(usize),
    /// A command that takes input again.
    Room(usize),
}

/// Keeps a context until it is unloaded. `told` hears once, when callers can come; an error means that nobody ever could.
pub fn hold(
    order: Order,
    keeper: Box<dyn Keeper>,
    clock: Arc<dyn Clock>,
    told: impl FnOnce(),
) -> Result<(), ShellError> {
    let seat = Seat::take(&order.place)?;
    let listener = seat.listen()?;
    let failed = |source| {
        let path = order.place.worktree.clone();
        ShellError::Io { action: "use", path, source }
    };
    process::become_subreaper().map_err(failed)?;
    let signals = Signals::hear(&HEARD).map_err(failed)?;
    let desk = Arc::new(Desk::new(order.place.limits.callers_max).map_err(failed)?);
    let teller = Teller::begin(order.place.id, keeper).map_err(failed)?;
    let worker = Worker::new(order.clone(), Arc::clone(&desk), clock);
    let thread = thread::Builder::new().name("context".to_owned()).spawn(move || worker.run());
    let thread = thread.map_err(failed)?;
    told();
    let holder = Holder {
        order,
        listener,
        signals,
        clients: Vec::new(),
        number: 0,
        desk,
        teller,
        unloading: Vec::new(),
        ends_jobs: false,
        is_reaping: false,
    };
    holder.run(seat, thread);
    Ok(())
}

impl Holder {
    /// Serves callers until the context is unloaded.
    fn run(mut self, seat: Seat, worker: JoinHandle<()>) {
        while !self.desk.is_over() {
            if let Err(err) = self.turn() {
                tracing::error!(sessionId = %self.order.place.id, error = %err, "a holder cannot wait for anything");
                thread::sleep(Duration::from_millis(10));
            }
            self.advance();
        }
        self.leave(seat, worker);
    }

    /// Waits until something is ready, and deals with it.
    fn turn(&mut self) -> io::Result<()> {
        let sources = self.sources();
        let mut fds: Vec<PollFd<'_>> = sources
            .iter()
            .map(|(source, flags)| PollFd::from_borrowed_fd(self.fd(*source), *flags))
            .collect();
        match poll(&mut fds, None) {
            Ok(_) => (),
            Err(Errno::INTR) => return Ok(()),
            Err(err) => return Err(err.into()),
        }
        let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        for ((source, _), flags) in sources.into_iter().zip(ready) {
            if !flags.is_empty() {
                self.deal(source, flags)?;
            }
        }
        Ok(())
    }

    fn sources(&self) -> Vec<(Source, PollFlags)> {
        let mut sources = vec![
            (Source::Listener, PollFlags::IN),
            (Source::Signals, PollFlags::IN),
            (Source::Bell, PollFlags::IN),
        ];
        for (at, client) in self.clients.iter().enumerate() {
            let out = if client.waits() { PollFlags::OUT } else { PollFlags::empty() };
            sources.push((Source::Client(at), PollFlags::IN | out));
            if client.room().is_some() {
                sources.push((Source::Room(at), PollFlags::IN));
            }
        }
        sources
    }

    fn fd(&self, source: Source) -> BorrowedFd<'_> {
        match source {
            Source::Listener => self.listener.as_fd(),
            Source::Signals => self.signals.as_fd(),
            Source::Bell => self.desk.as_fd(),
            Source::Client(at) => self.clients[at].as_fd(),
            Source::Room(at) => self.clients[at].room().expect("it was asked for its room"),
        }
    }

    fn deal(&mut self, source: Source, flags: PollFlags) -> io::Result<()> {
        match source {
            Source::Listener => self.accept()?,
            Source::Signals => {
                self.signals.clear();
                self.is_reaping = true;
                if self.signals.take(&ENDING).is_some() {
                    tracing::info!(sessionId = %self.order.place.id, "a context is saved, for its holder was told to end");
                    self.unload_now(None);
                }
            }
            Source::Bell => self.desk.hear(),
            Source::Client(at) => {
                if flags.contains(PollFlags::OUT) {
                    self.clients[at].flush();
                }
                if flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                    for message in self.clients[at].listen() {
                        self.serve(at, message);
                    }
                }
            }
            Source::Room(at) => self.clients[at].pass_stdin(),
        }
        Ok(())
    }

    /// Hands on what the other thread has for callers, forgets those that are gone, and reaps.
    fn advance(&mut self) {
        for client in &mut self.clients {
            client.collect(&self.desk);
            if client.is_gone {
                self.desk.leave(client.number);
            }
        }
        self.clients.retain(|client| !client.is_gone);
        if self.is_reaping {
            match self.desk.leader.present() {
                Present::Nobody => self.reap(None),
                Present::Is(pid) => self.reap(Some(pid)),
                Present::Changes => (),
            }
        }
    }

    fn reap(&mut self, leader: Option<u32>) {
        self.is_reaping = false;
        if let Err(err) = process::reap_adopted(leader) {
            tracing::warn!(sessionId = %self.order.place.id, error = %err, "processes that ended were not reaped");
        }
    }

    /// Ends what is left, gives the place free, and says farewell.
    fn leave(mut self, seat: Seat, worker: JoinHandle<()>) {
        let id = self.order.place.id;
        if worker.join().is_err() {
            tracing::error!(sessionId = %id, "the thread that has the context ended by itself");
        }
        if self.ends_jobs {
            jobs::end(id);
        }
        self.teller.end();
        // Whoever hears of the end may start the next holder at once, so the place is free by then.
        drop(self.listener);
        drop(seat);
        let deadline = Instant::now() + FAREWELL;
        for client in &mut self.clients {
            client.collect(&self.desk);
            if self.unloading.contains(&client.number) {
                client.say(&FromHolder::Unloaded);
            }
        }
        for client in &mut self.clients {
            client.flush_until(deadline);
        }
    }
}
