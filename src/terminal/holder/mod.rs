//! The process that owns one session's terminal: program, screen and socket, and nothing else.
//!
//! One thread in one `poll` loop; a second one writes down what happens, so that the disk never holds up the terminal, and
//! while a program floods, and only then, a third one feeds screen and log.

mod activity;
mod answer;
mod begin;
mod borrowing;
mod client;
mod ending;
mod farewell;
mod intake;
mod lent;
mod output;
mod program;
mod reporter;
mod serving;

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixListener,
    },
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::{
    activity::Activity, begin::Seat, client::Client, ending::Ending, intake::Intake, output::Backlog,
    program::Program, reporter::Reporter,
};
use super::{
    Exited, Held, Keeper, Launch, Started, Stop, TerminalError, reach::LOOK_AGAIN, runtime::Runtime,
};
use crate::{
    clock::Clock,
    process::{self, Signal, Signals},
    workspace::Workspace,
};

/// How long to wait for more output from what still has the terminal after the program ended.
const LAST_OUTPUT: Duration = Duration::from_millis(500);
/// The same where that, a process that is to be kept, goes on printing.
const LAST_OUTPUT_MAX: Duration = Duration::from_secs(2);
/// How long clients may take to read the last output.
const FAREWELL: Duration = Duration::from_millis(500);
/// What tells a holder to end its session.
const ENDING: [Signal; 2] = [Signal::TERM, Signal::INT];
/// What a holder hears: besides, that a child ended, and HUP, which means nothing to it.
const HEARD: [Signal; 4] = [Signal::CHILD, Signal::HUP, Signal::TERM, Signal::INT];
/// How a session ends when its holder is told to: the container is about to stop.
const SHUTDOWN: Stop = Stop { signal: None, grace_ms: 5_000, shutdown: true };

/// Everything a holder has.
struct Holder {
    launch: Launch,
    /// Its place; given up when the end is written down.
    seat: Option<Seat>,
    /// What is told of this holder beside its socket.
    held: Held,
    listener: UnixListener,
    /// When it is looked again who knocks: nothing more could be opened for them.
    knocks_at: Option<Instant>,
    /// Whether that was said.
    is_full: bool,
    signals: Signals,
    program: Program,
    intake: Intake,
    /// How many bytes the program has printed.
    offset: u64,
    clients: Vec<Client>,
    activity: Activity,
    ending: Option<Ending>,
    /// Since when nothing of the session is left but perhaps its last output.
    cleared_at: Option<Instant>,
    reporter: Reporter,
    clock: Box<dyn Clock>,
    backlog: Backlog,
}

/// What can become ready.
#[derive(Clone, Copy, Debug)]
enum Source {
    Listener,
    Signals,
    Exit,
    Terminal,
    Client(usize),
    /// The terminal that a client lent.
    Lent(usize),
}

/// Runs a session's program to its end. `told` hears once, when it runs and that is written down; an error means that
/// it never ran.
pub fn hold(
    launch: Launch,
    keeper: Box<dyn Keeper>,
    clock: Box<dyn Clock>,
    told: impl FnOnce(&Started),
) -> Result<Exited, TerminalError> {
    let runtime = Runtime::of(&launch.workspace);
    let seat = Seat::take(&runtime, &launch)?;
    let listener = seat.listen()?;
    let place = launch.worktree.clone();
    let failed = |source| TerminalError::Io {
        action: "become the parent of all processes in",
        path: place.clone(),
        source,
    };
    process::become_subreaper().map_err(failed)?;
    let signals = Signals::hear(&HEARD).map_err(failed)?;
    let (program, reporter, started) = seat.start(&launch, keeper)?;
    let held = Held::of(&launch, started.clone(), clock.now());
    seat.keep(&held);
    told(&started);
    let folder = Workspace::at(&launch.workspace).session_folder(launch.id);
    let holder = Holder {
        intake: Intake::begin(launch.size, launch.limits, folder),
        activity: Activity::begin(&launch.limits, Instant::now()),
        offset: 0,
        clients: Vec::new(),
        ending: None,
        cleared_at: None,
        backlog: Backlog::new(Instant::now()),
        launch,
        seat: Some(seat),
        held,
        listener,
        knocks_at: None,
        is_full: false,
        signals,
        program,
        reporter,
        clock,
    };
    Ok(holder.run())
}

impl Holder {
    /// Serves program and clients until nothing of the session is left.
    fn run(mut self) -> Exited {
        loop {
            if let Err(err) = self.turn() {
                tracing::error!(sessionId = %self.launch.id, error = %err, "a holder cannot wait for anything");
                thread::sleep(Duration::from_millis(10));
            }
            let now = Instant::now();
            self.advance(now);
            if let Some(exited) = self.program.exited()
                && self.is_over(now)
            {
                return self.leave(exited);
            }
        }
    }

    /// Waits until something is ready, and deals with it.
    fn turn(&mut self) -> io::Result<()> {
        let now = Instant::now();
        let room = self.launch.limits.queue_bytes_max;
        let held_up = self.clients.iter().filter_map(|client| client.holds_up(room, now)).max();
        let sources = self.sources(held_up.is_some());
        let mut fds: Vec<PollFd<'_>> = sources
            .iter()
            .map(|(source, flags)| PollFd::from_borrowed_fd(self.fd(*source), *flags))
            .collect();
        match poll(&mut fds, self.timeout(held_up, now).as_ref()) {
            Ok(_) => (),
            Err(rustix::io::Errno::INTR) => return Ok(()),
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

    /// What to wait for. What has ended is always ready and would wake this loop for ever, so it is left out.
    fn sources(&self, is_held_up: bool) -> Vec<(Source, PollFlags)> {
        let flag = |is_wanted: bool, flag: PollFlags| if is_wanted { flag } else { PollFlags::empty() };
        let mut sources = vec![(Source::Signals, PollFlags::IN)];
        if self.knocks_at.is_none() {
            sources.push((Source::Listener, PollFlags::IN));
        }
        if self.program.exited().is_none() {
            sources.push((Source::Exit, PollFlags::IN));
        }
        if !self.program.is_closed() && (!is_held_up || self.program.has_input()) {
            let flags = flag(!is_held_up, PollFlags::IN) | flag(self.program.has_input(), PollFlags::OUT);
            sources.push((Source::Terminal, flags));
        }
        let (listens, takes_keys) = (self.program.takes_input(), self.program.takes_keys());
        let sends = !self.backlog.gathers();
        for (at, client) in self.clients.iter().enumerate() {
            // Whoever lent a terminal may want it back, and types nothing here; others may want to look, or to end it.
            let hears = listens || client.lent.is_some() || !client.has_typed_too_much;
            let flags = flag(hears, PollFlags::IN) | flag(sends && client.waits(), PollFlags::OUT);
            sources.push((Source::Client(at), flags));
            if let Some(lent) = &client.lent {
                let flags = flag(takes_keys && lent.listens(), PollFlags::IN)
                    | flag(sends && lent.waits(), PollFlags::OUT);
                // One that hung up would be reported at once and for ever, wanted or not.
                if !flags.is_empty() {
                    sources.push((Source::Lent(at), flags));
                }
            }
        }
        sources
    }

    fn fd(&self, source: Source) -> BorrowedFd<'_> {
        match source {
            Source::Listener => self.listener.as_fd(),
            Source::Signals => self.signals.as_fd(),
            Source::Exit => self.program.exit_fd(),
            Source::Terminal => self.program.terminal_fd(),
            Source::Client(at) => self.clients[at].as_fd(),
            Source::Lent(at) => self.clients[at].lent_fd(),
        }
    }

    fn timeout(&self, held_up: Option<Instant>, now: Instant) -> Option<Timespec> {
        let ending = self.ending.as_ref().filter(|_| self.cleared_at.is_none()).map(Ending::due);
        let last = self.last_output_ends();
        let dues = [held_up, ending, last, self.activity.due(), self.backlog.due(), self.keys_due()];
        let dues = dues.into_iter().chain([self.knocks_at]);
        let dues = dues.chain(self.clients.iter().map(Client::leaves_at));
        let first = dues.flatten().min()?;
        Timespec::try_from(first.saturating_duration_since(now)).ok()
    }

    fn deal(&mut self, source: Source, flags: PollFlags) -> io::Result<()> {
        let now = Instant::now();
        match source {
            Source::Listener => self.accept(now),
            Source::Signals => {
                self.signals.clear();
                if self.signals.take(&ENDING).is_some() {
                    self.stop(SHUTDOWN, now);
                }
                if self.signals.take(&[LOOK_AGAIN]).is_some() {
                    self.look_after_door();
                }
                // Where nothing more can be opened, the others of this turn are dealt with all the same.
                if let Err(err) = process::reap_adopted(self.program.living_pid()) {
                    tracing::warn!(sessionId = %self.launch.id, error = %err, "orphans wait to be reaped");
                }
            }
            Source::Exit => {
                let asked = self.ending.is_some_and(|ending| ending.asked);
                if self.program.reap(asked)? {
                    let ending = self.ending.unwrap_or_else(|| Ending::by_itself(now));
                    self.ending = Some(ending.leader_ended(now));
                }
            }
            Source::Terminal => {
                if flags.contains(PollFlags::OUT) {
                    self.program.pass_input();
                }
                if flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                    self.take_output(now);
                }
            }
            Source::Lent(at) => {
                if flags.contains(PollFlags::OUT) {
                    self.clients[at].flush_terminal(now);
                }
                if flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                    self.hear_keys(at, now);
                }
            }
            Source::Client(at) => {
                if flags.contains(PollFlags::OUT) {
                    self.clients[at].flush(now);
                }
                if flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
                    // What it asks, and whether it answers for the terminal, is about everything it was shown.
                    self.take_in();
                    let said = self.clients[at].listen();
                    let is_heard = self.clients[at].leaves_at().is_none();
                    for message in said.into_iter().filter(|_| is_heard) {
                        self.serve(at, message, now);
                    }
                }
            }
        }
        Ok(())
    }

    /// What time brings: moods, steps of an end, screens for those that missed something.
    fn advance(&mut self, now: Instant) {
        self.catch_breath(now);
        self.release_keys(now);
        self.knocks_at.take_if(|at| now >= *at);
        if self.program.takes_input() {
            self.clients.iter_mut().for_each(|client| client.has_typed_too_much = false);
        }
        if let Some(mood) = self.activity.news(now) {
            self.reporter.tell(mood);
        }
        if let Some(ending) = &mut self.ending
            && self.cleared_at.is_none()
            && ending.step(self.program.living(), &self.launch.keep, now)
        {
            self.cleared_at = Some(now);
        }
        self.catch_up(now);
        self.clients.iter_mut().for_each(|client| client.leave(now));
        if self.clients.iter().any(|client| client.is_gone) {
            self.take_in();
            for client in self.clients.iter_mut().filter(|client| client.is_gone) {
                client.abandon();
            }
            self.clients.retain(|client| !client.is_gone);
        }
    }

    /// Whether nothing of the session is left, and nothing more is to be expected.
    fn is_over(&self, now: Instant) -> bool {
        self.last_output_ends().is_some_and(|end| self.program.is_closed() || now >= end)
    }

    /// Until when output is waited for, once nothing else of the session is left.
    fn last_output_ends(&self) -> Option<Instant> {
        let silence = self.activity.happened_at() + LAST_OUTPUT;
        self.cleared_at.map(|at| silence.min(at + LAST_OUTPUT_MAX))
    }

    /// Has the end written down, and says farewell.
    fn leave(mut self, exited: Exited) -> Exited {
        self.take_in();
        let now = Instant::now();
        for at in 0..self.clients.len() {
            self.show_missed(at, now);
        }
        if let Some(seat) = &self.seat {
            seat.forget();
        }
        self.reporter.end(exited, self.ending.is_some_and(|ending| ending.shutdown));
        // Whoever hears of the end may start the next program at once, so the place is free by then.
        self.seat = None;
        self.hear_out();
        let Self { mut clients, .. } = self;
        let now = Instant::now();
        for client in &mut clients {
            client.flush_terminal(now);
            if client.is_gone {
                client.abandon();
            }
            client.give_back(false, now);
            client.say(&super::FromHolder::Exit(exited), now);
        }
        for client in &mut clients {
            client.flush_for(FAREWELL);
        }
        exited
    }
}
