//! What the first process of a container does: it runs one command, notices the end of every orphan, hands signals on,
//! and goes only after everything else has gone (RUNTIME 1).

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt as _,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, Signal, WaitOptions, kill_process, wait},
};

use super::{Signals, become_subreaper, keyboard, kill_tree};

/// Signals that the command gets as they are.
const HANDED_ON: [Signal; 5] = [Signal::HUP, Signal::USR1, Signal::USR2, Signal::QUIT, Signal::WINCH];
/// Signals that end everything.
const ENDING: [Signal; 2] = [Signal::TERM, Signal::INT];
/// How long to wait before a command that failed is started again, at first and at most.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
const RESTART_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a command must have run for its failure to be a new one.
const RESTART_FORGIVEN: Duration = Duration::from_mins(1);
/// The code that shells have for a program that cannot be run.
const NOT_RUNNABLE: u8 = 126;
/// The code of a command that was not to begin any more, as that of one that a TERM ended.
const NEVER_BEGUN: u8 = 128 + 15;
/// How often to look whether everything has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long to go on killing what does not end.
const KILLING: Duration = Duration::from_secs(1);

/// What to run, and how to end.
#[derive(Clone, Debug)]
pub struct Charge {
    /// The command; empty: nothing but what is there.
    pub command: Vec<OsString>,
    /// Whether a command that fails is started again.
    pub restart: bool,
    /// How long everything together may take to end before it is killed.
    pub grace: Duration,
}

/// A process that hears what it is told from its first moment on, and then runs a command.
#[derive(Debug)]
pub struct Supervisor {
    signals: Signals,
}

impl Supervisor {
    /// Begins to hear signals; nothing is done about them before [`Self::run`].
    pub fn listen() -> io::Result<Self> {
        let heard = [&ENDING[..], &HANDED_ON, &[Signal::CHILD]].concat();
        Ok(Self { signals: Signals::hear(&heard)? })
    }

    /// Whether somebody has asked this process to end.
    pub fn is_told_to_end(&self) -> bool {
        self.signals.has(&ENDING)
    }

    /// Runs the command until it ends or somebody asks this process to end; not at all when somebody has. `stop` is called
    /// once, on a thread of its own, when everything is to end; it starts no processes. Answers the exit code of the
    /// command, 0 without one; an error when it cannot be run, after `stop`.
    ///
    /// Every child of this process is reaped here, so nothing else in it may wait for one.
    pub fn run(self, charge: &Charge, stop: impl FnOnce() + Send + 'static) -> io::Result<u8> {
        if std::process::id() != 1 {
            become_subreaper()?;
        }
        let mut ward =
            Ward { charge, running: None, had_keyboard: None, again_at: None, pause: RESTART_PAUSE, code: 0 };
        // Also where the command cannot be run, what runs already ends in order.
        let mut failure = None;
        if self.is_told_to_end() {
            ward.code = NEVER_BEGUN;
        } else {
            failure = ward.start().err();
        }
        let mut stop = Some(stop);
        let mut ending: Option<(Instant, thread::JoinHandle<()>)> = None;
        loop {
            reap_all(&mut ward)?;
            let asked = self.take(&ward);
            if (asked || ward.is_done())
                && let Some(stop) = stop.take()
            {
                ward.give_up();
                let thread = thread::Builder::new().name("stop".to_owned()).spawn(stop)?;
                ending = Some((Instant::now() + charge.grace, thread));
            }
            let now = Instant::now();
            match &ending {
                Some((deadline, thread))
                    if now >= *deadline || (thread.is_finished() && ward.running.is_none()) =>
                {
                    kill_all();
                    return failure.map_or(Ok(ward.code), Err);
                }
                Some(_) => self.wait(Some(LOOK_EVERY))?,
                None => {
                    ward.start_again(now);
                    self.wait(ward.again_at.map(|at| at.saturating_duration_since(now)))?;
                }
            }
        }
    }

    /// Hands on what came; says whether everything is to end.
    fn take(&self, ward: &Ward<'_>) -> bool {
        self.signals.clear();
        for signal in HANDED_ON.into_iter().filter(|signal| self.signals.take(&[*signal]).is_some()) {
            ward.signal(signal);
        }
        self.signals.take(&ENDING).is_some()
    }

    fn wait(&self, limit: Option<Duration>) -> io::Result<()> {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut [PollFd::new(&self.signals, PollFlags::IN)], limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(err) => Err(err.into()),
        }
    }
}

/// The command and what became of it.
struct Ward<'a> {
    charge: &'a Charge,
    running: Option<(Pid, Instant)>,
    /// Who was given the keyboard last.
    had_keyboard: Option<Pid>,
    again_at: Option<Instant>,
    pause: Duration,
    code: u8,
}

impl Ward<'_> {
    #[expect(clippy::disallowed_methods, reason = "this is the door to the command of a container")]
    fn start(&mut self) -> io::Result<()> {
        let Some((program, args)) = self.charge.command.split_first() else {
            return Ok(());
        };
        let child = Command::new(program).args(args).process_group(0).spawn()?;
        let pid = Pid::from_child(&child);
        if keyboard::is_ours(self.had_keyboard) && keyboard::give(pid).is_ok() {
            self.had_keyboard = Some(pid);
            // A shell that looked for the keyboard before it had it has stopped itself.
            say(kill_process(pid, Signal::CONT));
        }
        self.running = Some((pid, Instant::now()));
        Ok(())
    }

    /// Starts it again when it is time. A program that is not there just now, as in the middle of an upgrade, is one more
    /// failure; the sessions go on meanwhile.
    fn start_again(&mut self, now: Instant) {
        if self.again_at.is_some_and(|at| now >= at) {
            self.again_at = None;
            if let Err(err) = self.start() {
                tracing::warn!(error = %err, "the command cannot be started");
                self.failed(NOT_RUNNABLE);
            }
        }
    }

    /// Whether the command has ended and does not come back.
    fn is_done(&self) -> bool {
        !self.charge.command.is_empty() && self.running.is_none() && self.again_at.is_none()
    }

    fn give_up(&mut self) {
        self.again_at = None;
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        if let Some((pid, _)) = self.running {
            // Not reaped yet, so the number still is the command's.
            say(kill_process(pid, signal));
        }
    }

    fn ended(&mut self, code: u8) {
        let Some((_, since)) = self.running.take() else {
            return;
        };
        self.code = code;
        if code == 0 || !self.charge.restart {
            return;
        }
        if since.elapsed() >= RESTART_FORGIVEN {
            self.pause = RESTART_PAUSE;
        }
        self.failed(code);
    }

    fn failed(&mut self, code: u8) {
        tracing::warn!(code, pause = ?self.pause, "the command failed and is started again");
        self.again_at = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(RESTART_PAUSE_MAX);
    }
}

fn reap_all(ward: &mut Ward<'_>) -> io::Result<()> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(None) | Err(Errno::CHILD) => return Ok(()),
            Ok(Some((ended, status))) => {
                if ward.running.is_some_and(|(pid, _)| pid == ended) {
                    let signalled = status.terminating_signal().map(|signal| 128 + signal);
                    let code = status.exit_status().or(signalled).unwrap_or(1);
                    ward.ended(u8::try_from(code).unwrap_or(u8::MAX));
                }
            }
            Err(Errno::INTR) => (),
            Err(err) => return Err(err.into()),
        }
    }
}

/// Ends what is left: as the first process of a container everything, else what is below this process.
fn kill_all() {
    match kill_tree(None, &[], KILLING) {
        Ok(remains) if remains.left.is_empty() => (),
        Ok(remains) => tracing::error!(count = remains.left.len(), "processes cannot be killed"),
        Err(err) => tracing::error!(error = %err, "processes cannot be listed"),
    }
}

/// Who has ended meanwhile needs no signal.
fn say(outcome: rustix::io::Result<()>) {
    if let Err(err) = outcome {
        tracing::debug!(error = %err, "a signal found nobody");
    }
}
